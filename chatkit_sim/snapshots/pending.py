"""Pending snapshots: what a run saw in place of a golden file's text, kept until somebody has looked at it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from ..errors import UsageError
from .golden import SUFFIX, SnapshotFileError, read_golden, write_golden, write_whole

DEFAULT_DIRECTORY = ".chatkit-sim"
"""Where a run keeps what it saw, relative to its root directory."""

_FORMAT = 1


@dataclass(frozen=True)
class Pending:
    """A snapshot that is not, or not like this, in its golden file.

    Attributes:
        golden: The golden file, relative to the root directory of the run, with slashes.
        name: The name of the snapshot in it.
        test: The node id of the test.
        file: The test's file, relative to the root directory, with slashes.
        line: The line of the assertion in it, from 1; 0 when it is not known.
        old: The transcript in the golden file; ``None`` for a new snapshot.
        new: The transcript of the run.
    """

    golden: str
    name: str
    test: str
    file: str
    line: int
    old: str | None
    new: str

    @property
    def key(self) -> str:
        """What tells it from all others: a run that sees it again replaces it."""
        return hashlib.sha256(f"{self.golden}\0{self.name}".encode()).hexdigest()[:16]

    @property
    def place(self) -> str:
        """The test's file and line, as editors understand it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class PendingSnapshots:
    """The pending snapshots of a report directory, one file each.

    Args:
        directory: The report directory; it need not exist.
        root: Where golden files are looked for when one is accepted: the root directory of the project.
    """

    def __init__(self, directory: Path, root: Path | None = None) -> None:
        self.directory = directory
        self._root = root or Path.cwd()
        self._folder = directory / "pending"

    def all(self) -> list[Pending]:
        """Every pending snapshot, by golden file and name; those apart that their golden file has by now.

        Raises:
            UsageError: A file in the directory is no pending snapshot, or of a newer version.
        """
        found = [_read(path) for path in sorted(self._folder.glob("*.json"))] if self._folder.is_dir() else []
        found = [each for each in found if not self._accepted(each)]
        return sorted(found, key=lambda each: (each.golden, each.test, each.line, each.name))

    def add(self, pending: Pending) -> None:
        """Keep a snapshot until it is reviewed.

        Raises:
            OSError: It could not be written.
        """
        if self.directory.name == DEFAULT_DIRECTORY and not (self.directory / ".gitignore").exists():
            write_whole(self.directory / ".gitignore", "# Written by chatkit-sim.\n*\n")
        text = json.dumps({"format": _FORMAT, **asdict(pending)}, ensure_ascii=False, indent=1)
        write_whole(self._path(pending), text + "\n")

    def drop(self, pending: Pending) -> None:
        """Forget a snapshot; the golden file stays as it is."""
        self._path(pending).unlink(missing_ok=True)

    def accept(self, pending: Pending) -> None:
        """Put a snapshot into its golden file, then forget it.

        Raises:
            SnapshotFileError: The golden file is damaged or cannot be written.
            UsageError: It does not belong here, or the golden file has changed since the run.
        """
        golden = self.golden_path(pending)
        now = read_golden(golden).get(pending.name)
        if now not in (pending.old, pending.new):
            raise UsageError(
                f"{pending.golden} has changed since {pending.test} ran: run the tests again, then review what "
                "they saw."
            )
        write_golden(golden, {pending.name: pending.new})
        self.drop(pending)

    def restore(self, pending: Pending) -> None:
        """Undo ``accept`` or ``drop``: the golden file is as before, and the snapshot pending again.

        Raises:
            SnapshotFileError: The golden file is damaged or cannot be written.
            OSError: The pending snapshot could not be written.
        """
        self.add(pending)
        golden = self.golden_path(pending)
        if read_golden(golden).get(pending.name) == pending.new:
            write_golden(golden, {pending.name: pending.old})

    def golden_path(self, pending: Pending) -> Path:
        """Where the golden file is.

        Raises:
            UsageError: It would be outside of the root directory, or the test's file is not there.
        """
        relative = PurePosixPath(pending.golden)
        if relative.is_absolute() or ".." in relative.parts or relative.suffix != f".{SUFFIX}":
            raise UsageError(f"{pending.golden!r} is no golden file within {self._root}; it is not written.")
        if not (self._root / pending.file).is_file():
            raise UsageError(
                f"{pending.file} is not in {self._root}: review from the root directory of the project that ran "
                "the tests."
            )
        return self._root / relative

    def _accepted(self, pending: Pending) -> bool:
        try:
            return read_golden(self._root / pending.golden).get(pending.name) == pending.new
        except SnapshotFileError:
            return False  # told when it is accepted

    def _path(self, pending: Pending) -> Path:
        return self._folder / f"{pending.key}.json"


def _read(path: Path) -> Pending:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") > _FORMAT:
            raise UsageError(
                f"{path} was written by a newer chatkit-sim; upgrade it: pip install --upgrade chatkit-sim"
            )
        return Pending(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no pending snapshot ({error}); delete it and run the tests again.") from error
