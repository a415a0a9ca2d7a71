"""A judged turn as a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from chatkit.types import ThreadItemUpdatedEvent

from ..client import Judged
from ..errors import Violation, describe_exception
from ..recording import ClientToolCall, RecordedStream, Turn
from ..transcript import call_text, describe_request
from ..transcript.events import event_content
from ..transcript.words import counted, quoted
from ..wire import Step, TextRun
from .chat import chat_of
from .records import ClientToolRecord, EventRecord, StreamRecord, TurnRecord, ViolationRecord
from .run_steps import run_steps
from .values import json_value, masked

_LINE = 400  # characters of an event's own line; the payload holds all of it


def turn_record(judged: Judged, test: str, index: int) -> TurnRecord | None:
    """A turn and what the rules said of it; ``None`` for the verdict on the whole test.

    Args:
        judged: The turn with its verdict.
        test: The node id of the test.
        index: The turn's place in the test, from 1.
    """
    turn = judged.turn
    if turn is None:
        return None
    thread = turn.view.thread
    return TurnRecord(
        test=test,
        index=index,
        number=turn.number,
        thread=thread.id if thread is not None else "",
        title=masked(thread.title or "") if thread is not None else "",
        asked=masked(describe_request(turn.request)),
        chat=chat_of(turn),
        streams=_streams(turn),
        violations=violation_records(judged),
        not_checked=dict(judged.verdict.not_checked),
        notes=[masked(note.text) for note in turn.notes],
    )


def violation_records(judged: Judged) -> list[ViolationRecord]:
    """What was broken: what failed the test, what it expected, what was only a warning, and what was ignored."""
    raised = {id(violation) for violation in judged.raised}
    found = []
    for violation in judged.verdict.violations:
        expected = "expected" if violation.severity == "error" else "warning"
        found.append(_violation(violation, "failed" if id(violation) in raised else expected))
    found += [_violation(violation, "ignored", str(ignore)) for violation, ignore in judged.verdict.ignored]
    return found


def _violation(violation: Violation, status: Any, ignored_by: str = "") -> ViolationRecord:
    return ViolationRecord(
        rule=violation.rule,
        status=status,
        turn=violation.place.turn,
        stream=violation.place.stream,
        event=violation.place.event,
        reason=masked(violation.reason),
        details=[masked(detail) for detail in violation.details],
        remedy=masked(violation.remedy),
        upstream=violation.upstream,
        ignored_by=ignored_by,
        items=list(violation.items),
    )


def _streams(turn: Turn) -> list[StreamRecord]:
    given: dict[str, Sequence[Any]] = {}
    return [_stream(stream, given) for stream in turn.streams]


def _stream(stream: RecordedStream, given: dict[str, Sequence[Any]]) -> StreamRecord:
    errors = [error for error in (stream.raised, *stream.swallowed) if error is not None]
    late = [f"After the client had left: {each.kind} {each.name} {each.detail}".rstrip() for each in stream.late_work]
    return StreamRecord(
        number=stream.number,
        request=stream.request.type,
        asked=masked(describe_request(stream.request)),
        params=json_value(stream.request.params),
        events=[_event(step, stream.frames) for step in stream.steps],
        observed=stream.timeline.observed,
        run=run_steps(stream.timeline, given),
        ended=stream.ended,
        errors=[masked("\n".join(describe_exception(error))) for error in errors],
        call=_call(stream.call) if stream.call is not None else None,
        notes=[masked(text) for text in (*(note.text for note in stream.notes), *late)],
    )


def _event(step: Step, frames: Sequence[bytes]) -> EventRecord:
    if isinstance(step, TextRun):
        return EventRecord(
            number=step.number,
            last=step.last,
            type="thread.item.updated",
            text=masked(f"text {quoted(step.text, _LINE)} ({counted(step.count, 'delta')})"),
            item=step.item_id,
            payload=masked(step.text),
        )
    event = step.event
    item = (
        event.item_id if isinstance(event, ThreadItemUpdatedEvent) else getattr(getattr(event, "item", None), "id", "")
    )
    return EventRecord(
        number=step.number,
        last=step.number,
        type=event.type,
        text=masked(event_content(event)),
        item=item or getattr(event, "item_id", ""),
        payload=json_value(json.loads(frames[step.number - 1]) if step.number <= len(frames) else event),
    )


def _call(call: ClientToolCall) -> ClientToolRecord:
    arguments = json_value(call.arguments)
    return ClientToolRecord(
        name=call.name,
        arguments=arguments,
        output=json_value(call.output),
        outcome=call.outcome,
        problem=masked(call.problem),
        item=call.item_id,
        call=call.call_id,
        text=call_text(call.name, arguments, _LINE),
    )
