"""Rules of one's own by the hook pytest_chatkit_rules; severities and background tasks by ini."""

import pytest
from plugin_projects import TODO

HEAD = """
from chatkit_sim import Violation
from chatkit_sim.rules import place
"""
SHORT = """
def pytest_chatkit_rules(rules):
    @rules.rule("short-answers", "Answers are short.")
    def check(evidence):
        if len(evidence.turn.text) > 20:
            yield Violation(
                rule="short-answers", place=place(evidence.turn), reason="The answer is long.", remedy="Be brief."
            )
"""
SPEAKS = ("-W", "default::chatkit_sim.ChatKitSimWarning")
TESTS = """
import pytest
from chatkit_sim import says

def test_long(chatkit_client, chatkit_model):
    chatkit_model.script(says("A long story that nobody reads."))
    chatkit_client.send("Hi")

@pytest.mark.chatkit(ignore=["short-answers: a story was asked for"])
def test_story(chatkit_client, chatkit_model):
    chatkit_model.script(says("A long story that nobody reads."))
    chatkit_client.send("Tell me a story")
"""


def test_a_rule_of_ones_own_holds_in_tests_scenarios_and_campaigns(project):
    project.write("conftest.py", TODO + HEAD + SHORT.replace("20", "2"))
    project.write("test_it.py", TESTS)
    chosen = ("conftest.py::chatkit-sim::plain-reply", "conftest.py::chatkit-sim::campaign-conversation")
    result = project.run("--chatkit-sim", "--chatkit-sim-examples", "4", "test_it.py", *chosen)

    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "E * short-answers  turn 1",
            "FAILED test_it.py::test_long - short-answers (turn 1)",
            "FAILED conftest.py::chatkit-sim::plain-reply - short-answers*",
            "FAILED conftest.py::chatkit-sim::campaign-conversation - short-answers*",
            "ignored*1 violation by 'short-answers: a story was asked for'",
        ]
    )


def test_it_holds_below_its_conftest_only_and_may_be_ignored_for_all(project):
    project.write("conftest.py", TODO)
    project.write("deeper/conftest.py", HEAD + SHORT)
    project.write("test_here.py", TESTS.replace("@pytest.mark", "# "))
    project.write("deeper/test_there.py", TESTS)
    result = project.run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED deeper/test_there.py::test_long*"])

    project.run("--chatkit-ignore", "short-answers: we like it long").assert_outcomes(passed=4)
    project.run(*SPEAKS, "--chatkit-severity", "short-answers: warning").assert_outcomes(passed=4, warnings=1)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            SHORT.replace('"short-answers", "', '"no-network", "'),
            "*The slug 'no-network' of the rule at conftest.py:* is taken by chatkit-sim itself. Give it another.",
        ),
        (
            SHORT + SHORT.partition(":")[2],
            "*The slug 'short-answers' of the rule at conftest.py:20 is taken by conftest.py:13. Give it another.",
        ),
        (
            "def pytest_chatkit_rules(rules):\n    rules.add(print)\n",
            "*rules.add() takes a chatkit_sim.Rule, not <built-in function print>.*",
        ),
        (
            SHORT.replace('"short-answers", "', '"short answers", "'),
            "*The slug 'short answers' of the rule at conftest.py:* is none: write it like-this.",
        ),
        (
            SHORT.replace("evidence.turn.text", "evidence.txt"),
            "*The rule 'short-answers' (conftest.py:*) failed on turn 1. This is a fault of the rule, not of the *",
        ),
        (
            SHORT.replace('rule="short-answers"', 'rule="shrt"'),
            "*The rule 'short-answers' (conftest.py:*) yielded a violation of 'shrt': write Violation(rule='short-a*",
        ),
    ],
    ids=["taken", "twice", "no-rule", "no-slug", "raises", "another"],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_place(project, rules, message):
    project.write("conftest.py", TODO + HEAD + rules)
    project.write("test_it.py", TESTS)
    result = project.run("-k", "long")
    assert result.ret != 0
    result.stdout.fnmatch_lines([message])


def test_a_rule_that_raises_is_not_the_servers_fault_in_simulations_either(project):
    project.write("conftest.py", TODO + HEAD + SHORT.replace("evidence.turn.text", "evidence.txt"))
    for item in ("plain-reply", "campaign-conversation"):
        result = project.run("--chatkit-sim", "--chatkit-sim-examples", "1", f"conftest.py::chatkit-sim::{item}")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["The rule 'short-answers' (conftest.py:*) failed on turn 1. This is a fault of the rule, not of the *"]
        )
        result.stdout.no_fnmatch_line("*request-answered*")


@pytest.mark.parametrize(
    ("named", "hint"), [("srver-tool-raised", "Did you mean 'server-tool-raised'?"), ("nothing-lost", "")]
)
def test_a_severity_is_of_a_rule(todo, named, hint):
    todo.write("test_it.py", "def test_it(chatkit_client): pass")
    result = todo.run("--chatkit-severity", f"{named}: error")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"The severity of '{named}' (chatkit_severity) names no rule. *{hint}*"])


RAISES = """
import asyncio
import pytest
from agents import Agent, Runner, function_tool
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer

PRICES = {"tulip": 2}

@function_tool
def price_of(flower: str) -> str:
    return f"{PRICES[flower]} euros"

class Shop(ChatKitServer):
    async def respond(self, thread, message, context):
        self.title = asyncio.create_task(self.find_title())
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(Agent(name="Shop", tools=[price_of]), "hi", context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event

    async def find_title(self):
        await asyncio.sleep(60)

@pytest.fixture
def chatkit_server(chatkit_store):
    return Shop(chatkit_store)
"""
ASKS = """
from chatkit_sim import calls, says

def test_price(chatkit_client, chatkit_model):
    chatkit_model.script(calls("price_of", flower="rose"), says("I do not know."))
    chatkit_client.send("What is a rose?")
"""


def test_a_tool_that_raised_warns_at_the_test_or_fails_it_with_its_traceback(project):
    project.write("conftest.py", RAISES)
    project.write("test_it.py", ASKS)
    result = project.run(*SPEAKS, "-o", "chatkit_background_tasks=*.find_title")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*test_it.py:4: ChatKitSimWarning: server-tool-raised *", "*KeyError: 'rose'"])

    chosen = ("-o", "chatkit_severity=server-tool-raised: error", "-o", "chatkit_background_tasks=*.find_title")
    result = project.run(*chosen)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       return f"*euros"',
            "E       KeyError: 'rose'",
            "*The above exception was the direct cause*",
            '>       chatkit_client.send("What is a rose?")',
            "FAILED test_it.py::test_price - server-tool-raised (turn 1, stream 1, event *)",
        ]
    )
