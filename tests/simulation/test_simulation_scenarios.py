"""Scenarios on small servers: what they reveal, what they call, what they find and what they leave alone."""

from contextlib import nullcontext

import pytest
from agents import ModelSettings
from chatkit.server import ChatKitServer
from chatkit.types import ThreadItemDoneEvent
from simulation_servers import AgentServer, agent, fussy, guarded, lookup, open_page, team

from chatkit_sim import MemoryStore, ModelScript, says
from chatkit_sim.client import Bench
from chatkit_sim.recording import ToolStarted
from chatkit_sim.simulation import SCENARIOS, Cast, NotApplicable, ScenarioError, Simulation

# Some rules only warn: of runs that go on after a cancel, of tools that raise.
pytestmark = pytest.mark.filterwarnings("ignore::chatkit_sim.ChatKitSimWarning")

BY_SLUG = {scenario.slug: scenario for scenario in SCENARIOS}


@pytest.fixture
def play():
    benches = []

    def play_scenario(slug, server, *, cast=None, model=None, **options):
        bench = Bench(lambda: server, model=model or ModelScript())
        benches.append(bench)
        simulation = Simulation(bench, BY_SLUG[slug], cast=cast, **options)
        simulation.play()
        bench.conclude()
        return simulation

    yield play_scenario
    for bench in benches:
        bench.close()


def server(*tools, **options):
    allow_cancel = options.pop("allow_cancel", True)
    return AgentServer(MemoryStore(), agent("Assistant", *tools, **options), allow_cancel=allow_cancel)


CORE = [*BY_SLUG][: [*BY_SLUG].index("message-while-pending") + 1]
FORBIDDEN = ("two-client-tools", "client-tool-beside-server-tool")


@pytest.mark.parametrize("slug", [slug for slug in CORE if slug not in FORBIDDEN])
def test_every_scenario_passes_on_a_server_that_is_right(play, slug):
    assert play(slug, server(lookup, open_page)).bench.turns


@pytest.mark.parametrize("slug", FORBIDDEN)
def test_what_the_agent_forbids_the_model_does_not_do(play, slug):
    with pytest.raises(NotApplicable, match=r'parallel_tool_calls=False forbids it \(agent "Assistant"\)'):
        play(slug, server(lookup, open_page))


def test_tools_are_called_with_arguments_that_fit_and_announced_before(play):
    events = []

    def part(label):
        events.append(f"part {label}")
        return nullcontext()

    simulation = play(
        "tools", server(lookup, open_page), part=part, announce=lambda names: events.append(f"announced {names}")
    )

    assert events == [
        "announced ['lookup', 'open_page']",
        'part lookup (agent "Assistant")',
        'part open_page (agent "Assistant")',
    ]
    started = simulation.bench.turns[0].timeline.of(ToolStarted)
    assert [(entry.tool, entry.arguments) for entry in started] == [("lookup", '{"name": "some name", "count": 1}')]


def test_a_tool_that_rejects_its_arguments_is_no_violation(play):
    simulation = play("tools", server(fussy))
    assert simulation.bench.turns[0].text == "This is the simulated answer."


def test_agents_are_reached_through_handoffs_and_through_tools(play):
    simulation = play("tools", AgentServer(MemoryStore(), team()))
    assert list(simulation.cast.agents) == ["First", "Second", "Third", "Researcher"]
    assert [str(tool) for tool in simulation.cast.tools] == [
        'open_page (agent "Third")',
        'research (agent "Third")',
        'lookup (agent "Researcher")',
    ]
    called = {request.agent: request for request in simulation.bench.model.requests}
    assert "Researcher" in called
    assert simulation.cast.askings["navigate"].source.agent == "Third"


def test_a_guardrail_that_trips_on_true_is_answered_with_false(play):
    simulation = play("tools", AgentServer(MemoryStore(), guarded()))
    assert simulation.cast.booleans == {"Guard": False}
    assert [tool.tool for tool in simulation.cast.tools] == ["lookup"]


def test_what_the_model_script_says_comes_first(play):
    model = ModelScript()
    model.agent("Assistant").always(says("As in the conftest."))
    simulation = play("plain-reply", server(), model=model)
    assert simulation.bench.turns[0].text == "As in the conftest."


def test_the_client_tool_is_found_by_its_own_name(play):
    simulation = play("client-tool-answered", server(open_page))
    call = simulation.bench.turns[0].client_tool_calls[0]
    assert (call.name, call.arguments, call.outcome) == ("navigate", {"to": "some page"}, "answered")


def test_a_client_tool_that_fails(play):
    assert play("client-tool-failing", server(open_page)).bench.turns[0].client_tool_calls[0].outcome == "failed"


def test_a_page_without_the_client_tool(play):
    simulation = play("client-tool-unregistered", server(open_page))
    assert simulation.bench.turns[0].client_tool_calls[0].outcome == "unregistered"


def test_two_client_tools_at_once_are_told_with_story_and_remedy(play):
    with pytest.raises(ScenarioError) as caught:
        play("two-client-tools", server(open_page, settings=ModelSettings()))
    error = caught.value
    assert [violation.rule for violation in error.violations] == ["one-client-tool-call-per-turn"]
    assert error.story.splitlines() == [
        "two-client-tools: The model asks for two client tools at once.",
        "",
        "  user   'Both, please.'",
        '  model  calls("open_page", page="some page") & calls("open_page", page="some page 2")',
        '  model  says("This is the simulated answer.")',
    ]
    assert "Remedy: " in str(error)


def test_a_client_tool_beside_a_server_tool(play):
    with pytest.raises(ScenarioError) as caught:
        play("client-tool-beside-server-tool", server(open_page, lookup, settings=ModelSettings()))
    assert caught.value.violations[0].rule == "client-tool-call-identity"


def test_one_cause_speaks_once(play):
    cast = Cast()
    wrong = {"stop": ()}
    with pytest.raises(ScenarioError) as first:
        play("tools", server(open_page, **wrong), cast=cast)
    with pytest.raises(ScenarioError) as second:
        play("chain-of-client-tools", server(open_page, **wrong), cast=cast)
    assert "Remedy" in str(first.value)
    assert "Remedy" not in str(second.value)
    assert "stop-at-client-tool  turn 1, stream 1, event 4\n  The same as in tools." in str(second.value)
    assert len(second.value.violations) == 1


def test_a_chain_asks_three_times(play):
    turn = play("chain-of-client-tools", server(open_page)).bench.turns[0]
    assert [call.arguments["to"] for call in turn.client_tool_calls] == ["some page", "some page 2", "some page 3"]


@pytest.mark.parametrize(("allowed", "end"), [(True, "cancelled"), (False, "disconnected")])
def test_it_is_stopped_at_every_event_as_the_page_would(play, allowed, end):
    simulation = play("cancel", server(allow_cancel=allowed))
    stopped = [turn.streams[-1] for turn in simulation.bench.turns if turn.streams[-1].ended != "complete"]
    counts = [len(stream.events) for stream in stopped]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) > 5
    assert {stream.ended for stream in stopped[2:]} == {end}


def test_a_message_while_a_call_is_pending_is_not_blamed(play):
    first, second = play("message-while-pending", server(open_page)).bench.turns
    assert first.streams[-1].ended == "disconnected"
    assert second.text == "This is the simulated answer."


class Silent(ChatKitServer):
    async def respond(self, thread, message, context):
        for event in ():
            yield event


class Broken(ChatKitServer):
    async def respond(self, thread, message, context):
        yield ThreadItemDoneEvent(item=None)


@pytest.mark.parametrize(
    ("slug", "server", "reason"),
    [
        ("tools", Silent(MemoryStore()), "no agent ran, so there is no model that could call a tool"),
        ("tools", server(), "the agents have no function tools"),
        ("text-before-call", server(), "the agents have no function tools"),
        ("client-tool-answered", server(lookup), "the server did not ask for a client tool, whatever was tried"),
        ("two-client-tools", server(lookup), "the server did not ask for a client tool, whatever was tried"),
        (
            "client-tool-beside-server-tool",
            server(open_page, settings=ModelSettings()),
            "no agent has both a tool that asks for a client tool and another one",
        ),
    ],
)
def test_what_does_not_apply_says_why(play, slug, server, reason):
    with pytest.raises(NotApplicable, match=reason):
        play(slug, server)


def test_a_responder_that_raises_is_a_violation_with_its_story(play):
    with pytest.raises(ScenarioError, match=r"plain-reply: .*\n\n  user   'Hello!'\n\n1 rule broken") as caught:
        play("plain-reply", Broken(MemoryStore()))
    assert caught.value.violations[0].rule == "no-unexpected-error"


def test_what_is_no_violation_has_the_story_as_a_note(play):
    simulation = play("plain-reply", server())
    with pytest.raises(OSError, match="the disk is full") as caught, simulation.telling("user   'Again!'", None):
        raise OSError("the disk is full")
    assert "user   'Again!'" in caught.value.__notes__[0]


def test_what_was_learned_is_not_learned_again(play):
    cast = Cast()
    play("client-tool-answered", server(open_page, lookup), cast=cast)
    again = play("client-tool-failing", server(open_page, lookup), cast=cast)
    assert len(again.bench.model.requests) == len([1 for turn in again.bench.turns for _ in turn.timeline.model_calls])


def test_turns_that_only_learn_are_not_counted(play):
    simulation = play("text-before-call", server(lookup, open_page))
    assert len(simulation.bench.turns) == 1
