"""Campaigns: many drawn conversations with one goal, and what they found."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from ..client import Judged
from ..errors import Violation
from .coverage import Coverage
from .drawn_model import Drawing
from .findings import CampaignError, CampaignResult, Finding
from .goals import Goal
from .machine import ChatKitMachine, StoryError, machine_for
from .reducing import reduced
from .reproducer import as_test
from .scene import Scene, World, keys_of
from .schemas import Strategy
from .story import Key, Recorded, Story

EXAMPLES = 20
STEPS = 6
_REDUCING = 10.0  # seconds for making one story short
_NEVER_ENDING = 300.0  # seconds a campaign takes at most when nothing else is said


@dataclass(frozen=True)
class _Failed:
    key: Key
    story: Story
    violations: tuple[Violation, ...]
    examples: int
    seconds: float


class _OutOfTime(BaseException):
    """The time is up; not an ``Exception``, so that neither the server nor Hypothesis takes it for a failure."""


@dataclass(kw_only=True)
class Campaign:
    """Many drawn conversations with one server.

    Attributes:
        world: The server under test.
        goal: What it is after.
        examples: How many conversations; the user's Hypothesis profile decides when it says something of its own.
        steps: How many moves each has.
        seconds: When it ends at the latest.
        seed: The seed of all choices; with one, Hypothesis' database is not read.
        most: After how many bugs it has told enough.
        name: The server's name; Hypothesis' database tells campaigns apart by it and the goal.
        drawing: Draws the model's answers and the page's reactions.
        messages: What users write.
        met: The campaign that first met a bug, by the bug; shared by the campaigns of one server.
        on_judged: Told of the turns of each example, with what the rules said of them.
        declared: Client tools that the page's ``Frontend`` has.
        met_here: The bugs that this campaign has met.
    """

    world: World
    goal: Goal
    examples: int | None = None
    steps: int = STEPS
    seconds: float | None = None
    seed: int | None = None
    most: int = 8
    name: str = "server"
    drawing: Drawing = field(default_factory=Drawing)
    messages: Strategy | None = None
    met: dict[Key, str] = field(default_factory=dict)
    on_judged: Callable[[Sequence[Judged]], None] = lambda judged: None
    declared: Sequence[str] = ()
    met_here: set[Key] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._begun = time.monotonic()
        self._played = self._steps = 0
        self._new: dict[Key, _Failed] = {}
        self._upstream: dict[str, Violation] = {}
        self._coverage = Coverage()

    def run(self) -> CampaignResult:
        """Run it.

        Raises:
            UsageError: The arguments of a tool cannot be drawn.
            Exception: What the server's factory raised.
        """
        with quiet_logs():
            return self._run()

    def _run(self) -> CampaignResult:
        self._begun = time.monotonic()
        self._rehearse()
        base = settings()
        examples = self.examples or _examples_of(base)
        used = _seed_of(self.seed, base)
        machine = machine_for(
            self.world, self.drawing, self.goal.kinds, name=self._machine_name(), messages=self.messages
        )
        machine.on_example = staticmethod(self._example_ended)
        findings: list[Finding] = []
        complete = steady = True
        while complete and self._played < examples and len(findings) < self.most:
            machine.known, before = frozenset(finding.key for finding in findings), self._played
            try:
                again = self._one_round(machine, base, examples - self._played, used, first=not findings)
            except _OutOfTime:
                again = complete = False
            except Flaky:
                again, steady = True, False
            findings += [self._finding(failed) for failed in self._new.values()]
            self._new.clear()
            if not again or self._played == before:
                break
        return CampaignResult(
            self.goal,
            self._played,
            self._steps,
            time.monotonic() - self._begun,
            used,
            tuple(findings),
            tuple(self._upstream.values()),
            complete,
            steady,
            self._coverage,
        )

    def _rehearse(self) -> None:
        # What has nothing to do with choices (a factory that raises) is told as it is, before any choice is made.
        with self.world.opened() as bench:
            scene = Scene(self.world, bench, Recorded((), lambda call: None))
            bench.run(scene.clients[0]._core.transport)

    def _one_round(
        self, machine: type[ChatKitMachine], base: settings, examples: int, used: int, *, first: bool
    ) -> bool:
        """Play until something new is found, or all examples are played; bugs that are known go unheard.

        Returns:
            Whether something was found, so that there may be more.
        """
        database = None if self.seed is not None else base.database if first else _SavesOnly.over(base.database)
        run_settings = settings(
            base,
            max_examples=examples,
            stateful_step_count=self.steps,
            database=database,
            # Stories are reduced afterwards, as stories.
            phases=[phase for phase in base.phases if phase not in (Phase.shrink, Phase.explain)],
            verbosity=Verbosity.quiet,
            print_blob=False,
            deadline=None,
            suppress_health_check=list(base.suppress_health_check) or list(HealthCheck),
        )
        try:
            run_state_machine_as_test(seed(used + self._played)(machine), settings=run_settings)
        except StoryError:
            return True
        except ExceptionGroup as group:
            _, others = group.split(StoryError)
            if others is not None and not isinstance(group, Flaky):
                raise others from None
            return True
        return False

    def _example_ended(self, story: Story) -> None:
        new = {key: violation for key, violation in _keys_at_end(story).items() if key not in self.met_here}
        if new.keys() & self._new.keys():
            return  # Hypothesis plays a failure once more to be sure of it
        self._played += 1
        self._steps += len(story)
        self._coverage.add(story)
        judged = [one for played in story for one in played.judged]
        for one in judged:
            for violation in one.verdict.violations:
                if violation.upstream:
                    self._upstream.setdefault(violation.subjects.get("defect", violation.rule), violation)
        elapsed = time.monotonic() - self._begun
        if new:
            key = next(iter(new))
            self._new[key] = _Failed(key, story, tuple(new.values()), self._played, elapsed)
        self.on_judged(judged)
        if not new and elapsed > (self.seconds or _NEVER_ENDING):
            raise _OutOfTime

    def _finding(self, failed: _Failed) -> Finding:
        key, examples, elapsed = failed.key, failed.examples, failed.seconds
        self.met_here.add(key)
        met_in = self.met.setdefault(key, self.goal.slug)
        if met_in != self.goal.slug:
            return Finding(key, failed.violations, failed.story, True, examples, elapsed, "", met_in)
        budget = _REDUCING if self.seconds is None else max(1.0, min(_REDUCING, self.seconds - elapsed))
        short = reduced(failed.story, key, self.world, seconds=budget)
        violations = tuple(_keys_at_end(short.story).values()) if short.reproducible else failed.violations
        test = as_test(short.story, key, declared=self.declared, stubbed=self._model_stubs())
        return Finding(key, violations, short.story, short.reproducible, examples, elapsed, test)

    def _model_stubs(self) -> bool:
        bench = self.world.bench
        model = self.world.options.get("model") or (bench.model if bench is not None else None)
        return model is not None and model.other_tools == "stub"

    def _machine_name(self) -> str:
        return f"ChatKit_{self.name}_{self.goal.slug}"


def run_campaign(campaign: Campaign, *, replay: Callable[[int], str] = "seed={}".format) -> CampaignResult:
    """Run a campaign.

    Args:
        campaign: The campaign.
        replay: Says how a person runs it again with a seed.

    Raises:
        CampaignError: It found bugs.
    """
    result = campaign.run()
    if result.findings:
        raise CampaignError(campaign.goal, result.findings, replay(result.seed))
    return result


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep the logs of hundreds of conversations out of a report; what is wrong is told with its traceback anyway."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


class _SavesOnly(ExampleDatabase):
    """Keeps what further rounds of a campaign find, and forgets nothing that the first round found."""

    def __init__(self, inner: ExampleDatabase) -> None:
        super().__init__()
        self._inner = inner

    @classmethod
    def over(cls, inner: ExampleDatabase | None) -> ExampleDatabase | None:
        return None if inner is None else cls(inner)

    def save(self, key: bytes, value: bytes) -> None:
        """See ``ExampleDatabase``."""
        self._inner.save(key, value)

    def fetch(self, key: bytes) -> Iterator[bytes]:
        """See ``ExampleDatabase``."""
        return iter(())

    def delete(self, key: bytes, value: bytes) -> None:
        """See ``ExampleDatabase``."""


def _examples_of(base: settings) -> int:
    # What the user's profile says counts; what Hypothesis says by itself is too much for whole conversations.
    ordinary = settings.get_profile("default").max_examples
    return EXAMPLES if base.max_examples == ordinary else base.max_examples


def _seed_of(given: int | None, base: settings) -> int:
    if given is not None:
        return given
    return 0 if base.derandomize else random.SystemRandom().randrange(2**32)


def _keys_at_end(story: Story) -> dict[Key, Violation]:
    return keys_of(story[-1]) if story else {}
