"""Rules about a stream: its events can be handled, it begins as it must, and it ends well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatkit.types import (
    ClientEffectEvent,
    ErrorEvent,
    NoticeEvent,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    ThreadUpdatedEvent,
)

from ..errors import Violation, describe_exception
from ..recording import RecordedStream, Turn
from ..wire import Step, TextRun
from . import upstream
from .base import Evidence, Rule, place
from .excuses import chain, disturbance, run_errors, told_elsewhere
from .history import StreamHistory
from .words import item_name, quoted, times

NOT_NEWEST = "was not a ClientToolCallItem"

_PREAMBLES = {
    "threads.create": ("thread.created", "the user's message done", "stream_options"),
    "threads.add_user_message": ("the user's message done", "stream_options"),
}


def _well_formed_event(evidence: Evidence) -> Iterable[Violation]:
    turn = evidence.turn
    for history in evidence.histories:
        said: set[str] = set()
        for step in history.stream.steps:
            for what, remedy in _malformed(step):
                if what not in said:
                    said.add(what)
                    yield _malformation(turn, history, step, what, remedy)
        for finding in history.found("misfit-update"):
            name = item_name(finding.type, finding.item_id)
            updates = times(finding.count, "update")
            what = f"{updates} came for the {name} that it cannot take: {_update_type(finding.step)}."
            remedy = "Send each update to the item that it was made for: check item_id."
            yield _malformation(turn, history, finding.step, what, remedy, item=finding.item_id)


def _malformation(turn: Turn, history: StreamHistory, step: Step, what: str, remedy: str, **subjects: str) -> Violation:
    return Violation(
        rule="well-formed-event",
        place=place(turn, history.stream, step.number),
        reason=f"{what} The page cannot show it.",
        remedy=remedy,
        subjects=subjects,
    )


def _malformed(step: Step) -> Iterator[tuple[str, str]]:
    if isinstance(step, TextRun):
        yield from _bad_indexes(step.item_id, {"content_index": step.content_index})
        return
    match step.event:
        case ThreadItemUpdatedEvent(item_id=item_id, update=update):
            names = ("content_index", "annotation_index")
            yield from _bad_indexes(item_id, {name: getattr(update, name, 0) for name in names})
            yield from _bad_id(step, item_id)
        case ThreadItemAddedEvent(item=item) | ThreadItemDoneEvent(item=item) | ThreadItemReplacedEvent(item=item):
            yield from _bad_id(step, item.id)
        case ThreadItemRemovedEvent(item_id=item_id):
            yield from _bad_id(step, item_id)
        case NoticeEvent(message=message, title=title) if not message.strip() and not title:
            yield "A notice has neither a message nor a title.", "Give NoticeEvent a message."
        case ClientEffectEvent(name=name) if not name.strip():
            yield "A client effect has no name.", "Give ClientEffectEvent the name that the page listens for."
        case _:
            pass


def _bad_indexes(item_id: str, indexes: dict[str, int]) -> Iterator[tuple[str, str]]:
    for name, index in indexes.items():
        if index < 0:
            yield f'An update of item "{item_id}" has the {name} {index}.', f"Count {name} from 0."


def _bad_id(step: Step, item_id: str) -> Iterator[tuple[str, str]]:
    if not item_id:
        kind = step.event.type if not isinstance(step, TextRun) else "thread.item.updated"
        yield f"A {kind} event has an empty item id.", 'Take ids from `store.generate_item_id("message", ...)`.'


def _update_type(step: Step) -> str:
    if isinstance(step, TextRun):
        return "assistant_message.content_part.text_delta"
    return step.event.update.type if isinstance(step.event, ThreadItemUpdatedEvent) else step.event.type


def _preamble_first(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        stream = history.stream
        expected = _PREAMBLES.get(stream.request.type, ("stream_options",))
        begun = _beginning(stream, len(expected))
        if begun[: len(expected)] != list(expected) and disturbance(evidence, history) is None:
            yield Violation(
                rule="preamble-first",
                place=place(evidence.turn, stream, 1 if begun else None),
                reason=f"The response to {stream.request.type} begins with {', '.join(begun) or 'nothing at all'}; "
                f"the page needs {', '.join(expected)} first, to know the thread and whether it can be stopped.",
                remedy=_restore_preamble(stream),
            )
            continue
        for step in stream.steps:
            if isinstance(step, TextRun) or not isinstance(step.event, ThreadCreatedEvent):
                continue
            if step.number > 1 or stream.request.type != "threads.create":
                yield Violation(
                    rule="preamble-first",
                    place=place(evidence.turn, stream, step.number),
                    reason="The responder sent thread.created. The page takes it as the start of a new thread, "
                    "in the middle of this one.",
                    remedy="Do not yield ThreadCreatedEvent: the SDK sends it. To change the title, set `thread.title` "
                    "in respond, and the SDK sends thread.updated.",
                )


def _beginning(stream: RecordedStream, length: int) -> list[str]:
    begun: list[str] = []
    for event in stream.events:
        if len(begun) == length:
            break
        if not isinstance(event, ThreadUpdatedEvent):  # may come anywhere
            begun.append(_kind(event))
    return begun


def _kind(event: ThreadStreamEvent) -> str:
    if isinstance(event, ThreadItemDoneEvent) and event.item.type == "user_message":
        return "the user's message done"
    return "stream_options" if isinstance(event, StreamOptionsEvent) else event.type


def _restore_preamble(stream: RecordedStream) -> str:
    if stream.request.type == "threads.retry_after_item" and not stream.events:
        return (
            f'The store no longer finds the user message "{stream.request.params.get("item_id")}": see that '
            "load_thread_items pages through the whole thread."
        )
    return "Leave the preamble to ChatKitServer: override respond and action, not its private methods."


def _no_unexpected_error(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        stream = history.stream
        if stream.has_note("injected-failure"):
            continue
        errors = [(step, event) for step, event in history.errors if event.code != "custom"]
        for index, (step, event) in enumerate(errors):
            behind = _behind(stream, index)
            if behind is None and (_absent_model(evidence, stream) or _caused_by_client(stream)):
                continue
            if not told_elsewhere(behind):
                yield _unexpected_error(evidence.turn, stream, step.number, event, behind)


def _behind(stream: RecordedStream, index: int) -> BaseException | None:
    swallowed = [error for error in stream.swallowed if error is not stream.raised]
    return swallowed[min(index, len(swallowed) - 1)] if swallowed else None


def _absent_model(evidence: Evidence, stream: RecordedStream) -> bool:
    absent = evidence.unscripted or evidence.refused or evidence.blocked
    return bool(absent or any(map(told_elsewhere, run_errors(stream))))


def _caused_by_client(stream: RecordedStream) -> bool:
    # The server answers an action on something that is no widget with an error and nothing else.
    return stream.has_note("unusual-request") or (
        stream.request.type == "threads.custom_action" and isinstance(stream.events[0], ErrorEvent)
    )


def _unexpected_error(
    turn: Turn, stream: RecordedStream, number: int, event: ErrorEvent, behind: BaseException | None
) -> Violation:
    code = event.code if isinstance(event.code, str) else event.code.value
    code = getattr(event.code, "value", code)
    shown = f'code "{code}"' + (", with a retry button" if event.allow_retry else "")
    subjects = {"code": str(code)}
    if behind is None:
        return Violation(
            rule="no-unexpected-error",
            place=place(turn, stream, number),
            reason=f"The user is shown an error instead of an answer ({shown}). No exception is known behind it: the "
            "responder yielded the event or raised StreamError.",
            details=[f"message: {quoted(event.message)}"] if event.message else [],
            remedy='An error that is meant for the user is CustomStreamError("...") or ErrorEvent(message="..."). '
            f'A test that wants this one says `with chatkit_client.expecting(error="{code}"):`.',
            subjects=subjects,
        )
    name = type(behind).__name__
    defect = upstream.of_exception(behind)
    if defect is not None:
        reason, remedy, subjects = defect.says, defect.workaround, {**subjects, "defect": defect.name}
    else:
        reason = f"The responder raised {name}, and the user is shown an error instead of an answer ({shown})."
        remedy = _mend(behind, name)
    return Violation(
        rule="no-unexpected-error",
        place=place(turn, stream, number),
        reason=reason,
        details=["\n".join(describe_exception(behind))],
        remedy=remedy,
        subjects={**subjects, "exception": name},
        severity="error" if defect is None else "warning",
        cause=behind,
        upstream=defect is not None,
    )


def _mend(error: BaseException, name: str) -> str:
    if name.endswith("TripwireTriggered"):
        return (
            f"Catch {name} around stream_agent_response and tell the user in your own words. A test that wants the "
            f"bare error says `with chatkit_client.expecting(error={name}):`."
        )
    if any("different event loop" in str(link) for link in chain(error)):
        return (
            "A lock, queue or connection pool was made on another event loop than the one that serves this request. An "
            "app that lives on a single loop, as under one uvicorn worker, is not affected; here each test has a loop "
            "of its own. Either make it together with the server, in its factory, or anew in `chatkit_reset`; or let "
            "the app make one for each running loop."
        )
    return (
        f'Mend what raised, or tell the user in your own words: raise CustomStreamError("..."). A test that wants '
        f"this error says `with chatkit_client.expecting(error={name}):`."
    )


def _stream_ends_cleanly(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        stream = history.stream
        error = stream.raised
        if stream.ended != "raised" or error is None or told_elsewhere(error) or NOT_NEWEST in str(error):
            continue
        if stream.has_note("unusual-request", "injected-failure"):
            continue
        name = type(error).__name__
        when = "before respond began" if stream.preamble_length == 0 else "outside of respond"
        yield Violation(
            rule="stream-ends-cleanly",
            place=place(evidence.turn, stream, len(stream.events) or None),
            reason=f"{name} came out of the stream of {stream.request.type}, {when}. The response had begun with 200 "
            "already, so the page sees a broken connection: no error event, no message, no retry.",
            details=["\n".join(describe_exception(error))],
            remedy="The SDK turns only what respond and action raise into an error event. Mend the store, converter "
            f"or option named above; a test that wants this says `with chatkit_client.expecting(error={name}):`.",
            subjects={"exception": name},
            cause=error,
        )


STREAM_RULES = (
    Rule(
        slug="well-formed-event",
        family="stream",
        must_hold="Every event can be handled: indexes count from 0, ids are not empty, updates fit their item.",
        why="The page ignores what it cannot handle, or fails.",
        source="chatkit.types.ThreadStreamEvent; ChatKitServer._update_pending_items",
        check=_well_formed_event,
    ),
    Rule(
        slug="preamble-first",
        family="stream",
        must_hold="A stream begins with thread.created (new threads only), the user's message, and stream_options.",
        why="The page learns from it which thread it is in and whether the user may stop the response.",
        source="ChatKitServer._process_streaming_impl, _process_events",
        check=_preamble_first,
    ),
    Rule(
        slug="no-unexpected-error",
        family="stream",
        must_hold="A stream brings no error event but those with the code custom, which the app words itself.",
        why="The user is shown a general error instead of an answer.",
        source="ChatKitServer._process_events: exceptions become ErrorEvent(code=stream.error)",
        check=_no_unexpected_error,
        yields_to=("task-index-in-range",),
    ),
    Rule(
        slug="stream-ends-cleanly",
        family="stream",
        must_hold="No exception comes out of a stream that has begun.",
        why="The page sees a broken connection and cannot even say that something went wrong.",
        source="ChatKitServer._process_streaming: what happens outside of respond is raised after the 200",
        check=_stream_ends_cleanly,
    ),
)
