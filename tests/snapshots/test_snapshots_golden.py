"""Golden files: whatever happens to one, no transcript in it is lost without a word."""

import contextlib
import os
import resource
import stat

import pytest

from chatkit_sim.snapshots.golden import SnapshotFileError, names_in, read_golden, write_golden

TWO = "# chatkit-sim transcript 1\n# name: test_a\n\nassistant\n  | A\n\n# name: test_b\n\nassistant\n  | B\n\n# end\n"
A, B = "assistant\n  | A", "assistant\n  | B"

CONFLICT = "<<<<<<< HEAD\n  | A\n=======\n  | C\n>>>>>>> theirs"
DAMAGE = {
    "empty": (lambda text: "", "does not begin with '# chatkit-sim transcript 1' but with ''"),
    "no-head": (lambda text: text[20:], "does not begin with"),
    "cut-short": (lambda text: text[:60], "was cut short: its last line is not '# end'"),
    "newer": (
        lambda text: text.replace("transcript 1", "transcript 2"),
        "is of transcript version 2, and this chatkit-sim reads up to 1. Upgrade it: pip install --upgrade chatkit-sim",
    ),
    "conflict": (lambda text: text.replace("  | A", CONFLICT), "test_x.chatkit:5 is the mark of an unfinished merge"),
    "twice": (lambda text: text.replace("test_b", "test_a"), "holds the snapshot 'test_a' twice, in lines 2 and 7"),
    "comment": (
        lambda text: text.replace("# name: test_a", "# a note"),
        "test_x.chatkit:2 is no line of a transcript: '# a note'",
    ),
    "before-the-first": (
        lambda text: text.replace("# name: test_a", "a note"),
        "test_x.chatkit:2 is no line of a transcript: 'a note'",
    ),
}


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / "__snapshots__" / "test_x.chatkit"
    path.parent.mkdir()
    path.write_text(TWO)
    return path


@contextlib.contextmanager
def full_disk(room):
    """No file may grow beyond so many bytes: a write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestReading:
    def test_what_was_written_is_read(self, golden):
        assert read_golden(golden) == {"test_a": A, "test_b": B}

    def test_no_file_holds_nothing(self, tmp_path):
        assert read_golden(tmp_path / "test_x.chatkit") == {}

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\n", "\r\n"),
            lambda text: "\ufeff" + text,
            lambda text: text.rstrip("\n"),
            lambda text: text + "\n",
            lambda text: text.replace("transcript 1", "transcript 0"),
        ],
        ids=["CRLF", "byte-order-mark", "no-last-newline", "one-more-newline", "older-version"],
    )
    def test_what_editors_and_git_do_to_files_is_harmless(self, golden, change):
        golden.write_bytes(change(TWO).encode())
        assert read_golden(golden) == {"test_a": A, "test_b": B}

    @pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE)
    def test_a_damaged_file_says_what_is_wrong_and_stays_as_it_is(self, golden, change, message):
        damaged = change(TWO)
        golden.write_text(damaged)
        with pytest.raises(SnapshotFileError) as read:
            read_golden(golden)
        assert message in str(read.value)
        assert str(golden) in str(read.value)
        with pytest.raises(SnapshotFileError):
            write_golden(golden, {"test_c": "C"})
        assert golden.read_text() == damaged

    def test_what_is_no_text_is_refused(self, golden):
        golden.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(SnapshotFileError, match=r"no text in UTF-8.*Restore it from version control"):
            read_golden(golden)

    def test_the_names_of_a_damaged_file_are_known(self, golden):
        golden.write_text(TWO[:-10])
        assert names_in(golden) == ["test_a", "test_b"]


class TestWriting:
    def test_the_others_stay(self, golden):
        write_golden(golden, {"test_b": "assistant\n  | C", "test_10": "X", "test_9": "Y"})
        assert list(read_golden(golden)) == ["test_9", "test_10", "test_a", "test_b"]
        assert read_golden(golden)["test_a"] == A

    def test_an_order_can_be_given(self, golden):
        write_golden(golden, {"test_c": "C"}, {"test_c": 0, "test_b": 1})
        assert list(read_golden(golden)) == ["test_c", "test_b", "test_a"]

    def test_the_file_goes_with_the_last(self, golden):
        write_golden(golden, {"test_a": None})
        assert list(read_golden(golden)) == ["test_b"]
        write_golden(golden, {"test_b": None})
        assert not golden.exists()

    @pytest.mark.parametrize(
        "name", ["test[a b]", "test[é]", "test[\n# end]", "test[\\n]", "test[日本\\]", "T.test_x[# name: y]"]
    )
    def test_any_name_comes_back(self, golden, name):
        write_golden(golden, {name: "text"})
        assert set(read_golden(golden)) == {"test_a", "test_b", name}

    def test_a_full_disk_leaves_the_old_file(self, golden):
        with (
            full_disk(room=200),
            pytest.raises(SnapshotFileError, match=r"could not be written: .*The file is as it was"),
        ):
            write_golden(golden, {"test_c": "long " * 500})
        assert golden.read_text() == TWO
        assert os.listdir(golden.parent) == ["test_x.chatkit"], "nothing is left beside it"

    def test_a_read_only_file_is_not_replaced(self, golden):
        golden.chmod(0o444)
        with pytest.raises(SnapshotFileError, match="could not be written: it is read-only"):
            write_golden(golden, {"test_c": "C"})
        assert golden.read_text() == TWO

    def test_permissions_stay(self, golden):
        golden.chmod(0o640)
        write_golden(golden, {"test_c": "C"})
        assert stat.S_IMODE(golden.stat().st_mode) == 0o640

    def test_quick_writes_of_one_size_are_all_seen(self, golden):
        for number in range(50):
            write_golden(golden, {"test_a": f"{number:03}"})
            assert read_golden(golden)["test_a"] == f"{number:03}"
