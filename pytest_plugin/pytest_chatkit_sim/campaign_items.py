"""Which campaigns there are as pytest items: the same list in every process of a run, whatever ``-n`` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .campaign_options import campaign_option

_CONVERSATIONS = 100  # that one item plays, where nothing else is said


def campaign_items(config: pytest.Config, place: Any) -> dict[str, Callable[..., None]]:
    """The test functions of all campaigns by their names, for a class.

    Args:
        config: The run's.
        place: The definition of the server, which pytest is to show as the items' place.

    Raises:
        pytest.UsageError: An option makes no sense.
    """
    from chatkit_sim.simulation import GOALS

    from .campaigning import campaign_function

    parts = shards(config)
    functions = [campaign_function(goal, place, part, parts) for goal in GOALS for part in range(parts)]
    return {function.__name__: function for function in functions}


def shards(config: pytest.Config) -> int:
    """Into how many items a campaign is split.

    Raises:
        pytest.UsageError: The option makes no sense.
    """
    given: int | None = campaign_option(config, "shards")
    return given or -(-conversations(config) // _CONVERSATIONS)


def conversations(config: pytest.Config) -> int:
    """How many conversations all items of a campaign play together.

    Raises:
        pytest.UsageError: The option makes no sense.
    """
    from hypothesis import settings

    from chatkit_sim.simulation.profile import examples_of

    given: int | None = campaign_option(config, "examples")
    return given or examples_of(settings())
