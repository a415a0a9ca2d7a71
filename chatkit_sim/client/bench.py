"""One server under test and everything a test owns around it: the script, the guard, the clients, the verdicts."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, Unpack

from chatkit.server import ChatKitServer

from ..errors import ChatKitSimWarning, UsageError, Violation, ViolationError
from ..model import Instrumentation, ModelScript, NetworkGuard, UnattributedRun
from ..recording import Exchange, Turn
from ..rules import Catalogue, TestEvidence, Verdict
from ..stores import MemoryStore
from ..transports import Transport
from .doors import Door, Doorway, TransportKind
from .frontend import Frontend
from .leaving import watched_writes
from .policies import Limits, Policies
from .serving import DefaultContext
from .witness import Surroundings

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Judged:
    """A turn and what the rules said of it.

    Attributes:
        turn: The turn; ``None`` for the verdict on the whole test.
        verdict: What the rules said.
        raised: The violations that were raised to the test (not expected, not ignored, not warnings).
        noted: Those that would have been, on a bench that only takes notes.
    """

    turn: Turn | None
    verdict: Verdict
    raised: tuple[Violation, ...]
    noted: tuple[Violation, ...] = ()


class BenchOptions(TypedDict, total=False):
    """What a bench can be given besides the server.

    Attributes:
        store: Given to a factory that takes one; a ``MemoryStore`` by default.
        model: The model script; an empty one by default.
        catalogue: The rules and what is ignored.
        limits: When clients give up.
        policies: What clients do where the protocol leaves it open.
        allow_network: Hosts that may be reached although they are global.
        strict_network: Stop private addresses and single-label names as well.
        reload_check: Read the thread back after each turn and hold it against what the user sees; on by default.
        frontend: What the web page registers; without one the page offers everything.
        app: The ASGI app that serves the server under test.
        path: The path of the app's ChatKit endpoint.
        headers: Sent with each request to the app or URL.
        url: The endpoint of a server that runs elsewhere.
        transport: Which way to take where several are possible; see ``Door``.
        loop_factory: Makes the event loop of sync clients; an ordinary one by default.
    """

    store: Any
    model: ModelScript
    catalogue: Catalogue
    limits: Limits
    policies: Policies
    allow_network: Sequence[str]
    strict_network: bool
    reload_check: bool
    frontend: Frontend | None
    app: Any
    path: str
    headers: Mapping[str, str]
    url: str | None
    transport: TransportKind | None
    loop_factory: Callable[[], asyncio.AbstractEventLoop]


class Bench:
    """One server under test, its model script and its clients.

    Clients make one by themselves; a test needs it only to run several clients over one server without ``another``.
    While it is open, tracing export is off, the network is closed, and the Agents SDK reports to it.

    Attributes:
        judged: Every verdict, in order.
        told_at: The file and line that warnings are told at; by default those of whoever concludes the test.
        takes_notes: Whether broken rules are only noted, not raised; to gather all that a baseline is to hold.

    Args:
        server: A ``ChatKitServer``, or a factory ``() -> server`` or ``(store) -> server``: sync, async or a context
            manager. A factory is entered on the clients' own event loop. ``None`` when ``app`` or ``url`` is given.
        context: The request context, or a function that makes it for each request.
        options: See ``BenchOptions``.
    """

    def __init__(self, server: Any = None, *, context: Any = None, **options: Unpack[BenchOptions]) -> None:
        self.model = options.get("model") or ModelScript()
        self.context = DefaultContext() if context is None else context
        self.catalogue = options.get("catalogue") or Catalogue()
        self.limits = options.get("limits") or Limits()
        self.policies = options.get("policies") or Policies()
        self.reload_check = options.get("reload_check", True)
        self.judged: list[Judged] = []
        self.takes_notes = False
        self.told_at: tuple[str, int] | None = None
        self.frontend = options.get("frontend")
        self.remarks: list[str] = []
        self.surroundings = Surroundings()
        self._store = options.get("store")
        self._resources = AsyncExitStack()
        door = Door(
            server=server,
            app=options.get("app"),
            path=options.get("path", "/chatkit"),
            headers=options.get("headers", {}),
            url=options.get("url"),
            transport=options.get("transport"),
        )
        self._doorway = Doorway(door, self._make_store, self._resources)
        self.loop_factory = options.get("loop_factory", asyncio.new_event_loop)
        self._runner: asyncio.Runner | None = None
        self._concluded = False
        self._closed = False
        self._watching = False
        self._patches = ExitStack()
        self._instrumentation = self._patches.enter_context(Instrumentation.active())
        guard = NetworkGuard(allow=options.get("allow_network", ()), strict=options.get("strict_network", False))
        self.guard = self._patches.enter_context(guard)
        self._seen_blocked = self._seen_unscripted = self._seen_refused = 0

    @property
    def turns(self) -> list[Turn]:
        """Every finished turn of every client, in order."""
        return [judged.turn for judged in self.judged if judged.turn is not None]

    @property
    def server(self) -> ChatKitServer[Any] | None:
        """The server, once a client has needed it."""
        return self._doorway.server

    @property
    def unattributed(self) -> tuple[UnattributedRun, ...]:
        """Runs of the Agents SDK that belong to no request, as far as can be told: neither scripted nor observed."""
        return tuple(self._instrumentation.unattributed)

    @property
    def owns_loop(self) -> bool:
        """Whether the clients run on a loop that nobody else uses, as sync clients do."""
        return self._runner is not None

    @property
    def door(self) -> Door:
        """Where the server is; another one may be set before the first client needs it."""
        return self._doorway.door

    @door.setter
    def door(self, door: Door) -> None:
        self._doorway.door = door

    @property
    def unseen(self) -> Mapping[str, str]:
        """What rules cannot see of the server, by slug, each with why."""
        if self.server is not None:
            return {}
        why = "the server is reached over HTTP"
        unseen = {"no-work-after-cancel": f"{why}: what it writes to its store cannot be seen"}
        if self.door.kind == "http":
            unseen["no-leaked-tasks"] = f"{why}, and runs on an event loop of its own"
            unseen["cancellation-comes-through"] = f"{why}, and is ahead of the client: what it was about is not known"
        return unseen

    async def transport(self, headers: Mapping[str, str] | None = None) -> Transport:
        """A new client's way to the server, which is opened now if it was not.

        Args:
            headers: The client's own headers, in place of the door's.
        """
        self.check_open()
        transport = await self._doorway.transport(headers)
        if not self._watching and self.server is not None:
            self._watching = True
            self._patches.enter_context(watched_writes(self.server))
        return transport

    def attribute(self, exchange: Exchange) -> None:
        """Let runs in foreign threads and tasks find this exchange by its thread id."""
        self._patches.enter_context(self._instrumentation.attribute(exchange))

    def run(self, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Run a coroutine function on the bench's own event loop, for sync clients.

        Raises:
            UsageError: There is a running event loop already.
        """
        __tracebackhide__ = True
        self.check_open()
        if _loop_is_running():
            raise UsageError(
                "The sync client was used inside a running event loop, which it would block. "
                "Use the fixture `async_chatkit_client` (or AsyncSimulatedClient) and await its methods."
            )
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=self.loop_factory)
        return self._runner.run(work(), context=copy_context())

    def new_evidence(self) -> dict[str, Any]:
        """Model calls without a step or refused, and stopped connections, since the last call."""
        unscripted = self.model.unscripted[self._seen_unscripted :]
        refused = self.model.refused[self._seen_refused :]
        blocked = self.guard.blocked[self._seen_blocked :]
        self._seen_unscripted += len(unscripted)
        self._seen_refused += len(refused)
        self._seen_blocked += len(blocked)
        return {"unscripted": tuple(unscripted), "refused": tuple(refused), "blocked": tuple(blocked)}

    def conclude(self) -> None:
        """Judge the test as a whole, once: steps left over, connections outside of turns; and give the warnings.

        Raises:
            ViolationError: A rule about the whole test is broken.
        """
        __tracebackhide__ = True
        if self._concluded:
            return
        self._concluded = True
        evidence = TestEvidence(
            turns=tuple(self.turns),
            unused=tuple(self.model.unused()),
            **self.new_evidence(),
            answers=self.surroundings.take_answers(),
        )
        verdict = self.catalogue.judge_test(evidence)
        errors = self.keep(None, verdict, verdict.violations).raised
        if errors:
            raise ViolationError(errors)
        self._warn()

    def keep(self, turn: Turn | None, verdict: Verdict, unexpected: Iterable[Violation]) -> Judged:
        """Keep a verdict, and say what of it is to be raised.

        Args:
            turn: The turn; ``None`` for the verdict on the whole test.
            verdict: What the rules said.
            unexpected: What of it no ``expecting`` block waited for.
        """
        errors = tuple(violation for violation in unexpected if violation.severity == "error")
        judged = Judged(turn, verdict, (), errors) if self.takes_notes else Judged(turn, verdict, errors)
        self.judged.append(judged)
        return judged

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While it lasts, turns are driven only to learn from them: their verdicts are forgotten."""
        judged = len(self.judged)
        try:
            yield
        finally:
            del self.judged[judged:]

    def close(self) -> None:
        """Leave the server and the loop, and restore what was patched. May be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._runner is not None:
                self._runner.run(self._resources.aclose())
                self._runner.close()
            elif not _loop_is_running():
                with asyncio.Runner(loop_factory=self.loop_factory) as runner:
                    runner.run(self._resources.aclose())
        finally:
            self._patches.close()

    async def aclose(self) -> None:
        """The same on a running loop, for async clients."""
        if not self._closed:
            self._closed = True
            try:
                await self._resources.aclose()
            finally:
                self._patches.close()

    def check_open(self) -> None:
        """See that the bench is still open.

        Raises:
            UsageError: It was closed.
        """
        if self._closed:
            raise UsageError("This client is closed; make a new one (or take the fixture, which lives for one test).")

    def _make_store(self) -> Any:
        return MemoryStore() if self._store is None else self._store

    def _warn(self) -> None:
        for remark in dict.fromkeys(self.remarks):
            self._tell(remark)
        found: dict[str, list[Violation]] = {}
        for judged in self.judged:
            for violation in judged.verdict.violations:
                if violation.severity == "warning":
                    found.setdefault(violation.rule, []).append(violation)
        for violations in found.values():
            more = f"\n  (and {len(violations) - 1} more of this rule)" if len(violations) > 1 else ""
            self._tell(f"{violations[0]}{more}")

    def _tell(self, text: str) -> None:
        if self.told_at is None:
            warnings.warn(text, ChatKitSimWarning, stacklevel=4)
        else:
            warnings.warn_explicit(text, ChatKitSimWarning, *self.told_at)


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
