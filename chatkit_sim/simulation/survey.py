"""Finding out what a server has, by running it: agents through handoffs, client tools through server tools."""

from __future__ import annotations

import itertools

from ..model import says
from ..model.lanes import PLAIN_ANSWER
from ..recording import ClientToolAssigned, Turn
from ..rules.excuses import chain
from .any_model import Plan
from .cast import Asking, Cast, ToolSeen
from .simulation import Simulation

GREETING = "Hello!"
EVERYTHING = "What can you do? Show me everything."
_GUARDS = 3  # how many guardrail agents are tried in every combination


def survey(simulation: Simulation) -> Cast:
    """Meet every agent that a message and the handoffs lead to, once for a cast; no server tool is called."""
    cast = simulation.cast
    if cast.surveyed:
        return cast
    _get_past_guardrails(simulation)
    asked_for: set[str] = set()
    while targets := [name for name in _handed_to(cast) if name not in cast.agents and name not in asked_for]:
        asked_for.add(targets[0])
        simulation.quietly(GREETING, Plan(targets[0], [says(PLAIN_ANSWER)]))
    cast.surveyed = True
    return cast


def explore(simulation: Simulation) -> Cast:
    """Call every server tool that was not called yet, once for a cast, to learn which client tools they ask for."""
    cast = survey(simulation)
    if cast.explored:
        return cast
    while waiting := [tool for tool in cast.tools if tool not in cast.tried]:
        simulation.announce_tools()
        tool = waiting[0]
        learn(cast, tool, simulation.quietly(request_of(tool), Plan(tool.agent, [simulation.call(tool)])))
    for message in (GREETING, EVERYTHING):
        for call in simulation.quietly(message).client_tool_calls:
            cast.askings.setdefault(call.name, Asking(call.name, None, message))
    cast.explored = True
    return cast


def learn(cast: Cast, tool: ToolSeen, turn: Turn) -> None:
    """Note that a server tool was called, and which client tools it asked for."""
    cast.tried.add(tool)
    for entry in turn.timeline.of(ClientToolAssigned):
        source = ToolSeen(entry.agent, entry.tool) if entry.tool else tool
        if source in cast.tools:
            cast.askings.setdefault(entry.name, Asking(entry.name, source, request_of(source)))


def request_of(tool: ToolSeen) -> str:
    """What the user writes when the model is to call a tool."""
    return f"Please use {tool.tool}."


def tells_of_no_attachment_store(error: BaseException) -> bool:
    """Whether ``attachments.create`` failed because the server behind an app has no attachment store."""
    return any("AttachmentStore is not configured" in str(link) for link in chain(error))


def _handed_to(cast: Cast) -> list[str]:
    return [target for agent in cast.agents.values() for target, _ in agent.handoffs.values()]


def _get_past_guardrails(simulation: Simulation) -> None:
    """Find verdicts of guardrail agents with which the answer is shown; which of True and False trips, nobody says."""
    cast = simulation.cast
    if PLAIN_ANSWER in simulation.quietly(GREETING).text:
        return
    guards = [agent.name for agent in cast.agents.values() if agent.structured and not agent.feeds_stream][:_GUARDS]
    for verdicts in itertools.product((True, False), repeat=len(guards)):
        cast.booleans = dict(zip(guards, verdicts, strict=True))
        if guards and PLAIN_ANSWER in simulation.quietly(GREETING).text:
            return
    cast.booleans = {}
