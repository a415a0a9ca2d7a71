"""Rules of a user's own, gathered from whoever registers some."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError, Violation
from .all_rules import ALL_RULES
from .base import Rule

Check = Callable[[Any], Iterable[Violation]]


class OwnRules:
    """Takes the rules that a ``conftest.py`` registers in ``pytest_chatkit_rules(rules)``."""

    def __init__(self) -> None:
        self._taken = {rule.slug: "chatkit-sim itself" for rule in ALL_RULES}
        self._rules: list[Rule] = []

    @property
    def all(self) -> tuple[Rule, ...]:
        """chatkit-sim's rules, and those that were registered."""
        return (*ALL_RULES, *self._rules)

    @property
    def own(self) -> tuple[Rule, ...]:
        """Those that were registered."""
        return tuple(self._rules)

    def rule(self, slug: str, must_hold: str, **fields: Any) -> Callable[[Check], Check]:
        """Register a function as a rule: ``@rules.rule("short-answers", "Answers are short.")``.

        The function takes an ``Evidence`` and yields a ``Violation`` for each place where the rule is broken.

        Args:
            slug: Its name, which says what must hold.
            must_hold: The same as a sentence.
            fields: Further attributes of ``Rule``, such as ``why``, ``severity`` or ``about``.

        Raises:
            UsageError: The slug is taken, or no slug.
        """

        def register(check: Check) -> Check:
            self.add(Rule(slug=slug, must_hold=must_hold, check=check, **fields))
            return check

        return register

    def add(self, rule: Rule) -> None:
        """Register a rule.

        Raises:
            UsageError: It is no rule, or its slug is taken, or no slug.
        """
        if not isinstance(rule, Rule):
            raise UsageError(
                f"rules.add() takes a chatkit_sim.Rule, not {rule!r}. For a function write "
                '`@rules.rule("slug", "What must hold.")` above it.'
            )
        owner = rule.owner or _defined_at(rule.check)
        if rule.slug in self._taken:
            raise UsageError(
                f"The slug {rule.slug!r} of the rule at {owner} is taken by {self._taken[rule.slug]}. Give it another."
            )
        if not rule.slug or set(rule.slug) & set(" \t\n[]:,"):
            raise UsageError(f"The slug {rule.slug!r} of the rule at {owner} is none: write it like-this.")
        self._taken[rule.slug] = owner
        self._rules.append(replace(rule, owner=owner))


def _defined_at(check: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(check), "__code__", None)
    if code is None:
        return f"{type(check).__module__}.{type(check).__qualname__}"
    file, here = Path(code.co_filename), Path.cwd()
    shown = file.relative_to(here).as_posix() if file.is_relative_to(here) else str(file)
    return f"{shown}:{code.co_firstlineno}"
