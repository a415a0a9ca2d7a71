"""The simulated client for ordinary, synchronous tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from chatkit.types import ThreadItem, ThreadStreamEvent

from ..errors import UsageError
from ..recording import ThreadView, Turn
from ..wire import Request
from .bench import Bench
from .core import ClientCore, Content, Outcome, SendOptions
from .face import SAME, ClientFace
from .stepper import TurnStepper


class SimulatedClient(ClientFace):
    """A simulated ChatKit web client that drives a real server, without a browser, a network or an API key.

    Every turn goes on through all client tools until the client is idle; then every rule is checked, and what is
    broken is raised once, as a ``ViolationError`` at the line of the test that drove the turn.

    Args:
        server: A ``ChatKitServer`` or a factory of one; or a ``Bench`` to share with other clients.
        context: The request context, or a function that makes it for each request.
        options: Further arguments of ``Bench``: ``store``, ``model``, ``catalogue``, ``limits``, ``policies``,
            ``allow_network``, ``strict_network``.

    Example::

        with SimulatedClient(TodoServer(MemoryStore()), model=ModelScript(says("Hello!"))) as client:
            assert client.send("Hi").text == "Hello!"
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            if error is None:
                self._core.bench.conclude()
        finally:
            self._core.bench.close()

    def close(self) -> None:
        """Judge the test as a whole (steps left over, the network), then release everything. May be called twice.

        Raises:
            ViolationError: A rule about the whole test is broken.
        """
        __tracebackhide__ = True
        self.__exit__(None, None, None)

    def send(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> Turn:
        """Send a message and drive the turn until the client is idle.

        Args:
            content: A text, a content part (``{"type": "input_tag", ...}``), or several.
            options: ``attachments``, ``quoted_text``, ``tool_choice``, ``model``, ``new_thread``: see ``SendOptions``.

        Raises:
            ViolationError: A rule is broken.
            LimitError: A limit of the client was reached.
        """
        __tracebackhide__ = True
        return self._drive(self._core.message(content, options)).unwrap()

    def retry(self, item_id: str | None = None) -> Turn:
        """Have a user message (by default the last) responded to again; what followed it is gone."""
        __tracebackhide__ = True
        return self._drive(self._core.retrying(item_id)).unwrap()

    def action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """Dispatch a custom action: of the widget ``item``, or of the page itself.

        Args:
            type: The action's type.
            payload: Its payload, a JSON value.
            item: The widget item, or its id.
        """
        __tracebackhide__ = True
        return self._drive(self._core.acting(type, payload, item)).unwrap()

    def stream(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> TurnStream:
        """Send a message and take its events one by one; takes what ``send`` takes.

        Example::

            with client.stream("Tell me everything") as stream:
                for event in stream:
                    if text in event: stream.cancel()
            assert stream.turn.text
        """
        return TurnStream(self, self._core.message(content, options))

    def reload(self) -> ThreadView:
        """Reload the page: the view becomes what the server has stored."""
        __tracebackhide__ = True
        return self._core.bench.run(self._core.reload)

    def request(self, type: str, /, **params: Any) -> Any:
        """Send any request, legal or not; returns the JSON, or a ``RecordedStream`` for requests that stream.

        No rule judges it, and the view does not change. What ``process()`` raises comes out as it is.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: self._core.ask(Request(type, params)))

    def another(self, *, context: Any = SAME, thread_id: str | None = None) -> SimulatedClient:
        """A second tab, or with a ``context`` of its own a second user, of the same server and the same test.

        Args:
            context: The other user's request context; the same by default.
            thread_id: The thread it has open; none by default.
        """
        return SimulatedClient._over(self._other_core(context, thread_id))

    def _drive(self, request: Request) -> Outcome:
        __tracebackhide__ = True
        return self._core.bench.run(lambda: self._core.drive(request))


class TurnStream:
    """A turn taken event by event: ``with client.stream(...) as stream: for event in stream: ...``.

    Leaving the block sees the turn to its end and raises what the rules found, unless the test raised already.
    """

    def __init__(self, client: SimulatedClient, request: Request) -> None:
        self._core: ClientCore = client._core
        self._bench: Bench = client._core.bench
        self._request = request
        self._stepper: TurnStepper | None = None
        self._turn: Turn | None = None

    @property
    def turn(self) -> Turn:
        """The turn: as recorded so far, and whole after the block."""
        return self._turn if self._turn is not None else self._begun().driver.turn()

    def cancel(self) -> None:
        """Press stop at the event that was just seen.

        Raises:
            UsageError: The server's ``stream_options`` do not allow it, or nothing is being streamed.
        """
        __tracebackhide__ = True
        self._bench.run(self._begun().cancel)

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
