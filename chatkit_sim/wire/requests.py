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


def custom_action(thread_id: str, item_id: str | None, type: str, payload: Any, *, streaming: bool = True) -> Request:
    """A widget action, or one that the page itself dispatches (no item); one with ``streaming: false`` is answered."""
    return Request(
        "threads.custom_action" if streaming else "threads.sync_custom_action",
        {"thread_id": thread_id, "item_id": item_id, "action": {"type": type, "payload": payload}},
    )


def add_structured_input(thread_id: str, item_id: str, submitted: Mapping[str, Any]) -> Request:
    """What the user answered to the questions of an item."""
    return Request(
        "threads.add_structured_input", {"thread_id": thread_id, "item_id": item_id, "input": dict(submitted)}
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


def list_threads(*, limit: int = 9999, order: Literal["asc", "desc"] = "desc", after: str | None = None) -> Request:
    """The user's threads, as on loading the page."""
    return Request("threads.list", {"limit": limit, "order": order} | ({"after": after} if after is not None else {}))


def rename_thread(thread_id: str, title: str) -> Request:
    """Another title for a thread."""
    return Request("threads.update", {"thread_id": thread_id, "title": title})


def delete_thread(thread_id: str) -> Request:
    """Delete a thread."""
    return Request("threads.delete", {"thread_id": thread_id})


def feedback(thread_id: str, item_ids: Sequence[str], kind: Literal["positive", "negative"]) -> Request:
    """Thumbs up or down below an answer."""
    return Request("items.feedback", {"thread_id": thread_id, "item_ids": list(item_ids), "kind": kind})


def transcribe(audio_base64: str, mime_type: str) -> Request:
    """Recorded speech, to become text."""
    return Request("input.transcribe", {"audio_base64": audio_base64, "mime_type": mime_type})


def create_attachment(name: str, size: int, mime_type: str) -> Request:
    """The first phase of an upload: the answer says where the file is to go."""
    return Request("attachments.create", {"name": name, "size": size, "mime_type": mime_type})


def delete_attachment(attachment_id: str) -> Request:
    """Take back an attachment that was not sent yet."""
    return Request("attachments.delete", {"attachment_id": attachment_id})
