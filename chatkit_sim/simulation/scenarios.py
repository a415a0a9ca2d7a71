"""The fixed scenarios: what happens to every ChatKit server sooner or later."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ..model import says
from ..recording import Turn
from .any_model import Plan
from .cast import AgentSeen, Asking, Cast, ToolSeen
from .fault_scenarios import FAULT_SCENARIOS
from .isolation_scenario import ISOLATION
from .page_scenarios import PAGE_SCENARIOS
from .simulation import NotApplicable, Scenario, Simulation
from .store_scenarios import STORE_SCENARIOS
from .survey import GREETING, explore, learn, request_of, survey

_ROUNDS = 3  # client tools in a chain
_EVENTS = 100  # events of a stream that are all stopped at

_NO_AGENT = "no agent ran, so there is no model that could call a tool"
_NO_TOOLS = "the agents have no function tools"
_NO_CLIENT_TOOLS = "the server did not ask for a client tool, whatever was tried"
_NOT_BY_MODEL = "its client tools are not asked for by a model"


def _plain_reply(simulation: Simulation) -> None:
    client = simulation.client()
    simulation.send(client, GREETING)
    simulation.send(client, "Thank you.")


def _tools(simulation: Simulation) -> None:
    cast = survey(simulation)
    _need_tools(cast)
    played: set[ToolSeen] = set()
    # A tool may bring further agents to light, and so further tools.
    while waiting := [tool for tool in cast.tools if tool not in played]:
        simulation.announce_tools()
        tool = waiting[0]
        played.add(tool)
        simulation.begin()
        with simulation.part(str(tool)):
            turn = simulation.send(simulation.client(), request_of(tool), Plan(tool.agent, [simulation.call(tool)]))
            learn(cast, tool, turn)


def _text_before_call(simulation: Simulation) -> None:
    cast = explore(simulation)
    _need_tools(cast)
    asking = [asking.source for asking in cast.askings.values() if asking.source is not None]
    tool = (asking or cast.tools)[0]
    step = says("One moment, please.") & simulation.call(tool)
    simulation.send(simulation.client(), request_of(tool), Plan(tool.agent, [step]))


def _client_tool_answered(simulation: Simulation) -> None:
    for asking in _askings(simulation):
        with simulation.part(asking.client_tool):
            client = simulation.client()
            simulation.send(client, asking.message, simulation.plan_for(asking))
            simulation.send(client, "Thank you.")


def _client_tool_failing(simulation: Simulation) -> None:
    for asking in _askings(simulation):
        with simulation.part(asking.client_tool):
            client = simulation.client(client_tools="fails")
            simulation.send(client, asking.message, simulation.plan_for(asking))
            simulation.send(client, "Then leave it.")


def _client_tool_unregistered(simulation: Simulation) -> None:
    for asking in _askings(simulation):
        with simulation.part(asking.client_tool):
            client = simulation.client(client_tools="lacks")
            with client.expecting(violation="client-tool-registered"):
                simulation.send(client, asking.message, simulation.plan_for(asking))


def _two_client_tools(simulation: Simulation) -> None:
    cast = explore(simulation)
    for agent in _agents_that_ask(cast):
        tools = cast.asking_tools(agent.name)
        pairs = [(tool, tool) for tool in tools] + list(itertools.pairwise(tools))
        for first, second in pairs:
            simulation.begin()
            step = simulation.call(first) & simulation.call(second, variant=1)
            simulation.send(simulation.client(), "Both, please.", Plan(agent.name, [step]))


def _client_tool_beside_server_tool(simulation: Simulation) -> None:
    cast = explore(simulation)
    played = False
    for agent in _agents_that_ask(cast):
        asking = cast.asking_tools(agent.name)[0]
        others = [tool for tool in agent.tools if ToolSeen(agent.name, tool) not in cast.asking_tools(agent.name)]
        for other in others[:1]:
            played = True
            client_call, server_call = simulation.call(asking), simulation.call(ToolSeen(agent.name, other))
            for step in (client_call & server_call, server_call & client_call):
                simulation.begin()
                simulation.send(simulation.client(), "Both, please.", Plan(agent.name, [step]))
    if not played:
        raise NotApplicable("no agent has both a tool that asks for a client tool and another one")


def _chain_of_client_tools(simulation: Simulation) -> None:
    cast = explore(simulation)
    for agent in _agents_that_ask(cast, parallel=False):
        tools = cast.asking_tools(agent.name)
        steps = [simulation.call(tools[number % len(tools)], number) for number in range(_ROUNDS)]
        simulation.begin()
        simulation.send(simulation.client(), "One after the other, please.", Plan(agent.name, steps))


def _cancel(simulation: Simulation) -> None:
    cast = explore(simulation)
    by_model = [asking for asking in cast.askings.values() if asking.source is not None]
    for asking in [None, *(by_model or list(cast.askings.values()))[:1]]:
        message = asking.message if asking else GREETING
        for number in _stops(simulation.quietly(message, simulation.plan_for(asking))):
            simulation.begin()
            client = simulation.client()
            simulation.stop_at(client, message, simulation.plan_for(asking), number)
            if client.thread_id is not None:
                simulation.send(client, "Go on, please.")


def _stops(turn: Turn) -> list[int]:
    """The events at which a turn like this one is stopped; of a long text, the first and the last."""
    stops: list[int] = []
    before = 0
    for stream in turn.streams:
        if len(stream.events) <= _EVENTS:
            stops += range(before + 1, before + len(stream.events) + 1)
        else:
            stops += [before + number for step in stream.steps for number in sorted({step.number, step.last})]
        before += len(stream.events)
    return stops


def _retry(simulation: Simulation) -> None:
    if not simulation.may_retry:
        raise NotApplicable("the page has no retry button: Frontend(retry=True)")
    client = simulation.client()
    simulation.send(client, GREETING)
    simulation.retry(client)
    simulation.send(client, "Thank you.")


def _message_while_pending(simulation: Simulation) -> None:
    for asking in _askings(simulation):
        client = simulation.client()
        simulation.leave_pending(client, asking)
        simulation.send(client, "Never mind.")


def _need_tools(cast: Cast) -> None:
    if not cast.agents:
        raise NotApplicable(_NO_AGENT)
    if not cast.tools:
        raise NotApplicable(_NO_TOOLS)


def _askings(simulation: Simulation) -> Iterator[Asking]:
    cast = explore(simulation)
    if not cast.askings:
        raise NotApplicable(_NO_CLIENT_TOOLS)
    for asking in list(cast.askings.values()):
        simulation.begin()
        yield asking


def _agents_that_ask(cast: Cast, *, parallel: bool = True) -> list[AgentSeen]:
    """The agents whose tools ask for client tools, and that may call several at once."""
    if not cast.askings:
        raise NotApplicable(_NO_CLIENT_TOOLS)
    agents = [agent for agent in cast.agents.values() if cast.asking_tools(agent.name)]
    if not agents:
        raise NotApplicable(_NOT_BY_MODEL)
    if not parallel:
        return agents
    free = [agent for agent in agents if agent.parallel is not False]
    if not free:
        names = " and ".join(f'"{agent.name}"' for agent in agents)
        raise NotApplicable(f"parallel_tool_calls=False forbids it (agent {names})")
    return free


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("plain-reply", "The model answers a message, and then another one.", _plain_reply),
    Scenario("tools", "The model calls a server tool with arguments that fit its schema.", _tools),
    Scenario("text-before-call", "The model says something before it calls a tool.", _text_before_call),
    Scenario("client-tool-answered", "A client tool answers.", _client_tool_answered),
    Scenario("client-tool-failing", "A client tool fails in the browser.", _client_tool_failing),
    Scenario("client-tool-unregistered", "The page does not have the client tool.", _client_tool_unregistered),
    Scenario("two-client-tools", "The model asks for two client tools at once.", _two_client_tools),
    Scenario(
        "client-tool-beside-server-tool",
        "The model asks for a client tool and calls another tool at the same time.",
        _client_tool_beside_server_tool,
    ),
    Scenario("chain-of-client-tools", "The model asks for one client tool after the other.", _chain_of_client_tools),
    Scenario("cancel", "The response is stopped at each of its events, and the user goes on.", _cancel),
    Scenario("retry", "The user has a message responded to again.", _retry),
    Scenario(
        "message-while-pending",
        "The page is reloaded while a client tool runs, and the user writes something else.",
        _message_while_pending,
    ),
    *PAGE_SCENARIOS,
    ISOLATION,
    *STORE_SCENARIOS,
    *FAULT_SCENARIOS,
)
"""The scenarios, in the order in which they are best read."""
