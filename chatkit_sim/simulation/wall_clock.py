"""The time of day that follows virtual time: ``datetime.now()``, ``time.time()``, ``time.monotonic()``."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import time_machine

from ..model.patches import Patches


class WallClock:
    """While it is open, the clocks of this process go on as ever, and jump ahead when they are told to.

    What measures real time (``time.perf_counter``) and what waits in threads are left alone. The clocks are those of
    the process, so other threads read them too. Opened again, they are as far ahead as they were.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._traveller: time_machine.Traveller | None = None
        self._ahead = 0.0

    def __enter__(self) -> Self:
        patches = Patches()
        self._open.callback(patches.undo)
        monotonic, nanoseconds = time.monotonic, time.monotonic_ns
        patches.set(time, "monotonic", lambda: monotonic() + self._ahead)
        patches.set(time, "monotonic_ns", lambda: nanoseconds() + round(self._ahead * 1e9))
        # It ticks as real time does: in a time that stands still, items that follow one another are equally old.
        travel = time_machine.travel(time.time() + self._ahead, tick=True)
        try:
            self._traveller = self._open.enter_context(travel)
        except RuntimeError:
            return self  # the app's tests have frozen the time with freezegun, and it is theirs
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._traveller = None
        self._open.close()

    def advance(self, seconds: float) -> None:
        """Let so much time have passed; nothing where it is not open."""
        if self._traveller is not None:
            self._ahead += seconds
            self._traveller.shift(seconds)
