"""What campaigns found, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Violation, ViolationError
from .coverage import Coverage
from .goals import Goal
from .reproducer import in_words
from .story import Key, Story


@dataclass(frozen=True)
class Finding:
    """A bug that a campaign found.

    Attributes:
        key: What tells it from others.
        violations: The rules that its story breaks, in its last move.
        story: The story, reduced.
        reproducible: Whether it shows again when the story is played again.
        examples: After how many examples it was found.
        seconds: After how many seconds.
        test: A pytest test that shows it.
        same_as: The campaign that met it before, if one did.
    """

    key: Key
    violations: tuple[Violation, ...]
    story: Story
    reproducible: bool
    examples: int
    seconds: float
    test: str
    same_as: str = ""

    def __str__(self) -> str:
        head = f"{self.key[0]}: found in example {self.examples}"
        broken = "\n\n".join(map(str, self.violations))
        if self.same_as:
            return f"{head}. The same as in {self.same_as}."
        parts = [f"{head}.", _indented(in_words(self.story)), broken]
        if self.reproducible:
            parts.append(f"As a test:\n\n{_indented(self.test)}")
        else:
            parts.append(
                "Played again from the beginning, the same story breaks nothing: something outlives the examples "
                "(state that the app keeps), or is not the same every time (random numbers, threads, the time of day)."
            )
        return "\n\n".join(parts)


class CampaignError(ViolationError):
    """A campaign found bugs.

    Attributes:
        findings: The bugs, each with its story, its violations and a test that can be pasted.
        replay: How to run the same campaign again.
    """

    def __init__(self, goal: Goal, findings: Sequence[Finding], replay: str) -> None:
        self.goal = goal
        self.findings = tuple(findings)
        self.replay = replay
        turns = [one.turn for finding in findings for one in finding.story[-1].judged if one.raised]
        super().__init__(
            [violation for finding in findings for violation in finding.violations], turn=turns[0] if turns else None
        )

    def _message(self) -> str:
        parts = [f"{self.goal.slug}: {self.goal.title}", *map(str, self.findings)]
        return "\n\n".join([*parts, f"The same run again: {self.replay}"])


@dataclass(frozen=True, kw_only=True)
class CampaignResult:
    """What came of a campaign.

    Attributes:
        goal: Its goal.
        label: Its name: the goal's, and which part of the campaign it is.
        examples: How many conversations were played.
        of: How many were to be played.
        steps: How many moves were made.
        seconds: How long it took.
        seed: The seed of its choices.
        findings: The bugs.
        upstream: Defects of the SDKs that showed, one for each.
        complete: Whether it played all of its examples; a time limit ends it earlier.
        steady: Whether the same choices always led to the same conversation.
        coverage: What was exercised.
    """

    goal: Goal
    label: str
    examples: int
    of: int
    steps: int
    seconds: float
    seed: int
    findings: tuple[Finding, ...]
    upstream: tuple[Violation, ...]
    complete: bool
    steady: bool
    coverage: Coverage


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
