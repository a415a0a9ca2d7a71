"""Rules: what every turn, stream and test must hold to, and who says so."""

from .base import (
    BlockedCall,
    ClientToolContract,
    Evidence,
    Rule,
    TestEvidence,
    UnscriptedCall,
    UnusedSteps,
    place,
)
from .catalogue import ALL_RULES, Catalogue, Ignore, Verdict
from .persistence import RELOAD_RULES

__all__ = [
    "ALL_RULES",
    "RELOAD_RULES",
    "BlockedCall",
    "Catalogue",
    "ClientToolContract",
    "Evidence",
    "Ignore",
    "Rule",
    "TestEvidence",
    "UnscriptedCall",
    "UnusedSteps",
    "Verdict",
    "place",
]
