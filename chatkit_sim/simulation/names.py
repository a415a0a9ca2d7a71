"""What simulations judge by beside the rules, by slug, for ignores and baselines that name it."""

from __future__ import annotations

from collections.abc import Mapping

from ..stores.conformance import ATTACHMENT_PROMISES, PROMISES
from .goals import GOALS
from .scenarios import SCENARIOS

_FOUND = {
    "turn-ends": "Every turn comes to an end.",
    "request-answered": "No exception comes out of a request.",
    "nothing-lost": "What the page was told is done is there after a reload, also when the store failed.",
}

ELSEWHERE: Mapping[str, str] = {
    **_FOUND,
    **{promise.slug: promise.must_hold for promise in (*PROMISES, *ATTACHMENT_PROMISES)},
}
"""What must hold, by slug: what scenarios and campaigns see by themselves, and the promises of stores."""

SCENES: frozenset[str] = frozenset([*(one.slug for one in SCENARIOS), *(f"campaign-{goal.slug}" for goal in GOALS)])
"""The names of scenarios and campaigns, which are no rules."""
