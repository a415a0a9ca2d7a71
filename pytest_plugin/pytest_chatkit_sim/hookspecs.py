"""The hooks that a conftest.py may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chatkit_sim.rules import OwnRules


@pytest.hookspec
def pytest_chatkit_rules(rules: OwnRules) -> None:
    """Register rules of your own: they are held to, ignored, counted and listed like chatkit-sim's.

    A rule holds in the tests below the conftest.py that registers it, and in the simulations that hang there::

        def pytest_chatkit_rules(rules):
            @rules.rule("short-answers", "Answers are short.")
            def check(evidence):
                if len(evidence.turn.text) > 2000:
                    yield Violation(
                        rule="short-answers", place=place(evidence.turn), reason="It is long.", remedy="Be brief."
                    )
    """
