"""One request being served: its events as they arrive, until the stream ends in one way or another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

from chatkit.types import StreamOptionsEvent, ThreadCreatedEvent, ThreadStreamEvent

from ..errors import LimitError
from ..expect import EventSequence
from ..recording import SERVING, ClientToolCall, Exchange, LateWork, Note, RecordedStream, StreamEnd, TimelineRecorder
from ..transcript import describe_step
from ..transports import Attempt, CutBodyError, Transport, TransportError
from ..wire import FrameDecoder, FrameError, Request, Step, coalesce, decode_event
from .leaving import late_entries
from .policies import Limits
from .serving import open_context

Listener = Callable[[ThreadStreamEvent], Awaitable[None]]
_CUT = "see the server's log, and what stands before it, for what ended the response too early."
_CLOCK_EVERY = 256  # events between two looks at the wall clock, for responders that never await


class LiveStream:
    """Sends one request and collects what comes back.

    The whole response is consumed within one task: the SDK's context variables demand it, and only a cancellation
    while the consumer awaits inside the generator reaches ``handle_stream_cancelled``.
    """

    def __init__(self, number: int, request: Request, exchange: Exchange, limits: Limits) -> None:
        self.number = number
        self.request = request
        self.exchange = exchange
        self.limits = limits
        self.events: list[ThreadStreamEvent] = []
        self.frames: list[bytes] = []
        self.ended: StreamEnd = "complete"
        self.raised: BaseException | None = None
        self.allow_cancel = True
        self.call: ClientToolCall | None = None
        self.notes: list[Note] = []
        self.failure: BaseException | None = None
        self.steps: list[Step] = []
        self._aborted = False
        self._left_at = self._noticed_at = 0
        self._left_time = 0.0
        exchange.recorder.events_sent = self._count

    def _count(self) -> int:
        return len(self.events)

    async def run(self, transport: Transport, context: Any, listener: Listener | None = None) -> None:
        """Drive the stream to its end, calling ``listener`` after each event.

        What the server does wrong is recorded, not raised; ``failure`` holds what ends the whole turn: a limit that
        was reached, a frame that is no event, or what the listener raised.
        """
        token = SERVING.set(self.exchange)
        self.exchange.task = asyncio.current_task()
        timer = asyncio.timeout(self.limits.seconds)
        try:
            async with timer, AsyncExitStack() as stack:
                response = await transport.send(self.request.body(), await open_context(context, stack))
                if response.refused:
                    self.notes.append(Note("posted-again", _again(response.refused)))
                if response.chunks is None:
                    raise FrameError(response.body, "the server answered a streaming request without a stream")
                await self._consume(response.chunks, listener)
            await self._absorb_cancellation()
        except asyncio.CancelledError:
            if not self._aborted:
                raise
            self._uncancel()
        except FrameError as error:
            self.ended, self.failure = "raised", error
        except TransportError as error:
            # A body that is cut is a stream that died; whatever else never became one.
            self.ended = "raised"
            if isinstance(error, CutBodyError):
                self.raised = error.__cause__ or error  # in this process it is known what the app raised
            else:
                self.failure = error
        except LimitError as error:
            self.ended, self.failure = "limit", error
        except _ListenerFailed as error:
            self.ended, self.failure = "disconnected", error.__cause__
        except Exception as error:
            if timer.expired():
                self.ended, self.failure = "limit", self._out_of_time()
            else:
                self.ended, self.raised = "raised", error
        finally:
            SERVING.reset(token)
            self._noticed_at = len(self.exchange.recorder.entries)
            self.steps = coalesce(self.events)

    def abort(self, kind: StreamEnd) -> None:
        """The user pressed stop, or the page went away: called by the listener between two events."""
        self.ended = kind
        self._aborted = True
        self.exchange.left = True
        self._left_at, self._left_time = len(self.exchange.recorder.entries), time.monotonic()

    def recorded(self) -> RecordedStream:
        """The stream as it is now."""
        return RecordedStream(
            self.number,
            self.request,
            EventSequence(self.events),
            tuple(self.frames),
            self.exchange.recorder.timeline(),
            self.ended,
            self.raised,
            tuple(self.exchange.swallowed),
            self.call,
            tuple(self.notes),
            self.steps,
            self._late_work(),
            self.exchange.lost_cancellation,
        )

    def _late_work(self) -> tuple[LateWork, ...]:
        if not self._aborted:
            return ()
        late = late_entries(self.exchange.recorder.entries, self._left_at, self._noticed_at)
        return (*late, *self.exchange.late_work)

    async def _consume(self, chunks: AsyncGenerator[bytes, None], listener: Listener | None) -> None:
        decoder = FrameDecoder()
        events, frames = self.events, self.frames
        most, deadline = self.limits.events, time.monotonic() + self.limits.seconds
        async with aclosing(chunks):
            async for chunk in chunks:
                if self._aborted:
                    if self._goes_on_for_nobody():
                        break
                    continue
                for payload in decoder.feed(chunk):
                    event = decode_event(payload)
                    frames.append(payload)
                    events.append(event)
                    if len(events) <= 4 or type(event) is StreamOptionsEvent:
                        self._read_preamble(event)
                    if listener is not None:
                        await self._tell(listener, event)
                        if self._aborted:
                            break
                if len(events) > most:
                    raise self._limit(f"sent more than {most:,} events", "events")
                if len(events) % _CLOCK_EVERY == 0 and time.monotonic() > deadline:
                    raise self._out_of_time()
        left = decoder.finish()
        if left and not self._aborted:
            raise FrameError(left, "the body ended in the middle of a frame", _CUT)

    def _goes_on_for_nobody(self) -> bool:
        # A responder that swallows its cancellation may never end, and nothing else would end it.
        return self.exchange.lost_cancellation is not None and time.monotonic() > self._left_time + self.limits.settle

    def _read_preamble(self, event: ThreadStreamEvent) -> None:
        if isinstance(event, ThreadCreatedEvent):
            self.exchange.thread_id = event.thread.id
        elif isinstance(event, StreamOptionsEvent):
            self.allow_cancel = event.stream_options.allow_cancel

    async def _tell(self, listener: Listener, event: ThreadStreamEvent) -> None:
        try:
            await listener(event)
        except Exception as error:
            raise _ListenerFailed from error
        if self._aborted:
            # Delivered at the next await inside the generator, as when the fetch is aborted.
            task = asyncio.current_task()
            if task is not None:
                task.cancel()

    async def _absorb_cancellation(self) -> None:
        # The stream ended without awaiting once more: the cancellation must not hit whoever comes next.
        if self._aborted:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self._uncancel()

    def _uncancel(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()

    def _out_of_time(self) -> LimitError:
        return self._limit(f"was still going after {self.limits.seconds:g} seconds", "seconds")

    def _limit(self, what: str, limit: str) -> LimitError:
        seen = "\n".join(f"    {describe_step(step)}" for step in coalesce(self.events[-200:])[-6:])
        return LimitError(
            f"The response to {self.request.type} {what}. The last of {len(self.events):,} events:\n"
            f"{seen or '    none'}\n"
            f"  If that is meant to be so, raise Limits({limit}=...) of the client (ini option "
            f"chatkit_limit_{limit}); otherwise the responder never ends."
        )


def _again(refused: Sequence[Attempt]) -> str:
    times = f"{len(refused) + 1} times" if len(refused) > 1 else "twice"
    answers = "; ".join(dict.fromkeys(map(str, refused)))
    return f"The request was posted {times}, as the web client does; answered before: {answers}"


class _ListenerFailed(Exception):
    """Carries what a listener raised past the handling of the server's own errors."""


def new_exchange(script: Any, thread_id: str | None) -> Exchange:
    """An exchange for one request."""
    return Exchange(TimelineRecorder(), script, thread_id)
