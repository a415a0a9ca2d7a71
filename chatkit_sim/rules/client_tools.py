"""Rules about client tools: one at a time, the last thing in its stream, known to the page, and answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from chatkit.types import ClientToolCallItem

from ..errors import Violation
from ..recording import ClientToolCall, RecordedStream
from ..wire import TextRun
from .base import Evidence, Rule, place
from .calls import Asked, Calls, Early
from .excuses import disturbance, shows_something
from .history import StreamHistory
from .stream import NOT_NEWEST
from .words import call_text, item_name, listed, quoted

_OUTPUT = "threads.add_client_tool_output"
_SERIAL = 'Agent(name="{}", ..., model_settings=ModelSettings(parallel_tool_calls=False))'
_SERIAL_ALREADY = (
    "The agent forbids this already (parallel_tool_calls=False), so no model should do it: in the script, write two "
    "steps instead of `calls(...) & calls(...)`."
)


def _one_client_tool_call(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        pending = history.pending
        if len(pending) > 1:
            yield _several_calls(evidence, history, pending)
        if not pending:
            continue
        calls = history.calls
        for asked, winner in calls.lost([item for _, item in pending]):
            if asked.response is not winner.response and calls.answered_early(asked):
                continue  # the model went on, and stop-at-client-tool says why
            yield _overwritten(evidence, history.stream, pending[-1][0], asked, winner)


def _several_calls(
    evidence: Evidence, history: StreamHistory, pending: list[tuple[int, ClientToolCallItem]]
) -> Violation:
    *lost, (_, last) = pending
    texts = [f"`{call_text(item.name, item.arguments)}`" for _, item in lost]
    return Violation(
        rule="one-client-tool-call-per-turn",
        place=place(evidence.turn, history.stream, pending[1][0]),
        reason=f"The stream asked for {len(pending)} client tools. The page's answer carries no call id and goes to "
        f"the newest, `{call_text(last.name, last.arguments)}`; {listed(texts)} "
        f"{'is' if len(lost) == 1 else 'are'} never answered, and the server deletes "
        f"{'it' if len(lost) == 1 else 'them'}.",
        remedy="End the response after the first client tool call; when its output has come, respond is called again "
        "and can ask for the next.",
        subjects={"tool": lost[0][1].name, "client_tool": lost[0][1].name},
    )


def _overwritten(evidence: Evidence, stream: RecordedStream, number: int, asked: Asked, winner: Asked) -> Violation:
    agent = asked.entry.agent
    details: list[str] = []
    if asked.entry.call_id and asked.entry.call_id == winner.entry.call_id:
        details.append(f'agent "{agent}": one call of `{asked.by}` asked for the client twice')
        remedy = (
            f"A call of `{asked.by}` has room for one client tool call: pass everything in one, such as a list in "
            "ClientToolCall(arguments=...)."
        )
    elif asked.response is None or asked.response is not winner.response:
        details.append(f'agent "{agent}": `{asked.by}` asked first, `{winner.by}` later in the same response')
        remedy = (
            f'Stop at the first: Agent(name="{agent}", ..., tool_use_behavior=StopAtTools(stop_at_tool_names='
            f'["{asked.by}"])); respond is called again when its output has come.'
        )
    elif asked.response.parallel_tool_calls is False:
        details.append(f'agent "{agent}": the model answered with both calls at once')
        remedy = _SERIAL_ALREADY
    else:
        what = f"`{asked.by}` twice" if asked.by == winner.by else f"`{asked.by}` and `{winner.by}`"
        details.append(
            f'agent "{agent}": the model called {what} in one response; {_parallel(asked.response.parallel_tool_calls)}'
        )
        remedy = _SERIAL.format(agent)
    return Violation(
        rule="one-client-tool-call-per-turn",
        place=place(evidence.turn, stream, number),
        reason=f"`{asked.text}` was overwritten by `{winner.text}` and never reached the client: a response has room "
        "for one client tool call, and the last one wins without a word.",
        details=details,
        remedy=remedy,
        subjects={"tool": asked.by, "client_tool": asked.entry.name, "agent": agent},
    )


def _parallel(setting: bool | None) -> str:
    return "parallel_tool_calls is " + ("True" if setting else "not set, and models default to True")


def _stop_at_client_tool(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        yield from _model_went_on(evidence, history)
        late = _after_call(history)
        if late is not None:
            number, what, call = late
            yield Violation(
                rule="stop-at-client-tool",
                place=place(evidence.turn, history.stream, number),
                reason=f"The response went on with {what} after it had asked for the client tool "
                f"`{call_text(call.name, call.arguments)}`. The page waits for the end of the stream, and the server "
                "takes an output only while the call is the newest stored item.",
                remedy=f"Let the pending call of `{call.name}` be the last event: yield what comes before it first, "
                "the rest when respond is called again with the output.",
                subjects={"tool": call.name, "client_tool": call.name},
            )


def _model_went_on(evidence: Evidence, history: StreamHistory) -> Iterator[Violation]:
    said: set[tuple[str, str]] = set()
    for asked in history.calls.asked:
        early = history.calls.answered_early(asked)
        if early is not None and (early.agent, early.tool) not in said:
            said.add((early.agent, early.tool))
            yield _answered_early(evidence, history.stream, asked, early)


def _answered_early(evidence: Evidence, stream: RecordedStream, asked: Asked, early: Early) -> Violation:
    tool, agent = early.tool, early.agent
    detail, remedy = _why_it_went_on(early)
    details = [detail]
    if asked.entry.name != tool:
        within = "" if asked.by == tool else f' of agent "{asked.entry.agent}"'
        details.append(f'client tool: `{asked.text}`, asked for by the function tool "{asked.by}"{within}')
    details.append(f"what the model was given as the tool's output: {quoted(early.told)}")
    return Violation(
        rule="stop-at-client-tool",
        place=place(evidence.turn, stream, min(early.model_call.after_event + 1, len(stream.events))),
        reason=f"The model was called again after `{tool}` asked for a client tool, so it answered before the client "
        "did.",
        details=details,
        remedy=remedy,
        subjects={"tool": tool, "client_tool": asked.entry.name, "agent": agent},
    )


def _why_it_went_on(early: Early) -> tuple[str, str]:
    """What kept the run going, and the remedy: the agent's own setting, or what else the model called."""
    tool, agent, response = early.tool, early.agent, early.response
    others = early.handoffs or (early.beside if early.stops else ())
    if response is None or not others or early.stops is False:
        return (
            f'agent "{agent}": tool_use_behavior does not stop at "{tool}"',
            f'Agent(name="{agent}", ..., tool_use_behavior=StopAtTools(stop_at_tool_names=["{tool}"]))',
        )
    beside = listed([f"`{name}`" for name in dict.fromkeys(others)])
    stops = f'tool_use_behavior stops at "{tool}", but the' if early.stops else "the"
    detail = f'agent "{agent}": {stops} model called {beside} in the same response'
    if early.handoffs:
        detail += ", and the run goes on after a handoff, whatever tools say"
    if response.parallel_tool_calls is False:
        return detail, _SERIAL_ALREADY
    return f"{detail}; {_parallel(response.parallel_tool_calls)}", _SERIAL.format(agent)


def _after_call(history: StreamHistory) -> tuple[int, str, ClientToolCallItem] | None:
    """The first thing about an item after the pending call; further calls and hidden events apart."""
    pending = history.pending
    if not pending:
        return None
    first, call = pending[0]
    ids = {item.id for _, item in pending}
    for step in history.stream.steps:
        if step.number <= first:
            continue
        if isinstance(step, TextRun):
            return step.number, "text", call
        event = step.event
        item = getattr(event, "item", None)
        if item is not None and item.id not in ids:
            return step.number, f"the {item_name(item.type, item.id)}", call
        if event.type in ("thread.item.updated", "thread.item.removed"):
            return step.number, f"{event.type}", call
    return None


def _client_tool_call_identity(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        pending = history.pending
        if not pending:
            continue
        calls = history.calls
        if calls.lost([item for _, item in pending]):
            continue  # of two calls one was overwritten, which mixes their ids too: told once
        for number, item in pending:
            asked = next((a for a in reversed(calls.asked) if _asks_for(a, item, calls)), None)
            other = calls.tools.get(item.call_id)
            if asked is None or other is None or asked.entry.call_id in (None, "", item.call_id):
                continue
            yield _foreign_identity(evidence, history.stream, number, item, asked, other)


def _asks_for(asked: Asked, item: ClientToolCallItem, calls: Calls) -> bool:
    # An agent used as a tool has calls of its own, which the outer conversation does not know.
    entry = asked.entry
    return entry.run in calls.main_runs and entry.name == item.name and entry.arguments == item.arguments


def _foreign_identity(
    evidence: Evidence, stream: RecordedStream, number: int, item: ClientToolCallItem, asked: Asked, other: str
) -> Violation:
    agent = asked.entry.agent
    return Violation(
        rule="client-tool-call-identity",
        place=place(evidence.turn, stream, number),
        reason=f"`{asked.text}` was asked for by `{asked.by}`, but its item carries the id of the call of `{other}`, "
        "which the model made at the same time. The client's output is given to the model as that call's.",
        details=[
            f"call_id of the item: {item.call_id} (`{other}`); of the call that asked: {asked.entry.call_id}",
            f'agent "{agent}": the model called both tools in one response',
        ],
        remedy=_SERIAL.format(agent),
        subjects={"tool": asked.by, "client_tool": item.name, "agent": agent},
    )


def _client_tool_registered(evidence: Evidence) -> Iterable[Violation]:
    for history, number, call in _ended_in_call(evidence, "unregistered"):
        names = sorted(evidence.client_tools)
        close = get_close_matches(call.name, names, n=1)
        handler = f"def {call.name}({', '.join(call.arguments)})"
        yield Violation(
            rule="client-tool-registered",
            place=place(evidence.turn, history.stream, number),
            reason=f"The server asked for the client tool `{call_text(call.name, call.arguments)}`, which the page "
            "does not have. Nothing answers it, and the conversation hangs.",
            details=[f"registered: {', '.join(names) or 'no client tools at all'}"],
            remedy=(f"Did you mean `{close[0]}`? " if close else "")
            + f"Register a handler, as the page does: `@chatkit_client.client_tool` above `{handler}`, or "
            f'`client_tool(name="{call.name}")`.',
            subjects=_subjects(history, call),
        )


def _client_tool_arguments_valid(evidence: Evidence) -> Iterable[Violation]:
    for history, number, call in _ended_in_call(evidence, "refused"):
        subjects = _subjects(history, call)
        yield Violation(
            rule="client-tool-arguments-valid",
            place=place(evidence.turn, history.stream, number),
            reason=f"The arguments of `{call_text(call.name, call.arguments)}` do not fit the page's handler: "
            f"{call.problem}.",
            remedy=f"Change ClientToolCall(arguments=...) in `{subjects['tool']}`, or the handler's parameters, so "
            "that both say the same.",
            subjects=subjects,
        )


def _ended_in_call(evidence: Evidence, outcome: str) -> Iterator[tuple[StreamHistory, int | None, ClientToolCall]]:
    for history in evidence.histories:
        call = history.stream.call
        if call is not None and call.outcome == outcome:
            number = next((number for number, item in history.pending if item.id == call.item_id), None)
            yield history, number, call


def _subjects(history: StreamHistory, call: ClientToolCall) -> dict[str, str]:
    asked = next((a for a in reversed(history.calls.asked) if a.entry.name == call.name), None)
    subjects = {"tool": asked.by if asked else call.name, "client_tool": call.name}
    return {**subjects, "agent": asked.entry.agent} if asked else subjects


def _client_tool_call_is_newest(evidence: Evidence) -> Iterable[Violation]:
    for previous, history in zip(evidence.histories, evidence.histories[1:], strict=False):
        stream = history.stream
        if stream.request.type != _OUTPUT or NOT_NEWEST not in str(stream.raised or ""):
            continue
        if stream.has_note("unusual-request") or _after_call(previous) is not None:
            continue  # what came after the call was on show: stop-at-client-tool says so
        call = previous.stream.call
        text = f"`{call_text(call.name, call.arguments)}`" if call else "the client tool"
        yield Violation(
            rule="client-tool-call-is-newest",
            place=place(evidence.turn, stream),
            reason=f"The output of {text} could not be posted: the server takes it only while the pending call is the "
            "newest stored item of the thread, and it was not. Every further try fails in the same way.",
            details=[f"raised: {stream.raised}", *(note.text for note in stream.notes)],
            remedy="Store nothing after the pending call: hidden context goes before it (yielding it, or "
            "store.add_thread_item), and a store must keep items of equal created_at in the order they were added.",
            subjects={"tool": call.name, "client_tool": call.name} if call else {},
            cause=stream.raised,
            items=(call.item_id,) if call else (),
        )


def _client_tool_turn_answered(evidence: Evidence) -> Iterable[Violation]:
    for previous, history in zip(evidence.histories, evidence.histories[1:], strict=False):
        if history.stream.request.type != _OUTPUT or disturbance(evidence, history) or shows_something(history):
            continue
        call = previous.stream.call
        name = call.name if call else "the client tool"
        yield Violation(
            rule="client-tool-turn-answered",
            place=place(evidence.turn, history.stream),
            reason=f"After the output of `{name}` was posted, the response brought nothing to see.",
            remedy="Let the assistant say what came of it. If the page needs only to be told and nothing waits for "
            f'its answer, send ClientEffectEvent(name="{name}", data=...) instead of a client tool call.',
            subjects={"tool": name, "client_tool": name},
            severity="warning",
        )


CLIENT_TOOL_RULES = (
    Rule(
        slug="one-client-tool-call-per-turn",
        family="client tools",
        must_hold="A response asks for one client tool at most.",
        why="Of two calls one is lost without a word: the user asked for milk and eggs and gets eggs.",
        source="chatkit.agents.AgentContext.client_tool_call is one slot; ThreadsAddClientToolOutputReq has no call id",
        check=_one_client_tool_call,
        timeline="helps",
    ),
    Rule(
        slug="stop-at-client-tool",
        family="client tools",
        must_hold="A response ends with its client tool call: nothing follows it, and the model is not called again.",
        why="The assistant answers before the client did, as if the tool had succeeded.",
        source="ChatKit guide: StopAtTools for tools that set client_tool_call",
        check=_stop_at_client_tool,
        timeline="helps",
    ),
    Rule(
        slug="client-tool-call-identity",
        family="client tools",
        must_hold="A client tool call carries the ids of the tool call that asked for it.",
        why="The model is given the client's output as the output of another tool.",
        source="chatkit.agents.stream_agent_response takes the ids of the last function call it saw",
        check=_client_tool_call_identity,
        timeline="needed",
    ),
    Rule(
        slug="client-tool-registered",
        family="client tools",
        must_hold="The page has every client tool that the server asks for.",
        why="Nothing answers, and the conversation hangs.",
        source="ChatKit.js options.onClientTool",
        check=_client_tool_registered,
    ),
    Rule(
        slug="client-tool-arguments-valid",
        family="client tools",
        must_hold="The arguments of a client tool call fit the page's handler.",
        why="The handler fails in the browser.",
        source="ChatKit.js options.onClientTool({name, params})",
        check=_client_tool_arguments_valid,
    ),
    Rule(
        slug="client-tool-call-is-newest",
        family="client tools",
        must_hold="The pending call is the newest stored item when its output is posted.",
        why="The output is refused with an exception, again and again; the conversation is stuck.",
        source="ChatKitServer._process_streaming_impl: ThreadsAddClientToolOutputReq loads one item, newest first",
        check=_client_tool_call_is_newest,
        yields_to=("reload-order-matches",),
    ),
    Rule(
        slug="client-tool-turn-answered",
        family="client tools",
        must_hold="The response to a client tool's output shows something.",
        why="The user sees the assistant fall silent.",
        source="ChatKit guide: client tools and client effects",
        check=_client_tool_turn_answered,
        severity="warning",
    ),
)
