"""The messages of the Chat Completions API: calls and their outputs in balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .refusal import Refusal

_BALANCE = "Send the assistant message with the tool calls and a tool message for each of them, right after it."


def check_messages(messages: Any) -> Iterator[Refusal]:
    """What is wrong with the messages."""
    waiting: dict[str, int] = {}
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, Mapping):
            continue
        if message.get("role") == "tool":
            call_id = str(message.get("tool_call_id"))
            if call_id not in waiting:
                yield Refusal(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    f"messages[{index}].role",
                    remedy=_BALANCE,
                )
            waiting.pop(call_id, None)
            continue
        yield from _unanswered(waiting)
        calls = message.get("tool_calls") or ()
        waiting = {str(call.get("id")): index for call in calls if isinstance(call, Mapping)}
        if message.get("role") == "assistant" and not calls and message.get("content") is None:
            if message.get("refusal") is None and message.get("function_call") is None:
                yield Refusal(
                    "Invalid value for 'content': expected a string, got null.",
                    f"messages[{index}].content",
                    remedy="An assistant message has a content, a refusal or tool calls.",
                )
    yield from _unanswered(waiting)


def _unanswered(waiting: Mapping[str, int]) -> Iterator[Refusal]:
    if waiting:
        ids = ", ".join(waiting)
        yield Refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {ids}",
            f"messages[{next(iter(waiting.values()))}]",
            remedy=_BALANCE,
        )
