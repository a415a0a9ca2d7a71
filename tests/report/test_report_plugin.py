"""pytest --chatkit-sim-report DIR: one process, workers, crashes, and directories that cannot be written."""

import json
import shlex

import pytest
from report_world import RESPONDERS

from chatkit_sim.snapshots import run_review

CONFTEST = """
import pytest
from todo_as_in_the_guide.server import TodoServer

@pytest.fixture
def chatkit_server(chatkit_store):
    return TodoServer(store=chatkit_store)
"""

TESTS = """
import os
import pytest
from chatkit_sim import says

def test_answers(chatkit_client, chatkit_model):
    "The assistant answers."
    chatkit_model.script(says("Hello."))
    assert chatkit_client.send("Hi").text == "Hello."

def test_is_wrong(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello."), says("Again."))
    chatkit_client.send("Hi")
    assert chatkit_client.send("And?").text == "Good bye."

def test_leaves_a_step(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello."), says("Never."))
    chatkit_client.send("Hi")

@pytest.mark.xfail
def test_is_expected_to_fail(chatkit_client):
    raise RuntimeError

def test_says_in_parts(chatkit_client, chatkit_model, subtests):
    chatkit_model.script(says("Hello."))
    with subtests.test("greets", polite=True):
        assert chatkit_client.send("Hi").text == "Hello!"

def test_uses_no_server():
    pass
"""


SNAPSHOT = """
from chatkit_sim import says
def test_greets(chatkit_client, chatkit_model, chatkit_snapshot):
    chatkit_model.script(says("Hello."))
    assert chatkit_client.send("Hi") == chatkit_snapshot
"""


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    monkeypatch.setenv("PYTHONPATH", str(RESPONDERS))  # for workers
    monkeypatch.setenv("COLUMNS", "300")
    (pytester.path / "conftest.py").write_text(CONFTEST)
    (pytester.path / "test_it.py").write_text(TESTS)
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    return pytester


def run(project, *arguments):
    # Hypothesis' plugin would import Hypothesis anew for every project.
    done = project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)
    return f"{done.stdout}\n{done.stderr}"


def run_workers(project, *arguments):
    # Workers have the module path of the process that they come from.
    project.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=300)


def report_in(directory):
    return json.loads((directory / "report.json").read_text())


def test_a_run_writes_a_report(project):
    output = run(project, "--chatkit-sim-report", "out")
    assert f"chatkit-sim report: {project.path / 'out' / 'index.html'}" in output
    report = report_in(project.path / "out")
    found = {test["test"].partition("::")[2]: test for test in report["tests"]}
    assert {name: test["outcome"] for name, test in found.items()} == {
        "test_answers": "passed",
        "test_is_wrong": "failed",
        "test_leaves_a_step": "failed",
        "test_is_expected_to_fail": "xfailed",
        "test_says_in_parts": "failed",
    }
    assert [turn["asked"] for turn in found["test_is_wrong"]["turns"]] == ['user "Hi"', 'user "And?"']
    assert "'Again.' == 'Good bye.'" in found["test_is_wrong"]["message"]
    assert [each["rule"] for each in found["test_leaves_a_step"]["violations"]] == ["script-used-up"]
    answers = found["test_answers"]
    assert (answers["title"], answers["file"], answers["line"]) == ("The assistant answers.", "test_it.py", 6)
    (part,) = found["test_says_in_parts"]["parts"]
    assert (part["name"], part["outcome"]) == ("greets (polite=True)", "failed")
    assert "Hello!" in part["message"]
    assert (project.path / "out" / "summary.md").read_text().startswith("## chatkit-sim: 3 failed, 1 passed, 1 xfailed")


REDACTING = """
import re
import pytest
from chatkit_sim.snapshots import ThreadStreamSnapshotExtension

class OurSnapshots(ThreadStreamSnapshotExtension):
    redact = ("item.arguments.item", re.compile("ORD-[0-9]+"), lambda path, value: 0 if value == 4711 else value)

@pytest.fixture
def chatkit_snapshot_extension():
    return OurSnapshots
"""

SECRETS = """
from chatkit_sim import calls, says

def test_keeps_a_secret(chatkit_client, chatkit_model):
    chatkit_model.script(calls("add_to_todo_list", item="zebra"), says("Added zebra to ORD-12345."))
    chatkit_client.client_tool(name="add_to_todo_list")(lambda item: {"pin": 4711, "ok": True})
    assert chatkit_client.send("A zebra, please").text == "zebra, pin 4711, of ORD-12345"
"""


def test_what_is_taken_out_of_snapshots_is_not_in_reports(project):
    (project.path / "conftest.py").write_text(CONFTEST + REDACTING)
    (project.path / "test_it.py").write_text(SECRETS)
    run(project, "--chatkit-sim-report", "out")
    written = {path.name: path.read_text() for path in (project.path / "out").rglob("*") if path.is_file()}
    assert {"index.html", "summary.md", "report.json", "main.jsonl"} == written.keys()
    for name, text in written.items():
        for secret in ("zebra", "4711", "ORD-12345"):
            assert secret not in text, f"{secret} in {name}"
    (turn,) = report_in(project.path / "out")["tests"][0]["turns"]
    assert [each["text"] for each in turn["chat"]] == [
        "A <redacted>, please",
        'add_to_todo_list(item="<redacted>")',
        "Added <redacted> to <redacted>.",
    ]
    assert turn["streams"][0]["call"]["output"] == {"pin": 0, "ok": True}


def test_workers_write_the_same_report(project):
    few = ("--chatkit-sim", "-k", "test_ or plain-reply or client-tool-answered")
    run(project, *few, "--chatkit-sim-report=one")
    run_workers(project, *few, "--chatkit-sim-report=many", "-n2")
    one, many = report_in(project.path / "one"), report_in(project.path / "many")
    assert len(many["runs"]) == 2
    facts = [
        [(test["test"], test["outcome"], len(test["turns"])) for test in report["tests"]] for report in (one, many)
    ]
    assert facts[0] == facts[1]
    assert one["summary"] == many["summary"]
    assert any(test["scenario"] for test in many["tests"])


def test_what_campaigns_drive_is_counted_and_what_they_find_is_shown(project):
    output = run(
        project, "--chatkit-sim", "-k", "campaign-client-tools", "--chatkit-sim-examples=10", "--chatkit-sim-report=out"
    )
    report = report_in(project.path / "out")
    (campaign,) = report["tests"]
    assert campaign["outcome"] == "failed"
    assert "failed" in [violation["status"] for violation in campaign["turns"][-1]["violations"]]
    assert f": {report['summary']['turns']} turns, " in output
    assert report["summary"]["turns"] > len(campaign["turns"])


def test_pending_snapshots_are_in_the_report_with_the_command_that_accepts_them(project):
    (project.path / "test_it.py").write_text(SNAPSHOT)
    run(project, "--chatkit-sim-report=out")
    (change,) = report_in(project.path / "out")["snapshots"]
    assert (change["test"], change["place"], change["old"]) == ("test_it.py::test_greets", "test_it.py:5", None)
    assert "1 snapshot to review" in (project.path / "out" / "index.html").read_text()
    command = shlex.split(change["accept"])
    assert command[:2] == ["chatkit-sim", "review"]
    assert run_review(command[2:]) == 0
    assert "1 passed" in run(project, "--chatkit-sim-report=out")
    assert report_in(project.path / "out")["snapshots"] == []


def test_a_worker_that_dies_is_told(project):
    (project.path / "test_it.py").write_text(TESTS + "\ndef test_dies(chatkit_client):\n    os._exit(3)\n")
    run_workers(project, "--chatkit-sim-report=out", "-n1")
    report = report_in(project.path / "out")
    dead = next(test for test in report["tests"] if "test_dies" in test["test"])
    assert dead["outcome"] == "error"
    assert "crashed" in dead["message"]
    assert report["outcomes"]["passed"] == 1


def test_the_ini_file_names_the_directory_too(project, monkeypatch):
    (project.path / "pytest.ini").write_text("[pytest]\nchatkit_sim_report = out\n")
    (project.path / "sub").mkdir()
    monkeypatch.chdir(project.path / "sub")
    run(project, str(project.path), "-k", "test_answers")
    monkeypatch.chdir(project.path)
    assert report_in(project.path / "out")["outcomes"] == {"passed": 1}
    assert run(project, "--collect-only", "-q").count("test_it.py::") == 6
    assert report_in(project.path / "out")["outcomes"] == {"passed": 1}  # collecting changes no report


def test_a_run_without_the_option_writes_nothing(project):
    run(project)
    assert sorted(path.name for path in project.path.iterdir() if path.name != "__pycache__") == [
        "conftest.py",
        "pytest.ini",
        "test_it.py",
    ]


def test_a_run_without_chatkit_tests_says_so(project):
    output = run(project, "--chatkit-sim-report=out", "-k", "uses_no_server")
    assert "no test used a ChatKit server" in output
    assert not (project.path / "out" / "index.html").exists()


def test_a_directory_that_cannot_be_is_a_usage_error(project):
    output = run(project, "--chatkit-sim-report=conftest.py")
    assert "ERROR: The report directory" in output
    assert "Name another one with --chatkit-sim-report DIR" in output


def test_a_full_disk_fails_no_test_and_is_told(project):
    (project.path / "conftest.py").write_text(
        CONFTEST
        + """
@pytest.fixture(autouse=True)
def full_disk(request, monkeypatch):
    if request.node.name == "test_answers":
        import chatkit_sim.report.files
        def full(*arguments):
            raise OSError(28, "No space left on device")
        monkeypatch.setattr(chatkit_sim.report.files, "open", full, raising=False)
"""
    )
    output = run(project, "--chatkit-sim-report=out", "-k", "answers or wrong")
    assert "1 failed, 1 passed" in output
    assert "chatkit-sim report: incomplete, since" in output
    assert "No space left on device" in output
    assert "may be incomplete" in (project.path / "out" / "summary.md").read_text()
