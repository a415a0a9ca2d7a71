"""A turn taken event by event, for sync and for async tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self

from chatkit.types import ThreadStreamEvent

from ..errors import UsageError
from ..recording import Turn
from ..wire import Request
from .core import ClientCore
from .stepper import TurnStepper


class TurnStream:
    """A turn taken event by event: ``with client.stream(...) as stream: for event in stream: ...``.

    Leaving the block sees the turn to its end and raises what the rules found, unless the test raised already.
    """

    def __init__(self, core: ClientCore, request: Request) -> None:
        self._core = core
        self._bench = core.bench
        self._request = request
        self._stepper: TurnStepper | None = None
        self._turn: Turn | None = None

    @property
    def turn(self) -> Turn:
        """The turn: as recorded so far, and whole after the block."""
        return self._turn if self._turn is not None else self._begun().driver.turn()

    def cancel(self) -> None:
        """Press stop at the event that was just seen, or, called by a client tool's handler, while it runs.

        What the handler returns is not posted then.

        Raises:
            UsageError: The server's ``stream_options`` do not allow it, or nothing is being streamed.
        """
        __tracebackhide__ = True
        stepper = self._begun()
        if not stepper.cancel_in_handler():
            self._bench.run(stepper.cancel)

    def disconnect(self) -> None:
        """Close the page at the event that was just seen."""
        __tracebackhide__ = True
        self._bench.run(self._begun().disconnect)

    def __iter__(self) -> Iterator[ThreadStreamEvent]:
        __tracebackhide__ = True
        stepper = self._begun()
        while not stepper.finished:
            event = self._bench.run(stepper.next)
            if event is None:
                return
            yield event

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self._stepper = self._bench.run(lambda: self._core.step(self._request))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        stepper = self._begun()
        outcome = self._bench.run(lambda: self._core.conclude(stepper))
        self._turn = outcome.turn
        if error is None:
            outcome.unwrap()

    def _begun(self) -> TurnStepper:
        if self._stepper is None:
            raise UsageError("Open the stream first: with client.stream(...) as stream: ...")
        return self._stepper


class AsyncTurnStream:
    """See ``TurnStream``."""

    def __init__(self, core: ClientCore, request: Request) -> None:
        self._core = core
        self._request = request
        self._stepper: TurnStepper | None = None
        self._turn: Turn | None = None

    @property
    def turn(self) -> Turn:
        """The turn: as recorded so far, and whole after the block."""
        return self._turn if self._turn is not None else self._begun().driver.turn()

    async def cancel(self) -> None:
        """See ``TurnStream.cancel``."""
        __tracebackhide__ = True
        await self._begun().cancel()

    async def disconnect(self) -> None:
        """See ``TurnStream.disconnect``."""
        __tracebackhide__ = True
        await self._begun().disconnect()

    async def __aiter__(self) -> AsyncIterator[ThreadStreamEvent]:
        __tracebackhide__ = True
        stepper = self._begun()
        while not stepper.finished:
            event = await stepper.next()
            if event is None:
                return
            yield event

    async def __aenter__(self) -> Self:
        self._stepper = await self._core.step(self._request)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        outcome = await self._core.conclude(self._begun())
        self._turn = outcome.turn
        if error is None:
            outcome.unwrap()

    def _begun(self) -> TurnStepper:
        if self._stepper is None:
            raise UsageError("Open the stream first: async with client.stream(...) as stream: ...")
        return self._stepper
