"""One writer at a time, over processes: the workers of pytest-xdist write to the same golden files."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ChatKitSimError

_PATIENCE = 60.0  # seconds
_STALE = 120.0  # seconds after which a lock is taken for one that a killed process left behind


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is to be read, changed and written.

    The lock stands in the directory for temporary files, not beside the golden file, where git and syrupy see it.

    Raises:
        ChatKitSimError: Another process did not let go of it within a minute.
    """
    digest = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]
    lock = Path(tempfile.gettempdir()) / f"chatkit-sim-{digest}.lock"
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            _clear(lock)
        if time.monotonic() > deadline:
            raise ChatKitSimError(f"Another process is writing {path} and does not finish. If there is none, delete {lock}.")
        time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _clear(lock: Path) -> None:
    try:
        if time.time() - lock.stat().st_mtime > _STALE:
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        return  # its holder has just let go
