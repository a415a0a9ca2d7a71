"""What is not to be heard: a rule, narrowed or not, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from ..errors import UsageError, Violation
from .all_rules import ALL_RULES

TEST = "test"
"""What narrows to a test: its node id, in which ``*`` stands for anything."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_IGNORE = re.compile(
    rf"\s*(?P<rule>[^\[\]:\s]+)\s*(\[(?P<narrowed>(?:{_QUOTED}|[^\[\]\"])*)\])?\s*(:(?P<reason>.*))?", re.DOTALL
)
_PART = re.compile(rf"(?:{_QUOTED}|[^,\"])+")
_PLAIN = re.compile(r"[^\s,\[\]\"](?:[^,\[\]\"\n]*[^\s,\[\]\"])?")


@dataclass(frozen=True)
class Ignore:
    """A rule that is not to be heard, and why.

    Attributes:
        rule: The slug.
        narrowed: Only violations with these subjects, such as ``{"tool": "add_to_todo_list"}``; empty for all.
            ``test`` narrows to tests, by node id, in which ``*`` stands for anything.
        reason: Why, for whoever reads the report.
        origin: Where it was said: ``marker``, ``ini``, ``flag``, ``baseline``, ...
    """

    rule: str
    reason: str
    narrowed: Mapping[str, str] = field(default_factory=dict)
    origin: str = "marker"

    @classmethod
    def parse(
        cls, text: str, *, origin: str, known: Iterable[str] | Literal["any"] | None = None, what: str = ""
    ) -> Ignore:
        """Read ``RULE: reason`` or ``RULE[tool=add_to_todo_list]: reason``.

        Values with commas, brackets or quotes stand in double quotes, as in JSON.

        Args:
            text: What was written.
            origin: Where it was written, for messages.
            known: The slugs that exist; those of ``ALL_RULES`` when left out, and ``any`` when nobody can say here.
            what: What to call it in messages, such as ``line 3 of baseline.txt``; ``the ignore`` by default.

        Raises:
            UsageError: The rule is unknown, the reason is missing, or the text cannot be read.
        """
        named = what or f"the ignore {text!r} ({origin})"
        match = _IGNORE.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{_capital(named)} cannot be read. Write `RULE: reason`, or "
                "`RULE[tool=add_to_todo_list]: reason` to narrow it."
            )
        rule = match["rule"]
        if known != "any":
            slugs = [rule.slug for rule in ALL_RULES] if known is None else list(known)
            check_known(rule, what or f"the ignore of {rule!r} ({origin})", slugs)
        reason = (match["reason"] or "").strip()
        if not reason:
            raise UsageError(f"{_capital(named)} says no reason. Write `{text.strip(' :')}: why`.")
        return cls(rule, reason, _narrowed(match["narrowed"], named), origin)

    def matches(self, violation: Violation, test: str = "") -> bool:
        """Whether it silences this violation.

        Args:
            violation: The violation.
            test: The node id of the test that it was met in.
        """
        return violation.rule == self.rule and all(
            _fits(value, test) if key == TEST else violation.subjects.get(key) == value
            for key, value in self.narrowed.items()
        )

    @property
    def named(self) -> str:
        """The rule and what narrows it, as written."""
        narrowed = ",".join(f"{key}={_quoted(value)}" for key, value in self.narrowed.items())
        return f"{self.rule}{f'[{narrowed}]' if narrowed else ''}"

    def __str__(self) -> str:
        return f"{self.named}: {self.reason}"

    def __hash__(self) -> int:
        return hash((self.rule, self.reason, frozenset(self.narrowed.items()), self.origin))


def check_known(rule: str, said: str, known: Sequence[str]) -> None:
    """See that a rule exists.

    Args:
        rule: The slug.
        said: Who named it, for the message.
        known: The slugs that exist.

    Raises:
        UsageError: It does not.
    """
    if rule not in known:
        close = get_close_matches(rule, known, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]!r}?" if close else f"The rules are: {', '.join(sorted(known))}."
        named = "" if repr(rule) in said else f" {rule!r}, and that"
        raise UsageError(f"{_capital(said)} names{named} {'is ' if named else ''}no rule. {hint}")


def _narrowed(text: str | None, named: str) -> dict[str, str]:
    narrowed: dict[str, str] = {}
    for part in _PART.findall(text or "") if text else ([] if text is None else [""]):
        key, equals, value = part.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key or not value:
            raise UsageError(
                f"{_capital(named)} narrows by {part.strip()!r}, which is not NAME=VALUE, such as "
                "[tool=add_to_todo_list] or [agent=Assistant]."
            )
        narrowed[key] = _unquoted(value)
    return narrowed


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _unquoted(value: str) -> str:
    try:
        read = json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value
    return str(read)


def _fits(pattern: str, test: str) -> bool:
    # Only the star is special: node ids have brackets of their own.
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), test, re.DOTALL) is not None


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
