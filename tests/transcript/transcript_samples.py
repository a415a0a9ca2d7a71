"""One real item, update and event of every type that ChatKit has, as they come over the wire."""

import json
from typing import get_args

from chatkit.types import ThreadItem, ThreadItemUpdate, ThreadStreamEvent
from pydantic import TypeAdapter

from chatkit_sim.wire import decode_event

NOW = "2026-01-01T12:00:00"
THREAD = {"id": "thr_1", "created_at": NOW, "title": "Groceries", "status": {"type": "active"}, "items": {"data": []}}

WIDGET = {
    "type": "Card",
    "id": "groceries",
    "status": {"text": "3 left"},
    "children": [
        {"type": "Title", "value": "Groceries"},
        {
            "type": "Row",
            "key": "milk",
            "children": [
                {
                    "type": "Checkbox",
                    "name": "milk",
                    "label": "Milk",
                    "onChangeAction": {"type": "todo.toggle", "payload": {"id": 1}},
                },
                {"type": "Button", "label": "Open", "onClickAction": {"type": "todo.open", "handler": "client"}},
            ],
        },
        {
            "type": "Select",
            "name": "shop",
            "options": [{"value": "a", "label": "Ada's"}, {"value": "b", "label": "Bo"}],
        },
    ],
    "confirm": {"label": "Save", "action": {"type": "todo.save", "payload": [1, 2]}},
}

ITEMS = {
    "user_message": {
        "content": [{"type": "input_text", "text": "Put milk on my list"}],
        "quoted_text": "the list",
        "inference_options": {"model": "gpt-5", "tool_choice": {"id": "search"}},
    },
    "assistant_message": {
        "content": [{"type": "output_text", "text": "Added "}, {"type": "output_text", "text": "milk."}]
    },
    "client_tool_call": {
        "status": "completed",
        "call_id": "call_1",
        "name": "add_to_todo_list",
        "arguments": {"item": "milk"},
        "output": {"added": "milk"},
    },
    "widget": {"widget": WIDGET},
    "generated_image": {"image": {"id": "img_1", "url": "https://example.com/cat.png"}},
    "structured_input": {
        "inputs": [
            {
                "type": "multiple_choice",
                "id": "colour",
                "question": "Which colour?",
                "options": [{"value": "red"}, {"value": "green"}],
                "answer": {"values": ["red"]},
            },
            {"type": "freeform", "id": "why", "question": "Why?"},
        ]
    },
    "workflow": {
        "workflow": {
            "type": "reasoning",
            "summary": {"duration": 4},
            "tasks": [
                {"type": "thought", "content": "Let me see"},
                {
                    "type": "web_search",
                    "title_query": "milk",
                    "sources": [{"type": "url", "title": "A", "url": "https://a.example"}],
                    "status_indicator": "loading",
                },
                {"type": "custom", "title": "Compare"},
                {"type": "image", "title": "Draw"},
            ],
        }
    },
    "task": {"task": {"type": "file", "sources": [{"type": "file", "title": "List", "filename": "list.txt"}]}},
    "hidden_context_item": {"content": {"secret": 1}},
    "sdk_hidden_context": {"content": "kept to itself"},
    "end_of_turn": {},
}

UPDATES = {
    "assistant_message.content_part.added": {"content_index": 0, "content": {"type": "output_text", "text": ""}},
    "assistant_message.content_part.text_delta": {"content_index": 0, "delta": "Add"},
    "assistant_message.content_part.annotation_added": {
        "content_index": 0,
        "annotation_index": 0,
        "annotation": {
            "type": "annotation",
            "index": 3,
            "source": {"type": "file", "title": "List", "filename": "l.txt"},
        },
    },
    "assistant_message.content_part.done": {"content_index": 1, "content": {"type": "output_text", "text": "Added"}},
    "widget.streaming_text.value_delta": {"component_id": "body", "delta": "Hel", "done": True},
    "widget.component.updated": {"component_id": "body", "component": {"type": "Text", "id": "body", "value": "Hello"}},
    "widget.root.updated": {"widget": WIDGET},
    "workflow.task.added": {"task_index": 2, "task": {"type": "thought", "title": "Thinking", "content": "hm"}},
    "workflow.task.updated": {"task_index": 2, "task": {"type": "custom", "content": "All of it"}},
    "generated_image.updated": {"image": {"id": "img_1", "url": "https://example.com/c.png"}, "progress": 0.5},
}

EVENTS = {
    "thread.created": {"thread": {**THREAD, "title": None}},
    "thread.updated": {"thread": {**THREAD, "status": {"type": "locked", "reason": "paid plan only"}}},
    "thread.item.added": {"item": {"type": "end_of_turn", "id": "end_1", "thread_id": "thr_1", "created_at": NOW}},
    "thread.item.done": {"item": {"type": "end_of_turn", "id": "end_1", "thread_id": "thr_1", "created_at": NOW}},
    "thread.item.updated": {
        "item_id": "msg_1",
        "update": {"type": "workflow.task.added", **UPDATES["workflow.task.added"]},
    },
    "thread.item.removed": {"item_id": "msg_1"},
    "thread.item.replaced": {"item": {"type": "end_of_turn", "id": "end_1", "thread_id": "thr_1", "created_at": NOW}},
    "stream_options": {"stream_options": {"allow_cancel": False}},
    "progress_update": {"text": "Looking…", "icon": "search"},
    "client_effect": {"name": "open", "data": {"id": 3}},
    "error": {"code": "stream.error", "message": "Too many", "allow_retry": True},
    "notice": {"level": "warning", "title": "List", "message": "Nearly full"},
}


def event(type, **fields):
    return decode_event(json.dumps({"type": type, **fields}).encode())


def item(type, item_id="item_1", **fields):
    fields = {**ITEMS[type], **fields}
    return TypeAdapter(ThreadItem).validate_python(
        {"type": type, "id": item_id, "thread_id": "thr_1", "created_at": NOW, **fields}
    )


def item_event(what, type, item_id="item_1", **fields):
    given = {**ITEMS[type], **fields}
    return event(
        f"thread.item.{what}",
        item={"type": type, "id": item_id, "thread_id": "thr_1", "created_at": NOW, **given},
    )


def update_event(type, item_id="item_1", **fields):
    return event("thread.item.updated", item_id=item_id, update={"type": type, **UPDATES[type], **fields})


def message(what, text, item_id="msg_1"):
    content = [{"type": "output_text", "text": text}] if text else []
    return item_event(what, "assistant_message", item_id, content=content)


def delta(text, item_id="msg_1", part=0):
    return update_event("assistant_message.content_part.text_delta", item_id, delta=text, content_index=part)


def types_of(union):
    members = get_args(union)
    members = members if hasattr(members[0], "model_fields") else get_args(members[0])
    return sorted(member.model_fields["type"].default for member in members)


EVENT_TYPES = types_of(ThreadStreamEvent)
ITEM_TYPES = types_of(ThreadItem)
UPDATE_TYPES = types_of(ThreadItemUpdate)
