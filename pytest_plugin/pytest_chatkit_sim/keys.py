"""What is kept in pytest's stashes and read in several rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chatkit_sim.report import Summary

SUMMARY: pytest.StashKey[Summary] = pytest.StashKey()
"""What the tests of this process did; on the controller, those of all workers."""
PROBLEM = pytest.StashKey[str]()
"""Why a run with workers cannot be what was asked for."""
SIMULATIONS = pytest.StashKey[bool]()
"""Set on the nodes that simulation items hang under."""


def is_simulated(item: pytest.Item | pytest.Collector) -> bool:
    """Whether an item is a scenario or a campaign, and no test of the user's own."""
    return any(SIMULATIONS in node.stash for node in item.iter_parents())
