"""The fold keeps what the web client keeps."""

from datetime import datetime

import pytest
from chatkit.types import (
    ActiveStatus,
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    CustomTask,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    Page,
    ProgressUpdateEvent,
    Thread,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    URLSource,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetRoot

from chatkit_sim.recording import Fold, ThreadView
from chatkit_sim.wire import coalesce

NOW = datetime(2026, 1, 1)


def base(item_id):
    return {"id": item_id, "thread_id": "thr_1", "created_at": NOW}


def message(*texts, item_id="msg_1"):
    return AssistantMessageItem(**base(item_id), content=[AssistantMessageContent(text=text) for text in texts])


def updated(update, item_id="msg_1"):
    return ThreadItemUpdatedEvent(item_id=item_id, update=update)


def delta(text, part=0, item_id="msg_1"):
    return updated(AssistantMessageContentPartTextDelta(content_index=part, delta=text), item_id)


def widget(*children):
    return DynamicWidgetRoot.model_validate({"type": "Basic", "children": list(children)})


def folded(*events):
    fold = Fold()
    fold.apply(coalesce(events))
    return fold.view()


def test_a_message_grows_by_its_deltas():
    view = folded(ThreadItemAddedEvent(item=message()), delta("Hel"), delta("lo"))
    assert view.items == (message("Hello"),)
    assert view.open_items == {"msg_1"}


def test_missing_content_parts_are_padded():
    view = folded(ThreadItemAddedEvent(item=message()), delta("second", part=1))
    assert view.items == (message("", "second"),)


def test_part_added_and_part_done_replace_the_part():
    added = AssistantMessageContentPartAdded(content_index=0, content=AssistantMessageContent(text="A"))
    done = AssistantMessageContentPartDone(content_index=0, content=AssistantMessageContent(text="All"))
    view = folded(ThreadItemAddedEvent(item=message()), updated(added), delta("x"), updated(done))
    assert view.items == (message("All"),)


def test_annotations_are_inserted_at_their_index():
    def source(name):
        return Annotation(source=URLSource(title=name, url="https://example.com"))

    def add(index, name):
        return updated(
            AssistantMessageContentPartAnnotationAdded(content_index=0, annotation_index=index, annotation=source(name))
        )

    view = folded(ThreadItemAddedEvent(item=message("x")), add(0, "b"), add(0, "a"), add(9, "c"))
    assert [a.source.title for a in view.items[0].content[0].annotations] == ["a", "b", "c"]


def test_text_cut_by_other_events_is_joined_in_order():
    progress = ProgressUpdateEvent(text="…")
    view = folded(ThreadItemAddedEvent(item=message()), delta("a"), progress, delta("b"), progress, delta("c"))
    assert view.items == (message("abc"),)
    assert view.progress == "…"


def test_tasks_append_and_are_assigned_by_index():
    workflow = WorkflowItem(**base("wf_1"), workflow=Workflow(type="custom", tasks=[]))
    view = folded(
        ThreadItemAddedEvent(item=workflow),
        updated(WorkflowTaskAdded(task_index=0, task=CustomTask(title="one")), "wf_1"),
        updated(WorkflowTaskAdded(task_index=1, task=CustomTask(title="two")), "wf_1"),
        updated(WorkflowTaskUpdated(task_index=0, task=CustomTask(title="ONE")), "wf_1"),
        updated(WorkflowTaskUpdated(task_index=7, task=CustomTask(title="nowhere")), "wf_1"),
    )
    assert [task.title for task in view.items[0].workflow.tasks] == ["ONE", "two"]


def test_widgets_are_replaced_appended_to_and_mended_in_place():
    item = WidgetItem(**base("wid_1"), widget=widget({"type": "Text", "id": "t", "value": "He"}))
    text = widget({"type": "Col", "children": [{"type": "Text", "id": "t", "value": "Hello"}]})
    component = widget({"type": "Text", "id": "t", "value": "Bye"}).children[0]
    grown = [
        ThreadItemAddedEvent(item=item),
        updated(WidgetStreamingTextValueDelta(component_id="t", delta="llo", done=True), "wid_1"),
    ]
    assert folded(*grown).items[0].widget.children[0].value == "Hello"
    mended = folded(
        *grown,
        updated(WidgetRootUpdated(widget=text), "wid_1"),
        updated(WidgetComponentUpdated(component_id="t", component=component), "wid_1"),
    )
    assert mended.items[0].widget.children[0].children[0].value == "Bye"


def test_a_generated_image_is_its_latest_version():
    view = folded(
        ThreadItemAddedEvent(item=GeneratedImageItem(**base("img_1"))),
        updated(GeneratedImageUpdated(image=GeneratedImage(id="i", url="data:1"), progress=0.5), "img_1"),
    )
    assert view.items[0].image.url == "data:1"


def test_done_closes_replaced_replaces_and_removed_removes():
    view = folded(
        ThreadItemDoneEvent(item=message("one")),
        ThreadItemDoneEvent(item=message("two", item_id="msg_2")),
        ThreadItemReplacedEvent(item=message("ONE")),
        ThreadItemRemovedEvent(item_id="msg_2"),
    )
    assert view.items == (message("ONE"),)
    assert view.open_items == frozenset()


def test_thread_events_do_not_clear_the_items():
    thread = Thread(id="thr_1", created_at=NOW, items=Page())
    renamed = Thread(id="thr_1", created_at=NOW, items=Page(), title="Milk", status=ActiveStatus())
    view = folded(
        ThreadCreatedEvent(thread=thread), ThreadItemDoneEvent(item=message("one")), ThreadUpdatedEvent(thread=renamed)
    )
    assert view.thread.title == "Milk"
    assert view.items == (message("one"),)


def test_a_view_does_not_change_any_more():
    fold = Fold()
    fold.apply(coalesce([ThreadItemAddedEvent(item=message()), delta("a")]))
    before = fold.view()
    fold.apply(coalesce([delta("b")]))
    assert before.items == (message("a"),)
    assert fold.view().items == (message("ab"),)


def test_the_fold_keeps_no_object_of_an_event():
    item = message("one")
    fold = Fold()
    fold.apply(coalesce([ThreadItemAddedEvent(item=item)]))
    item.content[0].text = "changed by the app"
    assert fold.view().items == (message("one"),)


def test_retry_drops_what_follows():
    fold = Fold(ThreadView(items=(message("1"), message("2", item_id="msg_2"), message("3", item_id="msg_3"))))
    fold.drop_after("msg_1")
    assert fold.view().items == (message("1"),)


def test_an_answered_client_tool_call_is_completed_though_no_event_says_so():
    call = ClientToolCallItem(**base("tc_1"), call_id="c", name="add", arguments={})
    fold = Fold()
    fold.apply(coalesce([ThreadItemDoneEvent(item=call)]))
    before = fold.view()
    fold.complete_call("tc_1", {"ok": True})
    assert (before.items[0].status, fold.view().items[0].status) == ("pending", "completed")
    assert fold.view().items[0].output == {"ok": True}


def test_progress_vanishes_at_the_end_of_a_turn():
    fold = Fold()
    fold.apply(coalesce([ProgressUpdateEvent(text="…")]))
    fold.end_turn()
    assert fold.view().progress is None


@pytest.mark.parametrize("event", [delta("lost"), updated(WorkflowTaskAdded(task_index=0, task=CustomTask()))])
def test_an_update_for_nothing_leaves_the_view_alone(event):
    assert folded(event) == ThreadView()
    assert folded(ThreadItemAddedEvent(item=GeneratedImageItem(**base("msg_1"))), event).items[0].image is None
