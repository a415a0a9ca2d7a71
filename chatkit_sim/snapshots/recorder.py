"""Where a run keeps pending snapshots, and what its options say of snapshots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .pending import DEFAULT_DIRECTORY, PendingSnapshots


def expected_directory(config: pytest.Config) -> Path:
    """The report directory: that of ``--chatkit-sim-report``, else ``.chatkit-sim`` in the root directory."""
    given = config.getoption("--chatkit-sim-report", default=None)
    return config.invocation_params.dir / str(given) if given else config.rootpath / DEFAULT_DIRECTORY


def pending_in(config: pytest.Config) -> PendingSnapshots:
    """The pending snapshots of a run."""
    return PendingSnapshots(expected_directory(config), config.rootpath)


def updating(config: pytest.Config, *, new: bool) -> bool:
    """Whether the run writes a snapshot that differs into its golden file.

    Args:
        config: The run's.
        new: Whether the golden file has none of this name yet.
    """
    if config.getoption("update_snapshots", default=False):
        return True
    return new and bool(config.getoption("update_new_snapshots_only", default=False))


def shows_everything(config: pytest.Config) -> bool:
    """Whether pytest shows the explanation of a failed assertion uncut."""
    verbose = config.get_verbosity(pytest.Config.VERBOSITY_ASSERTIONS) >= 2
    return verbose or any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
