"""The catalogue: every rule by name, what it is told to ignore, and its verdict on a turn or a test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import get_args

from ..errors import ChatKitSimError, Severity, UsageError, Violation
from .base import Evidence, Rule, TestEvidence
from .client_tools import CLIENT_TOOL_RULES
from .excuses import chain
from .explained import EXPLANATIONS
from .hygiene import HYGIENE_RULES
from .images import IMAGE_RULES
from .items import ITEM_RULES
from .model_input import MODEL_INPUT_RULES
from .persistence import PERSISTENCE_RULES
from .privacy import PRIVACY_RULES
from .provider import PROVIDER_RULES
from .script import SCRIPT_RULES
from .stream import STREAM_RULES
from .text import TEXT_RULES
from .turn import TURN_RULES
from .widgets import WIDGET_RULES
from .workflows import WORKFLOW_RULES

_RULES: tuple[Rule, ...] = (
    *TURN_RULES,
    *STREAM_RULES,
    *ITEM_RULES,
    *PRIVACY_RULES,
    *TEXT_RULES,
    *WORKFLOW_RULES,
    *WIDGET_RULES,
    *IMAGE_RULES,
    *CLIENT_TOOL_RULES,
    *MODEL_INPUT_RULES,
    *PERSISTENCE_RULES,
    *HYGIENE_RULES,
    *SCRIPT_RULES,
    *PROVIDER_RULES,
)


def _explained(rule: Rule) -> Rule:
    told = EXPLANATIONS.get(rule.slug)
    return rule if told is None else replace(rule, broken=told.broken, mended=told.mended, traps=told.traps)


ALL_RULES: tuple[Rule, ...] = tuple(_explained(rule) for rule in _RULES)

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
        slugs = [r.slug for r in ALL_RULES] if known is None else list(known)
        _check_known(rule, f"the ignore of {rule!r} ({origin})", slugs)
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
        severities: By slug, what a rule is to be: ``{"server-tool-raised": "error"}`` makes a warning fail the test.

    Raises:
        UsageError: Two rules have one slug, or an ignore or severity names a rule that is not among them.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = ALL_RULES,
        ignores: Sequence[Ignore] = (),
        severities: Mapping[str, Severity] | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self.ignores = tuple(ignores)
        self.severities: dict[str, Severity] = dict(severities or {})
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
            _check_known(ignore.rule, f"the ignore of {ignore.rule!r} ({ignore.origin})", list(by_slug))
        for slug, severity in self.severities.items():
            _check_known(slug, f"the severity of {slug!r}", list(by_slug))
            if severity not in get_args(Severity):
                raise UsageError(f"The severity of {slug!r} is {severity!r}; it can be 'error' or 'warning'.")

    def judge(self, evidence: Evidence, *, only: Collection[str] | None = None) -> Verdict:
        """Hold a turn to the rules.

        Args:
            evidence: What is known of the turn.
            only: The slugs to ask; all by default.

        Raises:
            ChatKitSimError: A rule itself failed; its exception is the cause.
        """
        observed = any(stream.timeline.observed for stream in evidence.turn.streams)
        rules = [rule for rule in self.rules if rule.about != "test" and (only is None or rule.slug in only)]
        blind = {} if observed else {rule.slug: _why_blind(rule) for rule in rules if rule.timeline is not None}
        able = [rule for rule in rules if observed or rule.timeline != "needed"]
        return self._judge(able, evidence, f"turn {evidence.turn.number}", blind)

    def judge_test(self, evidence: TestEvidence, *, only: Collection[str] | None = None) -> Verdict:
        """Hold the whole test to the rules that speak at its end.

        Args:
            evidence: What is known of the test.
            only: The slugs to ask; all by default.

        Raises:
            ChatKitSimError: A rule itself failed; its exception is the cause.
        """
        rules = [rule for rule in self.rules if rule.about != "turn" and (only is None or rule.slug in only)]
        return self._judge(rules, evidence, "the whole test", {})

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
        unable = {rule.slug: why for rule in rules if rule.unable and (why := rule.unable(evidence)) is not None}
        found: list[Violation] = []
        for rule in rules:
            if rule.slug not in unable:
                found += _once_upstream(self._ask(rule, evidence, what))
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
        not_checked = {**blind, **unable}
        checked = frozenset(rule.slug for rule in rules) - not_checked.keys()
        return Verdict(tuple(_once_for_each_cause(rules, heard)), tuple(ignored), checked, not_checked)

    def _ask(self, rule: Rule, evidence: Evidence | TestEvidence, what: str) -> list[Violation]:
        try:
            violations = list(rule.check(evidence))
        except Exception as error:
            raise ChatKitSimError(
                f"The rule {rule.slug!r} ({_origin(rule)}) failed on {what}: {type(error).__name__}: {error}. "
                "This is a fault of the rule, not of the server."
            ) from error
        wanted = self.severities.get(rule.slug, "warning" if rule.severity == "warning" else None)
        for index, violation in enumerate(violations):
            if violation.rule != rule.slug:
                raise ChatKitSimError(
                    f"The rule {rule.slug!r} ({_origin(rule)}) yielded a violation of {violation.rule!r}: "
                    f"write Violation(rule={rule.slug!r}, ...)."
                )
            if wanted is not None and violation.severity != wanted and not violation.upstream:
                violations[index] = replace(violation, severity=wanted)
        return violations


def _once_for_each_cause(rules: Sequence[Rule], heard: Sequence[Violation]) -> list[Violation]:
    # A rule that yields to others leaves out what they say of the same items, or of the same exception.
    yields = {rule.slug: rule.yields_to for rule in rules if rule.yields_to}
    kept: list[Violation] = []
    for violation in heard:
        better = [other for other in heard if other.rule in yields.get(violation.rule, ())]
        items = _items(violation)
        told = {item for other in better for item in _items(other)}
        raised = {id(error) for error in chain(violation.cause)}
        same_exception = any(id(error) in raised for other in better for error in chain(other.cause))
        if not same_exception and not (items and items <= told):
            kept.append(violation)
    return kept


def _items(violation: Violation) -> set[str]:
    return set(violation.items) or ({violation.subjects["item"]} if "item" in violation.subjects else set())


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


def _check_known(rule: str, said: str, known: Sequence[str]) -> None:
    if rule not in known:
        close = get_close_matches(rule, known, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"The rules are: {', '.join(sorted(known))}."
        raise UsageError(f"{said[0].upper()}{said[1:]} names no rule. {hint}")


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
