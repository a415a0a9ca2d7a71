"""The fixtures, as tests use and override them."""

import pytest
from plugin_projects import TODO


def test_the_first_test_of_the_documentation(todo):
    todo.write(
        "test_todo.py",
        """
from chatkit_sim import calls, says

def test_adds_an_item(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="milk"), says("Added milk."))

    @chatkit_client.client_tool
    def add_to_todo_list(item: str) -> dict:
        return {"added": item}

    turn = chatkit_client.send("Put milk on my list")

    assert turn.text == "Added milk."
    assert turn.client_tool_calls[0].arguments == {"item": "milk"}
""",
    )
    todo.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_the_server_may_have_any_scope(project, scope):
    project.write(
        "conftest.py",
        f"""
import pytest
from chatkit_sim import MemoryStore
from todo.server import TodoServer

@pytest.fixture(scope={scope!r})
def chatkit_server():
    return TodoServer(MemoryStore())
""",
    )
    project.write(
        "test_it.py",
        """
import pytest
from chatkit_sim import says

@pytest.mark.parametrize("number", [1, 2])
def test_hello(chatkit_client, chatkit_model, number):
    chatkit_model.script(says("Hello!"))
    assert chatkit_client.send("Hi").text == "Hello!"
""",
    )
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "server",
    [
        "return TodoServer",
        "return lambda store: TodoServer(store)",
        "async def make(store):\n        return TodoServer(store)\n    return make",
        "async def make(store):\n        yield TodoServer(store)\n    return make",
        "yield TodoServer(chatkit_store)",
    ],
)
def test_the_server_may_be_a_factory(project, server):
    project.write(
        "conftest.py",
        f"""
import pytest
from todo.server import TodoServer

@pytest.fixture
def chatkit_server(chatkit_store):
    {server}
""",
    )
    project.write(
        "test_it.py",
        """
from chatkit_sim import says

def test_hello(chatkit_client, chatkit_model, chatkit_store):
    chatkit_model.script(says("Hello!"))
    chatkit_client.send("Hi")
    assert len(chatkit_store._threads) == 1
""",
    )
    project.run().assert_outcomes(passed=1)


def test_a_parametrised_server_runs_every_test_with_each(project):
    project.write(
        "conftest.py",
        """
import pytest
import todo.server, todo_as_in_the_guide.server

@pytest.fixture(params=[todo.server, todo_as_in_the_guide.server], ids=["right", "guide"])
def chatkit_server(request, chatkit_store):
    return request.param.TodoServer(chatkit_store)
""",
    )
    project.write(
        "test_it.py",
        """
from chatkit_sim import says

def test_hello(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    assert chatkit_client.send("Hi").text == "Hello!"
""",
    )
    result = project.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_hello[[]right] PASSED*", "*test_hello[[]guide] PASSED*"])


def test_no_server_is_explained_without_a_traceback(project):
    project.write("test_it.py", "def test_it(chatkit_client): pass")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["There is no ChatKit server to test*", "*def chatkit_server(chatkit_store):*"])
    result.stdout.no_fnmatch_line("*fixtures.py*")


def test_what_is_no_server_is_explained_at_the_line_that_needs_it(project):
    project.write("conftest.py", "import pytest\n@pytest.fixture\ndef chatkit_server(): return 42\n")
    project.write("test_it.py", "def test_it(chatkit_client):\n    chatkit_client.send('Hi')\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*chatkit_client.send('Hi')", "E*The server under test is 42 (int), which is not a*"])
    result.stdout.no_fnmatch_line("*serving.py*")


def test_each_test_has_its_own_store_script_and_thread(todo):
    todo.write(
        "test_it.py",
        """
import pytest
from chatkit_sim import says

@pytest.mark.parametrize("number", [1, 2])
def test_hello(chatkit_client, chatkit_model, chatkit_store, number):
    assert chatkit_client.thread_id is None
    assert chatkit_store._threads == {}
    chatkit_model.script(says("Hello!"))
    chatkit_client.send("Hi")
""",
    )
    todo.run().assert_outcomes(passed=2)


def test_the_request_context_and_a_second_user(project):
    project.write(
        "conftest.py",
        """
import pytest
from chatkit.server import ChatKitServer
from chatkit.types import NoticeEvent

class Server(ChatKitServer):
    async def respond(self, thread, message, context):
        yield NoticeEvent(level="info", message=context["user"])

@pytest.fixture
def chatkit_server(chatkit_store):
    return Server(chatkit_store)

@pytest.fixture
def chatkit_context():
    return {"user": "ada"}

@pytest.fixture
def chatkit_other_context():
    return lambda: {"user": "grace"}
""",
    )
    project.write(
        "test_it.py",
        """
def test_two_users(chatkit_client, chatkit_other_context):
    other = chatkit_client.another(context=chatkit_other_context)
    assert chatkit_client.send("Hi").notices[0].message == "ada"
    assert other.send("Hi").notices[0].message == "grace"
""",
    )
    project.run().assert_outcomes(passed=1)


def test_without_a_second_user_the_fixture_says_how_to_define_one(todo):
    todo.write("test_it.py", "def test_it(chatkit_client, chatkit_other_context): pass")
    todo.run().stdout.fnmatch_lines(["There is no second user: override the fixture `chatkit_other_context`*"])


def test_the_context_may_be_named(todo):
    todo.write(
        "app.py",
        """
from chatkit.server import ChatKitServer
from chatkit.types import NoticeEvent

class Server(ChatKitServer):
    async def respond(self, thread, message, context):
        yield NoticeEvent(level="info", message=context["user"])

def context(user): return {"user": user}
""",
    )
    todo.write("conftest.py", "import pytest\n@pytest.fixture\ndef user(): return 'ada'\n")
    todo.write(
        "test_it.py", "def test_it(chatkit_client):\n    assert chatkit_client.send('Hi').notices[0].message == 'ada'"
    )
    todo.run("--chatkit-server", "app:Server", "--chatkit-context", "app:context").assert_outcomes(passed=1)


def test_tools_are_replaced(todo):
    todo.write(
        "test_it.py",
        """
import pytest
from chatkit_sim import calls, says

@pytest.fixture
def chatkit_tools():
    return {"list_todos": lambda: "milk, from the fake"}

def test_it(chatkit_client, chatkit_model):
    chatkit_model.script(calls("list_todos"), says("Milk."))
    chatkit_client.send("What is on my list?")
    assert chatkit_model.requests[-1].input[-1]["output"] == "milk, from the fake"
""",
    )
    todo.run().assert_outcomes(passed=1)


def test_tools_that_are_no_mapping_are_refused(todo):
    todo.write(
        "test_it.py",
        """
import pytest

@pytest.fixture
def chatkit_tools():
    return ["list_todos"]

def test_it(chatkit_client): pass
""",
    )
    result = todo.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["The fixture `chatkit_tools` maps names of server tools*"])


def test_the_model_fixture_may_be_extended_and_replaced(todo):
    todo.write(
        "test_it.py",
        """
import pytest
from chatkit_sim import ModelScript, says

@pytest.fixture
def chatkit_model(request):
    return ModelScript()

def test_it(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    assert chatkit_client.send("Hi").text == "Hello!"
    assert chatkit_client.model is chatkit_model
""",
    )
    todo.run().assert_outcomes(passed=1)


ASYNC_TEST = """
import pytest
from chatkit_sim import says

pytestmark = {mark}

async def test_hello(async_chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    assert (await async_chatkit_client.send("Hi")).text == "Hello!"

async def test_left_over(async_chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"), says("Never said."))
    await async_chatkit_client.send("Hi")

async def test_in_the_middle(async_chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    async with async_chatkit_client.stream("Hi") as stream:
        async for event in stream:
            break
    assert stream.turn.text == "Hello!"
"""


def test_async_tests_with_a_plugin_of_their_own(todo):
    todo.write("test_it.py", ASYNC_TEST.format(mark="pytest.mark.anyio"))
    todo.write("conftest.py", TODO + "\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n")
    result = todo.run("-W", "error")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_left_over*", "*script-used-up*"])


def test_async_tests_with_a_runner_of_the_project(todo):
    todo.write(
        "conftest.py",
        TODO
        + """
import asyncio

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
""",
    )
    todo.write("test_it.py", ASYNC_TEST.format(mark="[]"))
    todo.run("-W", "error").assert_outcomes(passed=2, failed=1)


def test_the_sync_client_in_an_async_test_says_what_to_use(todo):
    todo.write(
        "test_it.py",
        """
import asyncio

def test_it(chatkit_client):
    async def body():
        chatkit_client.send("Hi")
    asyncio.run(body())
""",
    )
    todo.run().stdout.fnmatch_lines(["*Use the fixture `async_chatkit_client`*"])


def test_two_tests_do_not_keep_each_other_s_turns(todo):
    todo.write(
        "test_it.py",
        """
import gc, weakref
from chatkit_sim import says

kept = []

def test_first(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    kept.append(weakref.ref(chatkit_client.send("Hi").view))

def test_second():
    gc.collect()
    assert kept[0]() is None
""",
    )
    todo.run().assert_outcomes(passed=2)
