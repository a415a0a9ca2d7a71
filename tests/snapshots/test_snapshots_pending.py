"""What a run saw is kept until somebody has looked at it, and the golden files stay as they are."""

import json

import pytest

from chatkit_sim.snapshots import Pending, PendingSnapshots


def seen(project):
    return [json.loads(path.read_text()) for path in project.pending]


class TestARun:
    def test_keeps_what_differs_and_leaves_the_golden_file_alone(self, accepted):
        before = accepted.golden.read_text()
        accepted.says(" Fine")
        accepted.run("-k", "answers").assert_outcomes(failed=1, deselected=1)
        [pending] = seen(accepted)
        before_it = "== turn 1\n\nuser\n  | How are you?\n\nnew thread\n\nassistant, streamed"
        assert pending == {
            "format": 1,
            "golden": "__snapshots__/test_parrot.chatkit",
            "name": "test_answers",
            "test": "test_parrot.py::test_answers",
            "file": "test_parrot.py",
            "line": 6,
            "old": f"{before_it}\n  | How are you?\\x20",
            "new": f"{before_it}\n  | How are you? Fine\\x20",
        }
        assert accepted.golden.read_text() == before

    def test_keeps_new_ones_and_writes_nothing_else(self, project, monkeypatch):
        monkeypatch.setenv("CI", "true")
        project.run().assert_outcomes(failed=2)
        assert [pending["old"] for pending in seen(project)] == [None, None]
        assert [name for name in project.files() if not name.startswith(".chatkit-sim/pending/")] == [
            ".chatkit-sim/.gitignore"
        ]
        assert (project.path / ".chatkit-sim" / ".gitignore").read_text().endswith("\n*\n")

    @pytest.mark.parametrize("how", ["it agrees again", "it is updated"])
    def test_forgets_it_when(self, accepted, how):
        accepted.says(" Fine")
        accepted.run().assert_outcomes(failed=2)
        assert len(accepted.pending) == 2
        if how == "it is updated":
            accepted.run("--snapshot-update", "-k", "answers").assert_outcomes(passed=1, deselected=1)
        else:
            accepted.says("")
            accepted.run("-k", "answers").assert_outcomes(passed=1, deselected=1)
        assert [pending["name"] for pending in seen(accepted)] == ["test_greets"]

    def test_that_cannot_keep_it_says_so_in_its_own_failure(self, accepted):
        (accepted.path / ".chatkit-sim").write_text("in the way")
        accepted.says(" Fine")
        result = accepted.run("-k", "greets")
        result.assert_outcomes(failed=1, deselected=1)
        result.stdout.fnmatch_lines(
            ["What this run saw is kept nowhere (*.chatkit-sim). Accept it with: pytest --snapshot-update"]
        )


class TestBadInput:
    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda text: text[:40], "E  *  *test_parrot.chatkit was cut short*"),
            (
                lambda text: text.replace("  | Hello", "<<<<<<< HEAD\n  | Hello"),
                "E  *  *unfinished merge*",
            ),
            (
                lambda text: text.replace("transcript 1", "transcript 7"),
                "E  *  *of transcript version 7*",
            ),
        ],
        ids=["cut-short", "conflict", "newer"],
    )
    @pytest.mark.parametrize("update", [[], ["--snapshot-update"]], ids=["run", "update"])
    def test_a_damaged_golden_file_fails_its_tests_and_stays(self, accepted, damage, said, update):
        damaged = damage(accepted.golden.read_text())
        accepted.golden.write_text(damaged)
        result = accepted.run(*update)
        result.assert_outcomes(failed=2)
        result.stdout.fnmatch_lines([said])
        result.stdout.no_fnmatch_line("*Traceback*")
        assert accepted.golden.read_text() == damaged

    def test_a_file_edited_by_hand_shows_as_a_difference(self, accepted):
        accepted.golden.write_text(accepted.golden.read_text().replace("| Hello\n", "| Hallo\n"))
        accepted.run("-k", "greets").stdout.fnmatch_lines(["E*-   | Hallo", "E*+   | Hello"])

    def test_a_read_only_golden_file_fails_an_update_and_stays(self, accepted):
        before = accepted.golden.read_text()
        accepted.golden.chmod(0o444)
        accepted.says(" Fine")
        result = accepted.run("--snapshot-update")
        result.assert_outcomes(failed=2)
        result.stdout.fnmatch_lines(["E  *  *could not be written: it is read-only*"])
        assert accepted.golden.read_text() == before

    def test_two_tests_with_one_name(self, project):
        # syrupy before 7 warns of file names that it has cleaned itself.
        ignored = r"filterwarnings = ignore:\s*Can not relate:UserWarning"
        project.write("pytest.ini", f"[pytest]\nchatkit_snapshot_files = test\n{ignored}\n")
        project.write(
            "test_parrot.py",
            "import pytest\n"
            "@pytest.mark.parametrize('said', ['a:b', 'ab'])\n"
            "def test_it(chatkit_client, chatkit_snapshot, said):\n"
            "    assert chatkit_client.send(said) == chatkit_snapshot\n",
        )
        result = project.run("--snapshot-update")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["E  *  Two tests have one snapshot, 'test_it?ab?' in *"])

    def test_one_name_for_two_things_in_one_test(self, project):
        project.write(
            "test_parrot.py",
            "def test_it(chatkit_client, chatkit_snapshot):\n"
            "    assert chatkit_client.send('Hello') == chatkit_snapshot(name='x')\n"
            "    assert chatkit_client.send('Bye') == chatkit_snapshot(name='x')\n",
        )
        result = project.run("--snapshot-update")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E*compares two different things with one snapshot, 'test_it?x?'*"])


class TestTheStore:
    pending = Pending("__snapshots__/test_x.chatkit", "test_a", "test_x.py::test_a", "test_x.py", 3, None, "A")

    @pytest.fixture
    def store(self, tmp_path):
        (tmp_path / "test_x.py").write_text("")
        return PendingSnapshots(tmp_path / "report", tmp_path)

    def test_gives_back_what_it_was_given(self, store):
        store.add(self.pending)
        assert store.all() == [self.pending]

    def test_leaves_out_what_its_golden_file_has_by_now(self, store):
        store.add(self.pending)
        store.accept(self.pending)
        store.add(self.pending)
        assert store.all() == []

    def test_refuses_a_file_that_is_none(self, store):
        store.add(self.pending)
        [path] = (store.directory / "pending").iterdir()
        path.write_text("{")
        with pytest.raises(Exception, match="is no pending snapshot"):
            store.all()

    def test_a_newer_one_asks_for_an_upgrade(self, store):
        store.add(self.pending)
        [path] = (store.directory / "pending").iterdir()
        path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
        with pytest.raises(Exception, match="newer chatkit-sim"):
            store.all()

    @pytest.mark.parametrize("golden", ["/etc/x.chatkit", "../x.chatkit", "a/../../x.chatkit", "conftest.py"])
    def test_accepts_nothing_outside_of_the_project(self, store, golden):
        bad = Pending(golden, "test_a", "test_x.py::test_a", "test_x.py", 3, None, "A")
        with pytest.raises(Exception, match="is no golden file within"):
            store.accept(bad)

    def test_accepts_nothing_in_another_project(self, store):
        bad = Pending("__snapshots__/test_x.chatkit", "test_a", "t.py::test_a", "t.py", 3, None, "A")
        with pytest.raises(Exception, match="review from the root directory"):
            store.accept(bad)
