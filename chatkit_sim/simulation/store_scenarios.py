"""The server's own store, and attachment store, held to what ChatKit relies on."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from chatkit.store import AttachmentStore, Store

from ..client import Judged
from ..client.serving import open_context
from ..errors import ChatKitSimError, Place, Violation
from ..model import NetworkBlocked
from ..rules.catalogue import Verdict
from ..stores import DelegatingStore, MemoryStore, SQLiteStore, StoreCall
from ..stores.conformance import (
    ATTACHMENT_PROMISES,
    PROMISES,
    AttachmentKit,
    Kit,
    OrderedLoop,
    Promise,
    PromiseBroken,
    PromiseNotChecked,
    StoreReport,
)
from ..stores.conformance.checking import report as try_all
from ..stores.conformance.checking import try_promise
from .own_rows import OwnRows, OwnUploads
from .simulation import NotApplicable, Scenario, ScenarioError, Simulation

_STARTED = datetime.now(UTC)  # when the scenarios were collected: what is older was not made by this run
_EXAMPLES = 10  # of sequences of calls, and of task orders
_PATIENCE = 15.0  # seconds for one promise
_LOOKED_AT = 50  # threads of the store

_OWN = "the store is chatkit-sim's own, a {}, which keeps every promise"
_NOT_HERE = "the server is reached over HTTP, so its store is out of reach"
_NO_UPLOADS = "the server has no attachment_store"
_SHARED = (
    "the store holds threads from before this run, and what deletes is not tried on a store that others use;"
    " give the server a store of its own: a factory (store) -> server, or a new database for each test"
)


class StoreError(ScenarioError):
    """The server's store breaks promises.

    Attributes:
        report: Everything that came of it.
    """

    def __init__(self, story: str, report: StoreReport) -> None:
        self.report = report
        super().__init__(story, [_violation(broken) for broken in report.broken])

    def _message(self) -> str:
        return f"{self.story}\n\n{self.report}"


def server_of(simulation: Simulation) -> Any:
    """The server under test, opened if it was not.

    Raises:
        NotApplicable: It is not in this process.
    """
    bench = simulation.bench
    bench.run(bench.transport)
    if bench.server is None:
        raise NotApplicable(_NOT_HERE)
    return bench.server


def _store(simulation: Simulation) -> None:
    server = _server_on_ordered_loop(simulation)
    store = _innermost(server.store)
    if type(store) in (MemoryStore, SQLiteStore):
        raise NotApplicable(_OWN.format(type(store).__name__))

    shared = simulation.bench.run(lambda: _is_shared(simulation, server.store))

    async def check(promise: Promise) -> None:
        async with _contexts(simulation, promise) as (context, other):
            if shared and await _deletes(promise):
                raise PromiseNotChecked(_SHARED)
            own = OwnRows(server.store, saved=True)
            try:
                await _try(simulation, Kit(promise, own, context, other, examples=_EXAMPLES))
            finally:
                _tell_left_over(simulation, store, await own.delete_own())

    _judge(simulation, PROMISES, check, f"{type(store).__name__} of {type(server).__name__}")


def _attachment_store(simulation: Simulation) -> None:
    server = _server_on_ordered_loop(simulation)
    uploads: AttachmentStore[Any] | None = server.attachment_store
    if uploads is None:
        raise NotApplicable(_NO_UPLOADS)
    upload: Any = simulation.given("chatkit_upload")

    async def check(promise: Promise) -> None:
        async with _contexts(simulation, promise) as (context, other):
            own, own_uploads = OwnRows(server.store, saved=True), OwnUploads(uploads)

            async def direct(_: Any, given: Any) -> Any:
                made = upload(uploads, given)
                attachment = await made if inspect.isawaitable(made) else made
                own_uploads.note(attachment, given)
                return attachment

            kit = AttachmentKit(promise, own_uploads, own, context, other, None if upload is None else direct)
            try:
                await _try(simulation, kit)
            finally:
                _tell_left_over(simulation, uploads, [*await own_uploads.delete_own(), *await own.delete_own()])

    _judge(simulation, ATTACHMENT_PROMISES, check, f"{type(uploads).__name__} of {type(server).__name__}")


def _judge(simulation: Simulation, promises: tuple[Promise, ...], check: Any, what: str) -> None:
    """Try all promises, put what came of them with what the rules say, and raise what is broken.

    Raises:
        StoreError: Promises are broken.
    """
    simulation.begin(f"store  {what}")
    report: StoreReport = simulation.bench.run(lambda: try_all(promises, check))
    error = StoreError(simulation.story(), report)
    heard, ignored = simulation.bench.catalogue.sift(error.violations)
    verdict = Verdict(
        violations=tuple(heard),
        ignored=tuple(ignored),
        checked=frozenset(promise.slug for promise in (*report.kept, *(broken.promise for broken in report.broken))),
        not_checked={promise.slug: why for promise, why in report.not_checked},
    )
    simulation.bench.judged.append(Judged(None, verdict, verdict.violations))
    if heard:
        names = {violation.rule for violation in heard}
        left = [broken for broken in report.broken if broken.promise.slug in names]
        raise StoreError(simulation.story(), dataclasses.replace(report, broken=tuple(left)))


def _server_on_ordered_loop(simulation: Simulation) -> Any:
    # One promise chooses the order of tasks, which only such a loop lets it do; otherwise it is as any other.
    if not simulation.bench.owns_loop:
        simulation.bench.loop_factory = OrderedLoop
    return server_of(simulation)


async def _try(simulation: Simulation, kit: Kit) -> None:
    blocked = len(simulation.bench.guard.blocked)
    try:
        await try_promise(kit, _PATIENCE)
    except (PromiseBroken, NetworkBlocked) as error:
        new = simulation.bench.guard.blocked[blocked:]
        if not new:
            raise
        raise PromiseNotChecked(f"the store reached for {new[0].host}, and the network is closed") from error


@asynccontextmanager
async def _contexts(simulation: Simulation, promise: Promise) -> AsyncGenerator[tuple[Any, Any]]:
    """The request contexts of the user and, where the promise is about two and there is one, of the other."""
    async with AsyncExitStack() as stack:
        context = await open_context(simulation.context, stack)
        given = simulation.given("chatkit_other_context") if promise.two_users else None
        yield context, None if given is None else await open_context(given, stack)


async def _is_shared(simulation: Simulation, store: Store[Any]) -> bool:
    """Whether the user has threads from before this run."""
    async with AsyncExitStack() as stack:
        context = await open_context(simulation.context, stack)
        try:
            pages = [await store.load_threads(_LOOKED_AT, None, order, context) for order in ("asc", "desc")]
            return any(_instant(thread.created_at) < _STARTED for page in pages for thread in page.data)
        except Exception:
            return False  # a store that cannot list threads breaks a promise, which will be told


def _instant(time: datetime) -> datetime:
    return time.astimezone(UTC)  # a naive time is local, as ChatKit's own are


async def _deletes(promise: Promise) -> bool:
    """Whether a promise deletes anything, found out where there is nothing to lose."""
    store = _Noting(MemoryStore())
    with suppress(ChatKitSimError):  # a MemoryStore knows no users; which calls are made is all that counts here
        await try_promise(Kit(promise, store, {}, {"another": "user"}, examples=1), _PATIENCE)
    return any(method.startswith("delete_") for method in store.methods)


class _Noting(DelegatingStore[Any]):
    """Notes the methods that are called."""

    def __init__(self, store: Store[Any]) -> None:
        super().__init__(store)
        self.methods: set[str] = set()

    async def around(self, call: StoreCall, proceed: Any) -> Any:
        self.methods.add(call.method)
        return await proceed()


def _tell_left_over(simulation: Simulation, store: Any, kept: list[str]) -> None:
    if kept:
        more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        simulation.bench.remarks.append(
            f"{simulation.scenario.slug} could not delete from {type(store).__name__} what it had put there: "
            f"{kept[0]}{more}."
        )


def _innermost(store: Any) -> Any:
    while isinstance(store, DelegatingStore):
        store = store.wrapped
    return store


def _violation(broken: PromiseBroken) -> Violation:
    promise = broken.promise
    return Violation(
        rule=promise.slug,
        place=Place(),
        reason=promise.must_hold,
        details=[f"Came back: {broken.came_back}", f"Relied on by: {promise.relies}"],
        remedy=promise.remedy,
        subjects={"promise": promise.slug},
        cause=broken,
    )


STORE_SCENARIOS: tuple[Scenario, ...] = (
    Scenario("store", "The server's store is asked for everything that ChatKit relies on.", _store),
    Scenario(
        "attachment-store", "The attachment store is asked for everything that ChatKit relies on.", _attachment_store
    ),
)
"""The scenarios about the server's stores."""
