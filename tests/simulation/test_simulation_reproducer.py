"""The test that a campaign prints: pasted and run for real, it fails for the same reason."""

import asyncio
import importlib
import pathlib

import campaign_servers as servers
import pytest

from chatkit_sim import calls, says
from chatkit_sim.simulation import GOALS, Campaign
from chatkit_sim.simulation.moves import Answer, AtOnce, Click, Join, Reaction, Reload, Retry, Send, Stop, Wait
from chatkit_sim.simulation.reproducer import as_test, in_words
from chatkit_sim.simulation.scene import World
from chatkit_sim.simulation.story import Played, Reacted, Said

pytestmark = pytest.mark.usefixtures("no_database")
HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parents[1] / "fixtures"

CONFTEST = """
import sys
sys.path[:0] = {paths}
import pytest
{imports}

@pytest.fixture
def chatkit_server(chatkit_store):
    return {server}(chatkit_store)
"""


@pytest.fixture
def paste(pytester):
    """Runs a pasted test on a server, as a user would."""

    def run(test, imports, server):
        paths = [str(FIXTURES), str(FIXTURES / "responders"), str(HERE)]
        pytester.makeconftest(CONFTEST.format(paths=paths, imports=imports, server=server))
        pytester.makepyfile(test_pasted=test)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")

    return run


def find(server, goal, rule=None):
    goals = {goal.slug: goal for goal in GOALS}
    campaign = Campaign(world=World(server=server), goal=goals[goal], examples=100, seed=1, most=1)
    (finding,) = campaign.run().findings
    assert rule in (None, finding.key[0])
    return finding


@pytest.mark.parametrize(
    "rule",
    [
        "one-client-tool-call-per-turn",
        "stop-at-client-tool",
        "client-tool-call-is-newest",
        "deltas-match-done",
    ],
)
def test_a_planted_bug(rule, paste):
    module = f"broken.{rule.replace('-', '_')}"
    finding = find(importlib.import_module(module).BROKEN.server, "client-tools", rule)
    result = paste(finding.test, f"from {module} import BROKEN", "BROKEN.server")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{rule}  turn *"])
    mended = paste(finding.test, f"from {module} import KEPT", "KEPT.server")
    mended.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("server", "goal", "expected"),
    [
        (servers.Busy, "cancel-and-reload", "RuntimeError: still busy"),
        (servers.Trusting, "client-tools", "TypeError*"),
        (servers.Impatient, "client-tools", "LookupError: the question has expired"),
        (servers.Forgetful, "conversation", "unique-item-ids  turn 2*"),
        (servers.Clicked, "conversation", "NotImplementedError: go"),
        (servers.Retitled, "conversation", "ValueError: no such column: title"),
        (servers.Confused, "two-clients", "item-in-this-thread  turn 1*"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_bug_that_only_some_users_meet(server, goal, expected, paste):
    finding = find(lambda store: server(store), goal)
    result = paste(finding.test, "import campaign_servers", f"campaign_servers.{server.__name__}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{expected}"])


class Slow(servers.Polite):
    """Fails two minutes after it was asked."""

    async def reply_to(self, reply):
        await asyncio.sleep(120)
        raise KeyError("price")
        yield


def test_what_takes_long_is_pasted_with_a_clock():
    test = find(lambda store: Slow(store), "conversation").test
    assert "def test_no_unexpected_error(chatkit_client, chatkit_model, chatkit_clock):" in test
    endless = find(lambda store: servers.Stuck(store), "conversation").test
    assert "def test_turn_ends(chatkit_client, chatkit_model, chatkit_clock):" in endless


STORY = (
    Played(Send("Hello!", {"quoted_text": "Hi"}), (Said(None, calls("ask", q="a")), Said("Title", says("A talk")))),
    Played(Send(stop=Stop(3, "cancel")), reacted=(Reacted("ask", Reaction("fails", {"error": 1})),)),
    Played(Send(stop=Stop("client tool")), reacted=(Reacted("ask", Reaction("answers", True, 30)),)),
    Played(Retry(1)),
    Played(Reload()),
    Played(Click(0, {"label": "Go"}, {"value": 2})),
    Played(Answer(None)),
    Played(Join(client=1, opens=True)),
    Played(Join(client=2, other_user="context")),
    Played(AtOnce((Send("a"), Send("b", client=1))), order={3: 1}),
    Played(Wait(60)),
)


def test_the_story_in_plain_words():
    assert in_words(STORY).splitlines() == [
        "the user writes \"Hello!\" with quoted_text='Hi'",
        '  the model: calls("ask", q="a")',
        '  the model of "Title": says("A talk")',
        'the user writes "Hello!"',
        "  the user presses stop at event 3",
        "  client tool ask fails in the browser with {'error': 1}",
        'the user writes "Hello!"',
        "  the page goes away when a client tool is asked for",
        "  client tool ask answers True after 30 s",
        "the user retries the message 1 before the last",
        "the page of the user is reloaded",
        "the user clicks label 'Go' with {'value': 2}",
        "the user skips the questions",
        "the second tab is opened, on the same thread",
        "another user comes",
        "at the same time:",
        '  the user writes "a"',
        '  the second tab writes "b"',
        "  in another order of tasks (choice 3 -> 1)",
        "60 seconds pass",
    ]


def test_the_story_as_a_test():
    assert as_test(STORY, ("no-bug",)) == (
        pathlib.Path(__file__).with_name("pasted_test.txt").read_text(encoding="utf-8")
    )


def test_what_went_wrong_on_the_way_does_not_end_the_test():
    from chatkit_sim.errors import Place, Violation

    odd = Violation(rule="turn-shows-something", place=Place(1), reason="Nothing.", remedy="Say something.")
    text = as_test((Played(Send(), violations=(odd,)), Played(Send())), ("no-bug",))
    assert "    with chatkit_client.expecting(violation=['turn-shows-something']):\n" in text
