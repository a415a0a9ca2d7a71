"""Bodies of responses that are written while they are read, by sync and async clients alike."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from contextvars import copy_context
from typing import Any, TypeVar

import httpx

ResultT = TypeVar("ResultT")
Frames = Callable[[], AsyncGenerator[bytes, None]]


class StreamedBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes frame by frame.

    Args:
        frames: Begins to write it; what it raises, the reader gets.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._open: AsyncGenerator[bytes, None] | None = None
        self._left = threading.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._open = self._frames()
        async for frame in self._open:
            yield frame

    async def aclose(self) -> None:
        """The reader has had enough."""
        if self._open is not None:
            await self._open.aclose()

    def __iter__(self) -> Iterator[bytes]:
        # The thread may have an event loop that runs, and that the reader blocks: the frames come from another one.
        arrived: queue.Queue[tuple[bytes, BaseException | None]] = queue.Queue()
        thread = _start(lambda: self._pump(arrived))
        try:
            while True:
                frame, error = arrived.get()
                if error is not None:
                    raise error
                if not frame:
                    return
                yield frame
        finally:
            self._left.set()
            thread.join()

    def close(self) -> None:
        """The reader has had enough."""
        self._left.set()

    def _pump(self, arrived: queue.Queue[tuple[bytes, BaseException | None]]) -> None:
        async def work() -> None:
            async with aclosing(self._frames()) as frames:
                async for frame in frames:
                    if self._left.is_set():
                        return
                    arrived.put((frame, None))

        try:
            asyncio.run(work())
            arrived.put((b"", None))
        except BaseException as error:
            arrived.put((b"", error))


def run_apart(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Await something for a sync caller, whose thread may have an event loop that runs."""
    results: list[ResultT] = []
    errors: list[BaseException] = []

    async def awaited() -> ResultT:
        return await work()

    def run() -> None:
        try:
            results.append(asyncio.run(awaited()))
        except BaseException as error:
            errors.append(error)

    _start(run).join()
    if errors:
        raise errors[0]
    return results[0]


def _start(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=copy_context().run, args=(work,), name="chatkit-sim-answer", daemon=True)
    thread.start()
    return thread
