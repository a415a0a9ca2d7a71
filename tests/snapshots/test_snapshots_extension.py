"""`assert turn == chatkit_snapshot`, with all that syrupy can do."""

import pathlib
import sys

import pytest

GOLDEN = """\
# chatkit-sim transcript 1
# name: test_answers

== turn 1

user
  | How are you?

new thread

assistant, streamed
  | How are you?\\x20

# name: test_greets

== turn 1

user
  | Hello

new thread

assistant, streamed
  | Hello\\x20

# end
"""


class TestWriting:
    def test_a_module_has_one_golden_file(self, project):
        result = project.run("--snapshot-update")
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["2 snapshots generated."])
        assert project.files() == ["__snapshots__/test_parrot.chatkit"]
        assert project.golden.read_text() == GOLDEN

    def test_every_run_writes_the_same(self, accepted):
        accepted.golden.unlink()
        accepted.run("--snapshot-update").assert_outcomes(passed=2)
        assert accepted.golden.read_text() == GOLDEN

    def test_or_each_test_has_one(self, project):
        project.write("pytest.ini", "[pytest]\nchatkit_snapshot_files = test")
        project.run("--snapshot-update").assert_outcomes(passed=2)
        names = ["__snapshots__/test_parrot/test_answers.chatkit", "__snapshots__/test_parrot/test_greets.chatkit"]
        assert project.files() == names
        project.run().assert_outcomes(passed=2)
        project.says(" again")
        project.run("-k", "greets").assert_outcomes(failed=1, deselected=1)

    def test_an_update_changes_what_differs_and_nothing_else(self, accepted):
        accepted.write("says.txt", " there")
        result = accepted.run("--snapshot-update", "-k", "greets")
        result.stdout.fnmatch_lines(["1 snapshot updated."])
        assert accepted.golden.read_text() == GOLDEN.replace("| Hello\\x20", "| Hello there\\x20")

    def test_new_snapshots_alone_can_be_written(self, accepted):
        accepted.says("!")
        accepted.write(
            "test_parrot.py", accepted.path.joinpath("test_parrot.py").read_text().replace("greets", "waves")
        )
        accepted.run("--snapshot-update-new-only", "--snapshot-no-cleanup").assert_outcomes(passed=1, failed=1)
        text = accepted.golden.read_text()
        assert "# name: test_waves" in text
        assert "| How are you?\\x20" in text

    def test_workers_write_to_one_file(self, project):
        # Bare events: a server would be imported by each worker.
        tests = "".join(
            f"def test_{number}(chatkit_snapshot):\n"
            f"    assert [ProgressUpdateEvent(text='{number}')] == chatkit_snapshot\n"
            for number in range(40)
        )
        project.write("conftest.py", "")
        project.write("test_parrot.py", f"from chatkit.types import ProgressUpdateEvent\n{tests}")
        project.run_apart("--snapshot-update", "-n", "2").assert_outcomes(passed=40)
        assert project.golden.read_text().count("# name: ") == 40
        assert project.files() == ["__snapshots__/test_parrot.chatkit"]


class TestComparing:
    def test_it_passes_again(self, accepted):
        result = accepted.run()
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["2 snapshots passed."])

    def test_a_mismatch_begins_at_the_first_difference(self, accepted):
        accepted.says(" Fine")
        result = accepted.run("-k", "answers")
        result.assert_outcomes(failed=1, deselected=1)
        result.stdout.fnmatch_lines(
            [
                "E*The first difference, in turn 1, line 9:",
                "E*-   | How are you?\\x20",
                "E*+   | How are you? Fine\\x20",
                "E*All of it is below, under 'snapshot difference'.",
                "*Captured snapshot difference call*",
                "@@ turn 1, line 9",
                "  assistant, streamed",
                "-   | How are you?\\x20",
                "+   | How are you? Fine\\x20",
                "Kept in *.chatkit-sim. Look at it with: chatkit-sim review   Accept it: pytest --snapshot-update",
            ]
        )

    @pytest.mark.parametrize("how", ["-vv", "CI"])
    def test_where_pytest_shows_all_of_it_so_does_the_assertion(self, accepted, monkeypatch, how):
        accepted.says(" Fine")
        if how == "CI":
            monkeypatch.setenv("CI", "true")
        result = accepted.run("-k", "answers", *([how] if how != "CI" else []))
        result.stdout.fnmatch_lines(["E*@@ turn 1, line 9", "E*assistant, streamed", "E*Kept in*"])
        result.stdout.no_fnmatch_line("*Captured snapshot difference*")

    def test_a_new_snapshot_fails_and_shows_what_was_seen(self, project):
        result = project.run("-k", "greets")
        result.assert_outcomes(failed=1, deselected=1)
        result.stdout.fnmatch_lines(["E*Snapshot 'test_greets' does not exist!", "+ user", "+   | Hello"])

    def test_names_number_and_tell_snapshots_apart(self, project):
        project.write(
            "test_parrot.py",
            "def test_it(chatkit_client, chatkit_snapshot):\n"
            "    turn = chatkit_client.send('Hello')\n"
            "    assert turn == chatkit_snapshot\n"
            "    assert turn.response == chatkit_snapshot\n"
            "    assert chatkit_client == chatkit_snapshot(name='the whole talk')\n",
        )
        project.run("--snapshot-update").assert_outcomes(passed=1)
        names = [line for line in project.golden.read_text().splitlines() if line.startswith("# name")]
        assert names == ["# name: test_it", "# name: test_it.1", "# name: test_it[the whole talk]"]
        project.run().assert_outcomes(passed=1)

    def test_matchers_and_filters_work(self, project):
        project.write(
            "test_parrot.py",
            "import itertools\n"
            "from syrupy.matchers import path_type\n"
            "from syrupy.filters import props\n"
            "from chatkit.types import ClientEffectEvent\n"
            "numbers = itertools.count()\n"
            "def test_it(chatkit_snapshot):\n"
            "    event = ClientEffectEvent(name='open', data={'order': id(object()), 'at': 'x'})\n"
            "    matcher = path_type({'data.order': (int,)})\n"
            "    assert [event] == chatkit_snapshot(matcher=matcher, exclude=props('at'))\n",
        )
        project.run("--snapshot-update").assert_outcomes(passed=1)
        assert "effect open\n  order: int\n" in project.golden.read_text()
        project.run().assert_outcomes(passed=1)

    def test_how_one_differs_from_another_can_be_a_snapshot(self, project):
        project.write(
            "test_parrot.py",
            "def test_it(chatkit_client, chatkit_snapshot):\n"
            "    first = chatkit_client.send('Hello').response\n"
            "    assert first == chatkit_snapshot(name='first')\n"
            "    assert chatkit_client.send('Bye').response == chatkit_snapshot(name='second', diff='first')\n",
        )
        project.run("--snapshot-update").assert_outcomes(passed=1)
        assert "@ line 2\n  assistant, streamed\n-   | Hello\\x20\n+   | Bye\\x20" in project.golden.read_text()
        project.run().assert_outcomes(passed=1)

    def test_an_existing_test_uses_the_extension(self, project):
        project.write(
            "test_parrot.py",
            "from chatkit_sim.snapshots import ThreadStreamSnapshotExtension\n"
            "def test_it(chatkit_client, snapshot):\n"
            "    assert chatkit_client.send('Hello') == snapshot.use_extension(ThreadStreamSnapshotExtension)\n"
            "    assert {'a': 1} == snapshot\n",
        )
        project.run("--snapshot-update").assert_outcomes(passed=1)
        assert project.files() == ["__snapshots__/test_parrot.ambr", "__snapshots__/test_parrot.chatkit"]
        project.run().assert_outcomes(passed=1)

    def test_a_project_redacts_what_it_must(self, project):
        own = (
            "\nfrom chatkit_sim.snapshots import ThreadStreamSnapshotExtension\n"
            "class Ours(ThreadStreamSnapshotExtension):\n"
            "    redact = ('*.text',)\n"
            "    detail = 'events'\n"
            "@pytest.fixture\n"
            "def chatkit_snapshot_extension():\n"
            "    return Ours\n"
        )
        project.write("conftest.py", project.path.joinpath("conftest.py").read_text() + own)
        project.run("--snapshot-update").assert_outcomes(passed=2)
        text = project.golden.read_text()
        assert "thread.item.done assistant" in text
        assert "| <redacted>" in text

    def test_what_is_no_transcript_is_refused(self, project):
        project.write("test_parrot.py", "def test_it(chatkit_snapshot):\n    assert 'a text' == chatkit_snapshot")
        result = project.run("--snapshot-update")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["E  *  A transcript is made of a turn*not of str*"])
        assert project.files() == []


class TestUnused:
    @pytest.fixture
    def one_less(self, accepted):
        accepted.write(
            "test_parrot.py", accepted.path.joinpath("test_parrot.py").read_text().split("def test_answers")[0]
        )
        return accepted

    def test_they_fail_the_run_and_are_named(self, one_less):
        result = one_less.run("--snapshot-details")
        result.stdout.fnmatch_lines(
            ["1 snapshot passed. 1 snapshot unused.", "Unused test_answers (*test_parrot.chatkit)"]
        )
        assert result.ret == 1

    def test_an_update_takes_them_out(self, one_less):
        one_less.run("--snapshot-update").stdout.fnmatch_lines(["1 snapshot passed. 1 unused snapshot deleted."])
        assert "test_answers" not in one_less.golden.read_text()
        assert "test_greets" in one_less.golden.read_text()

    def test_a_part_of_the_tests_uses_a_part_of_them(self, accepted):
        assert accepted.run("-k", "greets").ret == 0

    def test_the_file_goes_with_the_last_one(self, accepted):
        accepted.write("test_parrot.py", "def test_nothing(snapshot): assert 1 == snapshot")
        accepted.write(
            "test_other.py",
            "def test_it(chatkit_client, chatkit_snapshot): assert chatkit_client.send('Hi') == chatkit_snapshot",
        )
        accepted.run("--snapshot-update").assert_outcomes(passed=2)
        assert accepted.files() == ["__snapshots__/test_other.chatkit", "__snapshots__/test_parrot.ambr"]

    def test_golden_files_of_modules_that_did_not_run_stay(self, accepted):
        accepted.write("test_other.py", "def test_it(snapshot): assert 1 == snapshot")
        accepted.run("--snapshot-update", "test_other.py").assert_outcomes(passed=1)
        assert accepted.golden.read_text() == GOLDEN


class TestTheRealServer:
    def test_the_todo_list_is_pleasant_to_read(self, project, monkeypatch):
        responders = pathlib.Path(__file__).parents[2] / "fixtures" / "responders"
        monkeypatch.syspath_prepend(str(responders))
        project.write(
            "conftest.py",
            "import pytest\nfrom todo.server import TodoServer\n"
            "@pytest.fixture\ndef chatkit_server(chatkit_store): return TodoServer(chatkit_store)\n",
        )
        test = (responders / "todo" / "test_todo.py").read_text()
        test = (
            test.replace("chatkit_model):", "chatkit_model, chatkit_snapshot):")
            + "    assert turn == chatkit_snapshot\n"
        )
        project.write("test_parrot.py", test)
        project.run("--snapshot-update").assert_outcomes(passed=1)
        assert project.golden.read_text() == (
            "# chatkit-sim transcript 1\n# name: test_adds_an_item\n\n== turn 1\n\nuser\n  | Put milk on my list\n\n"
            'new thread\n\nclient tool add_to_todo_list\n  item: "milk"\n\n-- stream 2\n\n'
            'output of add_to_todo_list\n  added: "milk"\n\nassistant, streamed\n  | Added milk.\n\n# end\n'
        )
        project.run().assert_outcomes(passed=1)


def test_asking_for_snapshots_costs_nothing_before_one_is_compared():
    # The extension needs syrupy and pytest; reviewing does without both.
    import subprocess

    code = "import sys, chatkit_sim.snapshots; print(*{'syrupy', 'pytest', 'rich'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
