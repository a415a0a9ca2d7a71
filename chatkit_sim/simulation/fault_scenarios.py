"""Store calls that fail, one after the other, and conversations that have to get over it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from ..client import Judged
from ..client.serving import open_context
from ..model import says
from ..model.lanes import PLAIN_ANSWER
from ..recording import SERVING
from ..rules.catalogue import Verdict
from ..rules.excuses import chain
from ..stores import Fault, FaultyStore, StoreCall, StoreFault
from .aftermath import Aftermath, Cause, Damage, Deed, cause_of, violations_of
from .any_model import Plan
from .own_rows import OwnRows
from .simulation import NotApplicable, Scenario, ScenarioError, Simulation
from .store_scenarios import server_of
from .survey import GREETING, explore

How = Literal["before", "after", "lost"]
_HOWS: tuple[How, ...] = ("before", "after", "lost")
_SAID: dict[How, str] = {
    "before": "fails, and nothing is written",
    "after": "does its work, and its answer is lost",
    "lost": "fails, and so does every later one until the response is over",
}
_SECONDS = 10.0  # for a stream that hangs when its store fails
_TOOLS = 2  # client tools that are asked for


@dataclass(frozen=True)
class Flow:
    """A conversation in which every store call is to fail once.

    Attributes:
        title: What it is about.
        moves: What the user does, in a new thread.
    """

    title: str
    moves: tuple[Deed, ...]


@dataclass(frozen=True)
class Failure:
    """One failure of the store.

    Attributes:
        flow: In which conversation.
        call: At which call that is made for a response, from 1.
        how: How.
    """

    flow: Flow
    call: int
    how: How


@dataclass(frozen=True)
class FaultReport:
    """What was tried.

    Attributes:
        tried: How many faults.
        possible: How many there are: every call of every conversation, failing in each way.
        calls: How many calls each conversation makes, by its title.
        damages: What is wrong.
    """

    tried: int
    possible: int
    calls: dict[str, int]
    damages: tuple[Damage, ...]

    def __str__(self) -> str:
        spread = "" if self.tried == self.possible else ", evenly spread"
        return f"{self.tried} of {self.possible} possible faults of the store were tried{spread}"


def walk_faults(simulation: Simulation, most: int | None = None) -> FaultReport:
    """Let the store of the server fail at one call after the other, and see how the conversation goes on.

    The server's ``store`` is replaced for as long as this lasts. What is put into it is deleted again.

    Args:
        simulation: The simulation.
        most: How many faults to try, evenly spread; ``None`` for every one.

    Raises:
        NotApplicable: The server is not in this process, or its store cannot be replaced.
    """
    server, switch = server_of(simulation), _Switch()
    with _failing_store(simulation, server, switch), _short_patience(simulation), _without_planned_tracebacks():
        flows = _flows(simulation)
        walks = _Walks(simulation, switch)
        calls = {flow: walks.count(flow) for flow in flows}
        possible = [
            Failure(flow, call, _HOWS[(call + turn) % len(_HOWS)])
            for flow, count in calls.items()
            for call in range(1, count + 1)
            for turn in range(len(_HOWS))
        ]
        chosen = possible if most is None else _spread(possible, most)
        tried = 0
        for failure in chosen:
            tried += 1
            if not walks.walk(failure):
                break
    counted = {flow.title: count for flow, count in calls.items()}
    return FaultReport(tried, len(possible), counted, tuple(walks.damages))


def _store_faults(simulation: Simulation) -> None:
    bench, slug = simulation.bench, simulation.scenario.slug
    takes_notes, bench.takes_notes = bench.takes_notes, False  # what it hears of is new only if it was raised
    try:
        report = walk_faults(simulation, simulation.faults)
    finally:
        bench.takes_notes = takes_notes
    sifted = [(damage, *bench.catalogue.sift(damage.violations)) for damage in report.damages]
    found = tuple(violation for _, heard, _ in sifted for violation in heard)
    whole = report.tried == report.possible
    verdict = Verdict(
        violations=found,
        ignored=tuple(pair for _, _, ignored in sifted for pair in ignored),
        checked=frozenset([slug]) if whole else frozenset(),
        not_checked={} if whole else {slug: str(report)},
    )
    bench.judged.append(Judged(None, verdict, found))
    for damage, heard, _ in sifted:
        if heard:
            with simulation.part(damage.label):
                raise ScenarioError(damage.story, heard, turn=damage.turn)


def _flows(simulation: Simulation) -> list[Flow]:
    cast = explore(simulation)
    flows = [Flow("a plain reply", (Deed(GREETING), Deed("Thank you.")))]
    for asking in list(cast.askings.values())[:_TOOLS]:
        asks = Deed(asking.message, lambda asking=asking: simulation.plan_for(asking))  # type: ignore[misc]
        flows.append(Flow(f"the client tool {asking.client_tool}", (asks, Deed("Thank you."))))
    handoffs = [handoff for agent in cast.agents.values() for handoff in agent.handoffs.values()]
    if handoffs:
        target, _ = handoffs[0]
        flows.append(Flow(f"a handoff to {target}", (Deed(GREETING, lambda: Plan(target, [says(PLAIN_ANSWER)])),)))
    if simulation.may_retry:
        flows.append(Flow("a retry", (Deed(GREETING), Deed(None))))
    return flows


def _spread(failures: Sequence[Failure], most: int) -> list[Failure]:
    # The ways to fail take turns from call to call, so that every stride meets all of them.
    count = min(most, len(failures))
    return [failures[number * len(failures) // count] for number in range(count)]


class _Walks:
    """Walks through conversations while the store fails; collects what is wrong."""

    def __init__(self, simulation: Simulation, switch: _Switch) -> None:
        self.simulation = simulation
        self.switch = switch
        self.damages: list[Damage] = []
        self._met: set[Cause] = set()
        self._known: set[Cause] = set()
        self._counts: dict[Flow, int] = {}

    def count(self, flow: Flow) -> int:
        """How many store calls a conversation makes, nothing failing; what is wrong then is not the faults' doing."""
        bench, client = self.simulation.bench, self.simulation.client()
        self.simulation.begin()
        judged = len(bench.judged)
        self.switch.begin()
        for move in flow.moves:
            outcome = self.simulation.attempt(client, move.message, move.plan())
            self._known |= {cause_of(violation) for violation in violations_of(outcome)}
        # Other scenarios are about that; the turns count as played.
        bench.judged[judged:] = [
            dataclasses.replace(one, verdict=Verdict(), raised=()) for one in bench.judged[judged:]
        ]
        self._counts[flow] = self.switch.end()
        return self._counts[flow]

    def walk(self, failure: Failure) -> bool:
        """Play a conversation until the store fails, and see what comes after it; whether to go on with others."""
        simulation, flow = self.simulation, failure.flow
        simulation.begin(f"store  fails in {flow.title}")
        judged = len(simulation.bench.judged)
        client = simulation.client()
        self.switch.begin(failure)
        sent = ""
        for move in flow.moves:
            sent = sent if move.message is None else move.message
            outcome = simulation.attempt(client, move.message, move.plan())
            if self.switch.struck is not None:
                break
        self.switch.end()
        struck = self.switch.struck
        if struck is None:
            del simulation.bench.judged[judged:]
            return True  # the store was not called as often as the last time
        simulation.tell(f"store  call {failure.call} of {self._counts[flow]}, {_named(struck)}, {_SAID[failure.how]}")
        aftermath = Aftermath(simulation, client, outcome, move, sent, struck, self._known)
        new = [violation for violation in aftermath.play() if cause_of(violation) not in self._met]
        del simulation.bench.judged[judged:]  # of what went well nothing is kept, it is too much
        if new:
            where = f"{flow.title}: call {failure.call}, {struck.method}, {failure.how}"
            self._met |= {cause_of(violation) for violation in new}
            self.damages.append(Damage(where, simulation.story(), tuple(new), aftermath.last))
        return not aftermath.hung


def _named(call: StoreCall) -> str:
    kinds = [getattr(value, "type", None) for value in (*call.arguments, *call.keywords.values())]
    kind = next((kind for kind in kinds if isinstance(kind, str)), None)
    return f"{call.method} of {kind}" if kind else call.method


@dataclass
class _Switch:
    """The plan of a ``FaultyStore``: which call fails, of those that are made for a response.

    Attributes:
        count: How many calls there were.
        struck: The one that failed first.
    """

    count: int = 0
    struck: StoreCall | None = None
    _failure: Failure | None = None
    _on: bool = field(default=False)

    def begin(self, failure: Failure | None = None) -> None:
        """Begin to count, and to fail if there is a failure."""
        self.count, self.struck, self._failure, self._on = 0, None, failure, True

    def end(self) -> int:
        """Let every call succeed from now on; gives how many there were."""
        self._on = False
        return self.count

    def __call__(self, call: StoreCall) -> Fault | None:
        """What happens to a call."""
        exchange = SERVING.get()
        # A reload is served without a task that consumes a stream.
        if not self._on or exchange is None or exchange.task is None:
            return None
        self.count += 1
        failure = self._failure
        if failure is None or self.count < failure.call:
            return None
        if self.count == failure.call:
            self.struck = call
            return Fault("after" if failure.how == "after" else "before")
        return Fault() if failure.how == "lost" else None


@contextmanager
def _failing_store(simulation: Simulation, server: Any, switch: _Switch) -> Iterator[None]:
    store = server.store
    own = OwnRows(store)
    try:
        server.store = FaultyStore(own, switch)
    except AttributeError as error:
        raise NotApplicable(f"the server's store cannot be replaced: {error}") from error

    async def tidy_up() -> list[str]:
        async with AsyncExitStack() as stack:
            return await own.delete_own(await open_context(simulation.context, stack))

    try:
        yield
    finally:
        server.store = store
        kept = simulation.bench.run(tidy_up)
        if kept:
            simulation.bench.remarks.append(f"store-faults could not delete {len(kept)} of its threads: {kept[0]}.")


@contextmanager
def _short_patience(simulation: Simulation) -> Iterator[None]:
    limits = simulation.bench.limits
    simulation.bench.limits = dataclasses.replace(limits, seconds=min(limits.seconds, _SECONDS))
    try:
        yield
    finally:
        simulation.bench.limits = limits


@contextmanager
def _without_planned_tracebacks() -> Iterator[None]:
    """Keep the tracebacks of planned failures out of the logs that pytest shows: there would be hundreds."""

    def unplanned(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not any(isinstance(link, StoreFault) for link in chain(error))

    handlers = [handler for handler in (*logging.getLogger().handlers, logging.lastResort) if handler is not None]
    for handler in handlers:
        handler.addFilter(unplanned)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(unplanned)


FAULT_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "store-faults",
        "The store fails at one call after the other, and the conversation has to get over it.",
        _store_faults,
    ),
)
"""The scenarios about a store that fails."""
