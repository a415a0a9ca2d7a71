"""An event loop whose tasks run in an order chosen from outside."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import Any

Order = dict[int, int]
"""Which of the ready tasks goes next, by the number of the choice; the first, where nothing is said."""


class OrderedLoop(asyncio.SelectorEventLoop):
    """An event loop that can be told in which order ready tasks run; otherwise it is as any other.

    Only tasks that are ready at the same time change places, so that every order is one that could happen. A set of
    tasks, such as ``asyncio.wait`` gives, has the same order in each run.
    """

    def __init__(self) -> None:
        self.calls_from_outside = 0
        super().__init__()
        numbers = itertools.count()
        self.set_task_factory(lambda loop, coro, **options: _Numbered(next(numbers), coro, loop=loop, **options))
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


class _Numbered(asyncio.Task[Any]):
    """A task whose place in a set is decided by its number, and not by its address in memory."""

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


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


def _is_task(handle: asyncio.Handle) -> bool:
    # A task's step and its wake-up are methods of the task, in C as in Python.
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)  # type: ignore[attr-defined]
