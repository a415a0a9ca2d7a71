"""Wording that several rules share, so that their messages read alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

_LONGEST = 60

ITEM_NAMES = {
    "user_message": "user message",
    "assistant_message": "assistant message",
    "client_tool_call": "client tool call",
    "widget": "widget",
    "generated_image": "generated image",
    "structured_input": "structured input",
    "workflow": "workflow",
    "task": "task",
    "hidden_context_item": "hidden context item",
    "sdk_hidden_context": "hidden context item",
    "end_of_turn": "end of turn",
}


def item_name(type_name: str, item_id: str) -> str:
    """An item as a person calls it: ``assistant message "msg_1"``."""
    return f'{ITEM_NAMES.get(type_name, type_name)} "{item_id}"'


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as it would be written: ``add_to_todo_list(item="milk")``."""
    return f"{name}({', '.join(f'{key}={_json(value)}' for key, value in arguments.items())})"


def quoted(text: object, limit: int = _LONGEST) -> str:
    """Text in quotes, on one line, cut where it gets long."""
    return _json(text, limit)


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them: ``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def times(count: int, noun: str) -> str:
    """A count with its noun: ``1 update``, ``3 updates``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _json(value: Any, limit: int = _LONGEST) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= limit else f"{text[: limit - 4]}...{text[-1]}"
