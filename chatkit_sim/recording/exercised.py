"""What a turn exercised: tools and what became of their calls, handoffs, widget actions, events, items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..wire import Request
from .stream import ClientToolCall, RecordedStream
from .timeline import ModelCalled, ToolEnded, ToolStarted
from .turn import Turn

CLIENT_OUTCOMES = ("answered", "failed", "wrong shape", "late", "never answered", "abandoned")
"""What may become of a client tool call. Of the wrong shape or late is only what a campaign has drawn to be so."""

COUNTED = (
    "server_tools",
    "client_tools",
    "client_outcomes",
    "server_outcomes",
    "offered_tools",
    "handoffs",
    "offered_handoffs",
    "actions",
    "shown_actions",
    "events",
    "items",
)
"""What is counted, each by name: calls of server and of client tools; the latter's outcomes as ``"tool: answered"``
and the former's as ``"tool: succeeded"`` (``failed``, ``unfinished``); server tools that a model could have called;
handoffs as ``"agent: transfer_to_other"``, made and possible; widget actions by type, clicked and shown; events and
thread items by type."""


def exercised(turn: Turn) -> dict[str, Counter[str]]:
    """Count what a turn exercised, under the names in ``COUNTED``."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
    if turn.streams and turn.request.type == "threads.add_user_message":
        # The user has gone on, and nobody will ever answer these.
        pending = [item for item in turn.before.items if getattr(item, "status", None) == "pending"]
        counts["client_outcomes"].update(f"{getattr(item, 'name', '')}: abandoned" for item in pending)
    for stream in turn.streams:
        _count_stream(stream, counts)
    if not turn.streams:
        _count_action(turn.request, counts)
    return counts


def _count_action(request: Request, counts: Mapping[str, Counter[str]]) -> None:
    action = request.params.get("action")
    if isinstance(action, Mapping) and request.type.startswith("threads."):
        counts["actions"][str(action.get("type"))] += 1


def _count_stream(stream: RecordedStream, counts: Mapping[str, Counter[str]]) -> None:
    if stream.call is None:  # the page has gone before the call could be answered
        counts["client_outcomes"].update(f"{item.name}: never answered" for _, item in stream.pending_calls[-1:])
    else:
        counts["client_tools"][stream.call.name] += 1
        counts["client_outcomes"][f"{stream.call.name}: {_outcome(stream.call)}"] += 1
    _count_action(stream.request, counts)
    for event in stream.events:
        counts["events"][event.type] += 1
        item = getattr(event, "item", None)
        if item is None:
            continue
        counts["items"][item.type] += 1
        if item.type == "widget":
            counts["shown_actions"].update(_actions(item.widget.model_dump(mode="json", exclude_none=True)))
    _count_run(stream, counts)


def _count_run(stream: RecordedStream, counts: Mapping[str, Counter[str]]) -> None:
    unfinished = Counter[str]()
    for entry in stream.timeline.entries:
        match entry:
            case ModelCalled():
                possible = {name: f"{entry.agent}: {name}" for name in entry.handoffs}
                counts["offered_tools"].update(name for name in entry.tools if name not in possible)
                counts["offered_handoffs"].update(possible.values())
                called = [_field(one, "name") for one in entry.output if _field(one, "type") == "function_call"]
                counts["handoffs"].update(possible[name] for name in called if name in possible)
            case ToolStarted():
                counts["server_tools"][entry.tool] += 1
                unfinished[entry.tool] += 1
            case ToolEnded():
                unfinished[entry.tool] -= 1
                outcome = "succeeded" if entry.error is None else "failed"
                counts["server_outcomes"][f"{entry.tool}: {outcome}"] += 1
    counts["server_outcomes"].update({f"{tool}: unfinished": count for tool, count in unfinished.items() if count > 0})


def _outcome(call: ClientToolCall) -> str:
    return "never answered" if call.outcome == "withheld" else call.outcome


def _field(output: Any, name: str) -> Any:
    return output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)


def _actions(node: Any) -> Iterator[str]:
    """The types of the actions in a widget's tree that are the server's affair."""
    if isinstance(node, list):
        for part in node:
            yield from _actions(part)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            is_action = key == "action" or (key.startswith("on") and key.endswith("Action"))
            if not (is_action and isinstance(value, Mapping) and "type" in value):
                yield from _actions(value)
            elif value.get("handler") != "client":
                yield str(value["type"])
