"""A turn on its way: streams follow one another, with client tools run in between, until the client is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatkit.types import ClientEffectEvent, ClientToolCallItem, ThreadItemDoneEvent, ThreadStreamEvent

from ..errors import LimitError
from ..recording import ClientToolCall, Exchange, Fold, Note, StreamEnd, ThreadView, Turn
from ..transports import Transport
from ..wire import Request, coalesce
from ..wire.requests import add_client_tool_output
from .client_tools import ClientTools
from .live import Listener, LiveStream, new_exchange
from .policies import Limits, Policies

EffectHandler = Callable[[ClientEffectEvent], Awaitable[None]]


@dataclass(frozen=True)
class Page:
    """What the page brings to a turn.

    Attributes:
        transport: How requests reach the server.
        context: The request context, or what makes it for each request.
        script: The model script that serves the requests; the model package knows its type.
        tools: The registered client tools.
        effect: Called for each client effect.
        limits: When to give up.
        policies: What to do where the protocol leaves it open.
        on_exchange: Told of each exchange before its request is sent.
    """

    transport: Transport
    context: Any
    script: Any
    tools: ClientTools
    effect: EffectHandler
    limits: Limits
    policies: Policies
    on_exchange: Callable[[Any], None]


@dataclass
class TurnDriver:
    """Drives one turn; ``failure`` afterwards holds what the test must be told before any rule speaks.

    Attributes:
        page: What the page brings.
        number: The turn's number, from 1.
        request: The user's input.
        fold: The client's view, folded further as events arrive.
        before: The view before the turn.
        thread_id: The thread, once it is known.
        listener: Called after each event; a stepping client waits in it.
        failure: A handler's exception, a limit that was reached, a frame that is no event.
        handler: The client tool whose handler runs now, if one does.
        let_go: Lets a listener that waits go on; says whether one did. A stepping client sets it.
    """

    page: Page
    number: int
    request: Request
    fold: Fold
    before: ThreadView
    thread_id: str | None = None
    listener: Listener | None = None
    failure: BaseException | None = None
    handler: str | None = None
    let_go: Callable[[], bool] | None = None
    notes: list[Note] = field(default_factory=list)
    _done: list[LiveStream] = field(default_factory=list)
    _live: LiveStream | None = None
    _folded: int = 0
    _aborted: bool = False
    _interrupted: bool = False
    _task: asyncio.Task[Any] | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Send the user's input, and every client tool output that follows from it."""
        self._task = asyncio.current_task()
        try:
            await self._run()
        finally:
            self._ended.set()

    async def _run(self) -> None:
        request: Request | None = self.request
        while request is not None:
            live = await self._serve(request)
            request = await self._next_request(live) if live.failure is None else None
            self.failure = self.failure or live.failure
            self._finish(live)
        self.fold.end_turn()

    def abort(self, kind: StreamEnd, why: str) -> None:
        """Stop at the event that the listener is being told of, or while a handler runs."""
        note = Note("cancelled" if kind == "cancelled" else "disconnected", why)
        if self.handler is not None:  # its stream is over
            self.notes.append(note)
        elif self._live is not None:
            self._live.abort(kind)
            self._live.notes.append(note)
        self._aborted = True

    @property
    def running(self) -> bool:
        """Whether the turn is on its way."""
        return self._task is not None and not self._ended.is_set()

    async def interrupt(self, kind: StreamEnd, why: str) -> None:
        """Stop wherever the turn is by now, and see it to its end.

        A handler of a client tool that runs in another task is cancelled; one that calls this itself goes on, and what
        it returns is not posted.
        """
        if not self.running:
            return
        if not self._aborted:
            self.abort(kind, why)
            held = self.let_go is not None and self.let_go()
            if not held and self._task is not None and self._task is not asyncio.current_task():
                self._interrupted = True
                self._task.cancel()
        if self._task is not asyncio.current_task():
            await self._ended.wait()

    @property
    def given_up(self) -> bool:
        """Whether a stream did not come to its end: the client left, or the server failed."""
        lives = [*self._done, *([self._live] if self._live is not None else [])]
        return self._aborted or any(live.ended != "complete" or live.exchange.swallowed for live in lives)

    @property
    def exchanges(self) -> list[Exchange]:
        """What served the turn's requests so far."""
        return [live.exchange for live in (*self._done, *([self._live] if self._live is not None else []))]

    @property
    def allow_cancel(self) -> bool:
        """Whether the running stream may be cancelled by the user."""
        return self._live.allow_cancel if self._live is not None else True

    @property
    def thread_on_show(self) -> str | None:
        """The thread, as far as it is known by now."""
        return self.thread_id or (self._live.exchange.thread_id if self._live is not None else None)

    def view(self) -> ThreadView:
        """What the user sees at this moment."""
        if self._live is not None:
            new = self._live.events[self._folded :]
            self._folded += len(new)
            self.fold.apply(coalesce(new))
        return self.fold.view()

    def turn(self) -> Turn:
        """The turn as it is now."""
        view = self.view()
        lives = [*self._done, *([self._live] if self._live is not None else [])]
        return Turn(self.number, tuple(live.recorded() for live in lives), self.before, view, tuple(self.notes))

    async def _serve(self, request: Request) -> LiveStream:
        exchange = new_exchange(self.page.script, self.thread_id)
        exchange.stepped = self.listener is not None
        self.page.on_exchange(exchange)
        live = LiveStream(len(self._done) + 1, request, exchange, self.page.limits)
        self._live, self._folded = live, 0
        await live.run(self.page.transport, self.page.context, self._told)
        self.thread_id = exchange.thread_id or self.thread_id
        return live

    def _finish(self, live: LiveStream) -> None:
        self.fold.apply(coalesce(live.events[self._folded :]) if self._folded else live.steps)
        if live.call is not None and _posts(live.call):
            self.fold.complete_call(live.call.item_id, live.call.output)
        self._done.append(live)
        self._live = None

    async def _told(self, event: ThreadStreamEvent) -> None:
        if type(event) is ClientEffectEvent:
            await self.page.effect(event)
        if self.listener is not None:
            await self.listener(event)

    async def _next_request(self, live: LiveStream) -> Request | None:
        pending = None if self._aborted or live.raised is not None else _newest_pending(live.events)
        if pending is None or self.thread_id is None:
            return None
        live.call = await self._run_tool(pending)
        if not _posts(live.call):
            live.notes.append(Note("output-withheld", live.call.problem))
            return None
        if len(self._done) + 1 > self.page.limits.rounds:
            self.failure = LimitError(
                f"The turn asked for client tools {len(self._done) + 1} times in a row, last for "
                f"{live.call.name!r}, and the client stopped at {self.page.limits.rounds} rounds. Nothing ends this "
                "loop in a browser either. Check what the model is told after the tool's output, or raise "
                "Limits(rounds=...) (ini option chatkit_limit_rounds)."
            )
            live.notes.append(Note("output-withheld", "the limit of rounds was reached"))
            return None
        return add_client_tool_output(self.thread_id, live.call.output)

    async def _run_tool(self, item: ClientToolCallItem) -> ClientToolCall:
        call = ClientToolCall(item.name, item.arguments, None, item.call_id, item.id, "withheld")
        tool = self.page.tools.get(item.name)
        if tool is None:
            why = f"no client tool {item.name!r} is registered.{self.page.tools.suggest(item.name)}"
            error = {"error": f"no client tool {item.name!r}"} if self.page.policies.no_handler == "post" else None
            return _with(call, "unregistered", output=error, problem=why)
        problem = tool.problem(item.arguments)
        if problem is not None:
            return _with(call, "refused", problem=problem)
        self.handler = item.name
        try:
            outcome, output = await tool.run(item.arguments)
            await self._absorb_interrupt()
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            self._uncancel()
        except Exception as error:
            return self._handler_raised(call, error)
        finally:
            self.handler = None
        if self._aborted:
            return _with(call, "withheld", problem=f"{self.notes[-1].text} while the handler of {item.name!r} ran")
        return _with(call, outcome, output=output)

    async def _absorb_interrupt(self) -> None:
        if self._interrupted:
            await asyncio.sleep(0)  # the cancellation came with the handler's last breath: it is delivered here

    def _uncancel(self) -> None:
        if self._task is not None:
            self._task.uncancel()

    def _handler_raised(self, call: ClientToolCall, error: Exception) -> ClientToolCall:
        why = f"the handler of {call.name!r} raised {type(error).__name__}: {error}"
        policy = self.page.policies.handler_error
        if policy == "raise" or isinstance(error, AssertionError):
            self.failure = error
        elif policy == "post":
            return _with(call, "failed", output={"error": str(error)})
        return _with(call, "withheld", problem=why)


def _newest_pending(events: Sequence[ThreadStreamEvent]) -> ClientToolCallItem | None:
    # The server can match an output to the newest item only, so of several calls the last is answered.
    for event in reversed(events):
        if type(event) is ThreadItemDoneEvent:
            item = event.item
            if isinstance(item, ClientToolCallItem) and item.status == "pending":
                return item
    return None


def _posts(call: ClientToolCall) -> bool:
    return call.outcome in ("answered", "failed") or call.output is not None


def _with(call: ClientToolCall, outcome: Any, *, output: Any = None, problem: str = "") -> ClientToolCall:
    return ClientToolCall(call.name, call.arguments, output, call.call_id, call.item_id, outcome, problem)
