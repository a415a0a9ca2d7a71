"""pytest --chatkit-sim: what is collected where, what it says, and what it leaves alone."""

import json

import pytest
from plugin_projects import CORE, RESPONDERS, TODO, core

from chatkit_sim.simulation import GOALS, SCENARIOS

SLUGS = [*(scenario.slug for scenario in SCENARIOS), *(f"campaign-{goal.slug}" for goal in GOALS)]
HELLO = "def test_hello(): pass\n"
GUIDE = TODO.replace("todo.server", "todo_as_in_the_guide.server")


def collected(project, *arguments):
    result = project.run("--collect-only", "-q", "--chatkit-sim", *arguments)
    return [line for line in result.outlines if "::" in line]


def scenarios_under(path):
    return [f"{path}::chatkit-sim::{slug}" for slug in SLUGS]


def test_without_the_option_nothing_is_added(todo):
    todo.write("test_it.py", HELLO)
    todo.run().assert_outcomes(passed=1)


def test_scenarios_hang_under_the_conftest_that_defines_the_server(todo):
    todo.write("test_it.py", HELLO)
    assert collected(todo) == [*scenarios_under("conftest.py"), "test_it.py::test_hello"]


def test_and_under_a_test_module_that_does(project):
    project.write("test_it.py", TODO + HELLO)
    assert sorted(collected(project)) == sorted([*scenarios_under("test_it.py"), "test_it.py::test_hello"])


def test_also_in_a_folder_and_with_the_fixtures_of_that_folder(project):
    project.write("tests/conftest.py", TODO)
    project.write("tests/deeper/conftest.py", GUIDE)
    project.write("tests/deeper/test_it.py", HELLO)
    assert collected(project, "--ignore=nothing") == [
        *scenarios_under("tests/conftest.py"),
        *scenarios_under("tests/deeper/conftest.py"),
        "tests/deeper/test_it.py::test_hello",
    ]


def test_a_directory_uses_the_nearest_definition_around_it(project):
    project.write("tests/conftest.py", TODO)
    project.write("tests/deeper/test_it.py", HELLO)
    found = collected(project, "tests/deeper")
    assert sorted(found) == sorted(["tests/deeper/test_it.py::test_hello", *scenarios_under("tests/conftest.py")])
    project.write("tests/deeper/conftest.py", GUIDE)
    assert collected(project, "tests/deeper") == [
        *scenarios_under("tests/deeper/conftest.py"),
        "tests/deeper/test_it.py::test_hello",
    ]


def test_a_file_argument_brings_them_only_where_it_is_that_file(todo):
    todo.write("test_it.py", HELLO)
    assert collected(todo, "test_it.py") == ["test_it.py::test_hello"]
    assert collected(todo, "conftest.py") == scenarios_under("conftest.py")
    assert collected(todo, "conftest.py::chatkit-sim::tools") == ["conftest.py::chatkit-sim::tools"]


def test_the_id_of_an_item_is_enough_to_run_it_again(todo):
    todo.run("conftest.py::chatkit-sim::plain-reply").assert_outcomes(passed=1)


def test_selection(todo):
    todo.write("test_it.py", HELLO)
    assert collected(todo, "-m", "chatkit_sim") == scenarios_under("conftest.py")
    assert collected(todo, "-m", "not chatkit_sim") == ["test_it.py::test_hello"]
    assert collected(todo, "-k", "retry or hello") == ["conftest.py::chatkit-sim::retry", "test_it.py::test_hello"]


def test_a_parametrised_server_has_each_scenario_with_each(project):
    project.write(
        "conftest.py",
        TODO.replace("@pytest.fixture", '@pytest.fixture(params=["a", "b"])'),
    )
    names = [name for name in collected(project) if "retry" in name]
    assert names == ["conftest.py::chatkit-sim::retry[a]", "conftest.py::chatkit-sim::retry[b]"]


def test_a_server_named_by_an_option_hangs_under_its_own_module(project):
    project.write("my_app/__init__.py", "")
    project.write("my_app/server.py", "from todo.server import TodoServer\n")
    found = collected(project, "--chatkit-server", "my_app.server:TodoServer")
    assert found == scenarios_under("my_app/server.py")
    result = project.run("--chatkit-sim", "--chatkit-server", "my_app.server:TodoServer", "-k", "plain-reply or tools")
    assert result.ret == 0


def test_or_under_a_conftest_around_it_whose_fixtures_it_sees(project):
    project.write(
        "my_app.py", "from todo.server import TodoServer\ndef make(store, todos): return TodoServer(store, todos)\n"
    )
    project.write(
        "tests/conftest.py",
        "import pytest\nfrom todo.lists import TodoList\n@pytest.fixture\ndef todos(): return TodoList()\n",
    )
    named = ("tests", "--chatkit-server", "my_app:make")
    assert collected(project, *named) == scenarios_under("tests/conftest.py")
    project.run("--chatkit-sim", *named, "-k", "plain-reply").assert_outcomes(passed=1, deselected=len(SLUGS) - 1)


def test_a_server_named_on_the_command_line_is_the_one_that_is_simulated(todo):
    todo.write("my_app.py", "from chatkit_sim import MemoryStore\n" + GUIDE.split("@")[0])
    result = todo.run("--chatkit-sim", "--chatkit-server", "my_app:TodoServer", "-k", "two-client-tools")
    result.assert_outcomes(failed=1, deselected=len(SLUGS) - 1)


def test_several_servers_stand_side_by_side(project):
    project.write("my_app.py", "from todo.server import TodoServer as A\nB = A\n")
    names = collected(project, "--chatkit-server", "my_app:A", "--chatkit-server", "my_app:B", "-k", "retry")
    assert names == ["my_app.py::chatkit-sim::retry[A]", "my_app.py::chatkit-sim::retry[B]"]


def test_the_ini_file_may_name_it(project):
    project.write("pytest.ini", "[pytest]\nchatkit_server = my_app:TodoServer\n")
    project.write("my_app.py", "from todo.server import TodoServer\n")
    assert collected(project) == scenarios_under("my_app.py")


def test_no_server_at_all_is_a_usage_error(project):
    project.write("test_it.py", HELLO)
    result = project.run("--chatkit-sim")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --chatkit-sim found no server to simulate.", "*in conftest.py:*"])


def test_but_not_for_files_and_reruns(project):
    project.write("test_it.py", HELLO)
    project.run("--chatkit-sim", "test_it.py").assert_outcomes(passed=1)
    assert project.pytester.runpytest_inprocess("--chatkit-sim", "--lf").ret == 0


def test_a_server_that_is_not_there_is_a_usage_error_too(project):
    result = project.run("--chatkit-sim", "--chatkit-server", "todo.server:Sever")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'todo.server' has no 'Sever'. It has TodoServer.*"])


def test_last_failed_runs_the_scenario_that_failed(project):
    project.write("conftest.py", GUIDE)
    project.pytester.runpytest_inprocess("--chatkit-sim", "-k", "two-client-tools or plain").assert_outcomes(
        passed=1, failed=1, deselected=len(SLUGS) - 2
    )
    result = project.pytester.runpytest_inprocess("--chatkit-sim", "--lf")
    result.assert_outcomes(failed=1)


def test_the_to_do_server_passes_and_the_summary_says_what_ran(todo):
    result = todo.run("--chatkit-sim", "-rs", *core("conftest.py"))
    result.assert_outcomes(passed=len(CORE) - 2, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "chatkit-sim: server tools that run for real: add_to_todo_list, list_todos",
            "ran *scenarios: * turns, * streams, * events",
            "server tools *add_to_todo_list*",
            "client tools *add_to_todo_list*",
            "events * of * types*",
            "items * of * types*",
            "rules *checked*",
            "violations *none",
            'SKIPPED [[]2] conftest.py:5: parallel_tool_calls=False forbids it (agent "Assistant")',
        ]
    )


def test_the_server_of_the_guide_shows_one_thing_and_its_remedy(project):
    project.write("conftest.py", GUIDE)
    result = project.run("--chatkit-sim", *core("conftest.py"))
    result.assert_outcomes(failed=1, passed=len(CORE) - 2, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "two-client-tools: The model asks for two client tools at once.",
            '*model  calls("add_to_todo_list", item="some item") & calls("add_to_todo_list", item="some item 2")',
            "one-client-tool-call-per-turn  turn 1, stream 1, event *",
            "*Remedy: *ModelSettings(parallel_tool_calls=False)*",
            "violations *one-client-tool-call-per-turn 1",
            "FAILED conftest.py::chatkit-sim::two-client-tools - one-client-tool-call-per-turn *",
        ]
    )
    result.stdout.no_fnmatch_line("*scenarios.py*")


@pytest.mark.parametrize("name", ["handwritten", "desk"])
def test_the_other_examples_pass(name, project):
    result = project.run("--chatkit-sim", "--rootdir", str(project.path), *core(RESPONDERS / name / "conftest.py"))
    assert result.parseoutcomes().keys() <= {"passed", "skipped"}
    assert result.parseoutcomes()["passed"] >= 6


def test_tools_are_subtests_and_only_the_broken_one_fails(project):
    project.write("conftest.py", TODO.replace("todo.server", "my_app"))
    project.write(
        "my_app.py",
        """
from agents import Agent, Runner, function_tool
from chatkit.agents import AgentContext, ClientToolCall, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer
from agents import RunContextWrapper

@function_tool
def weather(city: str) -> str:
    "The weather."
    return "sunny"

@function_tool
def ask_browser(ctx: RunContextWrapper[AgentContext]) -> None:
    "Asks, and does not stop."
    ctx.context.client_tool_call = ClientToolCall(name="ask", arguments={})

agent = Agent(name="Weather", model="gpt-5", tools=[weather, ask_browser])

class TodoServer(ChatKitServer):
    async def respond(self, thread, message, context):
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        items = await simple_to_agent_input(list(reversed(page.data)))
        run = Runner.run_streamed(agent, items, context=agent_context)
        async for event in stream_agent_response(agent_context, run):
            yield event
""",
    )
    result = project.run("--chatkit-sim", "-k", "plain-reply or text-before-call or (tools and not client)")
    result.stdout.fnmatch_lines(
        [
            '*SUBFAILED[[]ask_browser (agent "Weather")[]] conftest.py::chatkit-sim::tools*',
            "FAILED conftest.py::chatkit-sim::tools - contains 1 failed subtest",
        ]
    )
    assert result.stdout.str().count("Remedy: Agent(") == 1
    result.stdout.fnmatch_lines(["*The same as in tools."])


def test_tools_may_be_replaced(todo):
    todo.write(
        "conftest.py",
        TODO
        + """
@pytest.fixture
def chatkit_tools():
    return {"list_todos": lambda: "milk"}
""",
    )
    result = todo.run("--chatkit-sim", "-k", "tools and not client")
    result.stdout.fnmatch_lines(["chatkit-sim: server tools that run for real: add_to_todo_list"])


def test_stubs_run_no_body_at_all(todo):
    todo.write(
        "conftest.py",
        TODO
        + """
from todo.lists import TodoList

async def items(self):
    raise RuntimeError("the body ran")

@pytest.fixture(autouse=True)
def broken(monkeypatch):
    monkeypatch.setattr(TodoList, "items", items)
""",
    )
    result = todo.run("--chatkit-sim", "--chatkit-sim-tools=stub", "-rs", *core("conftest.py"))
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*run for real*")
    result.stdout.fnmatch_lines(["SKIPPED*the server did not ask for a client tool, whatever was tried*"])


def test_on_workers(project):
    project.write("conftest.py", GUIDE)
    project.write("test_it.py", HELLO)
    result = project.run_apart("--chatkit-sim", "-n2", "-p", "no:cacheprovider", *core("conftest.py"), "test_it.py")
    result.assert_outcomes(failed=1, passed=len(CORE) - 1, skipped=1)
    result.stdout.fnmatch_lines(["chatkit-sim: server tools that run for real: add_to_todo_list"])
    result.stdout.fnmatch_lines(["ran *scenarios: *", "violations *one-client-tool-call-per-turn 1"])


def test_no_server_on_workers(project):
    project.write("test_it.py", HELLO)
    result = project.run_apart("--chatkit-sim", "-n1", "-p", "no:cacheprovider")
    assert result.ret != 0
    assert "--chatkit-sim found no server to simulate" in result.stdout.str() + result.stderr.str()


def test_the_report_for_machines_has_every_scenario(todo):
    todo.run("--chatkit-sim", "-k", "plain or retry", "--junitxml=report.xml")
    report = (todo.path / "report.xml").read_text()
    assert 'classname="conftest.chatkit-sim" name="plain-reply"' in report
    assert json.dumps("retry") in report
