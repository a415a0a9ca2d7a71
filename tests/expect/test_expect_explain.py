"""What pytest says when things of ours are not equal."""

from unittest.mock import MagicMock

import pytest
from expect_samples import delta, event, item, message, progress_event, said, sequence

from chatkit_sim.expect import client_tool_call, explain_difference, item_done, progress, text
from chatkit_sim.recording import ClientToolCall
from chatkit_sim.wire import TextRun

MILK = ClientToolCall("add", {"item": "milk"}, {"added": "milk"}, "call_1")


def test_a_call_and_a_pattern():
    assert explain_difference(MILK, client_tool_call("add", item="eggs")) == [
        'add(item="milk") -> {"added": "milk"} == client_tool_call("add", item="eggs")',
        'arguments.item: expected "eggs"',
        '                got      "milk"',
    ]


def test_the_pattern_is_what_was_expected_on_either_side():
    (_, *left), (_, *right) = (
        explain_difference(progress("a"), progress_event("b")),
        explain_difference(progress_event("b"), progress("a")),
    )
    assert left == right == ['text: expected "a"', '      got      "b"']


def test_two_calls():
    other = ClientToolCall("add", {"item": "milk"}, {"added": "eggs"}, "call_1")
    assert explain_difference(MILK, other)[1:] == ['output.added: expected "eggs"', '              got      "milk"']


def test_two_items():
    assert explain_difference(message("done", "Added milk.").item, message("done", "Added eggs.").item) == [
        'assistant_message "Added milk." == assistant_message "Added eggs."',
        'content[0].text: expected "Added eggs."',
        '                 got      "Added milk."',
        "                                 ^",
    ]
    assert explain_difference(item("widget"), item("task"))[1:] == ['type: expected "task"', '      got      "widget"']


def test_two_events_and_two_texts():
    assert (
        explain_difference(progress_event("a"), progress_event("b"))[0] == 'progress_update "a" == progress_update "b"'
    )
    assert explain_difference(TextRun(1, 1, "m", 0, "a"), text("b"))[1:] == ['text: expected "b"', '      got      "a"']


def test_two_patterns():
    assert explain_difference(progress("a"), progress("b"))[1:] == ['text: expected "b"', '      got      "a"']
    assert explain_difference(progress("a"), text("a"))[1:] == ['kind: expected "text"', '      got      "progress"']


def test_a_pattern_about_something_else():
    assert explain_difference(message("done", "Hi").item, progress("Hi")) == [
        'assistant_message "Hi" == progress("Hi")',
        'progress("Hi") is about something else than assistant_message "Hi"',
    ]


def test_tuples_stand_side_by_side():
    expected = (client_tool_call("add", item="milk"), client_tool_call("add", item="eggs"))
    bread = ClientToolCall("add", {"item": "bread"})
    assert explain_difference((MILK, bread), expected) == [
        'tuple of 2 == tuple of 2: at 1, arguments.item is "bread", not "eggs"',
        "    left                                   right",
        '  0 add(item="milk") -> {"added": "milk"}  client_tool_call("add", item="milk")',
        '> 1 add(item="bread")                      client_tool_call("add", item="eggs")',
        "",
        'arguments.item: expected "eggs"',
        '                got      "bread"',
    ]


def test_one_is_missing():
    lines = explain_difference((MILK,), ())
    assert lines == [
        "tuple of 1 == tuple of 0: at 0, nothing on the right",
        "    left                                   right",
        f"> 0 {lines[2][4:]}",
    ]
    assert lines[2] == '> 0 add(item="milk") -> {"added": "milk"}'


def test_long_sequences_show_the_first_difference_only():
    left = sequence(*[progress_event("a")] * 1000, message("done", "Hi"), *[progress_event("a")] * 1000)
    right = sequence(*[progress_event("a")] * 2001)
    lines = explain_difference(left, right)
    assert lines[0].startswith("EventSequence of 2001 == EventSequence of 2001: at 1000, type is ")
    assert lines[2].strip() == "… 997 more that are equal"
    assert lines[6].startswith("> 1000 thread.item.done assistant_message ")
    assert len(lines) < 22


def test_other_kinds_of_collections_are_never_equal():
    assert explain_difference((MILK,), [MILK]) == [
        "tuple == list",
        "Left is of type tuple, right of type list: these are never equal.",
    ]
    assert explain_difference((MILK,), 3) == [
        "tuple == int",
        "Left is of type tuple, right of type int: these are never equal.",
    ]
    assert explain_difference(MILK, {"name": "add"})[0] == 'add(item="milk") -> {"added": "milk"} == {"name": "add"}'


def test_equal_things_say_so_for_not_equal():
    assert explain_difference(MILK, MILK) == [
        'add(item="milk") -> {"added": "milk"} != add(item="milk") -> {"added": "milk"}',
        "They are equal.",
    ]
    assert explain_difference((MILK,), (client_tool_call(),)) == ["tuple of 1 != tuple of 1", "They are equal."]


def test_many_differences_are_cut():
    expected = {f"key{number}": number for number in range(20)}
    lines = explain_difference(ClientToolCall("add", {}), client_tool_call("add", expected))
    assert lines[-1] == "… and more fields differ"
    assert len(lines) == 12


def test_a_predicate_that_raises_does_not_hide_the_failure():
    pattern = item_done(id=lambda value: value.nonsense)
    assert explain_difference(pattern, message("done", "Hi").item)[1:] == [
        "comparing raised AttributeError: 'str' object has no attribute 'nonsense'"
    ]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 2),
        ("a", "b"),
        ({"a": 1}, {"a": 2}),
        ([1, 2], (1,)),
        ((), ()),
        (MagicMock(), MagicMock()),
        ([None] * 10**6, []),
    ],
    ids=["int", "str", "dict", "list", "empty", "mock", "long"],
)
def test_what_is_not_ours_is_left_to_pytest(left, right):
    assert explain_difference(left, right) is None


def test_raw_deltas_compare_one_by_one():
    lines = explain_difference(sequence(delta("a"), delta("b")), sequence(delta("a"), delta("c")))
    assert lines[0] == 'EventSequence of 2 == EventSequence of 2: at 1, update.delta is "b", not "c"'
    assert lines[-2:] == ['update.delta: expected "c"', '              got      "b"']


def test_events_of_different_types():
    lines = explain_difference(said("Hi"), [event("thread.item.removed", item_id="x")])
    assert lines[0].startswith("list of 3 == list of 1: at 0, ")
    assert any(line.startswith(">") for line in lines)
