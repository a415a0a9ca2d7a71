"""One request and the events of its response, as recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from chatkit.types import ClientToolCallItem, StreamOptionsEvent, ThreadItemDoneEvent

from ..expect import EventSequence
from ..wire import OneEvent, Request, Step, coalesce
from .surroundings import LateWork, LostCancellation
from .timeline import RunTimeline

StreamEnd = Literal["complete", "cancelled", "disconnected", "raised", "limit"]
"""How a stream ended: the body ended; stopped by the user; the client went away; an exception came out of it after
the 200; a limit of the client was reached."""

NoteKind = Literal[
    "output-withheld", "cancelled", "disconnected", "injected-failure", "unusual-request", "posted-again"
]


@dataclass(frozen=True, slots=True)
class Note:
    """Something the simulated client withheld, broke or had to do again, so that no rule blames the server for it.

    Attributes:
        kind: What.
        text: Why, for a person.
    """

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class ClientToolCall:
    """A client tool call as the client lived it.

    Attributes:
        name: The client tool.
        arguments: What the server asked it with.
        output: What the client posted; ``None`` until then.
        call_id: The model's id of the call.
        item_id: The id of the thread item.
        outcome: ``answered``; ``failed`` (the handler raised, and an error payload was posted); ``refused`` (the
            arguments did not fit the handler); ``unregistered`` (no handler); ``withheld`` (nothing was posted).
    """

    name: str
    arguments: Mapping[str, Any]
    output: Any = None
    call_id: str = ""
    item_id: str = ""
    outcome: Literal["answered", "failed", "refused", "unregistered", "withheld"] = "answered"
    problem: str = field(default="", compare=False)
    """Why the call was not answered, for a person."""


@dataclass(frozen=True)
class RecordedStream:
    """One request and the events of its response. Nothing in it changes any more.

    Attributes:
        number: Its place in the turn, from 1.
        request: What the client posted.
        events: What came back, in order.
        frames: The payload bytes of each event.
        timeline: What the runs behind it did.
        ended: How it ended.
        raised: The exception that came out of the stream, after a 200.
        swallowed: Exceptions that the server turned into an ``error`` event, originals with tracebacks.
        call: The client tool call that ended the stream, and what became of it.
        notes: What the client withheld or broke.
        late_work: What began after the client had left, beyond what ``handle_stream_cancelled`` does.
        lost_cancellation: The cancellation that the responder was given when the client left, and swallowed.
        steps: The events with neighbouring text deltas read as one; computed unless given.
    """

    number: int
    request: Request
    events: EventSequence
    frames: tuple[bytes, ...] = field(default=(), repr=False)
    timeline: RunTimeline = field(default_factory=RunTimeline, repr=False)
    ended: StreamEnd = "complete"
    raised: BaseException | None = None
    swallowed: tuple[BaseException, ...] = ()
    call: ClientToolCall | None = None
    notes: tuple[Note, ...] = ()
    steps: Sequence[Step] = field(default=(), repr=False, compare=False)
    late_work: tuple[LateWork, ...] = ()
    lost_cancellation: LostCancellation | None = None

    def __post_init__(self) -> None:
        if self.events and not self.steps:
            object.__setattr__(self, "steps", coalesce(self.events))

    @cached_property
    def preamble_length(self) -> int:
        """How many events the SDK itself sent first: up to and with ``stream_options``."""
        for number, event in enumerate(self.events[:4], 1):
            if isinstance(event, StreamOptionsEvent):
                return number
        return 0

    @property
    def preamble(self) -> EventSequence:
        """The events that the SDK itself sent first."""
        return EventSequence(self.events[: self.preamble_length])

    @property
    def response(self) -> EventSequence:
        """The events that the responder yielded."""
        return EventSequence(self.events[self.preamble_length :])

    @property
    def response_steps(self) -> list[Step]:
        """The steps of the response."""
        return [step for step in self.steps if step.number > self.preamble_length]

    @property
    def pending_calls(self) -> list[tuple[int, ClientToolCallItem]]:
        """The pending client tool calls that the stream asked for, with the number of their event."""
        return [
            (step.number, step.event.item)
            for step in self.steps
            if isinstance(step, OneEvent)
            and isinstance(step.event, ThreadItemDoneEvent)
            and isinstance(step.event.item, ClientToolCallItem)
            and step.event.item.status == "pending"
        ]

    def has_note(self, *kinds: NoteKind) -> bool:
        """Whether the client noted one of these."""
        return any(note.kind in kinds for note in self.notes)
