"""Campaigns as pytest items: their options, what they print, and the fixtures of the tests that they print."""

import pytest
from plugin_projects import TODO

GUIDE = TODO.replace("todo.server", "todo_as_in_the_guide.server")
CLIENT_TOOLS = ("--chatkit-sim", "-k", "campaign-client-tools", "--chatkit-sim-examples", "15")


def told(result, beginning="client-tools: "):
    """What was told of a campaign, from its title to the line that replays it."""
    lines = [line.strip() for line in result.outlines]
    first = next(number for number, line in enumerate(lines) if line.startswith(beginning))
    last = next(number for number, line in enumerate(lines) if line.startswith("The same run again") and number > first)
    return [line for line in lines[first:last] if line]


def replay_of(result):
    """The options of the line that replays the campaign."""
    line = next(line for line in result.outlines if line.startswith("The same run again: pytest "))
    return line.removeprefix("The same run again: pytest ").split()


def test_a_campaign_tells_what_it_found_and_the_same_seed_finds_it_the_same_way_on_another_machine(project):
    project.write("conftest.py", GUIDE)
    # In the process of this test many more modules are imported than in a worker: what is drawn must not depend on it.
    result = project.run(*CLIENT_TOOLS, "--chatkit-sim-seed", "1")  # nor on what a database holds
    result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(
        [
            "client-tools: Any model asks for client tools, and the page does anything with them.",
            "one-client-tool-call-per-turn: found in conversation *.",
            '*the user writes "Hello!"',
            "one-client-tool-call-per-turn  turn 1, stream 1, event 4",
            "As a test, also in .chatkit-sim/reproducers/one_client_tool_call_per_turn_*.py:",
            "*def test_one_client_tool_call_per_turn(chatkit_client, chatkit_model):",
            "The same run again: pytest conftest.py::chatkit-sim::campaign-client-tools --chatkit-sim-seed *",
            "ran * 1 campaign (15 conversations): *",
            "tool flows * % (*",
            "FAILED conftest.py::chatkit-sim::campaign-client-tools - one-client-tool-call-per-turn",
        ]
    )
    assert not any("Traceback" in line for line in result.outlines)

    machine = project.elsewhere("another/machine")
    machine.write("conftest.py", GUIDE)
    again = machine.run_apart(*replay_of(result), "-n", "1")
    again.assert_outcomes(failed=1)
    assert told(again) == told(result)


def test_a_factory_and_a_good_server_pass(project):
    project.write(
        "conftest.py",
        """
import pytest
from todo.server import TodoServer

made = []

@pytest.fixture
def chatkit_server():
    return lambda store: made.append(1) or TodoServer(store)

@pytest.fixture(autouse=True, scope="session")
def count():
    yield
    print("made", len(made), "servers")
""",
    )
    options = (
        "--chatkit-sim",
        "-k",
        "campaign-conversation",
        "--chatkit-sim-examples",
        "3",
        "-s",
        "--chatkit-sim-seed",
        "1",
    )
    result = project.run(*options)
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.re_match_lines([r".*made ([4-9]|\d\d) servers"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--chatkit-sim-examples", "0"), "--chatkit-sim-examples takes a positive number, not 0."),
        (("-o", "chatkit_sim_time=soon"), "The ini option chatkit_sim_time takes a positive number, not 'soon'."),
    ],
)
def test_numbers_that_make_no_sense_are_refused(project, option, said):
    project.write("conftest.py", GUIDE)
    result = project.run("--chatkit-sim", "-k", "campaign-conversation", *option)
    assert said in result.stdout.str()
    assert result.ret != 0


def test_the_clock_and_the_fixtures_of_campaigns(todo):
    todo.write(
        "test_it.py",
        """
import asyncio
from chatkit_sim import calls, says

def test_a_slow_page(chatkit_client, chatkit_model, chatkit_clock):
    chatkit_model.script(calls("add_to_todo_list", item="milk"), says("Added."))

    @chatkit_client.client_tool
    async def add_to_todo_list(item):
        await asyncio.sleep(3000)

    assert chatkit_client.send("Hello!").text == "Added."
    assert chatkit_clock.now() >= 3000

def test_two_tabs(chatkit_client, chatkit_model, chatkit_clock):
    chatkit_model.script(says("one"), says("two"))
    second = chatkit_client.another()
    chatkit_clock.order({3: 1})
    turns = chatkit_clock.at_once((chatkit_client.send, "a"), (second.send, "b"))
    assert sorted(turn.text for turn in turns) == ["one", "two"]

def test_nothing_of_ones_own(chatkit_arguments, chatkit_reset):
    assert chatkit_arguments == {} and chatkit_reset is None
""",
    )
    todo.run("test_it.py").assert_outcomes(passed=3)


def test_hostile_clients_and_real_time_are_said(project):
    project.write("conftest.py", GUIDE)
    one = ("--chatkit-sim", "--chatkit-sim-examples", "12", "--chatkit-sim-seed", "1", "-k", "campaign-client-tools")
    result = project.run(*one, "--chatkit-sim-hostile", "-o", "chatkit_sim_virtual_time=false")
    result.stdout.fnmatch_lines(["The same run again: * --chatkit-sim-hostile*"])
    result.stdout.fnmatch_lines(["not checked * delays and orders of tasks: campaigns ran in real time*"])
