"""Chat Completions messages as the input items of the Responses API, so that one script reads both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def as_items(messages: Iterable[Mapping[str, Any]]) -> tuple[str | None, list[dict[str, Any]]]:
    """The instructions that come first, and the rest as input items."""
    instructions: str | None = None
    items: list[dict[str, Any]] = []
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role in ("system", "developer") and instructions is None and not items:
            instructions = _text(content)
        elif role == "tool":
            output = {"type": "function_call_output", "call_id": message.get("tool_call_id"), "output": _text(content)}
            items.append(output)
        else:
            if content:
                items.append({"role": role, "content": content})
            items += [_call(call) for call in message.get("tool_calls") or ()]
    return instructions, items


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    return {
        "type": "function_call",
        "call_id": call.get("id"),
        "name": function.get("name"),
        "arguments": function.get("arguments"),
    }


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return "" if content is None else str(content)
