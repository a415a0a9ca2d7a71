"""Work that goes on when the client has left: writes to the store, and tasks that outlive their turn."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

from chatkit.server import ChatKitServer

from ..recording import (
    SERVING,
    ClientToolAssigned,
    Exchange,
    LateWork,
    ModelCalled,
    OutlivingTask,
    RunEntry,
    RunStarted,
    ToolStarted,
)

_WRITES = (
    "save_thread",
    "delete_thread",
    "add_thread_item",
    "save_item",
    "delete_thread_item",
    "save_attachment",
    "delete_attachment",
)
_STARTED_BY_APPS = ("Runner.run", "AgentRunner.run")
_MARK = "chatkit_sim_watched"
_TIDYING: ContextVar[bool] = ContextVar("chatkit_sim_tidying", default=False)


@contextmanager
def watched_writes(server: ChatKitServer[Any] | None) -> Iterator[None]:
    """While it lasts, writes to the server's store that begin after the client has left are noted in their exchange.

    What ``handle_stream_cancelled`` does is not, nor what the request's own task does while it ends. A store whose
    attributes cannot be set is not watched.
    """
    undo: list[tuple[Any, str, Any]] = []
    if server is not None:
        for name in _WRITES:
            _put(server.store, name, _noting, undo)
        _put(server, "handle_stream_cancelled", _tidying, undo)
    try:
        yield
    finally:
        for owner, name, value in undo:
            if vars(owner).get(name) is value:
                delattr(owner, name)


def _put(owner: Any, name: str, wrap: Callable[[Any], Any], undo: list[tuple[Any, str, Any]]) -> None:
    original = getattr(owner, name, None)
    if original is None or hasattr(original, _MARK) or name in getattr(owner, "__dict__", {name: None}):
        return
    value = wrap(original)
    setattr(value, _MARK, True)
    try:
        setattr(owner, name, value)
    except (AttributeError, TypeError, ValueError):
        return
    undo.append((owner, name, value))


def _noting(original: Any) -> Any:
    @wraps(original)
    def write(*args: Any, **kwargs: Any) -> Any:
        exchange = SERVING.get()
        if exchange is not None and exchange.left and not _TIDYING.get() and not _own_task(exchange):
            exchange.late_work.append(LateWork("store write", original.__name__, _subject(args, kwargs)))
        return original(*args, **kwargs)

    return write


def _tidying(original: Any) -> Any:
    @wraps(original)
    async def handle_stream_cancelled(*args: Any, **kwargs: Any) -> Any:
        token = _TIDYING.set(True)
        try:
            return await original(*args, **kwargs)
        finally:
            _TIDYING.reset(token)

    return handle_stream_cancelled


def _own_task(exchange: Exchange) -> bool:
    try:
        return asyncio.current_task() is exchange.task
    except RuntimeError:  # in a thread without a loop
        return False


def _subject(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    for value in (*reversed(args), *kwargs.values()):
        kind, identity = getattr(value, "type", None), getattr(value, "id", None)
        if isinstance(identity, str):
            return f'{kind} "{identity}"' if isinstance(kind, str) else f'"{identity}"'
    return ""


def late_entries(entries: Sequence[RunEntry], left: int, noticed: int) -> Iterator[LateWork]:
    """Model calls and tools that began after the client had left.

    A run that was begun by the time the server noticed makes its first model call, and so do its guardrails: that is
    the SDK's doing. A tool that only asks for a client tool does nothing by itself.

    Args:
        entries: All that the runs did.
        left: How many entries there were when the client left.
        noticed: How many there were when the server's answer ended.
    """
    begun = {entry.run for entry in entries[:noticed] if isinstance(entry, RunStarted)}
    called = {entry.run for entry in entries[:left] if isinstance(entry, ModelCalled)}
    beginning = any(isinstance(entry, RunStarted) and entry.feeds_stream for entry in entries[:noticed]) and not called
    asked = {entry.call_id for entry in entries if isinstance(entry, ClientToolAssigned)}
    for entry in entries[left:]:
        if isinstance(entry, ModelCalled):
            first = entry.run not in called
            called.add(entry.run)
            if not (first and (beginning or entry.run in begun)):
                yield LateWork("model call", entry.agent)
        elif isinstance(entry, ToolStarted) and entry.call_id not in asked:
            yield LateWork("tool", entry.tool, f"call {entry.call_id}")


class Settling:
    """Lets the app's background tasks (a title agent) finish, as they would on a server that goes on.

    Args:
        seconds: How long they are waited for.
        allowed: Patterns for the names of tasks, or of their coroutine functions, that may live on.
    """

    def __init__(self, seconds: float, allowed: Collection[str]) -> None:
        self._seconds = seconds
        self._allowed = allowed
        self._before: set[asyncio.Task[Any]] = set()
        self._known: set[asyncio.Task[Any]] = set()

    def begin(self) -> None:
        """A turn begins: what is there already is not its doing."""
        self._before = _tasks()

    async def settle(self, exchanges: Sequence[Exchange], *, given_up: bool, alone: bool) -> tuple[OutlivingTask, ...]:
        """Wait for the turn's tasks; returns those that live on.

        Other tabs and the test itself have tasks on the same loop; those that serve another request are not waited
        for, and those of nobody only where nobody else begins tasks.

        Args:
            exchanges: What the turn was served by.
            given_up: Whether a stream did not come to its end, so that the SDK's run goes on by itself.
            alone: Whether nobody but the clients of one test begins tasks on this loop.
        """
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            new = {task for task in _tasks() - self._before - self._known if not _may_live_on(task, self._allowed)}
            waiting = {task for task in new if _is_of_turn(task, exchanges, alone=alone)}
            remaining = deadline - asyncio.get_running_loop().time()
            if not waiting or remaining <= 0:
                break
            await asyncio.wait(waiting, timeout=remaining)
        self._known = {task for task in self._known | waiting if not task.done()}
        return tuple(self._outliving(task) for task in waiting if not (given_up and _is_of_sdk(task)))

    def _outliving(self, task: asyncio.Task[Any]) -> OutlivingTask:
        coroutine = task.get_coro()
        stack = task.get_stack(limit=1)
        where = ""
        if stack:
            code = stack[0].f_code
            where = f"{code.co_filename}:{stack[0].f_lineno} in {code.co_name}"
        return OutlivingTask(task.get_name(), getattr(coroutine, "__qualname__", repr(coroutine)), where, self._seconds)


def _tasks() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


def _is_of_turn(task: asyncio.Task[Any], exchanges: Sequence[Exchange], *, alone: bool) -> bool:
    context = _context_of(task)
    if context is None or SERVING not in context:
        return alone
    return any(context[SERVING] is exchange for exchange in exchanges)


def _context_of(task: asyncio.Task[Any]) -> Context | None:
    """The context that a task runs in, and so the request for which it was begun; ``None`` where it cannot be seen."""
    if sys.version_info >= (3, 12):
        return task.get_context()
    # Before 3.12 a task has no such method, but the garbage collector knows what it holds.
    return next((held for held in gc.get_referents(task) if isinstance(held, Context)), None)


def _may_live_on(task: asyncio.Task[Any], allowed: Collection[str]) -> bool:
    """Whether a task is of no interest: the SDK's known leak, chatkit-sim's own, or allowed by name."""
    name = getattr(task.get_coro(), "__qualname__", "")
    # `_merge_generators` of chatkit.agents leaves the reader of its queue behind whenever a run fails.
    if "_AsyncQueueIterator" in name or task.get_name().startswith("chatkit-sim"):
        return True
    return any(fnmatchcase(candidate, pattern) for pattern in allowed for candidate in (task.get_name(), name))


def _is_of_sdk(task: asyncio.Task[Any]) -> bool:
    """Whether a task is part of a run that goes on by itself when its stream is given up."""
    coroutine = task.get_coro()
    if getattr(coroutine, "cr_code", None) is None:  # an async generator's next step
        return True
    if getattr(coroutine, "__qualname__", "") in _STARTED_BY_APPS:
        return False
    frame = getattr(coroutine, "cr_frame", None)
    module = frame.f_globals.get("__name__", "") if frame is not None else ""
    return str(module).split(".")[0] in ("agents", "chatkit", "openai", "asyncio")
