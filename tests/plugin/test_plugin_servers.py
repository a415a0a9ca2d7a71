"""Servers named by MODULE:ATTR."""

import pytest

HELLO = """
from chatkit_sim import says

def test_hello(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    assert chatkit_client.send("Hi").text == "Hello!"
"""


@pytest.fixture
def named(project):
    project.write("test_hello.py", HELLO)
    return project


def test_by_flag(named):
    named.run("--chatkit-server", "todo.server:TodoServer").assert_outcomes(passed=1)


def test_by_ini_and_the_root_directory_is_importable(named):
    named.write("my_app.py", "from todo.server import TodoServer\n")
    named.write("pytest.ini", "[pytest]\nchatkit_server = my_app:TodoServer\n")
    named.run_apart().assert_outcomes(passed=1)


def test_a_fixture_comes_before_the_options(named):
    named.write(
        "conftest.py",
        "import pytest\nfrom todo.server import TodoServer\n"
        "@pytest.fixture\ndef chatkit_server(chatkit_store): return TodoServer(chatkit_store)\n",
    )
    named.run("--chatkit-server", "no_such.module:Server").assert_outcomes(passed=1)


def test_several_stand_side_by_side(named):
    result = named.run(
        "-v", "--chatkit-server", "todo.server:TodoServer", "--chatkit-server", "todo_as_in_the_guide.server:TodoServer"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*[[]todo.server:TodoServer] PASSED*", "*[[]todo_as_in_the_guide.server:TodoServer] PASSED*"]
    )


def test_several_with_different_names_have_short_ids(named):
    named.write("my_app.py", "from todo.server import TodoServer as Right\nGuide = Right\n")
    result = named.run("-v", "--chatkit-server", "my_app:Right", "--chatkit-server", "my_app:Guide")
    result.stdout.fnmatch_lines(["*[[]Right] PASSED*", "*[[]Guide] PASSED*"])


@pytest.mark.parametrize(
    "factory",
    [
        "def make(todos, data_store): return TodoServer(data_store, todos)",
        "async def make(todos, store, color='red'): return TodoServer(store, todos)",
        "def make(anything): return TodoServer(anything)",
        "def make(store, todos):\n    yield TodoServer(store, todos)",
        "async def make(store, todos):\n    yield TodoServer(store, todos)",
        "from chatkit_sim import MemoryStore\ndef make(): return TodoServer(MemoryStore())",
        "from chatkit_sim import MemoryStore\nmake = TodoServer(MemoryStore())",
    ],
)
def test_a_factory_is_filled_from_fixtures(named, factory):
    named.write("my_app.py", f"from todo.server import TodoServer\n{factory}\n")
    named.write(
        "conftest.py",
        "import pytest\nfrom todo.lists import TodoList\n@pytest.fixture\ndef todos(): return TodoList()\n",
    )
    named.run("--chatkit-server", "my_app:make").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("todo.server", "*--chatkit-server takes MODULE:ATTR, such as todo.server:TodoServer, not 'todo.server'*"),
        ("nowhere.server:Server", "*--chatkit-server nowhere.server:Server: there is no module 'nowhere'*"),
        ("todo.server:Sever", "*'todo.server' has no 'Sever'. It has TodoServer.*"),
        ("my_app:make", "*The server factory make has a parameter 'database', and there is neither a fixture*"),
    ],
)
def test_names_that_lead_nowhere(named, name, message):
    named.write("my_app.py", "def make(store, database): pass\n")
    result = named.run("--chatkit-server", name)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*importlib*")


def test_what_the_app_fails_to_import_is_shown_as_it_is(named):
    named.write("my_app.py", "import no_such_dependency\n")
    named.run("--chatkit-server", "my_app:make").stdout.fnmatch_lines(
        ["*my_app.py*", "E*ModuleNotFoundError: No module named 'no_such_dependency'"]
    )
