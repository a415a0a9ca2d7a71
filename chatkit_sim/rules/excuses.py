"""Why the end of a stream is not judged, and whose fault an exception is: what keeps rules from crying wolf."""

from __future__ import annotations

from collections.abc import Iterator

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
)

from ..recording import ModelCalled, RecordedStream, RunEnded
from ..recording.stream import NoteKind
from ..wire import Step, TextRun
from .base import BlockedCall, Evidence, UnscriptedCall
from .history import HIDDEN, Life, StreamHistory

_MARKS = ("chatkit_sim_injected", "chatkit_sim_unscripted", "chatkit_sim_blocked")
_UNUSUAL: tuple[NoteKind, ...] = ("cancelled", "disconnected", "injected-failure", "unusual-request")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it was raised from, while handling, or as a group."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__context__, current.__cause__, *getattr(current, "exceptions", ())]


def told_elsewhere(error: BaseException | None) -> bool:
    """Whether the simulation itself is behind an exception.

    The script failed on purpose, had no step for the call, or the network guard stopped a connection; the last two
    have rules of their own.
    """
    return any(_simulated(link) for link in chain(error))


def _simulated(error: BaseException) -> bool:
    # Marks and not types: the packages that raise these stand above the rules.
    if isinstance(getattr(error, "call", None), UnscriptedCall | BlockedCall):
        return True
    return any(getattr(error, mark, False) for mark in _MARKS)


def run_errors(stream: RecordedStream) -> list[BaseException]:
    """What the runs that feed the stream, and their model calls, raised, whatever the app made of it."""
    main = stream.timeline.main_runs
    return [
        entry.error
        for entry in stream.timeline.entries
        if isinstance(entry, ModelCalled | RunEnded) and entry.error is not None and entry.run in main
    ]


def tripped(stream: RecordedStream) -> bool:
    """Whether a guardrail stopped a run that feeds the stream, also one that was at its end by then."""
    main = stream.timeline.main_runs
    return any(entry.guardrail is not None and entry.run in main for entry in stream.timeline.of(RunEnded))


def disturbance(evidence: Evidence, history: StreamHistory) -> str | None:
    """Why the stream could not end as it should have; ``None`` when nothing disturbed it.

    What is open, missing or silent at the end of a disturbed stream is not the responder's fault.
    """
    stream = history.stream
    if stream.ended != "complete":
        return f"it ended as {stream.ended!r}"
    if stream.has_note(*_UNUSUAL):
        return "the client did something unusual"
    if history.errors or stream.swallowed:
        return "it brought an error"
    if evidence.unscripted or evidence.refused or evidence.blocked:
        return "the model or the network was not there"
    return None


def turn_disturbed(evidence: Evidence) -> bool:
    """Whether any stream of the turn was disturbed."""
    return any(disturbance(evidence, history) for history in evidence.histories) or any(
        note.kind in _UNUSUAL for note in evidence.turn.notes
    )


def shows_something(history: StreamHistory) -> bool:
    """Whether the user saw anything come of the stream: an item, a change of one, a notice, an effect, an error."""
    return bool(history.extras or history.errors) or any(_shown(life, history) for life in history.lives)


def _shown(life: Life, history: StreamHistory) -> bool:
    if life.type in ("user_message", "end_of_turn", *HIDDEN):
        return False
    if life.removed is not None:
        return bool(life.origin)  # what was there before and is gone now is a change that the user sees
    if life.type != "assistant_message" or life.origin:
        return True
    return any(_has_text(step) for step in life.steps)


def _has_text(step: Step) -> bool:
    if isinstance(step, TextRun):
        return bool(step.text.strip())
    match step.event:
        case ThreadItemUpdatedEvent(
            update=AssistantMessageContentPartAdded(content=content) | AssistantMessageContentPartDone(content=content)
        ):
            return bool(content.text.strip())
        case (
            ThreadItemAddedEvent(item=AssistantMessageItem(content=parts))
            | ThreadItemDoneEvent(item=AssistantMessageItem(content=parts))
            | ThreadItemReplacedEvent(item=AssistantMessageItem(content=parts))
        ):
            return any(part.text.strip() for part in parts)
    return False
