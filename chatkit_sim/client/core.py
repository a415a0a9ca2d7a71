"""The simulated client, written once: async, returning outcomes; the two faces raise them at the user's line."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypedDict

from chatkit.types import ClientEffectEvent, ThreadItem

from ..errors import UsageError, Violation, ViolationError
from ..recording import SERVING, Fold, RecordedStream, Reload, ThreadView, Turn
from ..rules import Evidence
from ..wire import Request
from ..wire import requests as wire
from .bench import Bench, Judged
from .client_tools import ClientTools
from .driver import Page as ClientPage
from .driver import TurnDriver
from .expectations import Expectations
from .live import LiveStream, new_exchange
from .reading import open_thread, read_back
from .serving import open_context
from .stepper import TurnStepper

Content = str | Mapping[str, Any]


class SendOptions(TypedDict, total=False):
    """What the composer can add to a message.

    Attributes:
        attachments: Ids of attachments that the server knows.
        quoted_text: The text of a message the user replies to.
        tool_choice: The id of the composer tool.
        model: The id of the composer model.
        new_thread: Start a new thread instead of going on with the present one.
    """

    attachments: Sequence[str]
    quoted_text: str
    tool_choice: str | None
    model: str | None
    new_thread: bool


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

    def __init__(self, bench: Bench, context: Any, tools: ClientTools, thread_id: str | None = None) -> None:
        self.bench = bench
        self.context = context
        self.tools = tools
        self.thread_id = thread_id
        self.turns: list[Turn] = []
        self.expectations = Expectations()
        self.effects: list[tuple[str | None, Callable[..., Any]]] = []
        self._fold = Fold()
        self._driver: TurnDriver | None = None
        self._outliving: set[asyncio.Task[Any]] = set()

    @property
    def view(self) -> ThreadView:
        """What the user sees now."""
        return self._driver.view() if self._driver is not None else self._fold.view()

    def message(self, content: Content | Sequence[Content], options: SendOptions) -> Request:
        """The request for a user's message; also starts the new thread's view if it starts one."""
        known = SendOptions.__annotations__
        unknown = [name for name in options if name not in known]
        if unknown:
            raise UsageError(f"send() has no option {unknown[0]!r}; it takes {', '.join(known)}.")
        if options.get("new_thread"):
            self.thread_id = None
            self._fold = Fold()
        user_message = wire.user_input(
            content_parts(content),
            attachments=options.get("attachments", ()),
            quoted_text=options.get("quoted_text", ""),
            tool_choice=options.get("tool_choice"),
            model=options.get("model"),
        )
        if not user_message["content"] and not user_message["attachments"]:
            raise UsageError("The composer sends no empty message: give some text, content parts or attachments.")
        if self.thread_id is None:
            return wire.create_thread(user_message)
        return wire.add_user_message(self.thread_id, user_message)

    def retrying(self, item_id: str | None) -> Request:
        """The request that responds to a user message again; by default the last one."""
        if item_id is None:
            messages = [item.id for item in self.view.items if item.type == "user_message"]
            if not messages:
                raise UsageError("There is no user message to retry yet: send() one first.")
            item_id = messages[-1]
        thread_id = self._active_thread("retry")
        self._fold.drop_after(item_id)
        return wire.retry_after_item(thread_id, item_id)

    def acting(self, type: str, payload: Any, item: str | ThreadItem | None) -> Request:
        """The request for a custom action."""
        item_id = item if isinstance(item, str) or item is None else item.id
        return wire.custom_action(self._active_thread("action"), item_id, type, payload)

    async def drive(self, request: Request) -> Outcome:
        """Drive a turn to its end."""
        before = _tasks()
        driver = await self._begin(request)
        await driver.run()
        return await self._conclude(driver, before)

    async def step(self, request: Request) -> TurnStepper:
        """Begin a turn that is taken event by event; ``conclude`` ends it."""
        return TurnStepper(await self._begin(request))

    async def conclude(self, stepper: TurnStepper) -> Outcome:
        """See a stepped turn to its end."""
        before = _tasks()
        await stepper.finish()
        return await self._conclude(stepper.driver, before)

    async def ask(self, request: Request) -> Any:
        """A raw request outside of any turn: JSON for most, a ``RecordedStream`` for those that stream.

        No rule judges it, and the view does not change.
        """
        transport = await self.bench.transport()
        if request.streaming:
            exchange = new_exchange(self.bench.model, self.thread_id)
            self.bench.attribute(exchange)
            live = LiveStream(1, request, exchange, self.bench.limits)
            await live.run(transport, self.context)
            if live.failure is not None:
                raise live.failure
            stream: RecordedStream = live.recorded()
            return stream
        return json.loads(await self._answer(request))

    async def reload(self) -> ThreadView:
        """Open the present thread anew, as on a page reload: the thread, then every page of its items."""
        thread, opened = await open_thread(self._active_thread("reload"), self._answer)
        if opened.failed is not None:
            raise opened.failed
        if opened.problem:
            raise UsageError(f"The thread cannot be read to its end: {opened.problem}.")
        self._fold = Fold(ThreadView(thread, opened.items))
        return self._fold.view()

    async def tell_effect(self, event: ClientEffectEvent) -> None:
        """Run the page's callbacks for a client effect."""
        for name, handler in self.effects:
            if name is None or name == event.name:
                result = handler(event)
                if inspect.isawaitable(result):
                    await result

    async def _begin(self, request: Request) -> TurnDriver:
        if self._driver is not None:
            raise UsageError("This client is in the middle of a turn: leave the `stream()` block first.")
        bench = self.bench
        page = ClientPage(
            await bench.transport(),
            self.context,
            bench.model,
            self.tools,
            self.tell_effect,
            bench.limits,
            bench.policies,
            bench.attribute,
        )
        self._driver = TurnDriver(page, len(self.turns) + 1, request, self._fold, self._fold.view(), self.thread_id)
        return self._driver

    async def _conclude(self, driver: TurnDriver, before: set[asyncio.Task[Any]]) -> Outcome:
        await self._settle(before)
        turn = driver.turn()
        self._driver = None
        self.thread_id = driver.thread_id
        evidence = Evidence(
            turn,
            tuple(self.turns),
            self.tools.contracts(),
            **self.bench.new_evidence(),
            reload=await self._read_back(driver),
        )
        self.turns.append(turn)
        verdict = self.bench.catalogue.judge(evidence)
        left = self.expectations.take(turn, verdict.violations)
        errors = tuple(violation for violation in left if violation.severity == "error")
        self.bench.judged.append(Judged(turn, verdict, errors))
        return Outcome(turn, driver.failure or _violation_error(errors, turn))

    async def _read_back(self, driver: TurnDriver) -> Reload | None:
        if not self.bench.reload_check or driver.thread_id is None or driver.failure is not None:
            return None
        return await read_back(driver.thread_id, self._answer)

    async def _settle(self, before: set[asyncio.Task[Any]]) -> None:
        """Let the app's background tasks (a title agent) finish, as they would on a server that goes on."""
        deadline = asyncio.get_running_loop().time() + self.bench.limits.settle
        while True:
            waiting = {task for task in _tasks() - before - self._outliving if not _known_leak(task)}
            left = deadline - asyncio.get_running_loop().time()
            if not waiting or left <= 0:
                break
            await asyncio.wait(waiting, timeout=left)
        self._outliving = {task for task in self._outliving | waiting if not task.done()}

    async def _answer(self, request: Request) -> bytes:
        transport = await self.bench.transport()
        exchange = new_exchange(self.bench.model, self.thread_id)
        token = SERVING.set(exchange)
        try:
            async with AsyncExitStack() as stack:
                request_context = await open_context(self.context, stack)
                return (await transport.send(request.body(), request_context)).body
        finally:
            SERVING.reset(token)

    def _active_thread(self, move: str) -> str:
        if self.thread_id is None:
            raise UsageError(f"{move}() needs a thread, and this client has none yet: send() something first.")
        return self.thread_id


def content_parts(content: Content | Sequence[Content]) -> list[dict[str, Any]]:
    """What the user typed, as the composer's content parts; a plain string is one text."""
    parts: list[dict[str, Any]] = []
    for part in [content] if isinstance(content, (str, Mapping)) else content:
        if isinstance(part, str):
            if part:
                parts.append({"type": "input_text", "text": part})
        else:
            parts.append(dict(part))
    return parts


def _violation_error(errors: Sequence[Violation], turn: Turn) -> ViolationError | None:
    if not errors:
        return None
    error = ViolationError(errors, turn=turn)
    error.__cause__ = next((violation.cause for violation in errors if violation.cause is not None), None)
    return error


def _tasks() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


def _known_leak(task: asyncio.Task[Any]) -> bool:
    # `_merge_generators` of chatkit.agents leaves the reader of its queue behind whenever a run fails.
    return "_AsyncQueueIterator" in getattr(task.get_coro(), "__qualname__", "")
