"""Real events, made as the wire makes them."""

import json
from typing import get_args

from chatkit.types import ThreadItem, ThreadItemUpdate, ThreadStreamEvent

from chatkit_sim.expect import EventSequence
from chatkit_sim.wire import decode_event

NOW = "2026-01-01T12:00:00"
THREAD = {"id": "thr_1", "created_at": NOW, "items": {"data": []}}
TASK = {"type": "thought", "content": "Hm"}
CARD = {"type": "Card", "id": "list", "children": [{"type": "Text", "value": "milk"}]}
PART = {"type": "output_text", "text": "Hi"}

ITEMS = {
    "user_message": {"content": [{"type": "input_text", "text": "Hello"}], "inference_options": {}},
    "assistant_message": {"content": [PART]},
    "client_tool_call": {"call_id": "call_1", "name": "add", "arguments": {"item": "milk"}},
    "widget": {"widget": CARD},
    "generated_image": {},
    "structured_input": {"inputs": []},
    "workflow": {"workflow": {"type": "reasoning", "tasks": [TASK]}},
    "task": {"task": TASK},
    "hidden_context_item": {"content": 1},
    "sdk_hidden_context": {"content": "x"},
    "end_of_turn": {},
}
UPDATES = {
    "assistant_message.content_part.added": {"content_index": 0, "content": PART},
    "assistant_message.content_part.text_delta": {"content_index": 0, "delta": "Hi"},
    "assistant_message.content_part.annotation_added": {
        "content_index": 0,
        "annotation_index": 0,
        "annotation": {"type": "annotation", "source": {"type": "url", "title": "A", "url": "https://a.example"}},
    },
    "assistant_message.content_part.done": {"content_index": 0, "content": PART},
    "widget.streaming_text.value_delta": {"component_id": "body", "delta": "Hi", "done": False},
    "widget.component.updated": {"component_id": "body", "component": {"type": "Text", "value": "Hi"}},
    "widget.root.updated": {"widget": CARD},
    "workflow.task.added": {"task_index": 0, "task": TASK},
    "workflow.task.updated": {"task_index": 0, "task": TASK},
    "generated_image.updated": {"image": {"id": "img", "url": "https://a.example"}, "progress": 0.5},
}


def event(type, **fields):
    return decode_event(json.dumps({"type": type, **fields}).encode())


def item_event(what, type, item_id="item_1", **fields):
    fields = {"type": type, "id": item_id, "thread_id": "thr_1", "created_at": NOW, **ITEMS[type], **fields}
    return event(f"thread.item.{what}", item=fields)


def item(type, item_id="item_1", **fields):
    return item_event("done", type, item_id, **fields).item


def update_event(type, item_id="item_1", **fields):
    return event("thread.item.updated", item_id=item_id, update={"type": type, **UPDATES[type], **fields})


def message(what, text="", item_id="msg_1"):
    return item_event(what, "assistant_message", item_id, content=[{**PART, "text": text}] if text else [])


def delta(text, item_id="msg_1", part=0):
    return update_event("assistant_message.content_part.text_delta", item_id, delta=text, content_index=part)


def said(*texts, item_id="msg_1"):
    """An assistant message from added to done."""
    return [
        message("added", "", item_id),
        *(delta(t, item_id) for t in texts),
        message("done", "".join(texts), item_id),
    ]


def progress_event(text):
    return event("progress_update", text=text)


def call_event(name="add_to_todo_list", /, **arguments):
    return item_event("done", "client_tool_call", "ctc_1", name=name, arguments=arguments)


def options_event():
    return event("stream_options", stream_options={"allow_cancel": True})


def sequence(*events):
    return EventSequence(each for some in events for each in (some if isinstance(some, (list, tuple)) else [some]))


def models_of(union):
    members = get_args(union)
    members = members if hasattr(members[0], "model_fields") else get_args(members[0])
    return {member.model_fields["type"].default: member for member in members}


EVENT_MODELS = models_of(ThreadStreamEvent)
ITEM_MODELS = models_of(ThreadItem)
UPDATE_MODELS = models_of(ThreadItemUpdate)
