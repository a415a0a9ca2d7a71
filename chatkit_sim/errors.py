"""The errors of chatkit-sim, and what a broken rule looks like."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

_PYTHON = sysconfig.get_path("stdlib")

Severity = Literal["error", "warning"]


class ChatKitSimError(Exception):
    """Base of every error that chatkit-sim raises itself."""


class UsageError(ChatKitSimError):
    """chatkit-sim was asked for something that cannot be; the message says what to do instead."""


class RuleError(ChatKitSimError):
    """A rule itself failed, so that nothing can be said of what it was to judge.

    Attributes:
        rule: Its slug.
    """

    def __init__(self, rule: str, owner: str, what: str, error: BaseException) -> None:
        self.rule = rule
        own = error.__traceback__.tb_next if error.__traceback__ is not None else None  # from the rule's code on
        where = "".join(f"\n  {line}" for line in describe_exception(error.with_traceback(own)))
        super().__init__(
            f"The rule {rule!r} ({owner}) failed on {what}. This is a fault of the rule, not of the server.{where}"
        )


class LimitError(ChatKitSimError):
    """A limit of the simulated client was reached: rounds of client tools, events, or seconds.

    Attributes:
        turn: The ``chatkit_sim.Turn`` as recorded until then.
    """

    def __init__(self, message: str, *, turn: Any = None) -> None:
        super().__init__(message)
        self.turn = turn


class ChatKitSimWarning(UserWarning):
    """A rule of severity ``warning`` was broken, or something could not be checked."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened; all numbers count from 1, as people do.

    Attributes:
        turn: The turn of its client.
        stream: The stream within the turn.
        event: The event within the stream, the preamble included.
    """

    turn: int | None = None
    stream: int | None = None
    event: int | None = None

    def __str__(self) -> str:
        named = (("turn", self.turn), ("stream", self.stream), ("event", self.event))
        return ", ".join(f"{name} {number}" for name, number in named if number is not None) or "the whole test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule broken: where, why, and what to do about it.

    Attributes:
        rule: The slug of the rule, such as ``stop-at-client-tool``.
        place: Where in the recording.
        reason: What happened and what the user of the app would notice, in full sentences.
        remedy: What to change, as concretely as is known.
        details: Further lines of evidence, shown indented below the reason.
        subjects: What it is about (``tool``, ``agent``, ``item``, ...); ``RULE[tool=...]`` narrows an ignore by it.
        severity: ``error`` fails the test, ``warning`` is reported at its end.
        cause: The exception behind it, when there was one.
        upstream: True when a known defect of the SDKs is to blame rather than the server.
        items: The ids of every item that it is about, when it stands for several of one cause.
    """

    rule: str
    place: Place
    reason: str
    remedy: str
    details: Sequence[str] = ()
    subjects: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = "error"
    cause: BaseException | None = field(default=None, compare=False)
    upstream: bool = False
    items: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [f"{self.rule}  {self.place}", *_indented(self.reason)]
        for detail in self.details:
            lines += _indented(detail)
        return "\n".join([*lines, *_indented(f"Remedy: {self.remedy}")])


class ViolationError(ChatKitSimError, AssertionError):
    """One or more rules were broken; raised at the user's line once the turn is idle.

    Attributes:
        violations: All of them, in the order of the recording.
        turn: The ``chatkit_sim.Turn`` they were found in; ``None`` for rules about the whole test.
    """

    def __init__(self, violations: Sequence[Violation], *, turn: Any = None) -> None:
        self.violations = tuple(violations)
        self.turn = turn
        super().__init__(self._message())

    def _message(self) -> str:
        count = len(self.violations)
        head = f"{count} rule{'s' if count != 1 else ''} broken"
        parts = [head, *(str(violation) for violation in self.violations)]
        if self.turn is not None:
            parts.append("\n".join(["What happened:", *_indented(repr(self.turn))]))
        return "\n\n".join(parts)


def describe_exception(error: BaseException, *, frames: int = 3) -> list[str]:
    """Say what was raised and where, innermost frames last, without the traceback's noise.

    Args:
        error: The exception.
        frames: How many of its innermost frames to name; those of the standard library do not count.
    """
    text = "".join(traceback.format_exception_only(error)).strip()
    found = traceback.extract_tb(error.__traceback__)
    places = [
        f"  at {frame.filename}:{frame.lineno} in {frame.name}: {frame.line or ''}".rstrip(": ")
        for frame in ([frame for frame in found if not _is_of_python(frame.filename)] or found)[-frames:]
    ]
    return [text, *places]


def _is_of_python(filename: str) -> bool:
    return filename.startswith((_PYTHON, "<frozen ")) and "site-packages" not in filename


def _indented(text: str) -> list[str]:
    return [f"  {line}" if line else "" for line in text.splitlines()]
