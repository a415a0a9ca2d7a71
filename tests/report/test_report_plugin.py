"""pytest --chatkit-sim-report DIR: one process, workers, crashes, and directories that cannot be written."""

import json
import os
import subprocess
import sys

import pytest
from report_world import RESPONDERS

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


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(project, *arguments):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(RESPONDERS), "COLUMNS": "300"}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def report_in(directory):
    return json.loads((directory / "report.json").read_text())


def test_a_run_writes_a_report(project):
    output = run(project, "--chatkit-sim-report", "out")
    assert f"chatkit-sim report: {project / 'out' / 'index.html'}" in output
    report = report_in(project / "out")
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
    assert (project / "out" / "summary.md").read_text().startswith("## chatkit-sim: 3 failed, 1 passed, 1 xfailed")


def test_workers_write_the_same_report(project):
    run(project, "--chatkit-sim", "--chatkit-sim-report=one")
    run(project, "--chatkit-sim", "--chatkit-sim-report=many", "-n2")
    one, many = report_in(project / "one"), report_in(project / "many")
    assert len(many["runs"]) == 2
    facts = [
        [(test["test"], test["outcome"], [turn["asked"] for turn in test["turns"]]) for test in report["tests"]]
        for report in (one, many)
    ]
    assert facts[0] == facts[1]
    assert one["summary"] == many["summary"]
    assert any(test["scenario"] for test in many["tests"])


def test_a_worker_that_dies_is_told(project):
    (project / "test_it.py").write_text(TESTS + "\ndef test_dies(chatkit_client):\n    os._exit(3)\n")
    run(project, "--chatkit-sim-report=out", "-n1")
    report = report_in(project / "out")
    dead = next(test for test in report["tests"] if "test_dies" in test["test"])
    assert dead["outcome"] == "error"
    assert "crashed" in dead["message"]
    assert report["outcomes"]["passed"] == 1


def test_the_ini_file_names_the_directory_too(project):
    (project / "pytest.ini").write_text("[pytest]\nchatkit_sim_report = out\n")
    (project / "sub").mkdir()
    run(project / "sub", str(project), "-k", "test_answers")
    assert report_in(project / "out")["outcomes"] == {"passed": 1}
    assert run(project, "--collect-only", "-q").count("test_it.py::") == 6
    assert report_in(project / "out")["outcomes"] == {"passed": 1}  # collecting changes no report


def test_a_run_without_the_option_writes_nothing(project):
    run(project)
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == [
        "conftest.py",
        "pytest.ini",
        "test_it.py",
    ]


def test_a_run_without_chatkit_tests_says_so(project):
    output = run(project, "--chatkit-sim-report=out", "-k", "uses_no_server")
    assert "no test used a ChatKit server" in output
    assert not (project / "out" / "index.html").exists()


def test_a_directory_that_cannot_be_is_a_usage_error(project):
    output = run(project, "--chatkit-sim-report=conftest.py")
    assert "ERROR: The report directory" in output
    assert "Name another one with --chatkit-sim-report DIR" in output


def test_a_full_disk_fails_no_test_and_is_told(project):
    (project / "conftest.py").write_text(
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
    assert "may be incomplete" in (project / "out" / "summary.md").read_text()
