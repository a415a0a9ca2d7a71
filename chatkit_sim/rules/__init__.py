"""Rules: what every turn, stream and test must hold to, and who says so.

A rule of one's own is a function and a ``Rule``; it gets what the others get, and is ignored and counted like them::

    def short_answers(evidence):
        if len(evidence.turn.text) > 2000:
            yield Violation(
                rule="short-answers",
                place=place(evidence.turn),
                reason="The answer is longer than anyone reads.",
                remedy="Tell the agent to be brief.",
            )

    SHORT_ANSWERS = Rule(slug="short-answers", must_hold="Answers are short.", check=short_answers)
    client = SimulatedClient(server, catalogue=Catalogue([*ALL_RULES, SHORT_ANSWERS]))
"""

from .all_rules import ALL_RULES
from .base import (
    BlockedCall,
    ClientToolContract,
    Evidence,
    PageContract,
    Rule,
    TestEvidence,
    UnscriptedCall,
    UnusedSteps,
    place,
)
from .baseline import Baseline, Met, may_be_judged
from .catalogue import Catalogue, Verdict
from .ignores import Ignore
from .own import OwnRules
from .persistence import RELOAD_RULES

__all__ = [
    "ALL_RULES",
    "RELOAD_RULES",
    "Baseline",
    "BlockedCall",
    "Catalogue",
    "ClientToolContract",
    "Evidence",
    "Ignore",
    "Met",
    "OwnRules",
    "PageContract",
    "Rule",
    "TestEvidence",
    "UnscriptedCall",
    "UnusedSteps",
    "Verdict",
    "may_be_judged",
    "place",
]
