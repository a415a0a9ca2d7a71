"""Virtual time: an event loop on which waiting costs nothing, and the clock of a test that runs on it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, cast

from ..client import AsyncSimulatedClient, Bench, Limits
from ..client.face import ClientFace
from ..errors import ChatKitSimError, UsageError
from ..stores.conformance.ordered_loop import OrderedLoop
from .story import is_library
from .wall_clock import WallClock

_GRACE = 0.25  # real seconds that sockets and foreign threads get before time jumps
_EXECUTOR = 0.05  # real seconds between two looks at a busy executor
_QUICK = 0.02  # real seconds for what a thread does at once; beyond, the loop goes on meanwhile
_EXECUTOR_THREADS = ("asyncio_", "ThreadPoolExecutor")
_PATIENCE = 3600.0  # virtual seconds for one stream, which cost nothing
_TICK = 0.001  # seconds that one round of the loop takes by the time of day, so that what follows is later
_ROUND = 0.0001  # virtual seconds that it takes: who looks at the clock again and again sees it go on
_APART = 1e-9  # virtual seconds between timers that are due at the same time, as there always are on a real loop
_ENDLESS = 1_000_000  # rounds in which nobody waits for anything
_LONG = 600.0  # virtual seconds; who waits longer than that waits for nothing


class DeadlockError(ChatKitSimError):
    """Every task waits, and nothing will ever wake one of them; the message says who waits for what."""


class VirtualLoop(OrderedLoop):
    """An event loop whose clock jumps to the next timer as soon as nobody has anything to do.

    A responder that sleeps half a minute takes no time, and what has a timeout times out in the right order. Threads,
    executors and sockets work as ever: while they are busy, real time passes.

    Args:
        wall: The time of day that follows.
        endless: In how many rounds somebody has to wait for something; who never does hinders everybody else.

    Attributes:
        stuck: Who waited for what before the last long jump; ``None`` when there was none.
    """

    def __init__(self, wall: WallClock | None = None, *, endless: int = _ENDLESS) -> None:
        self._timers = itertools.count()
        super().__init__()
        self.stuck: str | None = None
        self._wall = wall or WallClock()
        self._now = 0.0
        self._endless, self._rounds = endless, 0
        self._busy = 0
        self._threads = {thread.ident for thread in threading.enumerate()}
        selector: selectors.BaseSelector = vars(self)["_selector"]
        self._pipes = len(selector.get_map())
        vars(self)["_selector"] = _Jumping(self, selector)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def call_at(  # type: ignore[override]  # as every loop has it, type variables aside
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As in every loop; of two that are due at the same time the earlier made goes first."""
        return super().call_at(when + next(self._timers) * _APART, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]  # as every loop has it, type variables aside
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As in every loop; the clock goes on in real time meanwhile.

        What a thread does quickly, such as a query, is waited for, so that its end has the same place in each run.
        """
        if executor is None:
            executor = vars(self)["_default_executor"]
        if executor is None:
            executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            self.set_default_executor(executor)
        job = executor.submit(func, *args)
        # A pool of processes has no place in the same order: it is slow to begin with.
        if isinstance(executor, ThreadPoolExecutor) and not wait([job], timeout=_QUICK).not_done:
            future: asyncio.Future[Any] = self.create_future()
            self.call_soon(_hand_over, job, future)
            return future
        future = asyncio.wrap_future(job, loop=self)
        self._busy += 1
        future.add_done_callback(self._done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As in every loop; its timeout is of real seconds."""
        self._busy += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._busy -= 1

    @property
    def busy(self) -> bool:
        """Whether an executor works for it."""
        return self._busy > 0

    @property
    def has_company(self) -> bool:
        """Whether sockets or foreign threads may have something to say."""
        # Threads of executors only speak when they work, which `busy` knows.
        foreign = any(
            thread.ident not in self._threads and not thread.name.startswith(_EXECUTOR_THREADS)
            for thread in threading.enumerate()
        )
        return foreign or len(vars(self)["_selector"].get_map()) > self._pipes

    def jump(self, seconds: float) -> None:
        """Let this much time pass at once."""
        if seconds >= _LONG:
            self.stuck = who_waits(self)
        self._rounds = 0
        self._now += seconds
        self._wall.advance(seconds)

    def tick(self) -> None:
        """A round of the loop has begun.

        Raises:
            DeadlockError: Somebody is busy for ever.
        """
        self._now += _ROUND
        self._wall.advance(_TICK)
        self._rounds += 1
        if self._rounds > self._endless:
            self._rounds = 0
            raise DeadlockError(
                f"Somebody is busy and never waits, in {self._endless:,} rounds of the event loop.\n{who_waits(self)}"
            )

    def _done(self, _: Any) -> None:
        self._busy -= 1


def _hand_over(job: Future[Any], future: asyncio.Future[Any]) -> None:
    if future.done():
        return
    error = job.exception()
    if error is None:
        future.set_result(job.result())
    else:
        future.set_exception(error)


class _Jumping:
    """The loop's selector: where a loop would wait, time jumps."""

    def __init__(self, loop: VirtualLoop, selector: selectors.BaseSelector) -> None:
        self._loop = loop
        self._selector = selector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def select(self, timeout: float | None = None) -> Any:
        loop = self._loop
        loop.tick()
        ready = self._selector.select(0)
        if ready or timeout == 0:
            return ready
        if loop.busy:
            # What a thread waits for may be a timer of this loop.
            begun = time.perf_counter()
            ready = self._selector.select(_EXECUTOR if timeout is None else min(timeout, _EXECUTOR))
            loop.jump(time.perf_counter() - begun)
            return ready
        if loop.has_company:
            ready = self._selector.select(_GRACE)
            if ready or timeout is None:
                return ready
        if timeout is None:
            raise DeadlockError(f"Nothing will ever happen any more: every task waits.\n{who_waits(loop)}")
        loop.jump(timeout)
        return ready


def patient(limits: Limits) -> Limits:
    """The same limits where time is virtual: a stream may take an hour."""
    return replace(limits, seconds=max(limits.seconds, _PATIENCE))


def who_waits(loop: asyncio.AbstractEventLoop) -> str:
    """Who waits for what on a loop, one task in a line."""
    lines = []
    for task in sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name()):
        frames = _frames(task.get_coro())
        own = [frame for frame in frames if not is_library(frame)]
        # Where it waits, and which line of the app made it wait.
        shown = [*frames[-1:], *own[-1:]] if own[-1:] != frames[-1:] else frames[-2:][::-1]
        places = [f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})" for frame in shown]
        lines.append(f"  task {task.get_name()!r} waits in {', called by '.join(places) or 'nothing'}")
    return "\n".join(lines)


def _frames(waiting: Any) -> list[Any]:
    # A task's own stack shows the outermost coroutine only.
    frames = []
    while waiting is not None:
        if type(waiting).__name__ == "async_generator_asend":
            # The step of an async generator does not say of which.
            waiting = next((one for one in gc.get_referents(waiting) if inspect.isasyncgen(one)), None)
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        if frame is not None:
            frames.append(frame)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
    return frames


class Clock:
    """The clock of a test whose clients live on a virtual event loop; the fixture ``chatkit_clock``.

    Waiting costs nothing, ``datetime.now()``, ``time.time()`` and ``time.monotonic()`` follow, and the order of tasks
    that are ready at the same time can be chosen.

    Args:
        bench: The bench of the clients; none of them may have done anything yet.

    Raises:
        UsageError: The bench is in use already, on a loop of real time.

    Example::

        def test_a_slow_tool(chatkit_client, chatkit_model, chatkit_clock):
            @chatkit_client.client_tool
            async def confirm() -> bool:
                await asyncio.sleep(300)
                return True

            chatkit_client.send("Delete it")
            assert chatkit_clock.now() >= 300
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._loop: VirtualLoop | None = None
        if bench._runner is not None:
            raise UsageError("The clock has to be there first: take chatkit_clock before any client is used.")
        self._wall = bench._patches.enter_context(WallClock())
        bench.loop_factory = self._make
        bench.limits = patient(bench.limits)

    def now(self) -> float:
        """Virtual seconds since the first move of a client."""
        return self._loop.time() if self._loop is not None else 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass, with whatever happens meanwhile."""
        self._bench.run(lambda: asyncio.sleep(seconds))

    def order(self, switches: Mapping[int, int] | None) -> None:
        """Choose who goes first from now on: at choice ``n`` the task at index ``switches[n]`` of those ready.

        Choices are counted from 0 and happen wherever several tasks are ready; where nothing is said the first goes.

        Args:
            switches: The index by the number of the choice; ``None`` for first come, first served.
        """
        self._bench.run(lambda: self._follow(switches))

    def at_once(self, *moves: tuple[Any, ...]) -> list[Any]:
        """Let several clients move at the same time.

        Args:
            moves: Each a client's method and its arguments, such as ``(chatkit_client.send, "Hello")``.

        Returns:
            What each of them gave.

        Raises:
            ViolationError: Rules were broken.
        """
        __tracebackhide__ = True
        return self._bench.run(lambda: at_once([(owner(move), move[0].__name__, move[1:]) for move in moves]))

    async def _follow(self, switches: Mapping[int, int] | None) -> None:
        cast("VirtualLoop", asyncio.get_running_loop()).follow(dict(switches) if switches is not None else None)

    def _make(self) -> VirtualLoop:
        self._loop = VirtualLoop(self._wall)
        return self._loop


def owner(move: tuple[Any, ...]) -> ClientFace:
    """The client whose method a move is.

    Raises:
        UsageError: It is no client's method.
    """
    client = getattr(move[0], "__self__", None) if move else None
    if not isinstance(client, ClientFace):
        raise UsageError("at_once() takes tuples of a client's method and its arguments: (chatkit_client.send, 'Hi').")
    return client


async def at_once(moves: list[tuple[ClientFace, str, tuple[Any, ...]]]) -> list[Any]:
    """Let clients move at the same time; the first that fails is raised once all have ended."""
    __tracebackhide__ = True
    tasks = [
        asyncio.create_task(_moved(AsyncSimulatedClient._over(client._core), name, arguments))
        for client, name, arguments in moves
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _moved(client: AsyncSimulatedClient, name: str, arguments: tuple[Any, ...]) -> Coroutine[Any, Any, Any]:
    method: Callable[..., Coroutine[Any, Any, Any]] = getattr(client, name)
    return method(*arguments)
