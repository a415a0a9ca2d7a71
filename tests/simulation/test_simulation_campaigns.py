"""Campaigns: what they find, how short they tell it, and what they leave in peace."""

import importlib

import campaign_servers as servers
import pytest
from agents import Runner
from chatkit.agents import AgentContext, stream_agent_response
from simulation_servers import AgentServer, agent, fussy, lookup, open_page
from todo.server import TodoServer

from chatkit_sim import MemoryStore, UsageError
from chatkit_sim.simulation import GOALS, Campaign, CampaignError, run_campaign
from chatkit_sim.simulation.drawn_model import Drawing
from chatkit_sim.simulation.moves import AtOnce, Send
from chatkit_sim.simulation.scene import World

pytestmark = pytest.mark.usefixtures("no_database")


def campaign(server, goal="everything", **options):
    world = options.pop("world", None) or World(server=server)
    goals = {goal.slug: goal for goal in GOALS}
    return Campaign(world=world, goal=goals[goal], **{"examples": 40, "seed": 1, "most": 1, **options})


def find(server, goal="everything", **options):
    result = campaign(server, goal, **options).run()
    assert result.findings, f"nothing found in {result.examples} examples"
    return result.findings[0]


def test_it_finds_the_bug_of_the_guide_and_tells_the_least_of_it():
    server = importlib.import_module("todo_as_in_the_guide.server").TodoServer
    finding = find(lambda store: server(store), "client-tools")
    assert finding.key[0] == "one-client-tool-call-per-turn"
    assert finding.examples <= 20
    (played,) = finding.story
    assert played.move == Send("Hello!")
    assert [len(said.step.parts) for said in played.said] == [2, 1]
    assert "ModelSettings(parallel_tool_calls=False)" in str(finding)


@pytest.mark.parametrize("goal", [goal.slug for goal in GOALS])
def test_a_good_server_is_left_in_peace(goal):
    result = campaign(lambda store: TodoServer(store), goal, examples=6).run()
    assert result.findings == ()
    assert result.complete
    assert result.steady
    assert result.coverage.moves["Send"] > 0


@pytest.mark.parametrize(
    ("server", "goal", "rule", "moves"),
    [
        (servers.Busy, "cancel-and-reload", "no-unexpected-error", ["Send", "Send"]),
        (servers.Trusting, "client-tools", "no-unexpected-error", ["Send"]),
        (servers.Impatient, "client-tools", "no-unexpected-error", ["Send"]),
        (servers.Forgetful, "conversation", "unique-item-ids", ["Send", "Send"]),
        (servers.Clicked, "conversation", "no-unexpected-error", ["Send", "Click"]),
        (servers.Retitled, "conversation", "request-answered", ["Send", "Rename"]),
        (servers.Stuck, "conversation", "turn-ends", ["Send"]),
        (servers.Confused, "two-clients", "item-in-this-thread", ["Join", "AtOnce"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_finds_what_only_some_users_meet(server, goal, rule, moves):
    finding = find(lambda store: server(store), goal, examples=100)
    assert finding.key[0] == rule
    assert finding.reproducible
    assert [type(played.move).__name__ for played in finding.story] == moves


def test_a_race_within_one_answer_shrinks_to_its_one_switch():
    finding = find(lambda store: servers.Noting(store), "client-tools", examples=100)
    assert finding.key[0] == "client-tool-call-is-newest"
    (played,) = finding.story
    assert list(played.order.values()) == [1]
    assert "chatkit_clock.order({" in finding.test


def test_who_waits_for_what_is_said():
    finding = find(lambda store: servers.Stuck(store), "conversation")
    assert "Event.wait" in str(finding)
    assert "Stuck.reply_to" in str(finding)


def test_the_same_seed_plays_the_same_conversations():
    def story(seed):
        seen = []
        one = campaign(lambda store: TodoServer(store), examples=5, seed=seed)
        one.on_judged = lambda judged: seen.extend(one.turn.text for one in judged if one.turn is not None)
        one.run()
        return seen

    first = story(3)
    assert first == story(3)
    assert first != story(4)


def test_distinct_bugs_are_all_told():
    class TwoBugs(servers.Trusting):
        async def action(self, thread, action, sender, context):
            raise NotImplementedError

        def read(self, output):
            if output is None:
                raise LookupError("nothing came")
            return super().read(output)

    result = campaign(lambda store: TwoBugs(store), "client-tools", most=8, examples=60).run()
    raised = {finding.key[3] for finding in result.findings}
    assert {"LookupError", "TypeError"} <= raised


def test_what_another_campaign_has_met_is_not_told_twice():
    met = {}
    assert find(lambda store: servers.Trusting(store), "client-tools", met=met).same_as == ""
    again = find(lambda store: servers.Trusting(store), "everything", met=met)
    assert again.same_as == "client-tools"
    assert "The same as in client-tools" in str(again)


def test_models_that_do_what_none_should_are_not_the_servers_fault():
    tools = agent("Assistant", lookup, open_page)
    result = campaign(lambda store: AgentServer(store, tools), "conversation", examples=30).run()
    assert result.findings == ()
    assert {violation.subjects["defect"] for violation in result.upstream} & {
        "citation-breaks-stream",
        "refusal-breaks-stream",
    }


def test_a_server_that_is_made_once_serves_all_examples():
    server = servers.Busy(MemoryStore())
    world = World(server=server, reset=lambda: setattr(server, "busy", False))
    try:
        finding = find(None, "cancel-and-reload", world=world, examples=100)
    finally:
        world.close()
    assert finding.reproducible
    assert [type(played.move) for played in finding.story] == [Send, Send]


def test_state_that_outlives_the_examples_is_said_to_be_so():
    servers.Leaking.seen = 0
    finding = find(lambda store: servers.Leaking(store), "conversation")
    assert not finding.reproducible
    assert "something outlives the conversations" in str(finding)


def test_a_factory_that_raises_is_told_as_it_is():
    with pytest.raises(ConnectionError, match="no database"):
        campaign(servers.NotAServer).run()


def test_a_tool_that_nothing_fits_ends_the_campaign_with_its_name():
    from agents import FunctionTool

    async def invoke(context, arguments):
        return "never"

    impossible = FunctionTool(
        "pick",
        "Pick one.",
        {"type": "object", "properties": {"x": {"enum": []}}, "required": ["x"]},
        invoke,
        strict_json_schema=False,
    )
    with pytest.raises(UsageError, match=r"tool 'pick' cannot be drawn.*chatkit_arguments"):
        campaign(lambda store: AgentServer(store, agent("Assistant", impossible))).run()


def test_the_time_that_is_given_ends_it():
    result = campaign(lambda store: TodoServer(store), examples=10_000, seconds=0.5).run()
    assert not result.complete
    assert result.examples < 1000


class Hasty(AgentServer):
    """Lets each run call the model twice, and no more."""

    async def respond(self, thread, message, context):
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        run = Runner.run_streamed(self.agent, "Hi", context=agent_context, max_turns=2)
        async for event in stream_agent_response(agent_context, run):
            yield event


def test_models_know_when_their_run_is_over():
    hasty = agent("Assistant", lookup)
    result = campaign(lambda store: Hasty(store, hasty), "conversation", drawing=Drawing(wrong=False)).run()
    assert result.findings == ()
    assert result.coverage.server("lookup", "succeeded") > 0


def test_arguments_of_ones_own_reach_the_tool():
    from hypothesis import strategies as st

    seen = set()

    async def find_one(name: str) -> str:
        """Find one."""
        seen.add(name)
        return name

    from agents import function_tool

    finder = agent("Assistant", function_tool(find_one))
    drawing = Drawing(arguments={"find_one.name": st.just("INV-1001")})
    campaign(lambda store: AgentServer(store, finder), "conversation", drawing=drawing, examples=5).run()
    assert "INV-1001" in seen


def test_the_error_tells_the_story_the_rule_the_test_and_how_to_run_it_again():
    with pytest.raises(CampaignError) as caught:
        run_campaign(
            campaign(lambda store: servers.Confused(store), "two-clients", examples=100), replay="again {}".format
        )
    text = str(caught.value)
    assert "at the same time:" in text
    assert "item-in-this-thread" in text
    assert "def test_item_in_this_thread(chatkit_client, chatkit_model, chatkit_clock):" in text
    assert text.endswith("The same run again: again 1")
    assert isinstance(caught.value.findings[0].story[-1].move, AtOnce)


def test_what_was_exercised_and_what_never_succeeded():
    tools = agent("Assistant", lookup, fussy)
    coverage = campaign(lambda store: AgentServer(store, tools), "client-tools", examples=15, most=8).run().coverage
    assert coverage.server("lookup", "succeeded") > 0
    assert coverage.never_succeeded == ["fussy"]
    assert coverage.never_called == []
    assert (coverage + coverage).flows["events"]["thread.created"] == 2 * coverage.flows["events"]["thread.created"]
