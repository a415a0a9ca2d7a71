"""Requests on one line: what the user or the client did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .items import answer_text, as_mapping, user_text
from .widgets import describe_action
from .words import value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..wire import Request


def describe_request(request: Request) -> str:
    """What the user or the client did, on one line.

    Nothing a test may post by hand makes it fail: what cannot be read is shown as it is.

    Example:
        ``user "Put milk on my list"``, ``client tool output {"added": "milk"}``, ``retry after msg_1``
    """
    label, content = request_parts(request)
    return f"{label} {content}" if content else label


def request_parts(request: Request) -> tuple[str, str]:
    """The two halves of ``describe_request``: who or what, and the rest."""
    params = as_mapping(request.params)
    match request.type:
        case "threads.create" | "threads.add_user_message":
            return "user", _user_input(as_mapping(params.get("input")))
        case "threads.add_client_tool_output":
            return "client tool output", value_text(params.get("result"))
        case "threads.add_structured_input":
            return "answer", _answers(as_mapping(params.get("input")))
        case "threads.retry_after_item":
            return "retry", f"after {params.get('item_id')}"
        case "threads.custom_action" | "threads.sync_custom_action":
            where = f" on {params['item_id']}" if params.get("item_id") else ""
            return "action", describe_action(params.get("action")) + where
        case _:
            return request.type, ", ".join(f"{key}={value_text(value)}" for key, value in params.items())


def _user_input(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    parts = content if isinstance(content, Sequence) and not isinstance(content, str) else []
    attachments = message.get("attachments")
    options = as_mapping(message.get("inference_options"))
    return user_text(
        "".join(str(as_mapping(part).get("text", "")) for part in parts),
        len(attachments) if isinstance(attachments, Sequence) else 0,
        str(message.get("quoted_text") or ""),
        as_mapping(options.get("tool_choice")).get("id"),
        options.get("model"),
    )


def _answers(submission: Mapping[str, Any]) -> str:
    if submission.get("status") == "skipped":
        return "skipped"
    said = []
    for name, given in as_mapping(submission.get("answers")).items():
        answer = as_mapping(given)
        said.append(f"{name}: {'skipped' if answer.get('skipped') else answer_text(answer.get('values'))}")
    return ", ".join(said)
