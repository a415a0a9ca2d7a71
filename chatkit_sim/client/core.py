"""The simulated client, written once: async, returning outcomes; the two faces raise them at the user's line."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chatkit.types import ClientEffectEvent, ThreadItem, ThreadItemReplacedEvent, ThreadMetadata

from ..errors import UsageError, Violation, ViolationError
from ..recording import SERVING, Comparison, Fold, OutlivingTask, RecordedStream, Reload, ThreadView, Turn
from ..rules import RELOAD_RULES, Evidence, PageContract, Verdict
from ..transports import Transport
from ..wire import OneEvent, Request
from ..wire import requests as wire
from .bench import Bench
from .client_tools import ClientTools
from .composer import Composer, Content, SendOptions, check_open
from .driver import Page as ClientPage
from .driver import TurnDriver
from .expectations import Expectations
from .leaving import Settling
from .live import LiveStream, new_exchange
from .reading import open_thread, read_back
from .serving import open_context
from .stepper import TurnStepper
from .witness import Witness, looked_into

_WRITING = 0.01  # seconds between two looks at a store that is still writing
_MOVES = {  # how a test calls what the wire calls so
    "threads.create": "send",
    "threads.add_user_message": "send",
    "threads.add_structured_input": "answer",
    "threads.retry_after_item": "retry",
    "threads.custom_action": "action",
}


@dataclass(frozen=True)
class Outcome:
    """What a turn came to.

    Attributes:
        turn: The turn.
        error: What the test must be told, if anything.
    """

    turn: Turn
    error: BaseException | None

    def unwrap(self) -> Turn:
        """The turn.

        Raises:
            BaseException: What the test must be told: its handler's exception, a limit, or the violations.
        """
        __tracebackhide__ = True
        if self.error is not None:
            raise self.error
        return self.turn


class ClientCore:
    """The state and the moves of one client (one tab of one user)."""

    def __init__(
        self,
        bench: Bench,
        context: Any,
        tools: ClientTools,
        thread_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.bench = bench
        self.context = context
        self.tools = tools
        self.thread_id = thread_id
        self.headers = headers
        self.turns: list[Turn] = []
        self.expectations = Expectations()
        self.effects: list[tuple[str | None, Callable[..., Any]]] = []
        self.actions: list[tuple[str | None, Callable[..., Any]]] = []
        self.composer = Composer(bench.frontend, bench.policies)
        self._fold = Fold()
        self._driver: TurnDriver | None = None
        self._transport: Transport | None = None
        self._loading = False
        self._settling = Settling(bench.limits.settle, bench.policies.background_tasks)
        self._witness = Witness(bench.surroundings)

    @property
    def view(self) -> ThreadView:
        """What the user sees now."""
        return self._driver.view() if self._driver is not None else self._fold.view()

    @property
    def present_thread(self) -> str | None:
        """The thread on show, also while the response that makes it is being streamed."""
        return self.thread_id or (self._driver.thread_on_show if self._driver is not None else None)

    def message(self, content: Content | Sequence[Content], options: SendOptions) -> Request:
        """The request for a user's message; also starts the new thread's view if it starts one."""
        self.check_free("send")
        if not options.get("new_thread") and not options.get("force"):
            check_open(self._fold.thread)
        user_message = self.composer.submit(content, options)
        if options.get("new_thread"):
            self.leave_thread()
        if self.thread_id is None:
            return wire.create_thread(user_message)
        return wire.add_user_message(self.thread_id, user_message)

    def retrying(self, item_id: str | None) -> Request:
        """The request that responds to a user message again; by default the last one."""
        self.check_free("retry")
        if self.bench.frontend is not None and not self.bench.frontend.retry:
            raise UsageError("The page shows no retry button: declare it with Frontend(retry=True).")
        if item_id is None:
            messages = [item.id for item in self.view.items if item.type == "user_message"]
            if not messages:
                raise UsageError("There is no user message to retry yet: send() one first.")
            item_id = messages[-1]
        thread_id = self.active_thread("retry")
        self._fold.drop_after(item_id)
        return wire.retry_after_item(thread_id, item_id)

    def acting(self, type: str, payload: Any, item: str | ThreadItem | None) -> Request:
        """The request for a custom action."""
        item_id = item if isinstance(item, str) or item is None else item.id
        self.check_free("action")
        return wire.custom_action(self.active_thread("action"), item_id, type, payload)

    async def drive(self, request: Request) -> Outcome:
        """Drive a turn to its end."""
        driver = await self._begin(request)
        await driver.run()
        return await self._conclude(driver)

    async def step(self, request: Request) -> TurnStepper:
        """Begin a turn that is taken event by event; ``conclude`` ends it."""
        return TurnStepper(await self._begin(request))

    async def conclude(self, stepper: TurnStepper) -> Outcome:
        """See a stepped turn to its end."""
        await stepper.finish()
        return await self._conclude(stepper.driver)

    async def ask(self, request: Request) -> Any:
        """A raw request outside of any turn: JSON for most, a ``RecordedStream`` for those that stream.

        No rule judges it, and the view does not change.
        """
        transport = await self.transport()
        self._witness.asked(request)
        if request.streaming:
            exchange = new_exchange(self.bench.model, self.thread_id)
            self.bench.attribute(exchange)
            live = LiveStream(1, request, exchange, self.bench.limits)
            await live.run(transport, self.context)
            self._witness.answered(request, *live.frames)
            if live.failure is not None:
                raise live.failure
            stream: RecordedStream = live.recorded()
            return stream
        return json.loads(await self.fetch(request))

    async def reload(self) -> ThreadView:
        """Open the present thread anew, as on a page reload; a response that streams is left in the middle."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.interrupt("disconnected", "the page was reloaded")
            self.thread_id = driver.thread_id
        elif (error := await self._check_stored(self.active_thread("reload"))) is not None:
            raise error
        return await self.load(self.active_thread("reload"))

    async def load(self, thread_id: str) -> ThreadView:
        """Show a thread: ``threads.get_by_id``, then every page of its items."""
        async with self.loading():
            thread, opened = await open_thread(thread_id, self.fetch)
        reload = Reload(thread, opened)
        if opened.failed is not None:
            raise opened.failed
        if opened.problem:
            raise UsageError(f"The thread cannot be read to its end: {opened.problem}.")
        self.thread_id = thread_id
        self._fold = Fold(ThreadView(thread, opened.items))
        self._witness.compares(thread_id, self._fold.view(), reload)
        return self._fold.view()

    @asynccontextmanager
    async def loading(self) -> AsyncGenerator[None, None]:
        """The time in which a thread is being loaded."""
        self.check_free("open")
        self._loading = True
        try:
            yield
        finally:
            self._loading = False

    def leave_thread(self) -> None:
        """Show an empty new thread."""
        self.thread_id = None
        self._fold = Fold()

    def show(self, item: ThreadItem) -> None:
        """Put an item that was answered outside of any stream in the place of its former self."""
        self._fold.apply([OneEvent(1, ThreadItemReplacedEvent(item=item))])

    def show_thread(self, thread: ThreadMetadata) -> None:
        """Show what changed about the thread itself."""
        self._fold.thread = thread

    def next_number(self) -> int:
        """The number of a turn that is not driven."""
        return len(self.turns) + (1 if self._driver is None else 2)

    def check_free(self, move: str) -> None:
        """See that the client is idle: the web client locks its composer and refuses its methods otherwise.

        Raises:
            UsageError: A response streams, a client tool's handler runs, or a thread is being loaded.
        """
        if self._loading:
            why = "A thread is being loaded"
        elif self._driver is None:
            return
        elif self._driver.handler is not None:
            why = f"The handler of the client tool {self._driver.handler!r} has not settled"
        else:
            why = "A response is being streamed"
        raise UsageError(
            f"{why}, so {move}() is refused, as the web client refuses it. This client is in the middle of a turn: "
            "leave the `stream()` block (or await the turn) first, or take another() for a second tab."
        )

    async def tell_effect(self, event: ClientEffectEvent) -> None:
        """Run the page's callbacks for a client effect."""
        for name, handler in self.effects:
            if name is None or name == event.name:
                result = handler(event)
                if inspect.isawaitable(result):
                    await result

    async def _begin(self, request: Request) -> TurnDriver:
        bench, transport = self.bench, await self.transport()
        self.check_free(_MOVES.get(request.type, request.type))
        page = ClientPage(
            transport,
            self.context,
            bench.model,
            self.tools,
            self.tell_effect,
            bench.limits,
            bench.policies,
            bench.attribute,
        )
        self._settling.begin()
        self._witness.wrote(self.thread_id)
        self._driver = TurnDriver(page, len(self.turns) + 1, request, self._fold, self._fold.view(), self.thread_id)
        return self._driver

    async def _conclude(self, driver: TurnDriver) -> Outcome:
        alone = self.bench.owns_loop
        outliving = await self._settling.settle(driver.exchanges, given_up=driver.given_up, alone=alone)
        self._witness.wrote(driver.thread_id)
        turn = driver.turn()
        if self._driver is driver:
            self._driver = None
            self.thread_id = driver.thread_id
        return await self.judge(turn, driver.failure, outliving)

    async def judge(
        self, turn: Turn, failure: BaseException | None = None, outliving: Sequence[OutlivingTask] = ()
    ) -> Outcome:
        """Hold a turn to the rules."""
        reload = await self._read_back(turn, failure)
        evidence = Evidence(
            turn,
            tuple(self.turns),
            self.tools.contracts(),
            self._declared(),
            **self.bench.new_evidence(),
            **self._witness.knows(self.thread_id),
            reload=reload,
            answers=self.bench.surroundings.take_answers(),
            outliving=outliving,
            unseen=self.bench.unseen,
        )
        self._witness.compares(self.thread_id, turn.view, reload)
        self.turns.append(turn)
        verdict = self.bench.catalogue.judge(evidence)
        errors = self.bench.keep(turn, verdict, self._unexpected(turn, verdict)).raised
        return Outcome(turn, failure or _violation_error(errors, turn))

    def _declared(self) -> PageContract | None:
        if self.bench.frontend is None:
            return None
        effects, actions = ([name for name, _ in handlers] for handlers in (self.effects, self.actions))
        return PageContract(_names(effects), _names(actions))

    def _unexpected(self, turn: Turn, verdict: Verdict) -> list[Violation]:
        # What is ignored may be expected all the same, where an ignore speaks of the whole codebase.
        ignored = [violation for violation, _ in verdict.ignored]
        left = self.expectations.take(turn, [*verdict.violations, *ignored])
        return [violation for violation in left if not any(violation is one for one in ignored)]

    async def _check_stored(self, thread_id: str) -> ViolationError | None:
        """Hold what is stored against the page, once more: what the last turn's own check has not seen."""
        view = self.view
        known = self._witness.knows(thread_id)
        compared: Comparison | None = known["compared"]
        if not self.turns or self.turns[-1].view != view:
            return None  # nothing on show that a turn brought
        only = (
            RELOAD_RULES if compared is None or compared.view != view else RELOAD_RULES - {"reload-matches-live-view"}
        )
        reload = await self._read(thread_id, view)
        evidence = Evidence(self.turns[-1], tuple(self.turns[:-1]), reload=reload, **known)
        verdict = self.bench.catalogue.judge(evidence, only=only)
        errors = self.bench.keep(None, verdict, self._unexpected(evidence.turn, verdict)).raised
        return _violation_error(errors, evidence.turn)

    async def _read_back(self, turn: Turn, failure: BaseException | None) -> Reload | None:
        if not self.bench.reload_check or self.thread_id is None or failure is not None or self._driver is not None:
            return None
        reload = await self._read(self.thread_id, turn.view)
        given_up = any(stream.ended in ("cancelled", "disconnected") for stream in turn.streams)
        deadline = asyncio.get_running_loop().time() + self.bench.limits.settle
        # What a store's thread was writing when the stream was given up is written all the same, maybe only now.
        while given_up and not reload.agrees and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_WRITING)
            reload = await self._read(self.thread_id, turn.view)
        return reload

    async def _read(self, thread_id: str, view: ThreadView) -> Reload:
        reload = await read_back(thread_id, self.fetch)
        async with AsyncExitStack() as stack:
            context = await open_context(self.context, stack) if self.bench.server is not None else None
            return await looked_into(reload, view, self.bench.server, thread_id, context)

    async def transport(self) -> Transport:
        """This client's way to the server, opened now if it was not."""
        self.bench.check_open()
        transport = self._transport or await self.bench.transport(self.headers)
        self._transport = self._transport or transport  # of two that asked at once, one is kept
        return self._transport

    async def fetch(self, request: Request) -> bytes:
        """The answer to a request that streams nothing."""
        transport = await self.transport()
        exchange = new_exchange(self.bench.model, self.thread_id)
        token = SERVING.set(exchange)
        try:
            async with AsyncExitStack() as stack:
                request_context = await open_context(self.context, stack)
                body = (await transport.send(request.body(), request_context)).body
        finally:
            SERVING.reset(token)
        self._witness.answered(request, body)
        return body

    def active_thread(self, move: str) -> str:
        """The present thread's id.

        Raises:
            UsageError: There is none.
        """
        thread_id = self.present_thread
        if thread_id is None:
            raise UsageError(f"{move}() needs a thread, and this client has none yet: send() something first.")
        return thread_id


def _names(handled: Sequence[str | None]) -> frozenset[str] | None:
    names = frozenset(name for name in handled if name is not None)
    return names if len(names) == len(set(handled)) else None  # a handler without a name takes them all


def _violation_error(errors: Sequence[Violation], turn: Turn) -> ViolationError | None:
    if not errors:
        return None
    error = ViolationError(errors, turn=turn)
    error.__cause__ = next((violation.cause for violation in errors if violation.cause is not None), None)
    return error
