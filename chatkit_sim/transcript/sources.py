"""What a transcript can be made of, read into one shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from chatkit.types import (
    StreamOptionsEvent,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
    UserMessageItem,
)

from ..errors import UsageError
from ..wire import Request, Step, coalesce

_EVENTS: tuple[Any, ...] = get_args(get_args(ThreadStreamEvent)[0])
_ITEMS: tuple[Any, ...] = get_args(get_args(ThreadItem)[0])


@dataclass(frozen=True, slots=True)
class Exchange:
    """A stream, as far as a transcript tells of it.

    Attributes:
        events: Its events.
        steps: The same with neighbouring deltas as one.
        number: Its place in the turn; ``None`` for bare events.
        request: What the client posted.
        ended: How it ended.
        preamble: How many events the SDK itself sent first.
        message: The user's message as the preamble tells it.
        answers: The client tool whose output the request posts.
        unanswered: The client tool that got no output, and why.
        guarded: Whether an input guardrail stopped the run. It races with the model, so what was begun by then, and is
            removed, differs from run to run.
    """

    events: Sequence[ThreadStreamEvent]
    steps: Sequence[Step]
    number: int | None = None
    request: Request | None = None
    ended: str = "complete"
    preamble: int = 0
    message: UserMessageItem | None = None
    answers: str = ""
    unanswered: str = ""
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A turn, or streams or events that belong together."""

    streams: Sequence[Exchange]
    number: int | None = None
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that a transcript is made of."""

    turns: Sequence[Part] = ()
    items: Sequence[ThreadItem] = ()


def read_source(what: Any) -> Source:
    """Read a client, turns, streams, events or items.

    Raises:
        UsageError: It is none of these.
    """
    if hasattr(what, "turns"):
        return Source([_turn(turn) for turn in what.turns])
    if hasattr(what, "streams"):
        return Source([_turn(what)])
    if hasattr(what, "request") and hasattr(what, "events"):
        return Source([Part([_stream(what, "")])])
    if isinstance(what, _EVENTS):
        return _many([what])
    if isinstance(what, _ITEMS):
        return Source(items=[what])
    if hasattr(what, "items") and hasattr(what, "open_items"):
        return Source(items=what.items)
    if isinstance(what, Iterable) and not isinstance(what, (str, bytes, dict)):
        return _many(list(what), getattr(what, "steps", None))
    raise _no_source(what)


def _many(values: list[Any], steps: Sequence[Step] | None = None) -> Source:
    if all(isinstance(each, _EVENTS) for each in values):
        return Source([Part([Exchange(values, coalesce(values) if steps is None else steps)])])
    if all(isinstance(each, _ITEMS) for each in values):
        return Source(items=values)
    if all(hasattr(each, "streams") for each in values):
        return Source([_turn(each) for each in values])
    if all(hasattr(each, "request") and hasattr(each, "events") for each in values):
        return Source([Part(_streams(values))])
    wrong = next(each for each in values if not isinstance(each, _EVENTS))
    raise _no_source(wrong, "a list with ")


def _no_source(what: Any, where: str = "") -> UsageError:
    return UsageError(
        "A transcript is made of a turn, a client, a recorded stream, events or items (or a list of one of these), not "
        f"of {where}{type(what).__name__}. For other values use syrupy's own `snapshot`."
    )


def _turn(turn: Any) -> Part:
    view = getattr(turn, "view", None)
    thread = getattr(view, "thread", None)
    return Part(_streams(turn.streams), turn.number, getattr(thread, "id", None))


def _streams(streams: Sequence[Any]) -> list[Exchange]:
    found: list[Exchange] = []
    asked_by = ""
    for stream in streams:
        found.append(_stream(stream, asked_by))
        asked_by = stream.call.name if stream.call is not None else ""
    return found


def _stream(stream: Any, asked_by: str) -> Exchange:
    call = stream.call
    withheld = call is not None and call.outcome not in ("answered", "failed")
    preamble = preamble_length(stream.events)
    return Exchange(
        stream.events,
        stream.steps,
        stream.number,
        stream.request,
        stream.ended,
        preamble,
        _message(stream.events[:preamble]),
        asked_by,
        f"{call.name} ({call.outcome})" if withheld else "",
        _guarded(stream),
    )


def _guarded(stream: Any) -> bool:
    return any(getattr(entry, "guardrail", None) for entry in stream.timeline.entries)


def preamble_length(events: Sequence[ThreadStreamEvent]) -> int:
    """How many events the SDK itself sent first: up to and with ``stream_options``."""
    for number, event in enumerate(events[:4], 1):
        if isinstance(event, StreamOptionsEvent):
            return number
    return 0


def _message(events: Iterable[ThreadStreamEvent]) -> UserMessageItem | None:
    for event in events:
        if isinstance(event, ThreadItemDoneEvent) and isinstance(event.item, UserMessageItem):
            return event.item
    return None
