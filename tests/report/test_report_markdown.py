"""summary.md: short, folded, and safe on a page of somebody else's."""

import re

import pytest
from report_world import ForgetfulServer, judged, shop_turns, written

from chatkit_sim.report.markdown import markdown
from chatkit_sim.report.merging import collect
from chatkit_sim.report.records import ChangeRecord


@pytest.fixture(scope="module")
def bad():
    return judged(ForgetfulServer, "Hello")


def change(old, new, test="t.py::test_x"):
    return ChangeRecord(golden="a.chatkit", name="x", test=test, place="t.py:3", old=old, new=new, accept="accept")


def test_a_failure_is_a_line_that_unfolds(tmp_path, bad):
    text = markdown(collect(written(tmp_path, {"t.py::bad": ("failed", bad, "The message.")})), [])
    assert text.startswith("## chatkit-sim: 1 failed\n")
    head = "<details><summary>failed: <code>t.py::bad</code> (item-done-once turn 1, stream 1, event 5"
    assert head in text
    assert "```text\nThe message.\n```" in text


def test_a_run_where_all_is_well_is_short(tmp_path):
    turns = shop_turns("Milk, please.")
    text = markdown(collect(written(tmp_path, {"t.py::good": ("passed", turns, "")})), [])
    assert text.startswith("## chatkit-sim: 1 passed\n")
    assert text.count("<details>") == 1
    assert "client tools  add 1" in text


def test_snapshots_are_shown_as_differences(tmp_path):
    old = "\n".join(["user", "  | Hello", "", "assistant", "  | Hi."])
    collected = collect(written(tmp_path, {"t.py::x": ("failed", [], "")}))
    text = markdown(collected, [change(old, old.replace("Hi.", "Hello!")), change(None, "user", "t.py::new")])
    assert "; 2 snapshots to review" in text.splitlines()[0]
    assert "-   | Hi.\n+   | Hello!\n```" in text
    assert "<code>t.py::new</code> (new)" in text


def test_nothing_in_it_can_break_out_of_its_place(tmp_path):
    attack = "```\n</details><script>alert(1)</script> @everyone\n````"
    collected = collect(written(tmp_path, {f"t.py::x[{attack}]": ("failed", [], attack)}))
    text = markdown(collected, [change(None, attack)])
    head = re.search(r"<summary>(.*?)</summary>", text, re.S)[1]
    assert "<script>" not in head
    for body in re.findall(r"^(`{5,})(?:text|diff)\n.*?^\1$", text, re.S | re.M):
        assert len(body) == 5
    outside = re.sub(r"^(`{3,})(?:text|diff)\n.*?^\1$", "", text, flags=re.S | re.M)
    assert "<script>" not in outside
    assert "alert" in text


def test_long_messages_and_many_failures_are_cut_with_a_word(tmp_path):
    long = "\n".join(f"line {number}" for number in range(1000))
    tests = {f"t.py::x{number}": ("failed", [], long) for number in range(50)}
    text = markdown(collect(written(tmp_path, tests)), [])
    assert "… 940 more lines" in text
    assert "and 30 more that did not pass" in text
    assert len(text) < 100_000
