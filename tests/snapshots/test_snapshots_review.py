"""`chatkit-sim review`: by pattern, and in a real pseudo-terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from chatkit_sim.snapshots import Pending, PendingSnapshots, run_review
from chatkit_sim.snapshots.golden import read_golden, write_golden

GOLDEN = "tests/__snapshots__/test_x.chatkit"
OTHER = "tests/__snapshots__/test_y.chatkit"


def told(said):
    return f"== turn 1\n\nuser\n  | Hello\n\nassistant, streamed\n  | {said}"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project in which three snapshots differ, one of them new."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    for name in ("test_x.py", "test_y.py"):
        (tmp_path / "tests" / name).write_text("")
    write_golden(tmp_path / GOLDEN, {"test_a": told("Hi"), "test_b": told("Hi"), "test_same": told("Hi")})
    store = PendingSnapshots(tmp_path / ".chatkit-sim", tmp_path)
    store.add(Pending(GOLDEN, "test_a", "tests/test_x.py::test_a", "tests/test_x.py", 7, told("Hi"), told("Good day")))
    store.add(Pending(GOLDEN, "test_b", "tests/test_x.py::test_b", "tests/test_x.py", 9, told("Hi"), told("Servus")))
    store.add(Pending(OTHER, "test_new", "tests/test_y.py::test_new", "tests/test_y.py", 3, None, told("Ahoy")))
    return tmp_path


def pending(root):
    return [each.name for each in PendingSnapshots(root / ".chatkit-sim", root).all()]


def said_in(root, name, golden=GOLDEN):
    text = read_golden(root / golden).get(name)
    return text if text is None else text.rpartition("| ")[2]


class TestWithoutQuestions:
    def test_lists_what_is_pending(self, root, capsys):
        assert run_review(["--list"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "tests/test_x.py:7  tests/test_x.py::test_a  (1 lines go and 1 come)",
            "    test_a in tests/__snapshots__/test_x.chatkit",
            "tests/test_x.py:9  tests/test_x.py::test_b  (1 lines go and 1 come)",
            "    test_b in tests/__snapshots__/test_x.chatkit",
            "tests/test_y.py:3  tests/test_y.py::test_new  (new)",
            "    test_new in tests/__snapshots__/test_y.chatkit",
            "3 snapshots pending. Review: chatkit-sim review",
        ]

    def test_check_fails_while_something_is_pending(self, root):
        assert run_review(["--check"]) == 1
        assert run_review(["--accept", "*"]) == 0
        assert run_review(["--check"]) == 0

    @pytest.mark.parametrize(
        ("pattern", "left"),
        [
            ("tests/test_x.py::test_a", ["test_b", "test_new"]),
            ("test_new", ["test_a", "test_b"]),
            ("*test_x.chatkit", ["test_new"]),
            ("test_[ab]", ["test_new"]),
            ("*", []),
        ],
    )
    def test_accepts_by_pattern(self, root, pattern, left, capsys):
        assert run_review(["--accept", pattern]) == 0
        assert pending(root) == left
        assert capsys.readouterr().out.count("accepted") == 3 - len(left)
        assert said_in(root, "test_same") == "Hi"

    def test_writes_what_was_seen(self, root):
        run_review(["--accept", "test_a", "--accept", "test_new", "--reject", "test_b"])
        assert (said_in(root, "test_a"), said_in(root, "test_b")) == ("Good day", "Hi")
        assert said_in(root, "test_new", OTHER) == "Ahoy"
        assert pending(root) == []

    def test_a_pattern_without_a_match_does_nothing(self, root, capsys):
        assert run_review(["--accept", "test_a", "--accept", "nonsense"]) == 2
        assert "Nothing pending is like 'nonsense'. 3 snapshots pending." in capsys.readouterr().err
        assert said_in(root, "test_a") == "Hi"

    def test_accepting_and_rejecting_the_same_does_nothing(self, root, capsys):
        assert run_review(["--accept", "*", "--reject", "test_a"]) == 2
        assert "would be accepted and rejected" in capsys.readouterr().err
        assert len(pending(root)) == 3

    def test_what_has_changed_since_is_not_overwritten(self, root, capsys):
        write_golden(root / GOLDEN, {"test_a": told("Something else")})
        assert run_review(["--accept", "test_x"]) == 1
        assert "has changed since tests/test_x.py::test_a ran" in capsys.readouterr().err
        assert pending(root) == ["test_a", "test_new"], "the others were accepted"
        assert said_in(root, "test_a") == "Something else"

    def test_a_directory_from_elsewhere_is_reviewed_in_the_project(self, root, tmp_path_factory, capsys):
        brought = tmp_path_factory.mktemp("artefact")
        (root / ".chatkit-sim").rename(brought / ".chatkit-sim")
        for directory in (brought, brought / ".chatkit-sim", brought / ".chatkit-sim" / "pending"):
            assert run_review([str(directory), "--check"]) == 1
        assert run_review([str(brought), "--accept", "test_a"]) == 0
        assert said_in(root, "test_a") == "Good day"

    def test_a_directory_that_is_not_there(self, root, capsys):
        assert run_review(["nowhere", "--list"]) == 2
        assert "There is no directory nowhere" in capsys.readouterr().err

    def test_nothing_pending(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert run_review([]) == 0
        assert run_review(["--check"]) == 0
        assert capsys.readouterr().out == "Nothing is pending.\n" * 2

    def test_without_a_terminal_says_what_to_do(self, root, capsys):
        assert run_review([]) == 2
        error = capsys.readouterr().err
        assert "There is no terminal here" in error
        assert "--accept PATTERN" in error
        assert len(pending(root)) == 3


class Terminal:
    """A review in a pseudo-terminal of its own, as a person sees it."""

    def __init__(self, root, width):
        # The terminal becomes that of the new session by being opened in it, so that Ctrl-C reaches the process; where
        # the tests run in the background, it would be ignored all the same.
        code = (
            "import os, signal, sys; os.close(os.open(os.ttyname(0), os.O_RDWR));"
            "signal.signal(signal.SIGINT, signal.default_int_handler);"
            "from chatkit_sim.snapshots import run_review; sys.exit(run_review([]))"
        )
        environment = {**os.environ, "COLUMNS": str(width), "LINES": "50", "TERM": "xterm"}
        self._file, end = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=root,
            env=environment,
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self._bytes, self.screen = b"", ""

    def until(self, text, seconds=60):
        """Read until a text stands on the screen; returns what came."""
        begin, deadline = len(self.screen), time.monotonic() + seconds
        while text not in self.screen[begin:]:
            assert time.monotonic() < deadline, f"{text!r} did not come; the screen says:\n{self.screen[begin:]}"
            ready, _, _ = select.select([self._file], [], [], 0.1)
            if ready:
                try:
                    new = os.read(self._file, 65536)
                except OSError:
                    new = b""  # the child is gone
                assert new, f"it ended before {text!r} came:\n{self.screen[begin:]}"
                self._bytes += new
                # What came last may be half of a character or of a colour.
                shown = self._bytes.decode(errors="ignore").replace("\r\n", "\n")
                self.screen = re.sub("\x1b\\[[0-9;]*m", "", shown)
        return self.screen[begin:]

    def press(self, key, until="\n> "):
        os.write(self._file, f"{key}\n".encode())
        return self.until(until)

    def end(self):
        code = self._process.wait(60)
        os.close(self._file)
        return code

    def kill(self):
        self._process.kill()
        self.end()


@pytest.fixture
def review(root):
    return lambda width=140: Terminal(root, width)


class TestInATerminal:
    def test_shows_the_conversation_before_and_after_and_the_difference(self, root, review):
        terminal = review()
        screen = terminal.until("\n> ")
        assert "1 of 3  tests/test_x.py::test_a" in screen
        assert "tests/test_x.py:7   test_a   tests/__snapshots__/test_x.chatkit" in screen
        assert re.search(r"before .*after ", screen)
        assert re.search(r"\| Hi .*\| Good day", screen), "side by side"
        assert "the difference\n@ turn 1, line 7\n  assistant, streamed\n-   | Hi\n+   | Good day\n" in screen
        terminal.press("q", until="0 accepted, 0 rejected, 0 skipped; 3 still pending")
        assert terminal.end() == 0
        assert len(pending(root)) == 3

    def test_a_narrow_one_shows_them_below_each_other(self, review):
        terminal = review(width=60)
        screen = terminal.until("\n> ")
        assert screen.index("before") < screen.index("| Hi") < screen.index("after") < screen.index("| Good day")
        terminal.kill()

    def test_accept_reject_skip(self, root, review):
        terminal = review()
        terminal.until("\n> ")
        assert "2 of 3  tests/test_x.py::test_b" in terminal.press("a")
        assert said_in(root, "test_a") == "Good day", "at once"
        screen = terminal.press("r")
        assert "3 of 3  tests/test_y.py::test_new" in screen
        assert "a new snapshot" in screen
        assert "1 accepted, 1 rejected, 1 skipped; 1 still pending" in terminal.press("s", until="still pending")
        assert terminal.end() == 0
        assert (said_in(root, "test_a"), said_in(root, "test_b")) == ("Good day", "Hi")
        assert pending(root) == ["test_new"]

    def test_accept_all_in_this_file(self, root, review):
        terminal = review()
        terminal.until("\n> ")
        assert "3 of 3  tests/test_y.py::test_new" in terminal.press("f")
        assert (said_in(root, "test_a"), said_in(root, "test_b")) == ("Good day", "Servus")
        terminal.press("a", until="3 accepted, 0 rejected, 0 skipped; 0 still pending")
        assert terminal.end() == 0
        assert said_in(root, "test_new", OTHER) == "Ahoy"

    def test_undo(self, root, review):
        before = (root / GOLDEN).read_text()
        terminal = review()
        terminal.until("\n> ")
        terminal.press("f")
        assert "There is nothing" not in terminal.press("u")
        assert (root / GOLDEN).read_text() == before
        assert len(pending(root)) == 3
        assert "There is nothing to undo." in terminal.press("u")
        terminal.press("r")
        assert "1 of 3" in terminal.press("u")
        terminal.press("q", until="3 still pending")
        assert terminal.end() == 0

    def test_undo_of_a_new_one_takes_its_golden_file_away(self, root, review):
        run_review(["--reject", "test_x"])
        write_golden(root / OTHER, {"test_other": "A"})
        terminal = review()
        terminal.until("\n> ")
        terminal.press("a", until="still pending")
        terminal.end()
        store = PendingSnapshots(root / ".chatkit-sim", root)
        store.restore(Pending(OTHER, "test_new", "tests/test_y.py::test_new", "tests/test_y.py", 3, None, told("Ahoy")))
        assert dict(read_golden(root / OTHER)) == {"test_other": "A"}
        assert pending(root) == ["test_new"]

    def test_nothing_is_lost_when_it_is_killed_half_way(self, root, review):
        terminal = review()
        terminal.until("\n> ")
        terminal.press("a")
        terminal.kill()
        assert said_in(root, "test_a") == "Good day"
        assert pending(root) == ["test_b", "test_new"]

    @pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
    def test_interrupting_it_is_quitting(self, root, review, key):
        terminal = review()
        terminal.until("\n> ")
        os.write(terminal._file, key.encode())
        terminal.until("3 still pending")
        assert terminal.end() == 0

    def test_a_wrong_key_is_asked_again(self, review):
        terminal = review()
        terminal.until("\n> ")
        assert "One of the letters above, and Enter." in terminal.press("x")
        terminal.kill()

    def test_what_cannot_be_accepted_says_why_and_stays(self, root, review):
        (root / GOLDEN).write_text("nonsense")
        terminal = review()
        terminal.until("\n> ")
        assert "That could not be done: " in terminal.press("a")
        terminal.kill()
        assert (root / GOLDEN).read_text() == "nonsense"

    def test_what_a_directory_from_elsewhere_holds_does_not_reach_the_terminal(self, root, review):
        nasty = Pending(
            GOLDEN, "\x1b]0;own\x07", "\x1b[2Jt", "tests/test_x.py", 1, None, "\x1b[31m[red]red[/red]\x1b[2J"
        )
        PendingSnapshots(root / ".chatkit-sim", root).add(nasty)
        terminal = review()
        screen = terminal.until("\n> ")
        assert "\\x1b[31m[red]red[/red]\\x1b[2J" in screen
        assert "\x1b" not in screen
        terminal.kill()

    def test_a_long_conversation_is_shown_around_the_change_and_whole_when_asked_for(self, root, review):
        entries = "".join(f"\n\nassistant\n  | line {number}" for number in range(100))
        run_review(["--reject", "*"])
        write_golden(root / GOLDEN, {"test_a": told("Hi") + entries})
        new = Pending(GOLDEN, "test_a", "tests/test_x.py::test_a", "tests/test_x.py", 7, told("Hi") + entries,
                      told("Hi") + entries.replace("line 50", "line fifty"))  # fmt: skip
        PendingSnapshots(root / ".chatkit-sim", root).add(new)
        terminal = review(width=80)
        screen = terminal.until("\n> ")
        assert "line 50" in screen
        assert "lines above" in screen
        assert "line 99" not in screen
        whole = terminal.press("v")
        assert "line 99" in whole
        assert "line 0" in whole
        terminal.kill()
