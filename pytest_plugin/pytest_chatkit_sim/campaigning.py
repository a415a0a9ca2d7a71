"""Playing a campaign as a pytest item."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from .campaign_options import campaign_option
from .fixtures import set_scene
from .options import SETTINGS
from .stage import _EVERYWHERE, Stage
from .summing_up import SUMMARY

if TYPE_CHECKING:
    from chatkit_sim.client import Judged
    from chatkit_sim.client.bench import BenchOptions
    from chatkit_sim.simulation import Campaign, Goal

MET = pytest.StashKey[dict[Any, dict[Any, str]]]()
"""The bugs that the campaigns of this process have met, for each server."""


def campaign_function(goal: Goal, place: Any) -> Callable[..., None]:
    """The test function of a campaign, for a class.

    Args:
        goal: What it is after.
        place: The definition of the server, which pytest is to show as the item's place.
    """

    @pytest.mark.chatkit_sim
    def play(
        self: Any,
        request: pytest.FixtureRequest,
        _chatkit_stage: Stage,
        chatkit_server: Any,
        chatkit_store: Any,
        chatkit_context: Any,
        chatkit_tools: Mapping[str, Any],
        chatkit_model: Any,
        chatkit_arguments: Mapping[str, Any],
        chatkit_reset: Callable[[], Any] | None,
    ) -> None:
        __tracebackhide__ = True
        from chatkit_sim.simulation import CampaignError, run_campaign

        set_scene(_chatkit_stage, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
        chatkit_model.other_tools = request.config.stash[SETTINGS].tools
        campaign = _campaign(goal, request, _chatkit_stage, chatkit_context, chatkit_arguments, chatkit_reset)
        try:
            run_campaign(campaign, replay=_replay(request.node, campaign))
        except CampaignError as error:
            # What the report is to show of it.
            moves = [finding.story[-1] for finding in error.findings]
            _chatkit_stage.bench.judged += [judged for played in moves for judged in played.judged]
            raise

    play.__name__ = f"campaign-{goal.slug}"
    play.__doc__ = goal.title
    if place is not None:
        play.place_as = place
    function: Callable[..., None] = play
    return function


def _campaign(
    goal: Goal,
    request: pytest.FixtureRequest,
    stage: Stage,
    context: Any,
    arguments: Mapping[str, Any],
    reset: Callable[[], Any] | None,
) -> Campaign:
    from chatkit_sim import ChatKitSimWarning
    from chatkit_sim.simulation.campaigns import Campaign
    from chatkit_sim.simulation.drawn_model import Drawing
    from chatkit_sim.simulation.scene import World

    # What is only worth a warning fails no campaign, also where a project makes errors of its warnings.
    warnings.simplefilter("always", ChatKitSimWarning)
    item = request.node
    virtual = bool(item.config.getini("chatkit_sim_virtual_time"))
    world = World(
        server=stage.server,
        context=context,
        other_context=_other_context(request),
        options=_options(stage, item),
        reset=reset,
        virtual_time=virtual,
        bench=None if callable(stage.server) else stage.bench,
    )
    return Campaign(
        world=world,
        goal=goal,
        examples=campaign_option(item.config, "examples"),
        seconds=campaign_option(item.config, "time"),
        seed=campaign_option(item.config, "seed"),
        name=item.parent.nodeid if item.parent is not None else item.nodeid,
        drawing=Drawing(arguments=arguments, waiting=virtual, ordered=virtual),
        met=_met_by(item),
        on_judged=partial(_add_judged, item),
        declared=tuple(stage.bench.frontend.client_tools) if stage.bench.frontend is not None else (),
    )


def _options(stage: Stage, item: pytest.Item) -> BenchOptions:
    """What the bench of an example is given, where each has a server of its own."""
    from chatkit_sim import MemoryStore

    bench, settings = stage.bench, item.config.stash[SETTINGS]
    options: BenchOptions = {
        "model": bench.model,
        "catalogue": bench.catalogue,
        "limits": bench.limits,
        "policies": bench.policies,
        "frontend": bench.frontend,
        "allow_network": _EVERYWHERE if settings.network == "open" else settings.allow_network,
        "strict_network": settings.network == "strict",
    }
    # A store of the user's own is shared by the examples; the plugin's is new for each.
    return options if isinstance(stage.store, MemoryStore) else {**options, "store": stage.store}


def _add_judged(item: pytest.Item, judged: Sequence[Judged]) -> None:
    """Add the turns of an example to the summary of this process."""
    from chatkit_sim.report import Summary, summarize

    # What was found is told by the item itself, once and not as often as it was met.
    summary = replace(summarize(judged), tests=0, scenarios=0, violations={}, warnings={})
    item.config.stash[SUMMARY] = item.config.stash.get(SUMMARY, Summary()) + summary


def _other_context(request: pytest.FixtureRequest) -> Any:
    """That of a second user, if the fixture was overridden."""
    definitions = request._fixturemanager.getfixturedefs("chatkit_other_context", request.node) or ()
    return request.getfixturevalue("chatkit_other_context") if len(definitions) > 1 else None


def _met_by(item: pytest.Item) -> dict[Any, str]:
    met = item.config.stash.setdefault(MET, {})
    _, _, parameters = item.name.partition("[")
    return met.setdefault((item.parent and item.parent.nodeid, parameters), {})


def _replay(item: pytest.Item, campaign: Campaign) -> Callable[[int], str]:
    options = "" if campaign.examples is None else f" --chatkit-sim-examples {campaign.examples}"
    return lambda seed: f"pytest '{item.nodeid}' --chatkit-sim-seed {seed}{options}"
