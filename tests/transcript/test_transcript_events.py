"""Every event, item and update of the SDK is described in words."""

import pytest
from transcript_samples import (
    EVENT_TYPES,
    EVENTS,
    ITEM_TYPES,
    UPDATE_TYPES,
    delta,
    event,
    item,
    item_event,
    message,
    update_event,
)

from chatkit_sim.transcript import describe_event, describe_item, describe_step
from chatkit_sim.wire import OneEvent, TextRun, coalesce

EVENTS_SAID = {
    "thread.created": "thread.created",
    "thread.updated": 'thread.updated "Groceries" (locked: paid plan only)',
    "thread.item.added": "thread.item.added end_of_turn",
    "thread.item.done": "thread.item.done end_of_turn",
    "thread.item.updated": 'thread.item.updated workflow.task.added [2] thought "Thinking"',
    "thread.item.removed": "thread.item.removed msg_1",
    "thread.item.replaced": "thread.item.replaced end_of_turn",
    "stream_options": "stream_options allow_cancel=False",
    "progress_update": 'progress_update "Looking…" (search)',
    "client_effect": "client_effect open(id=3)",
    "error": 'error stream.error "Too many" (retry allowed)',
    "notice": 'notice warning "List": "Nearly full"',
}
ITEMS_SAID = {
    "user_message": '"Put milk on my list" (quoting "the list", tool search, model gpt-5)',
    "assistant_message": '"Added milk."',
    "client_tool_call": 'add_to_todo_list(item="milk") -> {"added": "milk"}',
    "widget": 'Card #groceries status "3 left"',
    "generated_image": '"https://example.com/cat.png"',
    "structured_input": '(pending) "Which colour?" [red | green] -> "red"; "Why?"',
    "workflow": (
        'reasoning 4 s 4 tasks: thought "Let me see"; web_search "milk" (1 source, loading); custom "Compare"; 1 more'
    ),
    "task": 'file "list.txt"',
    "hidden_context_item": '{"secret": 1}',
    "sdk_hidden_context": '"kept to itself"',
    "end_of_turn": "",
}
UPDATES_SAID = {
    "assistant_message.content_part.added": '[0] ""',
    "assistant_message.content_part.text_delta": '[0] "Add"',
    "assistant_message.content_part.annotation_added": '[0] file "List" "l.txt" at character 3',
    "assistant_message.content_part.done": '[1] "Added"',
    "widget.streaming_text.value_delta": '#body "Hel" (done)',
    "widget.component.updated": '#body Text #body "Hello"',
    "widget.root.updated": 'Card #groceries status "3 left"',
    "workflow.task.added": '[2] thought "Thinking"',
    "workflow.task.updated": '[2] custom "All of it"',
    "generated_image.updated": '"https://example.com/c.png" (0.5)',
}


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_has_its_words(kind):
    assert describe_event(event(kind, **EVENTS[kind])) == EVENTS_SAID[kind]


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_every_item_has_its_words(kind):
    assert describe_item(item(kind)) == f"{kind} {ITEMS_SAID[kind]}".strip()
    assert describe_event(item_event("done", kind)) == f"thread.item.done {kind} {ITEMS_SAID[kind]}".strip()


@pytest.mark.parametrize("kind", UPDATE_TYPES)
def test_every_update_has_its_words(kind):
    assert describe_event(update_event(kind)) == f"thread.item.updated {kind} {UPDATES_SAID[kind]}"


def test_a_pending_call_reads_as_a_call():
    pending = item("client_tool_call", status="pending", output=None)
    assert describe_item(pending) == 'client_tool_call add_to_todo_list(item="milk")'


def test_a_skipped_question_an_image_to_come_and_an_attachment():
    question = {"type": "freeform", "id": "why", "question": "Why?", "answer": {"values": [], "skipped": True}}
    assert describe_item(item("structured_input", status="skipped", inputs=[question])) == (
        'structured_input (skipped) "Why?" -> skipped'
    )
    assert describe_item(item("generated_image", image=None)) == "generated_image (no image yet)"
    file = {"type": "file", "id": "f", "name": "a.txt", "mime_type": "text/plain"}
    sent = item("user_message", content=[], attachments=[file], quoted_text=None, inference_options={})
    assert describe_item(sent) == 'user_message "" (1 attachment)'


def test_annotations_of_a_message_are_counted():
    source = {"type": "url", "title": "A", "url": "https://a.example"}
    part = {"type": "output_text", "text": "See A.", "annotations": [{"type": "annotation", "source": source}]}
    assert describe_item(item("assistant_message", content=[part])) == 'assistant_message "See A." (1 annotation)'


def test_long_text_is_cut_and_its_length_said():
    said = describe_event(message("done", "milk " * 1000))
    assert said.endswith('milk …" (5,000 characters)')
    assert len(said) < 150


def test_a_step_is_its_event_or_its_text():
    steps = coalesce([delta("Added "), delta("milk."), event("progress_update", text="Looking…")])
    assert [describe_step(step) for step in steps] == ['text "Added milk." (2 deltas)', 'progress_update "Looking…"']
    assert describe_step(TextRun(1, 1, "msg_1", 0, "a")) == 'text "a" (1 delta)'
    assert describe_step(OneEvent(1, event("thread.item.removed", item_id="x"))) == "thread.item.removed x"
