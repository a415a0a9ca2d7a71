"""An event loop whose tasks run in an order chosen from outside, and a search through such orders."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Order = dict[int, int]
"""Which of the ready tasks goes next, by the number of the choice; the first, where nothing is said."""


class OrderedLoop(asyncio.SelectorEventLoop):
    """An event loop that can be told in which order ready tasks run; otherwise it is as any other.

    Only tasks that are ready at the same time change places, so that every order is one that could happen.
    """

    def __init__(self) -> None:
        self.calls_from_outside = 0
        super().__init__()
        self._ready: deque[asyncio.Handle] = _Ready(self)
        self._order: Order | None = None
        self._choices = 0

    def follow(self, order: Order | None) -> None:
        """Choose by this order from now on, counting from choice 0; ``None`` for first come, first served."""
        self._order = order
        self._choices = 0

    def choose(self, count: int) -> int:
        """Which of ``count`` ready tasks goes next."""
        if self._order is None:
            return 0
        choice = self._order.get(self._choices, 0) % count
        self._choices += 1
        return choice

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As in every loop; counted, for a store that works in threads cannot be put in order here."""
        self.calls_from_outside += 1
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        self.calls_from_outside += 1
        return super()._add_reader(fd, callback, *args)  # type: ignore[misc]


class _Ready(deque[asyncio.Handle]):
    """The queue of what is ready; plain callbacks stay first in, first out."""

    def __init__(self, loop: OrderedLoop) -> None:
        super().__init__()
        self._loop = loop

    def popleft(self) -> asyncio.Handle:
        count = 0
        for handle in self:
            if not _is_task(handle):
                break
            count += 1
        chosen = self._loop.choose(count) if count > 1 else 0
        self.rotate(-chosen)
        handle = super().popleft()
        self.rotate(chosen)
        return handle


def find_order(
    run: Callable[[Order], Coroutine[Any, Any, BaseException | None]], loop: OrderedLoop, *, examples: int
) -> tuple[Order, BaseException] | None:
    """Search for an order in which something fails; called from another thread than the loop's.

    Args:
        run: Tries one order on the loop and gives what failed.
        loop: The loop.
        examples: How many orders to try.

    Returns:
        The least order that was found, and its failure.
    """
    failures: list[tuple[Order, BaseException]] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )
    @given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=5))
    def try_order(changes: list[tuple[int, int]]) -> None:
        order = dict(changes)
        failure = asyncio.run_coroutine_threadsafe(run(order), loop).result()
        if failure is not None:
            failures.append((order, failure))
            raise _FailedError

    try:
        try_order()
    except Exception:
        if not failures:
            raise
        return failures[-1]
    return None


class _FailedError(Exception):
    """One order failed."""


def _is_task(handle: asyncio.Handle) -> bool:
    # A task's step and its wake-up are methods of the task, in C as in Python.
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)  # type: ignore[attr-defined]
