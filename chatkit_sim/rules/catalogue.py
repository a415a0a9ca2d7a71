"""The catalogue: every rule by name, what it is told to ignore, and its verdict on a turn or a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from ..errors import RuleError, Severity, UsageError, Violation
from .all_rules import ALL_RULES
from .base import Evidence, Rule, TestEvidence
from .excuses import chain
from .ignores import Ignore, check_known

_UNOBSERVED = "no run was observed behind the turn's streams"
_LAST = 10**12


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
        test: The node id of the test that is judged, for ignores that are narrowed to tests.
        elsewhere: Further slugs that ignores may name: what is judged outside of the rules, such as the promises of a
            store.

    Raises:
        UsageError: Two rules have one slug, or an ignore or severity names a rule that is not among them.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = ALL_RULES,
        ignores: Sequence[Ignore] = (),
        severities: Mapping[str, Severity] | None = None,
        *,
        test: str = "",
        elsewhere: Collection[str] = (),
    ) -> None:
        self.rules = tuple(rules)
        self.ignores = tuple(ignores)
        self.severities: dict[str, Severity] = dict(severities or {})
        self._test = test
        self._uses: Counter[Ignore] = Counter()
        by_slug: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.slug in by_slug:
                first, second = (origin_of(r) for r in (by_slug[rule.slug], rule))
                raise UsageError(
                    f"Two rules are called {rule.slug!r}: {first} and {second}. Give one of them another slug."
                )
            by_slug[rule.slug] = rule
        known = [*by_slug, *elsewhere]
        for ignore in self.ignores:
            check_known(ignore.rule, f"the ignore of {ignore.rule!r} ({ignore.origin})", known)
        for slug, severity in self.severities.items():
            check_known(slug, f"the severity of {slug!r}", known)
            if severity not in get_args(Severity):
                raise UsageError(f"The severity of {slug!r} is {severity!r}; it can be 'error' or 'warning'.")

    def judge(self, evidence: Evidence, *, only: Collection[str] | None = None) -> Verdict:
        """Hold a turn to the rules.

        Args:
            evidence: What is known of the turn.
            only: The slugs to ask; all by default.

        Raises:
            RuleError: A rule itself failed; its exception is the cause.
        """
        observed = any(stream.timeline.observed for stream in evidence.turn.streams)
        rules = [rule for rule in self.rules if rule.about != "test" and (only is None or rule.slug in only)]
        blind = {} if observed else {rule.slug: _why_blind(rule) for rule in rules if rule.timeline is not None}
        blind |= {rule.slug: why for rule in rules if (why := evidence.unseen.get(rule.slug)) is not None}
        able = [rule for rule in rules if observed or rule.timeline != "needed"]
        return self._judge(able, evidence, f"turn {evidence.turn.number}", blind)

    def judge_test(self, evidence: TestEvidence, *, only: Collection[str] | None = None) -> Verdict:
        """Hold the whole test to the rules that speak at its end.

        Args:
            evidence: What is known of the test.
            only: The slugs to ask; all by default.

        Raises:
            RuleError: A rule itself failed; its exception is the cause.
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
        unable = {rule.slug: why for rule in rules if (why := self._why_unable(rule, evidence, what)) is not None}
        found: list[Violation] = []
        for rule in rules:
            if rule.slug not in unable:
                found += _once_upstream(self._ask(rule, evidence, what))
        found.sort(key=_in_order)
        heard, ignored = self.sift(_once_for_each_cause(rules, found))
        not_checked = {**blind, **unable}
        checked = frozenset(rule.slug for rule in rules) - not_checked.keys()
        return Verdict(tuple(heard), tuple(ignored), checked, not_checked)

    def sift(self, violations: Iterable[Violation]) -> tuple[list[Violation], list[tuple[Violation, Ignore]]]:
        """Part what is heard from what is ignored; every ignore that matches counts as used.

        Args:
            violations: What was broken, also outside of the rules, such as a promise of a store.
        """
        heard: list[Violation] = []
        ignored: list[tuple[Violation, Ignore]] = []
        for violation in violations:
            matching = [ignore for ignore in self.ignores if ignore.matches(violation, self._test)]
            self._uses.update(matching)
            if matching:
                ignored.append((violation, matching[0]))
            else:
                heard.append(violation)
        return heard, ignored

    def _why_unable(self, rule: Rule, evidence: Evidence | TestEvidence, what: str) -> str | None:
        if rule.unable is None:
            return None
        try:
            return rule.unable(evidence)
        except Exception as error:
            raise RuleError(rule.slug, origin_of(rule), what, error) from error

    def _ask(self, rule: Rule, evidence: Evidence | TestEvidence, what: str) -> list[Violation]:
        try:
            violations = list(rule.check(evidence) or ())
        except Exception as error:
            raise RuleError(rule.slug, origin_of(rule), what, error) from error
        wanted = self.severities.get(rule.slug, "warning" if rule.severity == "warning" else None)
        for index, violation in enumerate(violations):
            if not isinstance(violation, Violation) or violation.rule != rule.slug:
                named = f"a violation of {violation.rule!r}" if isinstance(violation, Violation) else repr(violation)
                raise UsageError(
                    f"The rule {rule.slug!r} ({origin_of(rule)}) yielded {named}: "
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


def origin_of(rule: Rule) -> str:
    """Where a rule comes from, for messages."""
    if rule.owner:
        return rule.owner
    return f"{getattr(rule.check, '__module__', '?')}.{getattr(rule.check, '__qualname__', rule.check)}"
