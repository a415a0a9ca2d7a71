"""The snapshots of a report directory that wait to be reviewed."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ..errors import UsageError
from ..snapshots import PendingSnapshots
from .records import ChangeRecord


def pending_changes(directory: Path, root: Path | None = None) -> tuple[list[ChangeRecord], list[str]]:
    """What is pending, and why some of it could not be read.

    Args:
        directory: The report directory.
        root: The root directory of the project; the present one by default.
    """
    root = root or Path.cwd()
    try:
        pending = PendingSnapshots(directory, root).all()
    except UsageError as error:
        return [], [str(error)]
    where = _as_typed(directory, root)
    changes = [
        ChangeRecord(
            golden=each.golden,
            name=each.name,
            test=each.test,
            place=each.place,
            old=each.old,
            new=each.new,
            accept=shlex.join(["chatkit-sim", "review", where, "--accept", each.test]),
        )
        for each in pending
    ]
    return changes, []


def _as_typed(directory: Path, root: Path) -> str:
    """The directory as one would type it in the project's root directory."""
    try:
        return os.fspath(directory.resolve().relative_to(root.resolve()))
    except ValueError:
        return os.fspath(directory)
