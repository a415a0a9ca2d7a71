"""Snapshots of streams that a person can review: golden files, what is pending, and the syrupy extension.

The extension needs syrupy and pytest; it is imported when it is first used, so that reviewing does without them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .golden import SnapshotFileError
from .pending import Pending, PendingSnapshots
from .review import run_review

if TYPE_CHECKING:
    from .extension import OneFilePerTestExtension as OneFilePerTestExtension
    from .extension import ThreadStreamSnapshotExtension as ThreadStreamSnapshotExtension

__all__ = [
    "OneFilePerTestExtension",
    "Pending",
    "PendingSnapshots",
    "SnapshotFileError",
    "ThreadStreamSnapshotExtension",
    "run_review",
]


def __getattr__(name: str) -> Any:
    if name in ("OneFilePerTestExtension", "ThreadStreamSnapshotExtension"):
        return getattr(importlib.import_module(".extension", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
