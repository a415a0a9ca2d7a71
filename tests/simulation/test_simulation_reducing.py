"""Stories become as short and plain as the bug allows."""

import json

import campaign_servers as servers
import pytest
from agents import function_tool
from simulation_servers import AgentServer, agent

from chatkit_sim.simulation import GOALS, Campaign
from chatkit_sim.simulation.moves import Send
from chatkit_sim.simulation.scene import World

pytestmark = pytest.mark.usefixtures("no_database")


def story_of(make, goal, seed=1):
    goals = {goal.slug: goal for goal in GOALS}
    (finding,) = Campaign(world=World(server=make), goal=goals[goal], examples=100, seed=seed, most=1).run().findings
    return finding.story


@function_tool(failure_error_function=None)
def pay(amount: int, invoice: str) -> str:
    """Pay an invoice."""
    if amount < 0:
        raise ValueError("a negative amount")
    return "paid"


def test_arguments_that_do_not_matter_become_plain_though_others_stay():
    cashier = agent("Cashier", pay)
    (played,) = story_of(lambda store: AgentServer(store, cashier), "conversation")
    (said,) = played.said
    arguments = json.loads(said.step.arguments)
    assert arguments["amount"] < 0
    assert arguments["invoice"] == "some invoice"


@pytest.mark.parametrize("seed", range(4))
def test_a_stop_is_moved_to_where_it_is_without_the_turn_before(seed):
    story = story_of(lambda store: servers.Busy(store), "cancel-and-reload", seed)
    assert [type(played.move) for played in story] == [Send, Send]
    assert story[0].move.stop is not None


def test_what_one_tab_alone_can_show_is_shown_with_one():
    cashier = agent("Cashier", pay)
    (played,) = story_of(lambda store: AgentServer(store, cashier), "two-clients", seed=2)
    assert played.move == Send("Hello!")
