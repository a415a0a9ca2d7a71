"""The fixtures of campaigns, and of the tests that they print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim.simulation import Clock


@pytest.fixture
def chatkit_clock(_chatkit_stage: Stage) -> Clock:
    """A virtual clock for this test: waiting costs nothing, and tasks run in the order that it is told."""
    from chatkit_sim.simulation import Clock

    return Clock(_chatkit_stage.bench)


@pytest.fixture
def chatkit_arguments() -> Mapping[str, Any]:
    """Hypothesis strategies for the arguments of server tools, by "tool.parameter". By default none.

    Override it where a campaign of --chatkit-sim cannot know what a tool takes, such as ids.
    """
    return {}


@pytest.fixture
def chatkit_reset() -> Callable[[], Any] | None:
    """Clears what the app itself remembers; called before each example of a campaign. By default nothing."""
    return None
