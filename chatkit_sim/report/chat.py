"""A turn as the user saw it: what it added to the conversation, and what it changed."""

from __future__ import annotations

from typing import Literal

from chatkit.types import (
    AssistantMessageItem,
    ClientEffectEvent,
    ClientToolCallItem,
    ErrorEvent,
    GeneratedImageItem,
    NoticeEvent,
    StructuredInputItem,
    ThreadItem,
    UserMessageItem,
    WidgetItem,
    WorkflowItem,
)

from ..recording import Turn
from ..transcript import call_text, value_text
from ..transcript.events import event_content
from ..transcript.items import describe_annotation, describe_task, item_content, message_text
from .records import ChatItem
from .values import json_value, masked

_LIMIT = 4000  # characters of a call or an output on a line of the chat; the event holds all of it


def chat_of(turn: Turn) -> list[ChatItem]:
    """The conversation's items that a turn added, changed or removed, then its notices, errors and effects."""
    before = {item.id: item for item in turn.before.items}
    shown = [
        _item(item, "changed" if item.id in before else "unfinished" if item.id in turn.view.open_items else "")
        for item in turn.view.items
        if before.get(item.id) != item
    ]
    left = {item.id for item in turn.view.items}
    shown += [_item(item, "removed") for item in turn.before.items if item.id not in left]
    for event in turn.events:
        if isinstance(event, (NoticeEvent, ErrorEvent, ClientEffectEvent)):
            kind = {"client_effect": "effect"}.get(event.type, event.type)
            shown.append(ChatItem(kind=kind, who="assistant", text=masked(event_content(event))))
    return shown


def _item(item: ThreadItem, note: str) -> ChatItem:
    who: Literal["user", "assistant", "client"] = "assistant"
    text, lines, widget = "", [], None
    match item:
        case UserMessageItem():
            who, text, lines = "user", message_text(item), _hanging_on(item)
        case AssistantMessageItem():
            text = "\n".join(part.text for part in item.content)
            lines = [describe_annotation(each) for part in item.content for each in part.annotations]
        case ClientToolCallItem():
            who, text = "client", call_text(item.name, json_value(item.arguments), _LIMIT)
            lines = (
                ["waits for an answer"] if item.status == "pending" else [value_text(json_value(item.output), _LIMIT)]
            )
        case WidgetItem():
            widget = json_value(item.widget)
        case WorkflowItem():
            text, _, _ = item_content(item).partition(":")
            lines = [describe_task(task) for task in item.workflow.tasks]
        case StructuredInputItem():
            text = item_content(item)
        case GeneratedImageItem():
            text = item.image.url if item.image else "(no image yet)"
        case _:
            text = item_content(item)
    return ChatItem(
        kind=item.type,
        who=who,
        text=masked(text),
        lines=[masked(line) for line in lines],
        item=item.id,
        note=note,
        widget=widget,
    )


def _hanging_on(item: UserMessageItem) -> list[str]:
    options = item.inference_options
    return [
        *([f"quoting: {item.quoted_text}"] if item.quoted_text else []),
        *(f"attachment: {attachment.name} ({attachment.mime_type})" for attachment in item.attachments),
        *([f"tool: {options.tool_choice.id}"] if options.tool_choice else []),
        *([f"model: {options.model}"] if options.model else []),
    ]
