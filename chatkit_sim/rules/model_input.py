"""Rules about what the model is told: client tools' outputs reach it, and every call has its output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatkit.types import ClientToolCallItem

from ..errors import Violation
from ..recording import ClientToolCall, RecordedStream, Turn
from .base import Evidence, Rule, place
from .calls import read
from .given import Given, Said, given_in, loose_ends, output_only_fields
from .origins import left_early
from .words import call_text, item_name, quoted

_OUTPUT = "threads.add_client_tool_output"
_RETRY = "threads.retry_after_item"
_ANSWERED = ("answered", "failed")
_TELLING = 6  # a shorter value may stand in an input by chance


# --- client-tool-output-reaches-model


def _due(evidence: Evidence) -> list[tuple[ClientToolCall, list[Given]]]:
    """The client tool calls that were answered, each with the model calls of the stream that is first to hear of it."""
    turn = evidence.turn
    waiting = [] if turn.request.type == _RETRY else _unheard(evidence)
    by_stream: dict[int, list[Given]] = {}
    for given in given_in(turn):
        if given.main:
            by_stream.setdefault(given.stream.number, []).append(given)
    heard: list[tuple[ClientToolCall, list[Given]]] = []
    for stream, following in zip(turn.streams, (*turn.streams[1:], None), strict=False):
        calls = by_stream.get(stream.number)
        if calls:
            heard += [(call, calls) for call in waiting]
            waiting = []
        if _posted(stream, following):
            waiting.append(stream.call)  # type: ignore[arg-type]
    return heard


def _unheard(evidence: Evidence) -> list[ClientToolCall]:
    # What was answered in earlier turns and no model was called since.
    here = evidence.histories[0].thread_id if evidence.histories else None
    found: list[ClientToolCall] = []
    for turn in reversed(evidence.earlier):
        for following, stream in zip((None, *reversed(turn.streams)), reversed(turn.streams), strict=False):
            if _posted(stream, following) and following is not None and following.request.params["thread_id"] == here:
                found.append(stream.call)  # type: ignore[arg-type]
            if stream.timeline.main_runs or turn.request.type == _RETRY:
                return found
    return found


def _posted(stream: RecordedStream, following: RecordedStream | None) -> bool:
    call = stream.call
    if call is None or call.outcome not in _ANSWERED or following is None:
        return False
    return following.request.type == _OUTPUT and following.ended != "raised"


def _output_reaches_model(evidence: Evidence) -> Iterable[Violation]:
    for call, given in _due(evidence):
        if any(_holds(one, call) for one in given):
            continue
        first = given[0]
        told = first.call_ids("function_call_output").get(call.call_id)
        text = f"`{call_text(call.name, call.arguments)}`"
        if told is None:
            reason = f"The page answered {text}, and the model was called again without being told the output."
            remedy = (
                "Give the model the thread's newest items, the completed client tool call among them: "
                '`load_thread_items(thread.id, None, limit, "desc", context)`, reversed, through '
                "`simple_to_agent_input` or your ThreadItemConverter."
            )
            if first.remembered:
                remedy = (
                    "The provider or session knows the call, not its output: send "
                    f'{{"type": "function_call_output", "call_id": "{call.call_id}", "output": ...}} with the input.'
                )
        else:
            reason = f"The page answered {text}, and the model was told something else than it posted."
            remedy = (
                "Let client_tool_call_to_input give json.dumps(item.output) as the output of item.call_id; where a "
                "session holds the tool's own return value under that id, replace it."
            )
        yield Violation(
            rule="client-tool-output-reaches-model",
            place=place(evidence.turn, first.stream, first.number),
            reason=f"{reason} It cannot know what came of it.",
            details=[
                f"posted: {quoted(call.output)}, call_id {call.call_id}",
                f"told: {quoted(read(told, 'output'))}" if told is not None else f"given: {first.summary}",
                f'agent "{first.call.agent}"',
            ],
            remedy=remedy,
            subjects={"tool": call.name, "client_tool": call.name, "agent": first.call.agent, "item": call.item_id},
        )


def _holds(given: Given, call: ClientToolCall) -> bool:
    told = given.call_ids("function_call_output").get(call.call_id)
    if told is not None:
        return given.remembered or _says(read(told, "output"), call.output)
    return _mentions(given, call.output)


def _says(text: Any, value: Any) -> bool:
    text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    return any(form in text for form in _forms(value)) or _parses_to(text, value)


def _parses_to(text: str, value: Any) -> bool:
    try:
        return bool(json.loads(text) == value)
    except ValueError:
        return False


def _forms(value: Any) -> set[str]:
    forms = {json.dumps(value), json.dumps(value, ensure_ascii=False), str(value)}
    return {form for form in forms if form}


def _mentions(given: Given, value: Any) -> bool:
    # A converter of the app's own may well tell it in words.
    forms = {form for form in _forms(value) if len(form) >= _TELLING}
    texts = [given.call.instructions or ""]
    texts += [given.call.input] if isinstance(given.call.input, str) else []
    texts += [text for item in given.items if read(item, "type") != "function_call" for text in _texts(item)]
    return any(form in text for form in forms for text in texts)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


# --- balanced-function-calls, no-orphaned-client-tool-call


def _balanced(evidence: Evidence) -> Iterable[Violation]:
    told_elsewhere = {call.call_id for call, _ in _due(evidence)} | _pending_calls(evidence).keys()
    said = Said(evidence)
    for given in given_in(evidence.turn):
        unanswered, unasked = loose_ends(given)
        for call_id, item in unanswered:
            if call_id not in told_elsewhere and said.first(call_id, "unanswered"):
                name = str(read(item, "name"))
                yield _unbalanced(
                    evidence,
                    given,
                    name,
                    f"The model was given its call `{name}` ({call_id}) without an output. Providers refuse that: "
                    f'"No tool output found for function call {call_id}".',
                    "Give the call and its output together or leave both out: where history is cut or filtered, cut "
                    "between messages.",
                )
        for call_id, item in unasked:
            if said.first(call_id, "unasked"):
                yield _unbalanced(
                    evidence,
                    given,
                    "",
                    f"The model was given an output for the call {call_id}, {quoted(read(item, 'output'))}, without "
                    f'the call. Providers refuse that: "No tool call found for function call output with call_id '
                    f'{call_id}".',
                    "Give the function_call with the same call_id before its output; where history is cut, cut between "
                    "messages. With previous_response_id or a conversation the provider knows the call: pass it.",
                )
        for field in output_only_fields(given):
            if said.first(field, "field"):
                yield _unbalanced(
                    evidence,
                    given,
                    "",
                    f"The model was given back the field `{field}`, which only answers have. Providers refuse that: "
                    f'"Unknown parameter: {field}".',
                    "Leave it out where outputs become input: `item.model_dump(exclude_unset=True)` without that "
                    "field, or result.to_input_list().",
                )


def _unbalanced(evidence: Evidence, given: Given, tool: str, reason: str, remedy: str) -> Violation:
    subjects = {"agent": given.call.agent, **({"tool": tool} if tool else {})}
    return Violation(
        rule="balanced-function-calls",
        place=place(evidence.turn, given.stream, given.number),
        reason=reason,
        details=[f'agent "{given.call.agent}" was given: {given.summary}'],
        remedy=remedy,
        subjects=subjects,
    )


def _pending_calls(evidence: Evidence) -> dict[str, ClientToolCallItem]:
    items = (*evidence.turn.before.items, *evidence.turn.view.items)
    calls = (item for item in items if isinstance(item, ClientToolCallItem) and item.status == "pending")
    return {item.call_id: item for item in calls}


def _no_orphan(evidence: Evidence) -> Iterable[Violation]:
    pending = _pending_calls(evidence)
    said = Said(evidence)
    for given in given_in(evidence.turn) if pending else ():
        for call_id, _ in loose_ends(given)[0]:
            item = pending.get(call_id)
            if item is not None and said.first(call_id, "unanswered"):
                yield Violation(
                    rule="no-orphaned-client-tool-call",
                    place=place(evidence.turn, given.stream, given.number),
                    reason=f"The model was given the client tool call `{call_text(item.name, item.arguments)}`, which "
                    "the page has not answered. Providers refuse a call without an output, and with it every further "
                    "message of this thread.",
                    details=[f'agent "{given.call.agent}", call_id {call_id}'],
                    remedy='Leave out client tool calls with status "pending" where items become input, as '
                    "ThreadItemConverter.client_tool_call_to_input does (return None), or give them an output that "
                    "says that nobody answered.",
                    subjects={"tool": item.name, "client_tool": item.name, "item": item.id},
                )
    yield from _left_pending(evidence)


def _left_pending(evidence: Evidence) -> Iterator[Violation]:
    reload = evidence.reload
    if reload is None or not reload.opened.complete or evidence.shared:
        return
    if evidence.compared is None and evidence.turn.request.type != "threads.create":
        return
    known = {item.id for item in evidence.compared.reload.opened.items} if evidence.compared is not None else set()
    excused = _unanswered_by_page([*evidence.earlier, evidence.turn])
    left = any(map(left_early, evidence.histories))
    for item in reload.opened.items:
        if not isinstance(item, ClientToolCallItem) or item.status != "pending":
            continue
        if item.id in known or item.id in excused or left:
            continue
        yield Violation(
            rule="no-orphaned-client-tool-call",
            place=place(evidence.turn),
            reason=f"The {item_name(item.type, item.id)} `{call_text(item.name, item.arguments)}` is still pending, "
            "and nobody will answer it: the page is idle.",
            remedy="Complete or delete what is pending before the response ends without it.",
            subjects={"tool": item.name, "client_tool": item.name, "item": item.id},
            severity="warning",
        )


def _unanswered_by_page(turns: Sequence[Turn]) -> set[str]:
    # What the page was asked and did not answer, or could not: other rules speak, or nobody is to blame.
    found: set[str] = set()
    for turn in turns:
        for stream, following in zip(turn.streams, (*turn.streams[1:], None), strict=False):
            pending = [item.id for _, item in stream.pending_calls]
            if len(pending) > 1 or not _posted(stream, following):
                found.update(pending)
    return found


MODEL_INPUT_RULES = (
    Rule(
        slug="client-tool-output-reaches-model",
        family="client tools",
        must_hold="The next model call after a client tool's output is given the call's id and the posted value.",
        why="The assistant answers without knowing what came of it, or makes it up.",
        source="ThreadItemConverter.client_tool_call_to_input; ThreadsAddClientToolOutputReq",
        check=_output_reaches_model,
        timeline="needed",
    ),
    Rule(
        slug="no-orphaned-client-tool-call",
        family="client tools",
        must_hold="No client tool call stays pending when the page is idle, and none is given to the model unanswered.",
        why="The provider refuses the call without an output, and the thread answers nothing any more.",
        source="ThreadItemConverter.client_tool_call_to_input filters pending calls",
        check=_no_orphan,
        timeline="helps",
        yields_to=("one-client-tool-call-per-turn", "reload-matches-live-view"),
    ),
    Rule(
        slug="balanced-function-calls",
        family="client tools",
        must_hold="In what a model is given every function call has its output, every output its call, and no field "
        "that only answers have.",
        why="The provider refuses the request, and the user is shown an error from then on.",
        source="OpenAI Responses API: function_call and function_call_output belong together by call_id",
        check=_balanced,
        timeline="needed",
    ),
)
