"""The ids of a recording, and what kind of thing each belongs to."""

from __future__ import annotations

from chatkit.types import (
    ClientToolCallItem,
    GeneratedImageItem,
    GeneratedImageUpdated,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
    ThreadUpdatedEvent,
    UserMessageItem,
)

from ..wire import OneEvent, TextRun
from .aliases import Ids
from .items import as_mapping
from .sources import Source

_KINDS = {
    "user_message": "message",
    "assistant_message": "message",
    "client_tool_call": "tool_call",
    "generated_image": "image",
    "structured_input": "question",
    "hidden_context_item": "hidden",
    "sdk_hidden_context": "hidden",
}


def collect_ids(source: Source) -> Ids:
    """Every id that a source speaks of."""
    ids = Ids()
    for turn in source.turns:
        ids.add("thread", turn.thread_id)
        for stream in turn.streams:
            if stream.request is not None:
                params = as_mapping(stream.request.params)
                _add(ids, "thread", params.get("thread_id"))
                _add(ids, "item", params.get("item_id"))
                attachments = as_mapping(params.get("input")).get("attachments")
                for each in attachments if isinstance(attachments, (list, tuple)) else ():
                    _add(ids, "attachment", each)
            for step in stream.steps:
                if isinstance(step, TextRun):
                    ids.add("message", step.item_id)
                elif isinstance(step, OneEvent):
                    _event(ids, step.event)
    for item in source.items:
        _item(ids, item)
    return ids


def _add(ids: Ids, kind: str, value: object) -> None:
    if isinstance(value, str):
        ids.add(kind, value)


def _event(ids: Ids, event: ThreadStreamEvent) -> None:
    match event:
        case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
            _item(ids, event.item)
        case ThreadItemUpdatedEvent():
            ids.add("item", event.item_id)
            if isinstance(event.update, GeneratedImageUpdated):
                ids.add("picture", event.update.image.id)
        case ThreadItemRemovedEvent():
            ids.add("item", event.item_id)
        case ThreadCreatedEvent() | ThreadUpdatedEvent():
            ids.add("thread", event.thread.id)
            for item in event.thread.items.data:
                _item(ids, item)
        case _:
            pass


def _item(ids: Ids, item: ThreadItem) -> None:
    ids.add(_KINDS.get(item.type, item.type), item.id)
    ids.add("thread", item.thread_id)
    match item:
        case ClientToolCallItem():
            ids.add("call", item.call_id)
        case UserMessageItem():
            for attachment in item.attachments:
                ids.add("attachment", attachment.id)
        case GeneratedImageItem() if item.image is not None:
            ids.add("picture", item.image.id)
        case _:
            pass
