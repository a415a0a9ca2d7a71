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
        file: Where the test was written to, as a person is told.
        leaks: Whether the same went well before, so that the app must remember something.
    """

    key: Key
    violations: tuple[Violation, ...]
    story: Story
    reproducible: bool
    examples: int
    seconds: float
    test: str
    same_as: str = ""
    file: str = ""
    leaks: bool = False

    @property
    def head(self) -> str:
        """It in one line."""
        found = f"{self.key[0]}: found in conversation {self.examples:,}."
        return f"{found} The same as in {self.same_as}." if self.same_as else found

    def __str__(self) -> str:
        if self.same_as:
            return self.head
        parts = [self.head, _indented(in_words(self.story)), *map(str, self.violations)]
        if self.reproducible:
            parts.append(f"As a test{f', also in {self.file}' if self.file else ''}:\n\n{_indented(self.test)}")
        else:
            parts.append(_LEAKS if self.leaks else _NOT_AGAIN)
        return "\n\n".join(parts)


_LEAKS = """\
The very same went well before, when it was the first thing that happened: something outlives the conversations. It is
what the app keeps in a global, a file or a database, or a side effect that refuses to be repeated (a row that is there
already). Clear it in the fixture `chatkit_reset`, or let `chatkit_server` return a factory that makes everything anew;
a tool with such effects is replaced with the fixture `chatkit_tools`."""

_NOT_AGAIN = """\
Played again from the beginning, the same story breaks nothing. Either something outlives the conversations: what the
app keeps in a global, a file or a database. Then clear it in the fixture `chatkit_reset`, or let `chatkit_server`
return a factory that makes everything anew. Or it is not the same every time: random numbers, threads, the network."""

_NO_ANSWERS = """\
Not one turn brought anything but an error, so the campaign ended early. What else there may be shows once that is
mended."""


class CampaignError(ViolationError):
    """A campaign found bugs.

    Attributes:
        findings: The bugs, each with its story, its violations and a test that can be pasted.
        replay: How to run the same campaign again.
        answers: Whether any turn brought anything but an error.
    """

    def __init__(self, goal: Goal, findings: Sequence[Finding], replay: str, *, answers: bool = True) -> None:
        self.answers = answers
        self.goal = goal
        self.findings = tuple(findings)
        self.replay = replay
        turns = [one.turn for finding in findings for one in finding.story[-1].judged if one.raised]
        super().__init__(
            [violation for finding in findings for violation in finding.violations], turn=turns[0] if turns else None
        )

    @property
    def headline(self) -> str:
        """What it found, in half a line: what nobody has told yet comes first."""
        names = [f"{one.key[0]}{f' (the same as in {one.same_as})' if one.same_as else ''}" for one in self._ordered]
        return f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"

    @property
    def _ordered(self) -> list[Finding]:
        return sorted(self.findings, key=lambda finding: bool(finding.same_as))

    def _message(self) -> str:
        parts = [f"{self.goal.slug}: {self.goal.title}", *map(str, self._ordered)]
        parts += [] if self.answers else [_NO_ANSWERS]
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
        answers: Whether any turn brought anything but an error.
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
    answers: bool
    coverage: Coverage


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
