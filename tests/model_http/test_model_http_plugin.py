"""The boundary, the API and cassettes in a project's tests."""

from __future__ import annotations

import pytest
from stand_in import KEY, standing_in

import chatkit_sim.simulation  # imported once, not in each project below  # noqa: F401

CONFTEST = """
import pytest
from agents import OpenAI{model}Model
from either_model.server import TodoServer
from openai import AsyncOpenAI

@pytest.fixture
def chatkit_server(chatkit_store):
    return TodoServer(chatkit_store, OpenAI{model}Model("gpt-5", AsyncOpenAI(api_key="{key}", base_url="{url}")))
"""

TWO_TURNS = """
from chatkit_sim import says

def test_two_turns(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello."), says("Again."))
    chatkit_client.send("Hi")
    assert chatkit_client.send("Hi again").text == "Again."
    assert len(chatkit_model.served_by) == {served}
"""

FORGETFUL = """
import either_model.server
from chatkit.agents import ThreadItemConverter

either_model.server.PlainTextConverter = ThreadItemConverter  # as ChatKit brings it
"""


class Project:
    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, name, text):
        (self.path / name).write_text(text)

    def server(self, model="Responses", key="any", url="https://api.openai.com/v1", more=""):
        self.write("conftest.py", CONFTEST.format(model=model, key=key, url=url) + more)

    def run(self, *arguments):
        # Hypothesis' plugin would import Hypothesis anew for every project.
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    # Each project imports its server anew.
    for name in list(__import__("sys").modules):
        if name.startswith("either_model"):
            monkeypatch.delitem(__import__("sys").modules, name)
    return Project(pytester)


def test_the_model_boundary_is_the_default(project):
    project.server()
    project.write("test_it.py", TWO_TURNS.format(served=0))

    project.run().assert_outcomes(passed=1)


def test_the_ini_file_switches(project):
    project.server()
    project.write("test_it.py", TWO_TURNS.format(served=1))

    project.run("-o", "chatkit_boundary=http").assert_outcomes(passed=1)


def test_the_marker_switches_and_goes_before_the_ini_file(project):
    project.server()
    marked = '\nimport pytest\npytestmark = pytest.mark.chatkit(boundary="{}")\n'
    project.write("test_http.py", TWO_TURNS.format(served=1) + marked.format("http"))
    project.write("test_model.py", TWO_TURNS.format(served=0) + marked.format("model"))

    project.run("test_http.py").assert_outcomes(passed=1)
    project.run("test_model.py", "-o", "chatkit_boundary=http").assert_outcomes(passed=1)


def test_the_attribute_switches(project):
    project.server()
    text = TWO_TURNS.format(served=1).replace(
        "    chatkit_model.script", '    chatkit_model.boundary = "http"\n    chatkit_model.script'
    )
    project.write("test_it.py", text)

    project.run().assert_outcomes(passed=1)


def test_a_boundary_that_is_none_is_told(project):
    project.server()
    project.write("test_it.py", TWO_TURNS.format(served=0))

    result = project.run("-o", "chatkit_boundary=wire")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'wire' is neither*"])


def test_a_bug_that_only_the_wire_shows_fails_the_test(project):
    """ChatKit's own converter gives the Chat Completions model what it cannot take."""
    project.server("ChatCompletions", more=FORGETFUL)
    project.write("test_it.py", TWO_TURNS.format(served=0))

    project.run().assert_outcomes(passed=1)
    result = project.run("-o", "chatkit_boundary=http")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Unknown content*"])


def test_a_request_that_the_provider_refuses_fails_the_test(project):
    broken = """
async def to_agent_input(self, items):
    return [{"type": "function_call_output", "call_id": "call_9", "output": "cut"}]

import either_model.server
either_model.server.PlainTextConverter.to_agent_input = to_agent_input
"""
    project.server(more=broken)
    project.write("test_it.py", TWO_TURNS.format(served=1).replace(', says("Again.")', ""))

    result = project.run("-o", "chatkit_boundary=http")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*provider-accepts-request  turn 1",
            "*No tool call found for function call output with call_id call_9*",
            '*at input?0?: *"call_id": "call_9"*',
            "*Remedy: Send each function call together with its output*",
        ]
    )


def test_an_unmatched_request_names_the_route_to_set(project):
    project.write(
        "conftest.py",
        """
import pytest
from outside_api.server import TravelServer

@pytest.fixture
def chatkit_server(chatkit_store):
    return TravelServer(store=chatkit_store)
""",
    )
    project.write(
        "test_it.py",
        """
from chatkit_sim import calls, says

def test_weather(chatkit_client, chatkit_model, chatkit_openai_api):
    chatkit_model.script(calls("get_weather", city="Rome"), says("No idea."))
    chatkit_client.send("Weather?")
""",
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*no-network  turn 1",
            "*no route of chatkit_openai_api matches GET https://weather.example.com/v1/now*",
            "*Remedy: Set a route for it on chatkit_openai_api*",
        ]
    )


def test_simulations_run_at_both_boundaries_and_say_where_they_differ(project):
    project.server("ChatCompletions", more=FORGETFUL)

    result = project.run("--chatkit-sim", "--chatkit-sim-boundary=both", "-k", "plain-reply or retry")

    result.stdout.fnmatch_lines(["*the two boundaries*"])
    result.stdout.fnmatch_lines(["*retry: passed at the model boundary, failed at the HTTP boundary"])


def test_simulations_that_agree_say_so(project):
    project.server()

    result = project.run("--chatkit-sim", "--chatkit-sim-boundary=both", "-k", "plain-reply")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["no difference in 1 items"])


def test_a_plugin_with_a_mocker_for_httpx2_may_stand_beside_it(project):
    """As pytest-httpx2 does, which makes its mocker before any test."""
    project.write(
        "beside.py",
        """
import pytest, respx
from respx.mocks import HTTPCoreMocker

class TheirMocker(HTTPCoreMocker):
    name = "httpcore2"
    targets = [target.replace("httpcore.", "httpcore2.", 1) for target in HTTPCoreMocker.targets]

@pytest.fixture
def httpx2_mock():
    with respx.mock(using="httpcore2") as router:
        yield router
""",
    )
    project.write(
        "test_it.py",
        """
import httpx2, pytest
from chatkit_sim import says

@pytest.fixture(params=["first", "last"])
def both(request):
    names = ["httpx2_mock", "chatkit_openai_api"]
    for name in names if request.param == "first" else reversed(names):
        request.getfixturevalue(name)
    return [request.getfixturevalue(name) for name in names]

def test_both(both, chatkit_model):
    theirs, ours = both
    theirs.get("https://theirs.example.com").respond(text="theirs")
    ours.get("https://ours.example.com").mock(side_effect=httpx2.ReadTimeout("late"))
    chatkit_model.script(says("Hello."))
    assert httpx2.get("https://theirs.example.com").text == "theirs"
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get("https://ours.example.com")
    answer = httpx2.post("https://api.openai.com/v1/responses", json={"model": "m", "input": "Hi"})
    assert answer.json()["output"][0]["content"][0]["text"] == "Hello."
""",
    )

    result = project.pytester.runpytest_subprocess("-p", "beside", timeout=120)

    result.assert_outcomes(passed=2)


def test_a_cassette_is_recorded_once_and_replayed_without_a_key(project):
    test = """
def test_milk(chatkit_client, chatkit_cassette):
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: {"added": item})
    turn = chatkit_client.send("Put WHAT on my list")
    assert turn.text == "All done."
"""
    project.write("test_it.py", test.replace("WHAT", "milk"))
    with standing_in() as (url, asked):
        project.server(key=KEY, url=url)
        project.run("--chatkit-sim-record").assert_outcomes(passed=1)
        assert len(asked) == 2

    assert (project.path / "cassettes" / "test_it" / "test_milk.json").exists()
    project.server(key="none")
    project.run().assert_outcomes(passed=1)
    project.write("test_it.py", test.replace("WHAT", "eggs"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*no-unscripted-model-call*", '*recorded "Put milk on my list", now "Put eggs on my list"*']
    )


def test_without_a_cassette_the_test_says_how_to_record_one(project):
    project.server()
    project.write("test_it.py", "def test_it(chatkit_client, chatkit_cassette):\n    pass\n")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*There is no cassette*Record it*--chatkit-sim-record*"])
