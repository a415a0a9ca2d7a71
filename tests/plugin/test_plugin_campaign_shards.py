"""Campaigns in many processes: the same items everywhere, each bug told once, kept as a test that fails again."""

import json
import pathlib

import pytest
from plugin_projects import RESPONDERS

from chatkit_sim.report.command import run_report

TRUSTING = f"""
import sys
sys.path[:0] = {[str(RESPONDERS.parent), str(pathlib.Path(__file__).parents[1] / "simulation")]}
import pytest
from campaign_servers import Trusting

@pytest.fixture
def chatkit_server(chatkit_store):
    return Trusting(chatkit_store)
"""
RULE = "no-unexpected-error"
SHARDS = ("--chatkit-sim", "-k", "client-tools-", "--chatkit-sim-examples", "60")


def in_full(text):
    return text.count("As a test, also in ")


@pytest.fixture
def sharded(project):
    project.write("conftest.py", TRUSTING)
    project.write("pytest.ini", "[pytest]\nchatkit_sim_shards = 2")
    return project


def test_workers_share_the_items_and_a_bug_is_told_once_and_kept_as_a_test(sharded):
    result = sharded.run_apart(*SHARDS, "-n", "2", "--chatkit-sim-report", "out")
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert in_full(text) == 1
    assert text.count(f"{RULE}: found in conversation ") == 2
    assert text.count(". The same as in campaign-") == 1
    result.stdout.fnmatch_lines(
        ["ran * 2 campaigns (* conversations): *", f"FAILED *campaign-* - {RULE} (the same as *"]
    )

    report = json.loads((sharded.path / "out/report.json").read_text())
    assert sum(in_full(test["message"]) for test in report["tests"]) == 1
    findings = [found for test in report["tests"] for found in test["findings"]]
    assert len({found["id"] for found in findings}) == 1
    assert {found["rule"] for found in findings} == {RULE}
    assert all(test["turns"] for test in report["tests"] if in_full(test["message"]))  # the whole story is in it

    (kept,) = (sharded.path / "out/reproducers").glob("*.py")
    assert not kept.name.startswith(".")
    assert f"also in {kept.relative_to(sharded.path).as_posix()}:" in text
    sharded.write(f"test_{kept.name}", kept.read_text())
    again = sharded.run(f"test_{kept.name}")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines([f"*{RULE}  turn 1, stream 2, event *"])
    assert "hypothesis" not in kept.read_text()


def test_jobs_of_a_ci_run_are_merged_and_a_bug_is_told_once(sharded, capsys):
    for job in ("1", "2"):
        options = ("--chatkit-sim-report", f"job-{job}", "--chatkit-sim-examples", "60")
        result = sharded.run("--chatkit-sim", "-k", f"client-tools-{job}-of-2", *options)
        result.assert_outcomes(failed=1)
        assert in_full(result.stdout.str()) == 1
    jobs = [str(sharded.path / "job-1"), str(sharded.path / "job-2")]
    assert run_report(["merge", *jobs, "--into", str(sharded.path / "all")]) == 0
    report = json.loads((sharded.path / "all/report.json").read_text())
    assert sorted(in_full(test["message"]) for test in report["tests"]) == [0, 1]
    assert "The same as in campaign-client-tools-1-of-2." in report["tests"][1]["message"]
    assert report["summary"]["campaigns"] == 2
    assert len(list((sharded.path / "all/reproducers").glob("*.py"))) == 1


def test_the_items_do_not_depend_on_the_workers(sharded):
    collected = sharded.run("--chatkit-sim", "--collect-only", "-q", "-k", "campaign")
    names = [line.rpartition("::")[2] for line in collected.outlines if "::campaign-" in line]
    assert len(names) == 10
    assert names[:2] == ["campaign-client-tools-1-of-2", "campaign-client-tools-2-of-2"]
    by_size = sharded.run(
        "--chatkit-sim", "--collect-only", "-q", "-k", "everything", "-o", "chatkit_sim_shards=",
        "--chatkit-sim-examples", "250",
    )  # fmt: skip
    assert [line.rpartition("-of-")[2] for line in by_size.outlines if "everything-" in line] == ["3"] * 3


def test_too_little_covered_fails_the_run_and_a_campaign_cut_short_says_so(todo):
    options = ("--chatkit-sim", "-k", "campaign-conversation", "--chatkit-sim-examples", "50")
    result = todo.run(*options, "--chatkit-sim-time", "0.1", "--chatkit-sim-fail-under", "100")
    assert result.ret == 1
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(
        [
            "incomplete    campaign-conversation: * of 50 conversations in * s, then time was up",
            "tool flows * % (* of *)",
            "fail-under    FAILED: tool-flow coverage is * %; --chatkit-sim-fail-under asks for 100 %",
            "              never *",
        ]
    )
    few = ("--chatkit-sim-examples", "4", "--chatkit-sim-seed", "1")
    assert todo.run(*options[:3], *few, "-o", "chatkit_sim_fail_under=1").ret == 0
