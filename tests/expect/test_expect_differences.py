"""Where two values differ, and how it is shown."""

import pytest
from expect_samples import item

from chatkit_sim.expect.differences import MISSING, differences, first_difference, first_differences


def shown(expected, actual):
    return [str(difference) for difference in differences(expected, actual)]


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a is 2, not 1"]),
        ({"a": 1}, {}, ["a is nothing, not 1"]),
        ({}, {"a": 1}, ["a is 1, not nothing"]),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, ['a[1].b is "y", not "x"']),
        ({"due-date": 1}, {"due-date": 2}, ['["due-date"] is 2, not 1']),
        ([1], [1, 2], ["[1] is 2, not nothing"]),
        ([1, 2], [1], ["[1] is nothing, not 2"]),
        ((1,), [1], ["it is [1], not (1,)"]),
        (str, 1, ["it is 1, not an instance of str"]),
        (..., 1, []),
        ("a", None, ['it is None, not "a"']),
    ],
)
def test_the_fields_that_differ(expected, actual, said):
    assert shown(expected, actual) == said


def test_models_of_one_type_are_compared_field_by_field():
    left, right = item("client_tool_call"), item("client_tool_call", call_id="c", arguments={"item": "eggs"})
    assert shown(left, right) == ['call_id is "c", not "call_1"', 'arguments.item is "eggs", not "milk"']
    assert shown(item("widget"), item("task")) == ['type is "task", not "widget"']


def test_a_dict_names_the_fields_of_a_model_that_matter():
    widget = item("widget")
    assert shown({"widget": {"id": "list"}}, widget) == []
    assert shown({"widget": {"id": "x", "size": None, "nonsense": 1}}, widget) == [
        'widget.id is "list", not "x"',
        "widget.nonsense is nothing, not 1",
    ]


def test_short_texts_stand_one_below_the_other_with_a_mark():
    (difference,) = differences({"text": "Added\nmilk."}, {"text": "Added\nmilk!"})
    assert difference.lines() == [
        r'text: expected "Added\nmilk."',
        r'      got      "Added\nmilk!"',
        "                           ^",
    ]


def test_long_texts_show_where_they_part():
    left = "milk " * 50_000 + "eggs" + " milk" * 50_000
    (difference,) = differences(left, left.replace("eggs", "eggz"))
    expected, actual, mark = difference.lines()
    assert len(expected) < 120
    assert expected.startswith('expected …"')
    assert expected.endswith('…" (500,004 characters)')
    assert expected[mark.index("^")] == "s"
    assert actual[mark.index("^")] == "z"


def test_a_text_that_ends_early():
    (difference,) = differences("abcdef", "abc")
    assert difference.lines() == ['expected "abcdef"', 'got      "abc"', "             ^"]


@pytest.mark.parametrize(
    ("left", "right", "at"),
    [("", "", 0), ("a", "b", 0), ("ab", "ac", 1), ("ab", "abc", 2), ("x" * 99 + "a", "x" * 99, 99)],
)
def test_the_first_character_that_differs(left, right, at):
    assert first_difference(left, right) == at


def test_a_predicate_that_raises_is_part_of_the_message():
    (difference,) = first_differences(differences({"a": lambda value: value["b"]}, {"a": {}}))
    assert str(difference) == "comparing raised KeyError: 'b'"
    assert difference.lines() == ["comparing raised KeyError: 'b'"]


def test_a_predicate_is_not_asked_about_what_is_not_there():
    assert shown({"size": lambda value: True}, item("end_of_turn"))[0].startswith(
        "size is nothing, not satisfying <lam"
    )
    assert repr(MISSING) == "nothing"
