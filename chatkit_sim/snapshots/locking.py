"""One writer at a time, over processes: the workers of pytest-xdist write to the same golden files."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is to be read, changed and written; wait for it if another process has it.

    The lock stands in the directory for temporary files, not beside the golden file, where git and syrupy would see
    it. The system lets go of it when its holder dies.
    """
    user = getattr(os, "getuid", int)()  # another user's lock could not be opened
    digest = hashlib.sha256(f"{user}\0{path.absolute()}".encode()).hexdigest()[:24]
    with open(Path(tempfile.gettempdir()) / f"chatkit-sim-{digest}.lock", "a+b") as file:
        _lock(file)
        yield


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
