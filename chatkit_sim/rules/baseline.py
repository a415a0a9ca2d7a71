"""A baseline: a file with what a codebase breaks already, one line each, so that only what is new fails.

A line names the rule and what of the app is to blame (the tool, the agent, the exception, ...), as ignores do, and not
where it was met: whoever adds a test, a turn or an event leaves it alone. Where a rule names nothing of the app, or
only simulations meet it, the line names the test as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UsageError, Violation
from .ignores import TEST, Ignore

SIMULATED = "::chatkit-sim::"
"""What the node ids of simulation items have and others have not."""

_CAMPAIGN = f"{SIMULATED}campaign-"
_IDS = ("item", "thread", "defect")  # subjects that are other ones in the next run
_UNEXPLAINED = "known when the baseline was written; say why"
_HEAD = (
    "# What chatkit-sim knows of and does not fail for: RULE[what of the app is to blame]: why it is left so.",
    "# A line that nothing needs any more fails a complete run. `pytest --chatkit-sim-write-baseline` writes this file",
    "# anew, with the reasons and comments that are here.",
)


@dataclass(frozen=True)
class Met:
    """A violation that a run has met, as far as a baseline tells it from others.

    Attributes:
        rule: The slug.
        blamed: What of the app is to blame, as ``NAME=VALUE`` pairs.
        test: The node id of the test that met it.
    """

    rule: str
    blamed: tuple[tuple[str, str], ...]
    test: str

    @classmethod
    def of(cls, violation: Violation, test: str) -> Met:
        """What is kept of a violation."""
        subjects = violation.subjects.items()
        return cls(violation.rule, tuple(sorted((k, v) for k, v in subjects if v and k not in _IDS)), test)


@dataclass(frozen=True)
class Baseline:
    """What a baseline file says.

    Attributes:
        path: The file.
        ignores: Its lines.
        head: The comment at its beginning.
        comments: The comments above each line.
        tail: The comment at its end.
    """

    path: Path
    ignores: tuple[Ignore, ...] = ()
    head: tuple[str, ...] = ()
    comments: tuple[tuple[str, ...], ...] = ()
    tail: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path, *, shown: str, known: Collection[str] | Literal["any"]) -> Baseline:
        """Read a file.

        Args:
            path: The file.
            shown: What to call it in messages.
            known: The slugs that exist; ``any`` when nobody can say here.

        Raises:
            UsageError: It is not there, cannot be read, or a line is wrong; the message names the line.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UsageError(
                f"There is no baseline {shown}. Write it first: pytest --chatkit-sim-baseline {shown} "
                "--chatkit-sim-write-baseline"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The baseline {shown} cannot be read as UTF-8 text: {error}.") from error
        return cls._parsed(path, text, shown, known)

    @classmethod
    def _parsed(cls, path: Path, text: str, shown: str, known: Collection[str] | Literal["any"]) -> Baseline:
        ignores: dict[str, tuple[int, Ignore]] = {}
        above: list[str] = []
        head: list[str] = []
        comments: list[tuple[str, ...]] = []
        for number, line in enumerate(map(str.strip, text.splitlines()), 1):
            if line.startswith("#"):
                above.append(line)
            elif not line:
                if not ignores and not head:
                    head, above = above, []
            else:
                where = f"{shown}:{number}"
                ignore = Ignore.parse(line, origin="baseline", known=known, what=f"the line {line!r} ({where})")
                if ignore.named in ignores:
                    first, _ = ignores[ignore.named]
                    raise UsageError(f"{where}: {ignore.named} stands in line {first} already. Leave one of the two.")
                ignores[ignore.named] = number, ignore
                comments.append(tuple(above))
                above = []
        lines = tuple(ignore for _, ignore in ignores.values())
        return cls(path, lines, tuple(head or above), tuple(comments), tuple(above) if lines and head else ())

    def stale(self, used: Collection[str], *, simulated: bool) -> tuple[Ignore, ...]:
        """The lines that a complete run did not need.

        What only a campaign meets is never judged: the next one draws other conversations.

        Args:
            used: The lines, as ``str``, that tests and fixed scenarios did need.
            simulated: Whether the run had simulations; without, lines about them are not judged.
        """
        return tuple(one for one in self.ignores if str(one) not in used and may_be_judged(one, simulated=simulated))

    def written(self, met: Iterable[Met], drop: Collection[Ignore] = ()) -> str:
        """The file with what a run has met besides: sorted, each line with its reason and comments.

        Args:
            met: What was met and is in no line yet.
            drop: Lines that are to go.
        """
        kept = {
            one.named: (one, above) for one, above in zip(self.ignores, self.comments, strict=True) if one not in drop
        }
        for one in _lines(met):
            # A line that the new one covers gives it its reason, and goes.
            narrower = [name for name, (other, _) in kept.items() if _covers(one, other)]
            told = [kept.pop(name) for name in narrower]
            reason, above = (told[0][0].reason, told[0][1]) if told else (_UNEXPLAINED, ())
            kept[one.named] = Ignore(one.rule, reason, one.narrowed, "baseline"), above
        blocks = ["\n".join([*above, str(one)]) for _, (one, above) in sorted(kept.items())]
        return "\n".join([*(self.head or _HEAD), "", *blocks, *self.tail]) + "\n"


def may_be_judged(ignore: Ignore, *, simulated: bool) -> bool:
    """Whether a complete run without need for it makes an ignore stale.

    Args:
        ignore: The ignore.
        simulated: Whether the run had simulations.
    """
    test = ignore.narrowed.get(TEST, "")
    return _CAMPAIGN not in test and (simulated or SIMULATED not in test)


def _lines(met: Iterable[Met]) -> list[Ignore]:
    """One line for each cause: broad where tests meet it, narrowed to where it was met otherwise."""
    causes: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for one in met:
        causes.setdefault((one.rule, one.blamed), []).append(one.test)
    lines: list[Ignore] = []
    for (rule, blamed), tests in sorted(causes.items()):
        for test in _places(tests, broad=bool(blamed)):
            lines.append(Ignore(rule, _UNEXPLAINED, dict(blamed) | ({TEST: test} if test else {}), "baseline"))
    return [one for one in lines if not any(other is not one and _covers(other, one) for other in lines)]


def _places(tests: Sequence[str], *, broad: bool) -> list[str]:
    """The tests to narrow a line to; an empty one for none."""
    homes = {test.partition(SIMULATED)[0] for test in tests if SIMULATED in test}
    ordinary = sorted({test for test in tests if SIMULATED not in test})
    if broad and ordinary:
        return [""]
    drawn = {home for home in homes if all(_CAMPAIGN in test for test in tests if test.startswith(home + SIMULATED))}
    return [*ordinary, *(f"{home}{_CAMPAIGN if home in drawn else SIMULATED}*" for home in sorted(homes))]


def _covers(one: Ignore, other: Ignore) -> bool:
    return one.rule == other.rule and one.narrowed.items() <= other.narrowed.items()
