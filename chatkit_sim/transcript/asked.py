"""What the user or the client did, as the first block of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .aliases import own, reference
from .bodies import item_lines, tag_lines, user_lines
from .items import as_mapping
from .payloads import field_lines, indented, inline, payload_lines

if TYPE_CHECKING:
    from chatkit.types import UserMessageItem


def asked(
    type: str, params: Mapping[str, Any], message: UserMessageItem | None, answers: str, *, times: bool = True
) -> list[str]:
    """A request as a heading and what stands below it.

    Args:
        type: Its type.
        params: Its parameters; nothing that a test may post by hand makes it fail.
        message: The user's message as the server told of it, which names attachments.
        answers: The client tool whose output it posts.
        times: Whether times become placeholders.
    """
    match type:
        case "threads.create" | "threads.add_user_message":
            lines = _message(as_mapping(params.get("input")), times)
            if message is None:
                return ["user", *indented(lines)]
            stored = item_lines(message, times=times)
            # The server's word names attachments; another text than the user's is worth a note.
            same = message.attachments or lines == stored
            more = [] if same else ["stored as", *indented(stored)]
            return [f"user{own(message.id)}", *indented(stored if message.attachments else [*lines, *more])]
        case "threads.add_client_tool_output":
            heading = f"output of {answers}" if answers else "client tool output"
            return [heading, *indented(payload_lines(params.get("result"), times=times))]
        case "threads.add_structured_input":
            return [f"answers to {_id(params)}", *indented(_answers(as_mapping(params.get("input"))))]
        case "threads.retry_after_item":
            return [f"retry after {_id(params)}"]
        case "threads.custom_action" | "threads.sync_custom_action":
            action = as_mapping(params.get("action"))
            where = f" on {_id(params)}" if params.get("item_id") else ""
            payload = action.get("payload")
            lines = [] if payload is None else payload_lines(payload, times=times)
            return [f"action {action.get('type')}{where}", *indented(lines)]
        case _:
            return [f"request {type}", *indented(payload_lines(params, times=times) if params else [])]


def _id(params: Mapping[str, Any]) -> str:
    return reference(str(params.get("item_id")))


def _message(message: Mapping[str, Any], times: bool) -> list[str]:
    content = message.get("content")
    parts = [as_mapping(part) for part in content] if isinstance(content, (list, tuple)) else []
    options = as_mapping(message.get("inference_options"))
    lines = user_lines(
        "".join(str(part.get("text", "")) for part in parts),
        quoted=message.get("quoted_text"),
        tool=as_mapping(options.get("tool_choice")).get("id"),
        model=options.get("model"),
    )
    for part in parts:
        if part.get("type") == "input_tag":
            lines += tag_lines(part, times)
    attachments = message.get("attachments")
    if isinstance(attachments, Sequence) and not isinstance(attachments, str):
        lines += [f"attachment {reference(str(each))}" for each in attachments]
    return lines


def _answers(submission: Mapping[str, Any]) -> list[str]:
    if submission.get("status") == "skipped":
        return ["skipped"]
    lines: list[str] = []
    for name, given in sorted(as_mapping(submission.get("answers")).items()):
        answer = as_mapping(given)
        lines += [f"{name}: skipped"] if answer.get("skipped") else field_lines(str(name), answer.get("values"))
    return lines or [inline(submission)]
