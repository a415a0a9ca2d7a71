"""Which campaigns there are as pytest items: the same list in every process of a run, whatever ``-n`` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .campaign_options import shards
from .campaigning import campaign_function


def campaign_items(config: pytest.Config, place: Any) -> dict[str, Callable[..., None]]:
    """The test functions of all campaigns by their names, for a class.

    Args:
        config: The run's.
        place: The definition of the server, which pytest is to show as the items' place.

    Raises:
        pytest.UsageError: An option makes no sense.
    """
    from chatkit_sim.simulation import GOALS

    parts = shards(config)
    functions = [campaign_function(goal, place, part, parts) for goal in GOALS for part in range(parts)]
    return {function.__name__: function for function in functions}
