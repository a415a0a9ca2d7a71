"""A turn taken event by event: the driver runs in a task of its own and waits after each event."""

from __future__ import annotations

import asyncio

from chatkit.types import ThreadStreamEvent

from ..errors import UsageError
from ..recording import StreamEnd
from .driver import TurnDriver


class TurnStepper:
    """Lets a test look at each event of a turn before the server may go on.

    The stream is consumed within the driver's one task, since the SDK's context variables must not change hands.
    """

    def __init__(self, driver: TurnDriver) -> None:
        self.driver = driver
        self._arrived: asyncio.Queue[ThreadStreamEvent] = asyncio.Queue()
        self._go_on = asyncio.Semaphore(0)
        self._task: asyncio.Task[None] | None = None
        self._holding = False
        driver.listener, driver.let_go = self._wait_after, self._let_go

    @property
    def finished(self) -> bool:
        """Whether the turn has come to its end."""
        return self._task is not None and self._task.done()

    async def next(self) -> ThreadStreamEvent | None:
        """The next event of the turn, in whichever of its streams; ``None`` when the client is idle."""
        if self._task is None:
            self._task = asyncio.create_task(self.driver.run(), name="chatkit-sim turn")
        self._let_go()
        arrival = asyncio.create_task(self._arrived.get())
        await asyncio.wait({arrival, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result()
        arrival.cancel()
        await self._task
        return None

    async def cancel(self) -> None:
        """Press stop at the event that was just seen, and see the turn to its end.

        Raises:
            UsageError: Nothing is being streamed, or the server's ``stream_options`` do not allow it.
        """
        self._check_allowed()
        await self._abort("cancelled", "the user pressed stop")

    def cancel_in_handler(self) -> bool:
        """Press stop from within a client tool's handler; returns whether one runs that could be stopped.

        Raises:
            UsageError: The server's ``stream_options`` do not allow it.
        """
        if self.driver.handler is None:
            return False
        self._check_allowed()
        self.driver.abort("cancelled", "the user pressed stop")
        return True

    def _check_allowed(self) -> None:
        if not self.driver.allow_cancel:
            raise UsageError(
                "The server sent stream_options with allow_cancel=False, so the web client shows no stop button. "
                "Use disconnect() for a page that goes away."
            )

    async def disconnect(self) -> None:
        """Close the page at the event that was just seen; the server notices as it would notice a cancel."""
        await self._abort("disconnected", "the page went away")

    async def finish(self) -> None:
        """See the turn to its end without stopping at events."""
        self.driver.listener = None
        if self._task is None:
            await self.driver.run()
            return
        self._let_go()
        await self._task

    async def _abort(self, kind: str, why: str) -> None:
        end: StreamEnd = "cancelled" if kind == "cancelled" else "disconnected"
        if self._holding:
            self.driver.abort(end, why)
            await self.finish()
        elif self.driver.running:  # another task waits for the next event, or a handler runs
            await self.driver.interrupt(end, why)
        else:
            raise UsageError("There is nothing to stop: call it after an event was seen and before the last one.")

    async def _wait_after(self, event: ThreadStreamEvent) -> None:
        self._arrived.put_nowait(event)
        self._holding = True
        await self._go_on.acquire()

    def _let_go(self) -> bool:
        held, self._holding = self._holding, False
        if held:
            self._go_on.release()
        return held
