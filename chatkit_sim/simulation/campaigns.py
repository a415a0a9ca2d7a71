"""Campaigns: many drawn conversations with one goal, and what they found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import seed, settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from ..client import Judged
from ..errors import Violation
from ..recording import Turn
from .constants import constants_of
from .coverage import Coverage
from .drawn_model import Drawing, plain_step
from .findings import CampaignError, CampaignResult, Finding
from .goals import Goal
from .machine import ChatKitMachine, StoryError, machine_for
from .moves import Send
from .profile import SavesOnly, campaign_settings, examples_of, fixed_seed, seed_of_part, some_seed
from .reducing import reduced
from .reproducer import as_test
from .scene import Scene, World, keys_of
from .schemas import Strategy
from .story import Key, Played, Recorded, Story, deeds_that_went_well

STEPS = 6
_REDUCING = 10.0  # seconds for making one story short
_HOPE = 5  # conversations in which a server may bring nothing but errors
_TWO_HALVES = 10  # conversations
_NEVER_ENDING = 300.0  # seconds a campaign takes at most when nothing else is said


@dataclass(frozen=True)
class _Failed:
    key: Key
    story: Story
    violations: tuple[Violation, ...]
    examples: int
    seconds: float


class _Enough(BaseException):
    """Ends a round; not an ``Exception``, so that neither the server nor Hypothesis takes it for a failure."""


class _OutOfTime(_Enough):
    """The time is up."""


@dataclass(kw_only=True)
class Campaign:
    """Many drawn conversations with one server.

    Attributes:
        world: The server under test.
        goal: What it is after.
        examples: How many conversations all parts play together; the user's Hypothesis profile decides when it says
            something of its own.
        steps: How many moves each has.
        seconds: When it ends at the latest.
        seed: The seed of all choices; with one, Hypothesis' database is not read.
        part: Which part of the campaign this is, from 0: each has choices of its own, and its share of the examples.
        parts: How many there are. What one has found, the others find in Hypothesis' database.
        most: After how many bugs it has told enough.
        name: The server's name; Hypothesis' database tells campaigns apart by it and the goal.
        drawing: Draws the model's answers and the page's reactions.
        messages: What users write.
        met: The campaign that first met a bug, by the bug; shared by the campaigns of one server.
        on_judged: Told of the turns of each example, with what the rules said of them.
        on_progress: Told after each example how many were played, of how many, and how many bugs are known.
        declared: Client tools that the page's ``Frontend`` has.
        called: Its name in messages; by default the goal's, and which part it is.
        boundary: Where the model script answers, if its tests have to say so.
        went_well: What was the first thing on a server and broke nothing; shared by the campaigns of one server. Where
            the same breaks something later, the app remembers what it should not.
        met_here: The bugs that this campaign has met.
    """

    world: World
    goal: Goal
    examples: int | None = None
    steps: int = STEPS
    seconds: float | None = None
    seed: int | None = None
    part: int = 0
    parts: int = 1
    most: int = 8
    name: str = "server"
    drawing: Drawing = field(default_factory=Drawing)
    messages: Strategy | None = None
    met: dict[Key, str] = field(default_factory=dict)
    on_judged: Callable[[Sequence[Judged]], None] = lambda judged: None
    on_progress: Callable[[int, int, int], None] = lambda played, of, bugs: None
    declared: Sequence[str] = ()
    called: str = ""
    boundary: str | None = None
    went_well: set[str] = field(default_factory=set)
    met_here: set[Key] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._begun = time.perf_counter()
        self._played = self._steps = self._examples = 0
        self._complete = self._steady = True
        self._answers = False
        self._findings: list[Finding] = []
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

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.called or self.goal.slug + (f"-{self.part + 1}-of-{self.parts}" if self.parts > 1 else "")

    def _run(self) -> CampaignResult:
        self._begun = time.perf_counter()
        base = settings()
        self._examples = share(self.examples or examples_of(base), self.part, self.parts)
        fixed = fixed_seed(self.seed)
        used = some_seed(base) if fixed is None else fixed
        with constants_of(self._rehearse()):
            self._play(base, used, None if fixed is not None else base.database)
        return CampaignResult(
            goal=self.goal,
            label=self.label,
            examples=self._played,
            of=self._examples,
            steps=self._steps,
            seconds=time.perf_counter() - self._begun,
            seed=used,
            findings=tuple(self._findings),
            upstream=tuple(self._upstream.values()),
            complete=self._complete,
            steady=self._steady,
            answers=self._answers,
            coverage=self._coverage,
        )

    def _play(self, base: settings, used: int, database: ExampleDatabase | None) -> None:
        """Play both halves; what the first has not come to, the second tries harder."""
        # Hypothesis begins with the simplest conversation each time, which in a short campaign would be most of it.
        first = self._examples // 2 if self._examples >= _TWO_HALVES else self._examples
        self._play_until(first, frozenset(), base, used, database)
        self._play_until(self._examples, self._coverage.never_tried, base, used, database)

    def _play_until(
        self, examples: int, favoured: frozenset[str], base: settings, used: int, database: ExampleDatabase | None
    ) -> None:
        """Play rounds until nothing new is found; each hears what those before it have not found yet."""
        again = self._complete and not self._is_hopeless
        while again and self._played < examples and len(self._findings) < self.most:
            machine, before = self._machine(favoured), self._played
            database = SavesOnly.over(database) if self._findings else database
            left = campaign_settings(base, examples=examples - before, steps=self.steps, database=database)
            try:
                again = self._one_round(seed(seed_of_part(used, self.part) + before)(machine), left)
            except _OutOfTime:
                again = self._complete = False
            except _Enough:
                again = False
            except Flaky:
                self._steady = False
            except Exception as error:
                error.add_note(f"It was raised in conversation {self._played + 1}.")
                for finding in self._findings:
                    error.add_note(f"Before that the campaign found:\n\n{finding}")
                raise
            finally:
                machine.retire()
            self._findings += [self._finding(failed) for failed in self._new.values()]
            self._new.clear()
            again = again and self._played > before

    @property
    def _is_hopeless(self) -> bool:
        return not self._answers and self._played >= _HOPE

    def _machine(self, favoured: frozenset[str]) -> type[ChatKitMachine]:
        self.drawing.favour(favoured)
        # Hypothesis' database keeps choices, which mean something else where something is favoured.
        name = f"ChatKit_{self.name}_{self.goal.slug}{'_favouring' if favoured else ''}"
        machine = machine_for(self.world, self.drawing, self.goal.kinds, name=name, messages=self.messages)
        machine.on_example, machine.known = staticmethod(self._example_ended), frozenset(self.met_here)
        return machine

    def _rehearse(self) -> Any:
        """Open the server and say hello to it once; returns the server.

        What has nothing to do with choices (a factory that raises) is told as it is, before any choice is made.
        """
        with self.world.opened() as bench, bench.aside():
            try:
                scene = Scene(self.world, bench, Recorded((Played(Send()),), plain_step))
            except Exception as error:
                error.add_note("It was raised where the server is made, before any conversation began.")
                raise
            self._learn((scene.play(Send()),))
            bench.model.forget()
            return bench.server

    def _learn(self, story: Story) -> None:
        """Note whether the server answers at all, and what went well on a server that had seen nothing else."""
        self.went_well |= deeds_that_went_well(story)
        turns = (one.turn for played in story for one in played.judged if one.turn is not None)
        self._answers = self._answers or any(turn.items or not _failed(turn) for turn in turns)

    def _one_round(self, machine: type[ChatKitMachine], run_settings: settings) -> bool:
        """Play until something new is found, or all examples are played; bugs that are known go unheard.

        Returns:
            Whether something was found, so that there may be more.
        """
        try:
            run_state_machine_as_test(machine, settings=run_settings)
        except StoryError:
            return True
        except ExceptionGroup as group:
            _, others = group.split(StoryError)
            if others is not None and not isinstance(group, Flaky):
                raise others from None
            return True
        return False

    def _example_ended(self, story: Story) -> None:
        if not story:
            return  # Hypothesis had left out each kind of move that could have been the first
        new = {key: violation for key, violation in _keys_at_end(story).items() if key not in self.met_here}
        if new.keys() & self._new.keys():
            return  # Hypothesis plays a failure once more to be sure of it
        self._played += 1
        self._steps += len(story)
        self._learn(story)
        self._coverage.add(story)
        judged = [one for played in story for one in played.judged]
        for one in judged:
            for violation in one.verdict.violations:
                if violation.upstream:
                    self._upstream.setdefault(violation.subjects.get("defect", violation.rule), violation)
        elapsed = time.perf_counter() - self._begun
        if new:
            key = next(iter(new))
            self._new[key] = _Failed(key, story, tuple(new.values()), self._played, elapsed)
        self.on_judged(judged)
        self.on_progress(self._played, self._examples, len(self.met_here) + len(self._new))
        if not new and elapsed > (self.seconds or _NEVER_ENDING):
            raise _OutOfTime
        if not new and (self._played >= self._examples or self._is_hopeless):
            raise _Enough

    def _finding(self, failed: _Failed) -> Finding:
        key, examples, elapsed = failed.key, failed.examples, failed.seconds
        self.met_here.add(key)
        met_in = self.met.setdefault(key, self.label)
        if met_in != self.label:
            return Finding(key, failed.violations, failed.story, True, examples, elapsed, "", met_in)
        budget = _REDUCING if self.seconds is None else max(1.0, min(_REDUCING, self.seconds - elapsed))
        short = reduced(failed.story, key, self.world, seconds=budget, went_well=self.went_well)
        violations = tuple(_keys_at_end(short.story).values()) if short.reproducible else failed.violations
        test = as_test(short.story, key, declared=self.declared, stubbed=self._model_stubs(), boundary=self.boundary)
        again = short.reproducible and not short.leaks
        return Finding(key, violations, short.story, again, examples, elapsed, test, leaks=short.leaks)

    def _model_stubs(self) -> bool:
        bench = self.world.bench
        model = self.world.options.get("model") or (bench.model if bench is not None else None)
        return model is not None and model.other_tools == "stub"


def _failed(turn: Turn) -> bool:
    return bool(turn.errors) or any(stream.raised is not None for stream in turn.streams)


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
        raise CampaignError(campaign.goal, result.findings, replay(result.seed), answers=result.answers)
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


def share(examples: int, part: int, parts: int) -> int:
    """How many of the examples a part plays: all parts together play them all, and each at least one."""
    return max(1, examples * (part + 1) // parts - examples * part // parts)


def _keys_at_end(story: Story) -> dict[Key, Violation]:
    return keys_of(story[-1]) if story else {}
