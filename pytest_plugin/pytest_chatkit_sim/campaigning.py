"""Playing a campaign as a pytest item."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from .boundaries import boundary_of
from .campaign_findings import kept, replay
from .campaign_options import campaign_option, conversations, is_hostile
from .campaign_progress import Progress
from .fixtures import set_scene
from .keys import SUMMARY
from .options import SETTINGS
from .stage import _EVERYWHERE, Stage

if TYPE_CHECKING:
    from chatkit_sim.client import Judged
    from chatkit_sim.client.bench import BenchOptions
    from chatkit_sim.report import Summary
    from chatkit_sim.simulation import Campaign, CampaignResult, Goal

MET = pytest.StashKey[dict[Any, dict[Any, str]]]()
"""The bugs that the campaigns of this process have met, for each server."""
WENT_WELL = pytest.StashKey[dict[Any, set[str]]]()
"""What went well in them at first, for each server."""


def campaign_function(goal: Goal, place: Any, part: int = 0, parts: int = 1) -> Callable[..., None]:
    """The test function of a campaign, for a class.

    Args:
        goal: What it is after.
        place: The definition of the server, which pytest is to show as the item's place.
        part: Which part of the campaign it plays, from 0.
        parts: How many there are.
    """

    @pytest.mark.chatkit_sim
    def play(
        self: Any,
        request: pytest.FixtureRequest,
        _chatkit_page: Stage,
        chatkit_server: Any,
        chatkit_store: Any,
        chatkit_context: Any,
        chatkit_tools: Mapping[str, Any],
        chatkit_model: Any,
        chatkit_arguments: Mapping[str, Any],
        chatkit_reset: Callable[[], Any] | None,
    ) -> None:
        __tracebackhide__ = True
        from chatkit_sim.client.bench import Judged
        from chatkit_sim.rules import Verdict
        from chatkit_sim.simulation import CampaignError

        set_scene(_chatkit_page, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
        chatkit_model.other_tools = request.config.stash[SETTINGS].tools
        takes_notes, _chatkit_page.bench.takes_notes = _chatkit_page.bench.takes_notes, False  # it looks for raised
        campaign = _campaign(goal, request, _chatkit_page, chatkit_context, chatkit_arguments, chatkit_reset)
        campaign.part, campaign.parts = part, parts
        progress = campaign.on_progress = Progress(request.config, request.node.name)
        try:
            result = campaign.run()
        finally:
            progress.end()
        # What the report is to show of it: each story from its beginning, once.
        stories = [finding.story for finding in result.findings if not finding.same_as]
        shown = [one for story in stories for played in story for one in played.judged]
        _chatkit_page.bench.judged += shown
        told = any(one.turn is not None for one in shown)
        _add_result(request.node, result, told=told, virtual=campaign.world.virtual_time)
        if not result.findings:
            return
        found = kept(request.node, campaign, result.findings)
        error = CampaignError(goal, found, replay(request.node, campaign, result.seed), answers=result.answers)
        if not takes_notes:
            raise error
        _chatkit_page.bench.judged.append(Judged(None, Verdict(), (), error.violations))

    play.__name__ = f"campaign-{goal.slug}" + (f"-{part + 1}-of-{parts}" if parts > 1 else "")
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
    from chatkit_sim.stores.conformance.classes import optional_fixture

    # What is only worth a warning fails no campaign, also where a project makes errors of its warnings.
    warnings.simplefilter("always", ChatKitSimWarning)
    item = request.node
    # A server in a thread of its own lives in real time.
    virtual = bool(item.config.getini("chatkit_sim_virtual_time")) and stage.bench.door.kind != "http"
    frontend, known_by = stage.bench.frontend, stage.bench.door.knows_users_by
    other = optional_fixture(request, f"chatkit_other_{known_by}")
    promised = frontend.results if frontend is not None else {}
    world = World(
        server=stage.server,
        context=context,
        second_user={} if other is None else {known_by: other},
        options=_options(stage, item),
        reset=reset,
        virtual_time=virtual,
        bench=None if callable(stage.server) else stage.bench,
    )
    return Campaign(
        world=world,
        goal=goal.hostile() if is_hostile(item.config) else goal,
        examples=conversations(item.config),
        seconds=campaign_option(item.config, "time"),
        seed=campaign_option(item.config, "seed"),
        name=item.parent.nodeid if item.parent is not None else item.nodeid,
        drawing=Drawing(arguments=arguments, promised=promised, waiting=virtual, ordered=virtual),
        met=_of_server(item, MET, dict),
        went_well=_of_server(item, WENT_WELL, set),
        on_judged=partial(_add_judged, item),
        called=item.name,
        boundary=boundary_of(item) if isinstance(item, pytest.Function) else None,
        declared=tuple(name for name in frontend.client_tools if name not in promised) if frontend is not None else (),
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
        "reload_check": settings.reload_check,
    }
    # A store of the user's own is shared by the examples; the plugin's is new for each.
    return options if isinstance(stage.store, MemoryStore) else {**options, "store": stage.store}


def _add_judged(item: pytest.Item, judged: Sequence[Judged]) -> None:
    """Add the turns of an example to the summary of this process."""
    from chatkit_sim.report import summarize

    # What was found is told by the item itself, once and not as often as it was met.
    left_out: dict[str, Any] = {"violations": {}, "warnings": {}, "client_outcomes": {}}
    _add(item, replace(summarize(judged), tests=0, scenarios=0, **left_out))


_REAL_TIME = (
    "delays and orders of tasks: campaigns ran in real time, in one order "
    "(chatkit_sim_virtual_time, or a real HTTP server)"
)


def _add_result(item: pytest.Item, result: CampaignResult, *, told: bool, virtual: bool) -> None:
    """Add what came of a campaign to the summary of this process; where it has turns to show, it is counted there."""
    from chatkit_sim.report import Summary
    from chatkit_sim.rules.upstream import known

    cut = f"{item.name}: {result.examples:,} of {result.of:,} conversations in {result.seconds:.0f} s, then time was up"
    shaky = f"{item.name}: the same choices did not always lead to the same conversation (threads, random numbers?)"
    defects = [known(name) for name in sorted({one.subjects.get("defect", "") for one in result.upstream})]
    # What breaks no rule of a turn (a turn that never ends, a request that raises) stands in no turn.
    last = [turn for one in result.findings for turn in one.story[-1].judged]
    in_turns = {violation.rule for turn in last for violation in turn.raised}
    apart = Counter(one.key[0] for one in result.findings if not one.same_as and one.key[0] not in in_turns)
    summary = Summary(
        tests=int(not told),
        scenarios=int(not told),
        campaigns=1,
        not_checked={} if virtual else {_REAL_TIME: 1},
        conversations=result.examples,
        moves=result.coverage.moves,
        violations=apart,
        client_outcomes=result.coverage.flows["client_outcomes"],
        incomplete=frozenset([] if result.complete else [cut]),
        unsteady=frozenset([] if result.steady else [shaky]),
        upstream=frozenset(f"{defect.name}: {_in_short(defect.says)}" for defect in defects if defect),
    )
    _add(item, summary)


def _add(item: pytest.Item, summary: Summary) -> None:
    before = item.config.stash.get(SUMMARY, None)
    item.config.stash[SUMMARY] = summary if before is None else before + summary


def _in_short(reason: str) -> str:
    told = reason.partition(". ")[0].partition(": ")[0].rstrip(".")
    return f"{told} (a defect of the SDKs, and not held against the server)"


def _of_server(item: pytest.Item, key: pytest.StashKey[dict[Any, Any]], make: Callable[[], Any]) -> Any:
    """What the campaigns on the item's server share in this process."""
    _, _, parameters = item.name.partition("[")
    return item.config.stash.setdefault(key, {}).setdefault((item.parent and item.parent.nodeid, parameters), make())
