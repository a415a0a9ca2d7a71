"""The catalogue: every rule by name, what it is told to ignore, and its verdict on a turn or a test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from ..errors import ChatKitSimError, UsageError, Violation
from .base import Evidence, Rule, TestEvidence
from .client_tools import CLIENT_TOOL_RULES
from .items import ITEM_RULES
from .script import SCRIPT_RULES
from .stream import STREAM_RULES
from .text import TEXT_RULES
from .turn import TURN_RULES

ALL_RULES: tuple[Rule, ...] = (
    *TURN_RULES,
    *STREAM_RULES,
    *ITEM_RULES,
    *TEXT_RULES,
    *CLIENT_TOOL_RULES,
    *SCRIPT_RULES,
)

_IGNORE = re.compile(r"\s*(?P<rule>[^\[\]:\s]+)\s*(\[(?P<narrowed>[^\]]*)\])?\s*(:(?P<reason>.*))?", re.DOTALL)
_UNOBSERVED = "no run was observed behind the turn's streams"
_LAST = 10**12


@dataclass(frozen=True)
class Ignore:
    """A rule that is not to be heard, and why.

    Attributes:
        rule: The slug.
        narrowed: Only violations with these subjects, such as ``{"tool": "add_to_todo_list"}``; empty for all.
        reason: Why, for whoever reads the report.
        origin: Where it was said: ``marker``, ``ini``, ``flag``, ...
    """

    rule: str
    reason: str
    narrowed: Mapping[str, str] = field(default_factory=dict)
    origin: str = "marker"

    @classmethod
    def parse(cls, text: str, *, origin: str, known: Iterable[str] | None = None) -> Ignore:
        """Read ``RULE: reason`` or ``RULE[tool=add_to_todo_list]: reason``.

        Args:
            text: What was written.
            origin: Where it was written, for messages.
            known: The slugs that exist; those of ``ALL_RULES`` when left out.

        Raises:
            UsageError: The rule is unknown, the reason is missing, or the text cannot be read.
        """
        match = _IGNORE.fullmatch(text)
        if match is None:
            raise UsageError(
                f"The ignore {text!r} ({origin}) cannot be read. Write `RULE: reason`, or "
                "`RULE[tool=add_to_todo_list]: reason` to narrow it."
            )
        rule = match["rule"]
        _check_known(rule, origin, [r.slug for r in ALL_RULES] if known is None else list(known))
        reason = (match["reason"] or "").strip()
        if not reason:
            raise UsageError(f"The ignore {text!r} ({origin}) says no reason. Write `{text.strip(' :')}: why`.")
        return cls(rule, reason, _narrowed(match["narrowed"], text, origin), origin)

    def matches(self, violation: Violation) -> bool:
        """Whether it silences this violation."""
        return violation.rule == self.rule and all(
            violation.subjects.get(key) == value for key, value in self.narrowed.items()
        )

    def __str__(self) -> str:
        narrowed = ",".join(f"{key}={value}" for key, value in self.narrowed.items())
        return f"{self.rule}{f'[{narrowed}]' if narrowed else ''}: {self.reason}"

    def __hash__(self) -> int:
        return hash((self.rule, self.reason, frozenset(self.narrowed.items()), self.origin))


@dataclass(frozen=True)
class Verdict:
    """What the rules say of a turn or a test.

    Attributes:
        violations: What was broken and not ignored, errors and warnings, in the order of the recording.
        ignored: What was broken and ignored, each with the ignore.
        checked: The slugs that could be checked in full.
        not_checked: The slugs that could not, or in part only, each with why.
    """

    violations: tuple[Violation, ...] = ()
    ignored: tuple[tuple[Violation, Ignore], ...] = ()
    checked: frozenset[str] = frozenset()
    not_checked: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Violation, ...]:
        """The violations that fail a test."""
        return tuple(violation for violation in self.violations if violation.severity == "error")

    @property
    def warnings(self) -> tuple[Violation, ...]:
        """The violations that are told at its end."""
        return tuple(violation for violation in self.violations if violation.severity == "warning")


class Catalogue:
    """The rules that one client holds its turns to, and what it ignores.

    Args:
        rules: The rules; add your own with ``Catalogue(rules=[*ALL_RULES, mine])``.
        ignores: What not to hear.

    Raises:
        UsageError: Two rules have one slug, or an ignore names a rule that is not among them.
    """

    def __init__(self, rules: Sequence[Rule] = ALL_RULES, ignores: Sequence[Ignore] = ()) -> None:
        self.rules = tuple(rules)
        self.ignores = tuple(ignores)
        self._uses: Counter[Ignore] = Counter()
        by_slug: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.slug in by_slug:
                first, second = (_origin(r) for r in (by_slug[rule.slug], rule))
                raise UsageError(
                    f"Two rules are called {rule.slug!r}: {first} and {second}. Give one of them another slug."
                )
            by_slug[rule.slug] = rule
        for ignore in self.ignores:
            _check_known(ignore.rule, ignore.origin, list(by_slug))

    def judge(self, evidence: Evidence) -> Verdict:
        """Hold a turn to the rules.

        Raises:
            ChatKitSimError: A rule itself failed; its exception is the cause.
        """
        observed = any(stream.timeline.observed for stream in evidence.turn.streams)
        rules = [rule for rule in self.rules if rule.about != "test"]
        blind = {} if observed else {rule.slug: _why_blind(rule) for rule in rules if rule.timeline is not None}
        able = [rule for rule in rules if observed or rule.timeline != "needed"]
        return self._judge(able, evidence, f"turn {evidence.turn.number}", blind)

    def judge_test(self, evidence: TestEvidence) -> Verdict:
        """Hold the whole test to the rules that speak at its end.

        Raises:
            ChatKitSimError: A rule itself failed; its exception is the cause.
        """
        return self._judge([rule for rule in self.rules if rule.about != "turn"], evidence, "the whole test", {})

    @property
    def ignore_uses(self) -> Mapping[Ignore, int]:
        """How many violations each ignore has silenced so far."""
        return {ignore: self._uses[ignore] for ignore in self.ignores}

    def unused_ignores(self, origin: str | None = None) -> tuple[Ignore, ...]:
        """The ignores (of one origin) that have silenced nothing so far."""
        return tuple(ignore for ignore in self.ignores if not self._uses[ignore] and origin in (None, ignore.origin))

    def _judge(
        self, rules: Sequence[Rule], evidence: Evidence | TestEvidence, what: str, blind: Mapping[str, str]
    ) -> Verdict:
        found: list[Violation] = []
        for rule in rules:
            found += _once_upstream(_ask(rule, evidence, what))
        found.sort(key=_in_order)
        ignored: list[tuple[Violation, Ignore]] = []
        heard: list[Violation] = []
        for violation in found:
            ignore = next((ignore for ignore in self.ignores if ignore.matches(violation)), None)
            if ignore is None:
                heard.append(violation)
            else:
                self._uses[ignore] += 1
                ignored.append((violation, ignore))
        checked = frozenset(rule.slug for rule in rules) - blind.keys()
        return Verdict(tuple(heard), tuple(ignored), checked, blind)


def _ask(rule: Rule, evidence: Evidence | TestEvidence, what: str) -> list[Violation]:
    try:
        violations = list(rule.check(evidence))
    except Exception as error:
        raise ChatKitSimError(
            f"The rule {rule.slug!r} ({_origin(rule)}) failed on {what}: {type(error).__name__}: {error}. "
            "This is a fault of the rule, not of the server."
        ) from error
    for index, violation in enumerate(violations):
        if violation.rule != rule.slug:
            raise ChatKitSimError(
                f"The rule {rule.slug!r} ({_origin(rule)}) yielded a violation of {violation.rule!r}: "
                f"write Violation(rule={rule.slug!r}, ...)."
            )
        if rule.severity == "warning" and violation.severity != "warning":
            violations[index] = replace(violation, severity="warning")
    return violations


def _once_upstream(violations: Iterable[Violation]) -> list[Violation]:
    # A defect of the SDKs is told once, however often it shows.
    kept: list[Violation] = []
    told: set[str] = set()
    for violation in violations:
        defect = violation.subjects.get("defect") if violation.upstream else None
        if defect is None or defect not in told:
            kept.append(violation)
        if defect is not None:
            told.add(defect)
    return kept


def _in_order(violation: Violation) -> tuple[int, int, int]:
    # What concerns a whole stream or turn comes after its parts.
    where = violation.place
    return (where.turn or _LAST, where.stream or _LAST, where.event or _LAST)


def _why_blind(rule: Rule) -> str:
    return _UNOBSERVED if rule.timeline == "needed" else f"{_UNOBSERVED}; checked by the events alone"


def _origin(rule: Rule) -> str:
    return f"{getattr(rule.check, '__module__', '?')}.{getattr(rule.check, '__qualname__', rule.check)}"


def _check_known(rule: str, origin: str, known: Sequence[str]) -> None:
    if rule not in known:
        close = get_close_matches(rule, known, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"The rules are: {', '.join(sorted(known))}."
        raise UsageError(f"The ignore of {rule!r} ({origin}) names no rule. {hint}")


def _narrowed(text: str | None, whole: str, origin: str) -> dict[str, str]:
    narrowed: dict[str, str] = {}
    for part in (text or "").split(",") if text is not None else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(
                f"The ignore {whole!r} ({origin}) narrows by {part.strip()!r}, which is not NAME=VALUE, such as "
                "[tool=add_to_todo_list] or [agent=Assistant]."
            )
        narrowed[key.strip()] = value.strip()
    return narrowed
