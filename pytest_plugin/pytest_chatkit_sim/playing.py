"""Playing a scenario as a pytest item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from .fixtures import set_scene
from .options import SETTINGS
from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim.simulation import Cast, Scenario

CASTS = pytest.StashKey[dict[Any, "Cast"]]()
"""What the scenarios of this process have revealed, for each server."""


def scenario_function(scenario: Scenario, place: Any) -> Callable[..., None]:
    """The test function of a scenario, for a class.

    Args:
        scenario: What it plays.
        place: The definition of the server, which pytest is to show as the item's place.
    """

    @pytest.mark.chatkit_sim
    def play(
        self: Any,
        request: pytest.FixtureRequest,
        subtests: pytest.Subtests,
        _chatkit_stage: Stage,
        chatkit_server: Any,
        chatkit_store: Any,
        chatkit_context: Any,
        chatkit_tools: Mapping[str, Any],
        chatkit_model: Any,
    ) -> None:
        __tracebackhide__ = True
        set_scene(_chatkit_stage, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
        _play(scenario, request.node, _chatkit_stage, chatkit_context, subtests.test)

    play.__name__ = scenario.slug
    play.__doc__ = scenario.title
    if place is not None:
        play.place_as = place
    function: Callable[..., None] = play
    return function


def _play(
    scenario: Scenario,
    item: pytest.Item,
    stage: Stage,
    context: Any,
    part: Callable[[str], AbstractContextManager[Any]],
) -> None:
    __tracebackhide__ = True
    from chatkit_sim.simulation import NotApplicable, Simulation

    stage.bench.model.other_tools = item.config.stash[SETTINGS].tools
    simulation = Simulation(
        stage.bench,
        scenario,
        context=context,
        cast=_cast_of(item),
        part=part,
        announce=lambda names: _announce(item, names),
    )
    try:
        simulation.play()
    except NotApplicable as reason:
        pytest.skip(str(reason))


def _cast_of(item: pytest.Item) -> Cast:
    """What is known of the item's server: the items below one collector, with the same parameters, share it."""
    from chatkit_sim.simulation import Cast

    casts = item.config.stash.setdefault(CASTS, {})
    _, _, parameters = item.name.partition("[")
    return casts.setdefault((item.parent and item.parent.nodeid, parameters), Cast())


def _announce(item: pytest.Item, names: Sequence[str]) -> None:
    for line in announcement(names):
        reporter = item.config.pluginmanager.get_plugin("terminalreporter")
        capture = item.config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or capture is None:
            continue
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)


def announcement(names: Sequence[str]) -> Iterator[str]:
    """What the terminal says before server tools run for real."""
    yield f"chatkit-sim: server tools that run for real: {', '.join(names)}"
    yield "  (put fakes in their place with the fixture chatkit_tools, or --chatkit-sim-tools=stub)"
