"""--chatkit-sim-contract and the command that runs it."""

import json
from types import SimpleNamespace

from plugin_projects import TODO

from chatkit_sim.cli import main
from chatkit_sim.client import contract

TESTS = """
from chatkit_sim import calls, says

def test_milk(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="milk"), says("Done."))
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: 1)
    chatkit_client.send("Milk")

def test_eggs(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="eggs"), says("Done."))
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: 1)
    chatkit_client.send("Eggs")

def test_nothing():
    pass
"""


def test_the_command_runs_the_project_and_prints_what_was_asked_for(project, capfd):
    project.write("conftest.py", TODO)
    project.write("test_it.py", TESTS)
    capfd.readouterr()
    assert main(["contract", "--", "-p", "no:cacheprovider", "-k", "milk or eggs"]) == 0
    shown = capfd.readouterr()
    found = json.loads(shown.out)
    assert found["client_tools"]["add_to_todo_list"]["arguments"]["examples"] == [{"item": "eggs"}, {"item": "milk"}]
    assert "(1 client tool, 0 effects, 0 actions)" in shown.err


def test_a_project_that_cannot_be_run_has_no_contract(project, capfd):
    assert main(["contract", "--", "--no-such-option"]) == 2
    assert "pytest did not come to its end" in capfd.readouterr().err


def test_what_workers_hand_over_becomes_one_contract(project):
    config = project.pytester.parseconfigure("--chatkit-sim-contract", "contract.json")
    plugin = config.pluginmanager.get_plugin("chatkit-sim-contract")
    for name in ("add", "remove"):
        tool = {"arguments": {"schema": {}, "examples": []}}
        found = {**contract(()), "client_tools": {name: tool}}
        plugin.pytest_testnodedown(SimpleNamespace(workeroutput={"chatkit_sim_contract": [found]}))
    plugin.pytest_testnodedown(SimpleNamespace())  # one that has crashed
    for _ in plugin.pytest_sessionfinish():
        pass
    written = json.loads(project.path.joinpath("contract.json").read_text())
    assert list(written["client_tools"]) == ["add", "remove"]


def test_a_run_writes_its_contract_also_when_it_asked_for_nothing(project):
    project.write("test_it.py", "def test_nothing(): pass")
    result = project.run("--chatkit-sim-contract", "made/contract.json")
    result.stdout.re_match_lines([r"chatkit-sim contract: .*contract.json \(0 client tools, 0 effects, 0 actions\)"])
    assert json.loads(project.path.joinpath("made/contract.json").read_text())["client_tools"] == {}
