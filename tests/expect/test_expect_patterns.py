"""Patterns: what they match, how they are written, and what they refuse."""

import functools
import re
import typing
from datetime import datetime

import pytest
from chatkit.types import Thread
from dirty_equals import IsPartialDict, IsPositiveInt, IsStr
from expect_samples import (
    CARD,
    EVENT_MODELS,
    ITEM_MODELS,
    THREAD,
    UPDATE_MODELS,
    call_event,
    delta,
    event,
    item,
    item_event,
    message,
    progress_event,
    sequence,
    update_event,
)

from chatkit_sim.errors import UsageError
from chatkit_sim.expect import (
    Pattern,
    client_tool_call,
    effect,
    error,
    item_added,
    item_done,
    item_removed,
    item_replaced,
    item_updated,
    notice,
    options,
    progress,
    text,
    thread_created,
    thread_updated,
)
from chatkit_sim.expect import patterns as patterns_module
from chatkit_sim.expect.kinds import item_types, update_types
from chatkit_sim.recording import ClientToolCall
from chatkit_sim.wire import OneEvent, TextRun

# For each type of event: one such event, patterns that match it, and one of the same kind that does not.
BY_EVENT = {
    "thread.created": (event("thread.created", thread=THREAD), [thread_created(id="thr_1")], thread_created("Title")),
    "thread.updated": (
        event("thread.updated", thread={**THREAD, "title": "Groceries", "status": {"type": "locked"}}),
        [thread_updated(), thread_updated("Groceries"), thread_updated(status="locked"), thread_updated(title=IsStr)],
        thread_updated(status="active"),
    ),
    "thread.item.added": (
        message("added"),
        [item_added(), item_added("assistant_message"), item_added(id="msg_1"), item_added(text="")],
        item_added("widget"),
    ),
    "thread.item.done": (
        message("done", "Hi"),
        [
            item_done("assistant_message", text="Hi"),
            item_done(created_at=datetime),
            item_done(content=[{"text": "Hi"}]),
        ],
        item_done("assistant_message", text="Ho"),
    ),
    "thread.item.updated": (
        update_event("workflow.task.added"),
        [item_updated(), item_updated("workflow.task.added", task="thought"), item_updated(item_id="item_1")],
        item_updated("workflow.task.updated"),
    ),
    "thread.item.removed": (
        event("thread.item.removed", item_id="msg_1"),
        [item_removed(), item_removed("msg_1"), item_removed(re.compile("^msg"))],
        item_removed("msg_2"),
    ),
    "thread.item.replaced": (
        item_event("replaced", "widget"),
        [item_replaced("widget", widget={"id": "list", "children": [{"value": "milk"}]})],
        item_replaced("widget", widget={"id": "other"}),
    ),
    "stream_options": (
        event("stream_options", stream_options={"allow_cancel": True}),
        [options(), options(allow_cancel=True)],
        options(allow_cancel=False),
    ),
    "progress_update": (
        progress_event("Looking…"),
        [progress(), progress("Looking…"), progress(lambda said: said.startswith("Look"), icon=None)],
        progress("Look"),
    ),
    "client_effect": (
        event("client_effect", name="open", data={"id": 3, "tab": "new"}),
        [effect("open"), effect("open", data={"id": int, "tab": ...}), effect(data=IsPartialDict(id=IsPositiveInt))],
        effect("open", data={"id": 3}),
    ),
    "error": (
        event("error", code="stream.error", message="Too many", allow_retry=True),
        [error(), error("Too many"), error("stream.error", allow_retry=True), error(message=str)],
        error("custom"),
    ),
    "notice": (
        event("notice", level="info", message="Saved", title="List"),
        [notice("Saved", level="info"), notice(title=lambda title: "L" in title)],
        notice("Saved", level="danger"),
    ),
}


@pytest.mark.parametrize("kind", sorted(EVENT_MODELS))
def test_every_event_has_its_pattern(kind):
    seen, matching, other = BY_EVENT[kind]
    for pattern in matching:
        assert pattern.matches(seen)
        assert pattern == seen
        assert seen == pattern
        assert pattern.matches(OneEvent(1, seen))
    assert other.differences(seen) is not None
    assert other != seen
    for elsewhere, (different, _, _) in BY_EVENT.items():
        if elsewhere != kind:
            assert not any(pattern.matches(different) for pattern in matching)


@pytest.mark.parametrize("kind", sorted(ITEM_MODELS))
@pytest.mark.parametrize("pattern", [item_added, item_done, item_replaced], ids=lambda pattern: pattern.__name__)
def test_every_item_type_has_patterns(kind, pattern):
    what = pattern.__name__.removeprefix("item_")
    assert pattern(kind).matches(item_event(what, kind))
    others = {"added", "done", "replaced"} - {what}
    assert not any(pattern(kind).matches(item_event(other, kind)) for other in others)


@pytest.mark.parametrize("kind", sorted(UPDATE_MODELS))
def test_every_update_type_has_a_pattern(kind):
    assert item_updated(kind, item_id="item_1").matches(update_event(kind))
    assert not item_updated(kind, item_id="item_2").matches(update_event(kind))


def test_the_typed_names_are_those_of_the_sdk():
    assert set(typing.get_args(patterns_module.ItemType)) == set(item_types())
    assert set(typing.get_args(patterns_module.UpdateType)) == set(update_types())
    fields = {name for model in item_types().values() for name in model.model_fields} - {"type"}
    assert set(patterns_module.ItemFields.__annotations__) == fields | {"text"}
    fields = {name for model in update_types().values() for name in model.model_fields} - {"type"}
    assert set(patterns_module.UpdateFields.__annotations__) == fields | {"item_id"}
    fields = set(Thread.model_fields) - {"title"}
    assert set(patterns_module.ThreadFields.__annotations__) == fields


class TestText:
    @pytest.mark.parametrize(
        "expected",
        [
            "Added milk.",
            ...,
            str,
            IsStr(regex="Added.*"),
            re.compile("milk"),
            lambda said: said.endswith("."),
            functools.partial(str.__contains__, "Added milk. And eggs."),
        ],
    )
    def test_takes_whatever_says_what_a_text_is(self, expected):
        assert text(expected).matches(TextRun(1, 2, "msg_1", 0, "Added milk."))

    @pytest.mark.parametrize(
        "expected", ["Added", int, IsStr(regex="x"), re.compile("^milk"), lambda said: False, None]
    )
    def test_and_refuses_the_rest(self, expected):
        assert not text(expected).matches(TextRun(1, 2, "msg_1", 0, "Added milk."))

    def test_names_message_part_and_count(self):
        run = TextRun(4, 6, "msg_1", 1, "Hi")
        assert text("Hi", item_id="msg_1", content_index=1, count=3).matches(run)
        assert not text(count=2).matches(run)

    def test_a_single_delta_is_a_text(self):
        assert text("Hi") == delta("Hi")
        assert text("Hi") != update_event("assistant_message.content_part.done")

    def test_a_text_is_also_an_update(self):
        run = TextRun(1, 2, "msg_1", 0, "Hi")
        assert item_updated("assistant_message.content_part.text_delta", delta="Hi", item_id="msg_1").matches(run)
        assert item_updated().matches(run)
        assert not item_updated("assistant_message.content_part.done").matches(run)


class TestClientToolCall:
    def test_matches_the_event_that_asks_for_it(self):
        assert client_tool_call("add_to_todo_list", item="milk").matches(call_event(item="milk"))
        assert client_tool_call().matches(call_event(item="milk"))
        assert not client_tool_call("add_to_todo_list", item="milk", count=1).matches(call_event(item="milk"))
        assert not client_tool_call("add_to_todo_list", {}).matches(call_event(item="milk"))
        assert not client_tool_call().matches(item_event("added", "client_tool_call"))
        assert not client_tool_call().matches(message("done", "Hi"))

    def test_takes_arguments_as_a_dict_a_predicate_or_dirty_equals(self):
        seen = call_event(item="milk", count=2)
        assert client_tool_call("add_to_todo_list", {"item": "milk"}, count=IsPositiveInt).matches(seen)
        assert client_tool_call(..., IsPartialDict(item="milk")).matches(seen)
        assert client_tool_call(..., lambda arguments: arguments["count"] > 1).matches(seen)

    def test_an_argument_may_be_called_name_or_status(self):
        assert client_tool_call("greet", name="Ada", status="new").matches(
            call_event("greet", name="Ada", status="new")
        )

    def test_having_names_the_rest(self):
        record = ClientToolCall("add", {"item": "milk"}, {"added": "milk"}, "call_1", "item_1")
        call = client_tool_call("add", item="milk")
        assert call.having(output={"added": str}, outcome="answered") == record
        assert call.having(call_id="call_1", item_id="item_1", status="pending") == item("client_tool_call")
        assert call.having(output=None) != record

    def test_equals_the_records_of_a_turn(self):
        record = ClientToolCall("add", {"item": "milk"}, {"added": "milk"}, "call_1")
        assert (record,) == (client_tool_call("add", item="milk"),)
        assert record != client_tool_call("add", item="eggs")
        assert record != item_done("client_tool_call")

    def test_arguments_in_two_forms_must_go_together(self):
        with pytest.raises(UsageError, match="as a dict or as keyword arguments, not both"):
            client_tool_call("add", IsPartialDict(), item="milk")


def test_item_patterns_equal_items():
    assert item("assistant_message") == item_done("assistant_message", text="Hi")
    assert item("widget") != item_done("assistant_message")
    assert [item("widget")] == [item_added("widget", widget=CARD)]


def test_patterns_equal_patterns_that_say_the_same():
    assert progress("a") == progress("a")
    assert progress("a") != progress("b")
    assert progress("a") != text("a")
    assert progress("a") != "a"


def test_a_predicate_that_raises_is_heard():
    with pytest.raises(AttributeError):
        sequence(event("notice", level="info", message="Saved")).assert_never(notice(title=lambda t: t.lower()))


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        (text("Added milk."), 'text("Added milk.")'),
        (text(), "text()"),
        (text(re.compile("milk")), "text(re.compile('milk'))"),
        (text(IsStr(min_length=3)), "text(IsStr(min_length=3))"),
        (text(IsStr), "text(IsStr)"),
        (text(str, count=2), "text(str, count=2)"),
        (progress("Looking…", icon="search"), 'progress("Looking…", icon="search")'),
        (progress(None), "progress(None)"),
        (item_done("widget", id="w"), 'item_done("widget", id="w")'),
        (item_added(), "item_added()"),
        (item_updated("workflow.task.added", task={"a": 1}), 'item_updated("workflow.task.added", task={"a": 1})'),
        (item_removed("msg_1"), 'item_removed("msg_1")'),
        (error("custom", allow_retry=True), 'error(code="custom", allow_retry=True)'),
        (error("Boom"), 'error("Boom")'),
        (notice("Saved", level="info"), 'notice("Saved", level="info")'),
        (effect("open", data={"id": 1}), 'effect("open", data={"id": 1})'),
        (options(allow_cancel=True), "options(allow_cancel=True)"),
        (thread_updated("Groceries"), 'thread_updated("Groceries")'),
        (thread_created(status="active"), 'thread_created(status="active")'),
        (client_tool_call("add", item="milk"), 'client_tool_call("add", item="milk")'),
        (client_tool_call("add"), 'client_tool_call("add")'),
        (client_tool_call("add", {}), 'client_tool_call("add", {})'),
        (client_tool_call(..., item="milk"), 'client_tool_call(..., item="milk")'),
        (client_tool_call("add", {"a-b": 1}), 'client_tool_call("add", {"a-b": 1})'),
        (client_tool_call("add").having(call_id="c"), 'client_tool_call("add").having(call_id="c")'),
    ],
)  # fmt: skip
def test_a_pattern_prints_as_it_is_written(pattern, written):
    assert repr(pattern) == written


def test_dirty_equals_print_as_written_even_after_a_match():
    pattern = progress(IsStr(min_length=3))
    assert pattern.matches(progress_event("Looking…"))
    assert repr(pattern) == "progress(IsStr(min_length=3))"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: progress(txt="x"), "progress has no field 'txt'; did you mean 'text'? There are: icon, text."),
        (lambda: options(cancel=True), "options has no field 'cancel'; did you mean 'allow_cancel'?"),
        (lambda: text(index=1), "text has no field 'index'; did you mean 'content_index'?"),
        (lambda: item_removed(id="x"), "item_removed has no field 'id'; did you mean 'item_id'? There are: item_id."),
        (lambda: effect(zzz=1), "effect has no field 'zzz'. There are: data, name."),
        (lambda: notice(colour="x"), "notice has no field 'colour'. There are: level, message, title."),
        (lambda: error(retry=True), "error has no field 'retry'; did you mean 'allow_retry'?"),
        (lambda: thread_updated(name="x"), "thread_updated has no field 'name'"),
        (lambda: item_done("widget", text="x"), "item_done('widget') has no field 'text'"),
        (lambda: item_done(txt="x"), "item_done has no field 'txt'; did you mean 'text'?"),
        (lambda: item_added("asistant_message"), "there is no thread item 'asistant_message'; did you mean 'assis"),
        (lambda: item_updated("task.added"), "there is no update 'task.added'; did you mean 'workflow.task.added'?"),
        (lambda: item_updated("widget.root.updated", delta="x"), "item_updated('widget.root.updated') has no field"),
        (lambda: client_tool_call().having(id="x"), "client_tool_call has no field 'id'"),
        (lambda: error("Boom", message="Bang"), "error: the message is given twice"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_with_what_does(make, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        make()


def test_a_pattern_is_frozen_and_has_no_hash():
    pattern = progress("a")
    assert isinstance(pattern, Pattern)
    with pytest.raises(AttributeError):
        pattern.kind = "text"
    with pytest.raises(TypeError):
        hash(pattern)
