"""Frames to typed events, and runs of text deltas read as one."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from pydantic import TypeAdapter, ValidationError

from ..errors import ChatKitSimError

_EVENT: TypeAdapter[ThreadStreamEvent] = TypeAdapter(ThreadStreamEvent)


_AS_IT_IS = (
    "hand on the StreamingResult of process() as it is; what is written by hand is `data: `, the JSON of one event of "
    "chatkit.types.ThreadStreamEvent, and a blank line."
)


class FrameError(ChatKitSimError):
    """A frame of the stream is no ChatKit event.

    Attributes:
        raw: The bytes as they came.
    """

    def __init__(self, raw: bytes, why: str, remedy: str = _AS_IT_IS) -> None:
        self.raw = raw
        shown = f"  raw bytes: {shorten(raw)!r}"
        super().__init__(f"The server sent a frame that is no ChatKit event: {why}\n{shown}\n  Remedy: {remedy}")


def decode_event(payload: bytes) -> ThreadStreamEvent:
    """Validate the payload of one frame.

    Raises:
        FrameError: It is not JSON, or not an event of ``chatkit.types.ThreadStreamEvent``.
    """
    try:
        if b'"widget' in payload:
            with warnings.catch_warnings():
                # chatkit deprecates naming widget classes in code, and then warns of every widget it reads.
                warnings.simplefilter("ignore", DeprecationWarning)
                return _EVENT.validate_json(payload)
        return _EVENT.validate_json(payload)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'frame'}: {e['msg']}" for e in error.errors()[:3]]
        raise FrameError(payload, "; ".join(problems)) from None


def shorten(raw: bytes, limit: int = 400) -> bytes:
    """Cut bytes for a message, saying how many were left out."""
    return raw if len(raw) <= limit else raw[:limit] + f"... ({len(raw) - limit} more bytes)".encode()


@dataclass(frozen=True, slots=True)
class OneEvent:
    """An event that stands for itself.

    Attributes:
        number: Its place in the stream, counted from 1.
        event: The event.
    """

    number: int
    event: ThreadStreamEvent

    @property
    def last(self) -> int:
        """The number of the last event it covers: its own."""
        return self.number


@dataclass(frozen=True, slots=True)
class TextRun:
    """Text deltas of one content part that came one after the other, read as one.

    Attributes:
        number: The place of the first delta in the stream, counted from 1.
        last: The place of the last.
        item_id: The assistant message.
        content_index: The content part, from 0.
        text: The deltas joined.
    """

    number: int
    last: int
    item_id: str
    content_index: int
    text: str

    @property
    def count(self) -> int:
        """How many deltas it is made of."""
        return self.last - self.number + 1


Step = OneEvent | TextRun


def coalesce(events: Iterable[ThreadStreamEvent], start: int = 1) -> list[Step]:
    """Read a stream as steps: neighbouring text deltas of one part become a single ``TextRun``.

    Everything that reads a recording (the fold, the rules, patterns, transcripts) reads steps, so that its cost
    follows what happened and not how finely the text was cut.

    Args:
        events: The events, in order.
        start: The number of the first.
    """
    steps: list[Step] = []
    chunks: list[str] = []
    item_id = ""
    part = first = -1
    number = start - 1
    for number, event in enumerate(events, start):
        if type(event) is ThreadItemUpdatedEvent:
            update = event.update
            if type(update) is AssistantMessageContentPartTextDelta:
                if chunks and update.content_index == part and event.item_id == item_id:
                    chunks.append(update.delta)
                    continue
                if chunks:
                    steps.append(TextRun(first, number - 1, item_id, part, "".join(chunks)))
                chunks, item_id, part, first = [update.delta], event.item_id, update.content_index, number
                continue
        if chunks:
            steps.append(TextRun(first, number - 1, item_id, part, "".join(chunks)))
            chunks = []
        steps.append(OneEvent(number, event))
    if chunks:
        steps.append(TextRun(first, number, item_id, part, "".join(chunks)))
    return steps
