"""The workflow file of the README works as it stands: its commands are run, one after the other, as a runner does."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from report_world import RESPONDERS

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
RECIPE = README.partition("\n## In CI\n")[2].partition("\n## ")[0]
WORKFLOW = yaml.safe_load(re.search("```yaml\n(.*?)```", RECIPE, re.S)[1])
STEPS = WORKFLOW["jobs"]["test"]["steps"]

PROJECT = {
    "pyproject.toml": """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
""",
    # Says what the project is, so that pip finds out whether its extra can be installed.
    "backend.py": """
import pathlib
def prepare_metadata_for_build_editable(directory, settings=None):
    info = pathlib.Path(directory, "shop-1.dist-info")
    info.mkdir()
    head = "Metadata-Version: 2.1\\nName: shop\\nVersion: 1\\nProvides-Extra: test\\n"
    info.joinpath("METADATA").write_text(head + "Requires-Dist: chatkit-sim; extra == 'test'\\n")
    info.joinpath("WHEEL").write_text("Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: true\\n")
    return info.name
def build_editable(directory, settings=None, metadata=None):
    raise OSError
""",
    "conftest.py": """
import pytest
from todo_as_in_the_guide.server import TodoServer

@pytest.fixture
def chatkit_server(chatkit_store):
    return TodoServer(store=chatkit_store)
""",
    "test_shop.py": """
from chatkit_sim import says

def test_greets(chatkit_client, chatkit_model, chatkit_snapshot):
    chatkit_model.script(says("Hello."))
    assert chatkit_client.send("Hi") == chatkit_snapshot
""",
}


def test_it_is_a_workflow():
    assert WORKFLOW["name"] == "chatkit"
    assert WORKFLOW[True] == ["push", "pull_request"]  # `on` is a truth value in YAML, and a runner takes it so
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for step in STEPS:
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/checkout@v4"))


@pytest.fixture
def runner(tmp_path):
    """Runs commands as a runner does, in a checked-out project."""
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
        "PYTHONPATH": str(RESPONDERS),
        "CI": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "job-summary.md"),
        "PIP_DRY_RUN": "1",  # what it would install is there, or is not
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -k greets",  # campaigns have tests of their own
    }

    def run(command):
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    run.path = tmp_path
    return run


def test_its_commands_run_and_what_they_leave_can_be_reviewed(runner):
    commands = [step for step in STEPS if "run" in step]
    codes = [runner(step["run"]).returncode for step in commands]
    assert codes == [0, 1, 0], [runner(step["run"]).stderr for step in commands]  # the snapshot is new
    assert all(step["if"] == "${{ !cancelled() }}" for step in STEPS[STEPS.index(commands[1]) + 1 :])
    assert (runner.path / "job-summary.md").read_text().startswith("## chatkit-sim: 1 failed; 1 snapshot to review")
    upload = STEPS[-1]["with"]
    brought = runner.path / upload["path"]
    assert not brought.name.startswith(".")
    assert {"index.html", "summary.md", "report.json", "pending", "records"} == {
        each.name for each in brought.iterdir()
    }
    assert not (runner.path / "__snapshots__").exists()  # CI never writes a golden file

    shown = re.search("```console\n(.*?)```", RECIPE, re.S)[1]
    review = re.search(r"\$ (chatkit-sim review \S+)", shown)[1]
    assert "test_greets" in runner(f"{review} --accept '*'").stdout
    assert runner("pytest").returncode == 0

    for number in "12":  # as if each were that of a shard
        shutil.copytree(brought, runner.path / "shards" / f"shard-{number}")
    shutil.rmtree(brought)
    merge = re.search(r"\$ (chatkit-sim report merge .*)", RECIPE)[1]
    assert "2 failed" in runner(merge).stdout
    assert (brought / "index.html").is_file()


def test_its_last_steps_run_when_pytest_wrote_no_report(runner):
    summary = next(step for step in STEPS if "SUMMARY" in step.get("run", ""))
    assert runner(summary["run"]).returncode == 0
    assert STEPS[-1]["with"]["if-no-files-found"] == "ignore"
