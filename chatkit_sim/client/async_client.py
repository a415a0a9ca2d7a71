"""The simulated client for tests that run on an event loop of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from chatkit.types import ThreadItem, ThreadStreamEvent

from ..errors import UsageError
from ..recording import ThreadView, Turn
from ..wire import Request
from .core import ClientCore, Content, SendOptions
from .face import SAME, ClientFace
from .stepper import TurnStepper


class AsyncSimulatedClient(ClientFace):
    """``SimulatedClient`` with the same names, awaitable, on the test's own event loop.

    Example::

        async with AsyncSimulatedClient(TodoServer(MemoryStore()), model=ModelScript(says("Hello!"))) as client:
            turn = await client.send("Hi")
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            if error is None:
                self._core.bench.conclude()
        finally:
            await self._core.bench.aclose()

    async def close(self) -> None:
        """See ``SimulatedClient.close``."""
        __tracebackhide__ = True
        await self.__aexit__(None, None, None)

    async def send(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> Turn:
        """See ``SimulatedClient.send``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.message(content, options))).unwrap()

    async def retry(self, item_id: str | None = None) -> Turn:
        """See ``SimulatedClient.retry``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.retrying(item_id))).unwrap()

    async def action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """See ``SimulatedClient.action``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.acting(type, payload, item))).unwrap()

    def stream(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> AsyncTurnStream:
        """See ``SimulatedClient.stream``; used with ``async with`` and ``async for``."""
        return AsyncTurnStream(self._core, self._core.message(content, options))

    async def reload(self) -> ThreadView:
        """See ``SimulatedClient.reload``."""
        __tracebackhide__ = True
        return await self._core.reload()

    async def request(self, type: str, /, **params: Any) -> Any:
        """See ``SimulatedClient.request``."""
        __tracebackhide__ = True
        return await self._core.ask(Request(type, params))

    def another(self, *, context: Any = SAME, thread_id: str | None = None) -> AsyncSimulatedClient:
        """See ``SimulatedClient.another``."""
        return AsyncSimulatedClient._over(self._other_core(context, thread_id))


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
