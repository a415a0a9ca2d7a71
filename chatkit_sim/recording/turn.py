"""A turn: one user input and every stream until the client is idle again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from chatkit.types import (
    AssistantMessageItem,
    ClientEffectEvent,
    ErrorEvent,
    NoticeEvent,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadStreamEvent,
    WidgetItem,
)

from ..expect import EventSequence
from ..transcript import short_transcript
from ..wire import Request
from .stream import ClientToolCall, Note, RecordedStream
from .timeline import RunTimeline, ToolEnded, merge_timelines
from .view import ThreadView

EventT = TypeVar("EventT", bound=ThreadStreamEvent)


@dataclass(frozen=True, repr=False)
class Turn:
    """One user input and every stream until the client was idle again. Nothing in it changes any more.

    Printed, it reads as a short transcript.

    Attributes:
        number: Its place in the client's conversation, from 1.
        streams: Its streams, in order; each client tool output starts a further one.
        before: The thread as the user saw it before.
        view: The thread as the user saw it afterwards.
        notes: What the client withheld or broke during the turn as a whole.
    """

    number: int
    streams: tuple[RecordedStream, ...]
    before: ThreadView = field(default_factory=ThreadView)
    view: ThreadView = field(default_factory=ThreadView)
    notes: tuple[Note, ...] = ()

    @property
    def request(self) -> Request:
        """What the user's input was sent as."""
        return self.streams[0].request

    @property
    def text(self) -> str:
        """What the assistant said: the text of its messages in this turn, joined by newlines."""
        messages = (item for item in self.items if isinstance(item, AssistantMessageItem))
        return "\n".join("".join(part.text for part in message.content) for message in messages)

    @cached_property
    def items(self) -> tuple[ThreadItem, ...]:
        """The items that this turn added or changed, as they were at its end; the user's own message apart."""
        before = {item.id: item for item in self.before.items}
        return tuple(item for item in self.view.items if item.type != "user_message" and before.get(item.id) != item)

    @property
    def client_tool_calls(self) -> tuple[ClientToolCall, ...]:
        """The client tools that were asked for: name, arguments, output, call_id."""
        return tuple(stream.call for stream in self.streams if stream.call is not None)

    @property
    def widgets(self) -> tuple[WidgetItem, ...]:
        """The widgets that the turn showed, as they were at its end."""
        return tuple(item for item in self.items if isinstance(item, WidgetItem))

    @property
    def effects(self) -> tuple[ClientEffectEvent, ...]:
        """The client effects that were triggered."""
        return tuple(self._of(ClientEffectEvent))

    @property
    def progress(self) -> tuple[ProgressUpdateEvent, ...]:
        """The progress updates, in order."""
        return tuple(self._of(ProgressUpdateEvent))

    @property
    def notices(self) -> tuple[NoticeEvent, ...]:
        """The notices that were shown."""
        return tuple(self._of(NoticeEvent))

    @property
    def errors(self) -> tuple[ErrorEvent, ...]:
        """The error events. The exception behind one is in ``stream.swallowed``."""
        return tuple(self._of(ErrorEvent))

    @property
    def tool_errors(self) -> tuple[ToolEnded, ...]:
        """The server tools that raised; the stream does not show it, only the run does."""
        return tuple(entry for entry in self.timeline.of(ToolEnded) if entry.error is not None)

    @property
    def events(self) -> EventSequence:
        """Every event of every stream."""
        return EventSequence(event for stream in self.streams for event in stream.events)

    @property
    def preamble(self) -> EventSequence:
        """The events that the SDK itself sent first, of every stream."""
        return EventSequence(event for stream in self.streams for event in stream.preamble)

    @property
    def response(self) -> EventSequence:
        """The events without the preambles."""
        return EventSequence(event for stream in self.streams for event in stream.response)

    @property
    def timeline(self) -> RunTimeline:
        """What the runs behind the turn did."""
        return merge_timelines(stream.timeline for stream in self.streams)

    def _of(self, kind: type[EventT]) -> Iterator[EventT]:
        return (event for stream in self.streams for event in stream.events if isinstance(event, kind))

    def __repr__(self) -> str:
        lines = [f"<Turn {self.number}>", short_transcript([(stream.request, stream.steps) for stream in self.streams])]
        again = [note.text for stream in self.streams for note in stream.notes if note.kind == "posted-again"]
        lines += [f"  posted again {text}" for text in again]
        lines += [f"  tool error   {ended.tool} raised {_said(ended.error)}" for ended in self.tool_errors]
        return "\n".join(lines)


def _said(error: BaseException | None) -> str:
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return text if len(text) <= 100 else f"{text[:97]}..."
