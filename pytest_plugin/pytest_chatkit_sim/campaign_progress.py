"""A line on the terminal that says how far a long campaign is, for a person who waits."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext

import pytest

_PATIENCE = 2.0  # seconds before anything is said
_EVERY = 0.25  # seconds between two lines


class Progress:
    """Says it below the line that pytest is writing, and takes it away again.

    Args:
        config: The run's.
        name: The campaign's item.
    """

    def __init__(self, config: pytest.Config, name: str) -> None:
        self._config = config
        self._name = name
        self._begun = self._said = time.perf_counter()
        self._shown = False
        with self._uncaptured():
            self._wanted = wanted(config)

    def __call__(self, played: int, of: int, bugs: int) -> None:
        """Say it, when it is time.

        Args:
            played: How many conversations were played.
            of: Of how many.
            bugs: How many bugs were found.
        """
        now = time.perf_counter()
        if now - self._begun < _PATIENCE or now - self._said < _EVERY or not self._wanted:
            return
        self._said, self._shown = now, True
        found = f", {bugs} bug{'' if bugs == 1 else 's'}" if bugs else ""
        self._write(f"{self._name}: {played:,} of {of:,} conversations, {now - self._begun:.0f} s{found}")

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        writer = self._config.get_terminal_writer()
        column = writer.width_of_current_line
        # One line down, over what stands there, and back to where pytest was.
        line = f"\n\r{text[: writer.fullwidth - 1]}\x1b[K\x1b[A\r" + (f"\x1b[{column}C" if column else "")
        with self._uncaptured():
            file = writer._file
            file.write(line)
            file.flush()

    def _uncaptured(self) -> AbstractContextManager[None]:
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        return capture.global_and_fixture_disabled() if capture is not None else nullcontext()


def wanted(config: pytest.Config) -> bool:
    """Whether anyone watches: a terminal, no ``-q``, no worker, no CI."""
    if hasattr(config, "workerinput") or config.get_verbosity() < 0 or os.environ.get("CI"):
        return False
    return bool(getattr(config.get_terminal_writer()._file, "isatty", lambda: False)())
