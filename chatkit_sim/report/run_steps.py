"""The timeline of a run as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import describe_exception
from ..recording import (
    ClientToolAssigned,
    HandedOff,
    ModelCalled,
    RunEnded,
    RunEntry,
    RunStarted,
    RunTimeline,
    ToolEnded,
    ToolStarted,
)
from ..transcript import call_text, value_text
from .records import RunStep
from .values import json_value, masked

_LINE = 240  # characters of an entry's own line; the payload holds all of it


def run_steps(timeline: RunTimeline, given: dict[str, Sequence[Any]]) -> list[RunStep]:
    """What the runs behind a stream did, in order.

    Args:
        timeline: The timeline of the stream.
        given: What the model was given last, by agent; a later call tells only what is new. It is updated.
    """
    main = timeline.main_runs
    return [
        RunStep(
            kind=kind,
            run=entry.run,
            agent=entry.agent,
            after_event=entry.after_event,
            side=bool(main) and entry.run not in main,
            text=masked(text),
            call=getattr(entry, "call_id", None) or "",
            failed=getattr(entry, "error", None) is not None,
            payload=payload,
        )
        for entry in timeline.entries
        for kind, text, payload in [_told(entry, given)]
    ]


def _told(entry: RunEntry, given: dict[str, Sequence[Any]]) -> tuple[Any, str, Any]:
    match entry:
        case RunStarted():
            return "run-started", "" if entry.feeds_stream else "beside the stream", None
        case ModelCalled():
            return "model-called", _answer(entry), _model_call(entry, given)
        case ToolStarted():
            return "tool-started", f"{entry.tool}({_cut(entry.arguments)})", json_value(entry.arguments)
        case ToolEnded() if entry.error is not None:
            return "tool-ended", f"{entry.tool} raised {_error(entry.error)}", _trace(entry.error)
        case ToolEnded():
            return "tool-ended", f"{entry.tool} -> {_shown(entry.output)}", json_value(entry.output)
        case HandedOff():
            return "handed-off", f"to {entry.to}", None
        case ClientToolAssigned():
            arguments = json_value(entry.arguments)
            return (
                "client-tool",
                call_text(entry.name, arguments, _LINE),
                {"asked by": entry.tool, "arguments": arguments},
            )
        case RunEnded():
            why = _error(entry.error) if entry.error else f"by {entry.stopped_by}" if entry.stopped_by else ""
            if entry.guardrail:
                why = f"by the guardrail {entry.guardrail}"
            return "run-ended", why, _trace(entry.error) if entry.error else None
        case _:
            return "run-ended", type(entry).__name__, json_value(entry)


def _model_call(entry: ModelCalled, given: dict[str, Sequence[Any]]) -> dict[str, Any]:
    """Arguments and answer of a model call. A history grows with each call, so only what is new in it is told."""
    now = [entry.input] if isinstance(entry.input, str) else list(entry.input)
    before = given.get(entry.agent, ())
    same = len(before) if now[: len(before)] == list(before) else 0
    given[entry.agent] = now
    told: dict[str, Any] = {"instructions": masked(entry.instructions or "")} if not before else {}
    if same:
        told["input as before"] = same
    told["input"] = json_value(now[same:])
    for name, offered in (("tools", entry.tools), ("handoffs", entry.handoffs)):
        if offered:
            told[name] = list(offered)
    told["output"] = json_value(entry.output)
    if entry.error is not None:
        told["error"] = _trace(entry.error)
    if not entry.scripted:
        told["answered by"] = "the app's own model"
    return told


def _answer(entry: ModelCalled) -> str:
    if entry.error is not None:
        return f"raised {_error(entry.error)}"
    said = [text for text in map(_output_item, entry.output) if text]
    return ", ".join(said)[: 2 * _LINE]


def _output_item(item: Any) -> str:
    get = item.get if isinstance(item, dict) else lambda name, default=None: getattr(item, name, default)
    kind = get("type")
    if kind == "message":
        parts = get("content") or ()
        texts = [
            part.get("text") or part.get("refusal") if isinstance(part, dict) else getattr(part, "text", "")
            for part in parts
        ]
        return _shown("".join(str(text or "") for text in texts))
    if kind == "function_call":
        return f"calls {get('name')}({_cut(str(get('arguments') or ''))})"
    return str(kind or "")


def _cut(text: str) -> str:
    return text if len(text) <= _LINE else f"{text[:_LINE]}…"


def _shown(value: Any) -> str:
    return value_text(json_value(value), _LINE)


def _error(error: BaseException) -> str:
    return f"{type(error).__name__}: {_cut(str(error))}".rstrip(": ")


def _trace(error: BaseException) -> str:
    return masked("\n".join(describe_exception(error)))
