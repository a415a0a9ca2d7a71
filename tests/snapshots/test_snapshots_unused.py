"""Which snapshots are unused: said of those that are, by a run or merged shards that saw every test."""

import json
import re

import pytest

from chatkit_sim.report.command import run_report
from chatkit_sim.report.goldens import GoldenUse

OTHER = """
def test_other(chatkit_client, chatkit_snapshot):
    assert chatkit_client.send("Other") == chatkit_snapshot
"""


@pytest.fixture
def one_less(accepted):
    """Two modules with golden files; in one of them a snapshot that no test uses any more."""
    accepted.write("test_other.py", OTHER)
    accepted.run("--snapshot-update", "test_other.py").assert_outcomes(passed=1)
    test = accepted.path / "test_parrot.py"
    test.write_text(test.read_text().partition("def test_answers")[0])
    return accepted


def names(project):
    return re.findall("(?m)^# name: (.*)", project.golden.read_text())


@pytest.mark.parametrize(
    "narrowed",
    [
        ["-k", "greets"],
        ["--deselect", "test_other.py::test_other"],
        ["test_parrot.py"],
        ["test_parrot.py::test_greets"],
        ["-m", "not slow"],
    ],
)
def test_a_run_that_did_not_see_everything_says_nothing(one_less, narrowed):
    if narrowed[0] == "-m":
        one_less.write("test_slow.py", "import pytest\n\n@pytest.mark.slow\ndef test_slow(): ...\n")
        one_less.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    result = one_less.run(*narrowed)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*unused*")


@pytest.mark.parametrize("whole", [[], ["."]])
def test_a_run_that_saw_everything_says_so(one_less, whole):
    result = one_less.run("--snapshot-details", *whole)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 snapshot unused.*", "Unused test_answers*"])


def test_what_a_failed_test_did_not_get_to_is_not_deleted(one_less):
    test = one_less.path / "test_parrot.py"
    test.write_text(test.read_text().replace("    assert", "    assert chatkit_client.url\n    assert"))
    one_less.run("-x", "--snapshot-update").assert_outcomes(passed=1, failed=1)
    assert names(one_less) == ["test_greets"]  # the test failed; test_answers has none


def test_what_never_ran_is_not_deleted(accepted):
    accepted.write("test_early.py", "def test_fails():\n    assert False\n")
    result = accepted.run("-x", "--snapshot-update")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*unused*")
    assert names(accepted) == ["test_answers", "test_greets"]


def test_shards_say_it_together(one_less, capsys):
    for shard, arguments in {"1": ["test_parrot.py"], "2": ["-k", "other"]}.items():
        one_less.run("--chatkit-sim-report", f"shard-{shard}", *arguments).assert_outcomes(
            passed=1, deselected=int(shard) - 1
        )
        page = one_less.path / f"shard-{shard}" / "report.json"
        assert json.loads(page.read_text())["unused"] == []
    capsys.readouterr()
    shards = [str(one_less.path / f"shard-{number}") for number in "12"]
    merged = one_less.path / "merged"
    assert run_report(["merge", *shards, "--into", str(merged)]) == 0
    said = capsys.readouterr().out
    assert "unused  test_answers  in __snapshots__/test_parrot.chatkit" in said
    assert "test_greets" not in said
    report = json.loads((merged / "report.json").read_text())
    assert report["unused"] == [{"golden": "__snapshots__/test_parrot.chatkit", "name": "test_answers"}]
    assert "test_answers  in __snapshots__" in (merged / "summary.md").read_text()
    assert "<bdi>test_answers</bdi>" in (merged / "index.html").read_text()


def use(whole=True, **said):
    return {
        "whole": whole,
        **{name: {"g": said.get(name, [])} for name in ("used", "unused", "orphans", "waiting")},
    }


@pytest.mark.parametrize(
    ("records", "unused"),
    [
        ([use(unused=["a"], used=["b"])], ["a"]),
        ([use(unused=["a"]), use(used=["a"])], []),
        ([use(orphans=["a"]), use(orphans=["a"])], ["a"]),
        ([use(orphans=["a[new]"]), use(waiting=["a[new]"])], []),  # other parameters there
        ([use(unused=["a"]), use(waiting=["a"])], ["a"]),  # it ran on one of two workers
        ([use(waiting=["a"]), use(waiting=["a"])], []),
        ([use(whole=False, unused=["a"])], []),
    ],
)
def test_processes_know_it_together(records, unused):
    golden = GoldenUse()
    for record in records:
        golden.add(record)
    assert [each.name for each in golden.unused()] == unused


def test_other_extensions_leave_golden_files_alone(accepted):
    accepted.write("test_amber.py", "def test_amber(snapshot):\n    assert 1 == snapshot\n")
    accepted.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef chatkit_server():\n    raise OSError\n")
    accepted.run("--snapshot-update").assert_outcomes(passed=1, errors=2)
    assert names(accepted) == ["test_answers", "test_greets"]


def test_golden_files_of_tests_that_compare_nothing_any_more_are_unused(accepted):
    accepted.write("test_parrot.py", "def test_greets():\n    pass\n")
    result = accepted.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 snapshot unused.*"])


def test_an_unused_snapshot_that_cannot_be_deleted_is_told(one_less):
    one_less.golden.chmod(0o444)
    result = one_less.run("--snapshot-update")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["Unused snapshots were not deleted. *test_parrot.chatkit could not be written*"])
    assert names(one_less) == ["test_answers", "test_greets"]
