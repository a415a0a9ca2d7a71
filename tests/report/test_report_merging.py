"""Reports of one process or many: nothing is lost on the way, and what is missing is said."""

import json

import pytest
from report_world import ForgetfulServer, finding, judged, shop_turns, written

from chatkit_sim.errors import UsageError
from chatkit_sim.report import Summary
from chatkit_sim.report.command import run_report
from chatkit_sim.report.files import MADE, prepare
from chatkit_sim.report.making import make_report
from chatkit_sim.report.merging import collect, merge
from chatkit_sim.snapshots import Pending, PendingSnapshots


@pytest.fixture(scope="module")
def good():
    return shop_turns("Milk, please.", "And milk again.")


@pytest.fixture(scope="module")
def bad():
    return judged(ForgetfulServer, "Hello")


def test_failed_tests_come_first_then_warnings_then_the_rest(tmp_path, good, bad):
    tests = {
        "t.py::skipped": ("skipped", [], "not today"),
        "t.py::good": ("passed", good, ""),
        "t.py::bad": ("failed", bad, "It failed."),
        "t.py::error": ("error", [], "No server."),
    }
    collected = collect(written(tmp_path, tests))
    assert [test.record["test"] for test in collected.tests] == [
        f"t.py::{n}" for n in ("bad", "error", "good", "skipped")
    ]
    assert collected.outcomes == {"failed": 1, "error": 1, "passed": 1, "skipped": 1}
    assert collected.violations["failed"]["item-done-once"] == 1


def test_the_summary_is_that_of_all_tests(tmp_path, good, bad):
    written(tmp_path, {"t.py::one": ("passed", good, "")}, "gw0")
    written(tmp_path, {"t.py::two": ("failed", bad, "")}, "gw1")
    summary = collect(tmp_path).summary
    assert isinstance(summary, Summary)
    assert (summary.tests, summary.turns, summary.client_tools) == (2, 3, {"add": 2})


def test_a_turn_is_read_back_as_it_was_written(tmp_path, good):
    collected = collect(written(tmp_path, {"t.py::one": ("passed", good, "")}))
    first, second = [json.loads(line) for line in collected.tests[0].lines()]
    assert (first["index"], second["index"]) == (1, 2)
    assert second["chat"][0]["text"] == "And milk again."


def test_a_test_whose_process_died_is_unfinished(tmp_path, good):
    path = written(tmp_path, {"t.py::one": ("passed", good, "")}) / "records" / "main.jsonl"
    *lines, _test = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + b'{"kind":"turn","te')
    collected = collect(tmp_path)
    assert [(test.record["outcome"], len(test.turns)) for test in collected.tests] == [("unfinished", 2)]
    assert "main.jsonl, line 4 cannot be read" in collected.problems[0]


def test_one_test_that_ran_twice_has_two_links(tmp_path, good):
    written(tmp_path, {"t.py::one": ("failed", good, "")})
    written(tmp_path, {"t.py::one": ("passed", good, "")})
    ids = [test.id for test in collect(tmp_path).tests]
    assert ids[1] == f"{ids[0]}-2"


def test_shards_become_one_report(tmp_path, good, bad, capsys):
    first = written(tmp_path / "1" / "report", {"t.py::one": ("passed", good, "")})
    second = written(tmp_path / "2" / "report", {"t.py::two": ("failed", bad, "It failed.")})
    (second / "pending").mkdir()
    (second / "pending" / "a.json").write_text("{}")
    into = tmp_path / "merged"
    assert run_report(["merge", str(first), str(second), "--into", str(into)]) == 0
    assert "1 failed, 1 passed" in capsys.readouterr().out
    report = json.loads((into / "report.json").read_text())
    assert [test["test"] for test in report["tests"]] == ["t.py::two", "t.py::one"]
    assert len(report["runs"]) == 2
    assert "is no pending snapshot" in report["problems"][0]
    # A second time gives the same, also from the merged report itself.
    assert run_report(["merge", str(into), str(second), "--into", str(into)]) == 0
    assert len(json.loads((into / "report.json").read_text())["tests"]) == 2


def test_shards_that_saw_different_things_for_one_snapshot_are_told(tmp_path, good):
    shards = [written(tmp_path / name, {f"t.py::{name}": ("passed", good, "")}) for name in ("1", "2", "3")]
    for shard, new in zip(shards, ["Hello", "Hello", "Hi"], strict=True):
        PendingSnapshots(shard, tmp_path).add(Pending("a.chatkit", "a", "t.py::a", "t.py", int(shard.name), None, new))
    into = tmp_path / "merged"
    merge(shards, into)
    (problem,) = collect(into).problems
    assert "different things for the snapshot 'a' in a.chatkit" in problem
    assert [each.new for each in PendingSnapshots(into, tmp_path).all()] == ["Hello"]
    # What an earlier merge left is not that of other shards.
    merge([written(tmp_path / "4", {"t.py::4": ("passed", good, "")})], into)
    assert PendingSnapshots(into, tmp_path).all() == []


def test_a_bug_is_told_in_full_once(tmp_path):
    full, short = finding(test="def test_it(): ..."), finding(same_as="campaign-b")
    written(tmp_path, {"t.py::campaign-a": ("failed", [], short.text, short)}, "gw0")
    written(tmp_path, {"t.py::campaign-b": ("failed", [], full.text, full)}, "gw0")
    written(tmp_path, {"t.py::campaign-c": ("failed", [], full.text, full)}, "gw1")  # which knows nothing of the others
    tests = {test.record["test"][-1]: test.record for test in collect(tmp_path).tests}
    assert list(tests) == ["b", "a", "c"]
    assert [tests[name]["findings"][0]["same_as"] for name in "abc"] == ["campaign-b", "", "campaign-b"]
    assert [tests[name]["message"] for name in "abc"] == [short.text, full.text, short.text]


def test_the_schema_can_be_printed(capsys):
    assert run_report(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["format"]["description"] == "The version of this format."


def test_a_directory_without_a_report_is_refused(tmp_path, capsys):
    assert run_report(["merge", str(tmp_path), "--into", str(tmp_path / "merged")]) == 2
    assert "holds no report" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_a_directory_of_something_else_is_not_written_into(tmp_path, good):
    shard = written(tmp_path / "shard", {"t.py::one": ("passed", good, "")})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="is no report directory and not empty"):
        merge([shard], tmp_path / "photos")


def test_a_newer_report_is_refused(tmp_path, good):
    path = written(tmp_path, {"t.py::one": ("passed", good, "")}) / "records" / "main.jsonl"
    path.write_text(path.read_text().replace('"format":1', '"format":99'))
    with pytest.raises(UsageError, match="written by a newer chatkit-sim"):
        collect(tmp_path)


def test_a_run_clears_what_an_earlier_one_wrote_and_nothing_else(tmp_path, good):
    written(tmp_path, {"t.py::one": ("passed", good, "")})
    make_report(tmp_path)
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / "a.json").write_text("{}")
    prepare(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.json"]
    assert not any((tmp_path / name).exists() for name in MADE)


def test_a_directory_that_is_a_file_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(UsageError, match="Name another one with --chatkit-sim-report"):
        prepare(tmp_path / "report")
