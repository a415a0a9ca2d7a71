"""The thread of an example: Hypothesis draws in no other, and an app behind a real server runs in one of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE = 10.0  # seconds; an example that is over answers no more


class OwnThread:
    """The thread in which it was made.

    Attributes:
        loop: The event loop that runs there; ``None`` while there is none.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._ident = threading.get_ident()

    def do(self, work: Callable[[], _T]) -> _T:
        """Do some work there, and wait for it.

        Raises:
            TimeoutError: The loop there runs no more.
        """
        if self.loop is None or threading.get_ident() == self._ident:
            return work()
        done: Future[_T] = Future()
        self.loop.call_soon_threadsafe(_fulfil, done, work)
        return done.result(_PATIENCE)


def _fulfil(done: Future[_T], work: Callable[[], _T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
