"""Requests exactly as the ChatKit web client sends them.

Observed in ``@openai/chatkit`` 1.9: one POST endpoint, body ``{"type", "params"}``, the thread id last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

STREAMING = frozenset(
    {
        "threads.create",
        "threads.add_user_message",
        "threads.add_client_tool_output",
        "threads.add_structured_input",
        "threads.retry_after_item",
        "threads.custom_action",
    }
)


@dataclass(frozen=True)
class Request:
    """One request of the client.

    Attributes:
        type: The operation, such as ``threads.create``.
        params: Its parameters, as JSON values.
    """

    type: str
    params: Mapping[str, Any]

    @property
    def streaming(self) -> bool:
        """Whether the server answers with a stream of events."""
        return self.type in STREAMING

    def body(self) -> bytes:
        """The bytes that are posted."""
        payload = {"type": self.type, "params": dict(self.params)}
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def user_input(
    content: Sequence[Mapping[str, Any]],
    *,
    attachments: Sequence[str] = (),
    quoted_text: str = "",
    tool_choice: str | None = None,
    model: str | None = None,
) -> dict[str, Any]:
    """What the composer submits: content parts, attachment ids, the quoted text, the chosen tool and model."""
    options: dict[str, Any] = {}
    if tool_choice is not None:
        options["tool_choice"] = {"id": tool_choice}
    if model is not None:
        options["model"] = model
    return {
        "content": [dict(part) for part in content],
        "quoted_text": quoted_text,
        "attachments": list(attachments),
        "inference_options": options,
    }


def create_thread(user_message: Mapping[str, Any]) -> Request:
    """The first message of a new thread."""
    return Request("threads.create", {"input": dict(user_message)})


def add_user_message(thread_id: str, user_message: Mapping[str, Any]) -> Request:
    """A further message in a thread."""
    return Request("threads.add_user_message", {"input": dict(user_message), "thread_id": thread_id})


def add_client_tool_output(thread_id: str, result: Any) -> Request:
    """What a client tool returned; the protocol sends no call id with it."""
    return Request("threads.add_client_tool_output", {"thread_id": thread_id, "result": result})


def retry_after_item(thread_id: str, item_id: str) -> Request:
    """Respond again to the user message ``item_id``."""
    return Request("threads.retry_after_item", {"thread_id": thread_id, "item_id": item_id})


def custom_action(thread_id: str, item_id: str | None, type: str, payload: Any) -> Request:
    """A widget action, or one that the page itself dispatches (no item)."""
    return Request(
        "threads.custom_action",
        {"thread_id": thread_id, "item_id": item_id, "action": {"type": type, "payload": payload}},
    )


def get_thread(thread_id: str) -> Request:
    """The thread with its oldest items, as on opening it."""
    return Request("threads.get_by_id", {"thread_id": thread_id})


def list_items(
    thread_id: str, *, order: Literal["asc", "desc"] = "desc", after: str | None = None, limit: int | None = None
) -> Request:
    """A page of a thread's items."""
    params: dict[str, Any] = {"thread_id": thread_id, "order": order}
    if after is not None:
        params["after"] = after
    if limit is not None:
        params["limit"] = limit
    return Request("items.list", params)
