"""One example: a bench, its clients, and the moves that are made on it, with whatever comes of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from agents.testing import ModelCall
from chatkit.server import ChatKitServer

from ..client import AsyncSimulatedClient, Bench, ClientToolError, Limits
from ..client.bench import BenchOptions
from ..client.client_tools import ClientTool, ClientTools
from ..errors import LimitError, Place, RuleError, UsageError, Violation, ViolationError, describe_exception
from ..model import Caller, ModelScript, Step
from ..rules.excuses import chain
from .clock import DeadlockError, VirtualLoop, patient
from .moves import AtOnce, Delete, Join, Move, Open, Pry, SecondUser, Wait
from .own_thread import OwnThread
from .story import Key, Played, Reacted, Said, Source, key_of
from .wall_clock import WallClock

_ERROR_RULES = ("no-unexpected-error", "stream-ends-cleanly")
_ENDLESS = 100_000  # rounds of the loop in which nobody waits; it takes a second or so to see
_EVENTS = 5_000  # of one stream, where the app's project says nothing else: what is endless shows soon
_MODELS_FAULT = ("ModelBehaviorError", "MaxTurnsExceeded")


def _short(limits: Limits) -> Limits:
    return replace(limits, events=_EVENTS) if limits.events == Limits().events else limits


class NotPlayable(UsageError):
    """A user of the page could not make this move now."""


@dataclass(kw_only=True)
class World:
    """The server under test and what is around it, opened anew for each example as far as that can be.

    Attributes:
        server: A factory, which is called for each example; or a server, which lives through all of them.
        context: The request context, or what makes it.
        second_user: What makes a client a second user's, as a keyword of ``client.another()``: ``context``, or over
            HTTP ``headers``; empty when there is none.
        options: What benches are given.
        reset: Clears what the app itself remembers, before each example; sync or async.
        virtual_time: Whether examples run on a virtual clock, in any order of tasks.
        bench: The bench that examples share, where the server lives through all of them.
        wall: The time of day of examples that share a server.
    """

    server: Any = None
    context: Any = None
    second_user: Mapping[SecondUser, Any] = field(default_factory=dict)
    options: BenchOptions = field(default_factory=lambda: BenchOptions())
    reset: Callable[[], Any] | None = None
    virtual_time: bool = True
    bench: Bench | None = None
    wall: WallClock = field(default_factory=WallClock)

    @property
    def is_shared(self) -> bool:
        """Whether the examples share one server."""
        return self.bench is not None or isinstance(self.server, ChatKitServer) or bool(self.options.get("url"))

    @contextmanager
    def opened(self) -> Iterator[Bench]:
        """A bench for one example."""
        with collected_on_demand(), self.wall if self.is_shared else WallClock() as wall:
            if not self.is_shared:
                bench = self._new_bench(wall)
                try:
                    yield bench
                finally:
                    bench.close()
                return
            if self.bench is None:
                self.bench = self._new_bench(wall)
            if self.virtual_time and self.bench._runner is None:
                self.bench.loop_factory = partial(VirtualLoop, wall, endless=_ENDLESS)
                self.bench.limits = _short(patient(self.bench.limits))
            yield self.bench

    def close(self) -> None:
        """Close what the examples shared."""
        if self.bench is not None:
            self.bench.close()

    def _new_bench(self, wall: WallClock) -> Bench:
        options: BenchOptions = {**self.options}
        if self.virtual_time:
            options["loop_factory"] = partial(VirtualLoop, wall, endless=_ENDLESS)
            options["limits"] = _short(patient(options.get("limits") or Limits()))
        options.setdefault("model", ModelScript())
        return Bench(self.server, context=self.context, **options)


class Scene:
    """One example under way.

    Args:
        world: The server under test.
        bench: The bench, opened for this example.
        source: Where the model's answers and the page's reactions come from.

    Attributes:
        clients: The clients, in the order in which they came.
        story: What was played.
    """

    def __init__(self, world: World, bench: Bench, source: Source) -> None:
        self.world = world
        self.bench = bench
        self.source = source
        self.story: list[Played] = []
        self._said: list[Said] = []
        self._reacted: list[Reacted] = []
        bench.model.otherwise(self._answer)
        self.clients: list[AsyncSimulatedClient] = []
        self._seat(AsyncSimulatedClient(bench, context=world.context))
        self._thread = OwnThread()
        self._threads: dict[str | None, None] = {}
        self._stuck: str | None = None
        self._lasting: set[asyncio.Task[Any] | None] = set()
        self._seconds = 0.0
        # What an app or a test resets in its factory is reset before anybody looks at it.
        bench.run(self._prepare)

    async def _prepare(self) -> None:
        if self.world.reset is not None:
            done = self.world.reset()
            if done is not None:
                await done
        await self.clients[0]._core.transport()

    def play(self, move: Move) -> Played:
        """Make a move, and see what comes of it.

        Raises:
            NotPlayable: A user of the page could not do that now.
            BaseException: What stopped the source.
        """
        source, judged = self.source, len(self.bench.judged)
        self._said, self._reacted, self._seconds = [], [], 0.0
        source.begin(move)
        order = source.order()
        found: list[Violation] = []
        try:
            for error in self.bench.run(lambda: self._make(move, order)):
                found += _failure(error, move, self._stuck)
        except DeadlockError as error:
            found.append(_deadlock(error))
        source.end()
        turns = tuple(self.bench.judged[judged:])
        found, _ = self.bench.catalogue.sift(found)
        found = [violation for turn in turns for violation in turn.raised] + found
        wrong = any(said.wrong for said in self._said)
        muted = [violation for violation in found if is_excused(violation, wrong=wrong)]
        said, reacted = tuple(self._said), tuple(self._reacted)
        played = Played(move, said, reacted, order, tuple(found), tuple(muted), turns, self._seconds)
        self.story.append(played)
        return played

    async def _make(self, move: Move, order: Mapping[int, int]) -> list[Exception]:
        loop = self._thread.loop = asyncio.get_running_loop()
        begun = loop.time()
        if isinstance(loop, VirtualLoop):
            loop.follow(dict(order) if order else None)
        try:
            match move:
                case Join():
                    await self._join(move)
                    return []
                case Wait(seconds=seconds):
                    await asyncio.sleep(seconds)
                    return []
                case AtOnce(moves=moves):
                    tasks = [asyncio.create_task(self._one(one)) for one in moves]
                    await asyncio.wait(tasks)
                    return [error for task in tasks for error in task.result()]
            return await self._one(move)
        finally:
            if isinstance(loop, VirtualLoop):
                loop.follow(None)
                self._stuck, self._seconds = loop.stuck, loop.time() - begun
            await self._let_end()

    async def _let_end(self) -> None:
        """Let end what was left behind, so that it does not reach into the next move in one run and not in another."""
        # A run whose stream was left wakes up when its generators are collected, which must not be at any odd moment.
        gc.collect(1)
        await asyncio.sleep(0)
        kept = self._lasting | {asyncio.current_task()}
        while waiting := {task for task in asyncio.all_tasks() - kept if not _is_leak(task)}:
            done, _ = await asyncio.wait(waiting, timeout=self.bench.limits.settle)
            if not done:
                self._lasting |= waiting
                return

    async def _one(self, move: Move) -> list[Exception]:
        if move.client >= len(self.clients):
            raise NotPlayable("That client is not there.")
        client = self.clients[move.client]
        others = [one for one in self.clients if one is not client and one.thread_id == client.thread_id]
        if isinstance(move, Delete) and others:
            raise NotPlayable("Whoever else has the thread open would be left with nothing, whatever the server does.")
        try:
            match move:
                case Open():
                    await self._open(move, client)
                case Pry():
                    await client.check_isolation(**self._second_user())
                case _:
                    await move.make(client)
            self._threads.update(dict.fromkeys(one.thread_id for one in self.clients))
        except ViolationError:
            return []  # it stands in what was judged
        except RuleError:
            raise  # nothing that the server did
        except UsageError as error:
            raise NotPlayable(str(error)) from error
        except Exception as error:
            return [error]
        return []

    async def _open(self, move: Open, client: AsyncSimulatedClient) -> None:
        # Where the examples share a server, the history holds the threads of all of them.
        threads = [thread.id for thread in await client.threads(order="asc") if thread.id in self._threads]
        if move.number >= len(threads):
            raise NotPlayable("There is no such thread to open.")
        await client.open(threads[move.number])

    async def _join(self, move: Join) -> None:
        first = self.clients[0]
        if not move.other_user:
            client = first.another()
            if move.opens:
                if first.thread_id is None:
                    raise NotPlayable("The first client has no thread yet.")
                await client.open(first.thread_id)
        else:
            client = first.another(**self._second_user())
        self._seat(client)

    def _second_user(self) -> dict[str, Any]:
        if not self.world.second_user:
            raise NotPlayable("There is no second user.")
        return dict(self.world.second_user.items())

    def _seat(self, client: AsyncSimulatedClient) -> None:
        number = len(self.clients)
        core = client._core
        if self.bench.frontend is None:
            core.tools = _SceneTools(lambda tool, arguments: self._react(number, tool, arguments))
        else:
            for tool in self.bench.frontend.results:
                core.tools.add(tool, self._reacting(number, tool), replace=True)
        self.clients.append(client)

    def _answer(self, caller: Caller, call: ModelCall) -> Step:
        said = self._thread.do(partial(self.source.step, caller, call))
        self._said.append(said)
        return said.step

    def _reacting(self, client: int, tool: str) -> Callable[..., Any]:
        async def handler(**arguments: Any) -> Any:
            return await self._react(client, tool, arguments)

        return handler

    async def _react(self, client: int, tool: str, arguments: Mapping[str, Any]) -> Any:
        reaction = self.source.reaction(client, tool, arguments)
        self._reacted.append(Reacted(tool, reaction))
        if reaction.delay:
            await asyncio.sleep(reaction.delay)
        if reaction.outcome == "fails":
            raise ClientToolError(reaction.value)
        return reaction.value


@dataclass
class _SceneTools(ClientTools):
    """A page that has every client tool; what each answers is the source's affair."""

    react: Callable[[str, Mapping[str, Any]], Any] = field(kw_only=True, default=lambda tool, arguments: None)

    def __init__(self, react: Callable[[str, Mapping[str, Any]], Any]) -> None:
        super().__init__()
        self.react = react

    def get(self, name: str) -> ClientTool | None:
        """The tool of this name; there always is one."""
        if super().get(name) is None:

            async def handler(**arguments: Any) -> Any:
                return await self.react(name, arguments)

            self.add(name, handler)
        return super().get(name)

    def copy(self) -> ClientTools:
        """The same for another client."""
        return _SceneTools(self.react)


def check_factory(server: Any) -> None:
    """See that a server can be made anew for each example.

    Raises:
        UsageError: It was made already.
    """
    if isinstance(server, ChatKitServer):
        raise UsageError(
            f"Hypothesis plays many conversations, each on a server of its own: give a factory, such as "
            f"`lambda store: {type(server).__name__}(store)`, in place of a server."
        )


def keys_of(played: Played) -> dict[Key, Violation]:
    """The bugs that showed in a move; those excused apart."""
    return {key_of(violation): violation for violation in played.violations if violation not in played.muted}


def is_excused(violation: Violation, *, wrong: bool) -> bool:
    """Whether a violation says nothing about the server: a defect of the SDKs, or a model's fault."""
    if violation.upstream:
        return True
    behind = {type(link).__name__ for link in chain(violation.cause)}
    return wrong and violation.rule in _ERROR_RULES and bool(behind & set(_MODELS_FAULT))


def _is_leak(task: asyncio.Task[Any]) -> bool:
    # `_merge_generators` of chatkit.agents leaves the reader of its queue behind whenever a run fails.
    return "_AsyncQueueIterator" in getattr(task.get_coro(), "__qualname__", "")


@contextmanager
def collected_on_demand() -> Iterator[None]:
    """While it lasts, garbage is collected between moves only, so that what hangs on it happens there, every time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _failure(error: Exception, move: Move, stuck: str | None) -> Iterator[Violation]:
    name = type(move).__name__
    if isinstance(error, LimitError):
        yield Violation(
            rule="turn-ends",
            place=Place(),
            reason=str(error),
            details=[f"Nothing else was going to happen:\n{stuck}"] if stuck else [],
            remedy="See what the responder waits for, or what it repeats.",
            cause=error,
        )
        return
    yield Violation(
        rule="request-answered",
        place=Place(),
        reason=f"{type(error).__name__} came out of a request of the move {name}: a browser would get a status 500.",
        details=["\n".join(describe_exception(error))],
        remedy="Mend what raised; a request that is refused on purpose is answered by the endpoint with its status.",
        subjects={"exception": type(error).__name__},
        cause=error,
    )


def _deadlock(error: DeadlockError) -> Violation:
    return Violation(
        rule="turn-ends",
        place=Place(),
        reason=str(error),
        remedy="Look for an event, a lock or a queue that nobody will ever set, release or fill, or an endless loop.",
        cause=error,
    )
