"""The snapshot fixture: `assert turn == chatkit_snapshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from chatkit_sim.snapshots.extension import TranscriptSnapshots

FILES = ("module", "test")


def add_snapshot_options(parser: pytest.Parser) -> None:
    """Declare the options of snapshots."""
    parser.addini(
        "chatkit_snapshot_files",
        "Golden files of chatkit_snapshot: one for each test `module`, or one for each `test`",
        default="module",
    )


@pytest.fixture
def chatkit_snapshot_extension(request: pytest.FixtureRequest) -> type[TranscriptSnapshots]:
    """The syrupy extension of `chatkit_snapshot`. Override it with a subclass that redacts what your project must."""
    from chatkit_sim.snapshots.extension import OneFilePerTestExtension, ThreadStreamSnapshotExtension

    files = request.config.getini("chatkit_snapshot_files")
    if files not in FILES:
        raise pytest.UsageError(f"The ini option chatkit_snapshot_files is {files!r}; it can be {' or '.join(FILES)}.")
    return ThreadStreamSnapshotExtension if files == "module" else OneFilePerTestExtension


@pytest.fixture
def chatkit_snapshot(
    snapshot: SnapshotAssertion, chatkit_snapshot_extension: type[TranscriptSnapshots]
) -> SnapshotAssertion:
    """Compares a turn, a client or events with the transcript that was accepted: `assert turn == chatkit_snapshot`.

    It is syrupy's `snapshot` with an extension of its own: `--snapshot-update`, names and matchers work as there.
    """
    return snapshot.use_extension(chatkit_snapshot_extension)
