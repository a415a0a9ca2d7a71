"""The plugin costs nothing until a test uses it."""

import os
import sys

import pytest

HEAVY = ("chatkit", "agents", "openai", "hypothesis", "syrupy", "respx", "httpx2", "rich", "chatkit_sim")


def test_loading_it_imports_nothing_heavy(project):
    code = "import sys, pytest_chatkit_sim.plugin; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    assert not set(project.python(code).split()) & set(HEAVY)


def test_a_run_without_chatkit_fixtures_imports_nothing_heavy(project):
    project.write(
        "test_plain.py",
        f"""
import sys

def test_fails_to_show_that_reports_are_cheap_too():
    heavy = {HEAVY!r}
    assert [name for name in heavy if name in sys.modules] == []
    assert {{"a": 1}} == {{"a": 2}}
""",
    )
    # Other plugins (hypothesis among them) bring their own imports.
    apart = ("-p", "no:hypothesispytest", "-p", "no:syrupy", "-p", "no:respx", "-p", "no:anyio", "-p", "no:xdist")
    result = project.run_apart(*apart, "-rN")
    result.stdout.fnmatch_lines(["*assert {'a': 1} == {'a': 2}*"])


def test_it_may_be_switched_off(todo):
    todo.write("test_plain.py", "def test_passes(): pass")
    assert todo.run_apart("-p", "no:chatkit_sim").ret == 0


def test_everything_is_documented(project):
    shown = project.run("--fixtures").stdout.str()
    for name in ("chatkit_server", "chatkit_client", "async_chatkit_client", "chatkit_model", "chatkit_tools"):
        assert name in shown
    assert "_chatkit_stage" not in shown
    assert "chatkit(ignore=" in project.run("--markers").stdout.str()


@pytest.mark.parametrize("strict", [("-W", "error"), ()], ids=["flag", "ini"])
def test_conftests_can_import_chatkit_where_warnings_are_errors(todo, strict):
    todo.write("pytest.ini", "[pytest]\nfilterwarnings = error\n" if not strict else "[pytest]\n")
    todo.write(
        "test_hello.py",
        """
from chatkit_sim import says

def test_hello(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello!"))
    assert chatkit_client.send("Hi").text == "Hello!"
""",
    )
    result = todo.run_apart(*strict)
    result.assert_outcomes(passed=1)


def test_a_dummy_key_is_set_before_any_conftest_is_loaded(project, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.write("conftest.py", "import openai\nclient = openai.OpenAI()\n")
    project.write("test_it.py", "def test_it(): pass")

    assert project.run_apart().ret != 0
    project.write("pytest.ini", "[pytest]\nchatkit_dummy_key = true\n")
    assert project.run_apart().ret == 0


def test_a_real_key_is_left_alone(project, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    project.write("pytest.ini", "[pytest]\nchatkit_dummy_key = true\n")
    project.write("test_it.py", "import os\ndef test_it(): assert os.environ['OPENAI_API_KEY'] == 'sk-mine'")
    assert project.run().ret == 0
    assert os.environ["OPENAI_API_KEY"] == "sk-mine"


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("chatkit_network = ajar", "*chatkit_network is 'ajar'; it can be closed or strict or open*"),
        ("chatkit_limit_rounds = many", "*chatkit_limit_rounds is 'many'; it takes a positive number*"),
        ("chatkit_limit_seconds = -1", "*chatkit_limit_seconds is '-1'; it takes a positive number*"),
    ],
)
def test_ini_options_that_cannot_be(project, ini, message):
    project.write("pytest.ini", f"[pytest]\n{ini}\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_sdks_below_the_floor_are_named_with_the_way_out(todo, monkeypatch):
    import importlib.metadata

    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.9.1" if name == "openai-agents" else real(name))
    todo.write("test_it.py", "def test_it(chatkit_client): pass")
    result = todo.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["chatkit-sim needs openai-agents>=*, and 0.9.1 is installed.", 'Upgrade it: pip install --upgrade "openai-*']
    )


def test_the_modules_of_the_plugin_are_those_of_this_project():
    import pytest_chatkit_sim

    assert "pytest_plugin" not in sys.modules
    assert pytest_chatkit_sim.__name__ == "pytest_chatkit_sim"
