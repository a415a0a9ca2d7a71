"""Sees what a responder makes of the cancellation that it is given when the client leaves."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from ..recording import SERVING, Exchange, LostCancellation, RunStarted

_NOT_THE_APPS = frozenset(
    {"agents", "anyio", "asyncio", "chatkit", "chatkit_sim", "concurrent", "openai", "sse_starlette", "starlette"}
)


def followed(original: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    """A ``ChatKitServer._process_events`` that does what the original does, and follows the responder."""

    def _process_events(
        self: Any, thread: Any, context: Any, stream: Callable[[], AsyncIterator[Any]]
    ) -> AsyncIterator[Any]:
        def answer() -> AsyncIterator[Any]:
            events, exchange = stream(), SERVING.get()
            if exchange is None or not hasattr(events, "__aiter__"):  # the SDK says what is wrong with it
                return events
            return _Followed(aiter(events), exchange)

        return original(self, thread, context, answer)

    return _process_events


class _Followed:
    """The events of a responder. Once the client has left, each step towards the next one is watched from outside.

    The task throws a cancellation into what it awaits, and so through here; what comes out in its place says whether
    it was swallowed. A swallowed one is noted in the exchange, and crossed out where it comes through after all: an
    app may clean up, even yield, before it raises.
    """

    def __init__(self, events: AsyncIterator[Any], exchange: Exchange) -> None:
        self._events = events
        self._exchange = exchange
        self._given_at: int | None = None  # entries of the timeline when the cancellation was given to the responder

    def __aiter__(self) -> _Followed:
        return self

    def __anext__(self) -> Awaitable[Any]:
        step = self._events.__anext__()
        return self._watched(step) if self._exchange.left else step

    @types.coroutine
    def _watched(self, step: Awaitable[Any]) -> Generator[Any, Any, Any]:
        steps, given, thrown = step.__await__(), None, None
        try:
            waits_for = next(steps)
            while True:
                thrown, own = None, _cancelled_by_the_app(waits_for)
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    close = getattr(steps, "close", None)
                    if close is not None:
                        close()
                    raise
                except BaseException as error:
                    thrown = error  # thrown further outside of this block: it is no context of what the app raises
                if isinstance(thrown, asyncio.CancelledError) and not own and _is_cancelled():
                    given = thrown
                    self._give()
                if thrown is not None:
                    waits_for = steps.throw(thrown)
                else:
                    waits_for = next(steps) if sent is None else steps.send(sent)
                if self._has_begun_a_run():
                    self._note("run", given)
        except StopIteration as done:
            self._note("event", given, getattr(done.value, "type", ""))
            return done.value
        except StopAsyncIteration:
            self._note("end", given)
            raise
        except asyncio.CancelledError:
            self._cross_out()
            raise
        finally:
            given = thrown = None  # their tracebacks hold this frame, and keep the responder from being closed

    def _give(self) -> None:
        if self._given_at is None:
            self._given_at = len(self._exchange.recorder.entries)

    def _has_begun_a_run(self) -> bool:
        if self._given_at is None:
            return False
        since = self._exchange.recorder.entries[self._given_at :]
        return any(isinstance(entry, RunStarted) and entry.feeds_stream for entry in since)

    def _note(self, how: Any, given: BaseException | None, event: str = "") -> None:
        if self._given_at is None or self._exchange.lost_cancellation is not None:
            return
        caught, module = _caught_at(given)
        if module in _NOT_THE_APPS:  # a library's doing, such as asyncio.wait_for of Python 3.11
            self._given_at = None
            return
        frame = getattr(self._events, "ag_frame", None) or getattr(self._events, "cr_frame", None)
        at = _written(frame.f_code, frame.f_lineno) if frame is not None else ""
        self._exchange.lost_cancellation = LostCancellation(how, self._given_at, event, caught, at)

    def _cross_out(self) -> None:
        lost = self._exchange.lost_cancellation
        if lost is not None and lost.how != "run":
            self._exchange.lost_cancellation = None
        self._given_at = None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _cancelled_by_the_app(waits_for: Any) -> bool:
    """Whether it is a task (or a gathering of some) that the app has cancelled itself, and whose end it awaits.

    Then nobody can tell whose cancellation arrives, and an app that takes it for its own is not to blame.
    """
    tasks = (waits_for, *getattr(waits_for, "_children", ()))
    return any(isinstance(task, asyncio.Task) and task.cancelling() > 0 for task in tasks)


def _caught_at(error: BaseException | None) -> tuple[str, str]:
    """Where an exception came to its end, and in whose module: the outermost frame that it reached."""
    reached = error.__traceback__ if error is not None else None
    if reached is None:
        return "", ""
    module = str(reached.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    return _written(reached.tb_frame.f_code, reached.tb_lineno), module


def _written(code: types.CodeType, line: int) -> str:
    return f"{code.co_filename}:{line} in {code.co_name}"
