"""Values read as one would write them, and never grow with what they describe."""

import json
import re

import pytest
from chatkit.errors import ErrorCode
from chatkit.types import InferenceOptions

from chatkit_sim.transcript import call_text, quoted, value_text


def is_even(number):
    return number % 2 == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("milk", '"milk"'),
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        ([], "[]"),
        (("a",), '("a",)'),
        ({"a": [1, {"b": "c"}]}, '{"a": [1, {"b": "c"}]}'),
        (ErrorCode.STREAM_ERROR, '"stream.error"'),
        (InferenceOptions(model="gpt-5"), 'InferenceOptions(model="gpt-5")'),
        (..., "..."),
        (int, "int"),
        (is_even, "is_even"),
        (re.compile("a+"), "re.compile('a+')"),
    ],
)
def test_values_read_as_python(value, text):
    assert value_text(value) == text


def test_a_lambda_is_named_by_its_place():
    assert re.fullmatch(r"<lambda, test_transcript_words\.py:\d+>", value_text(lambda value: value))


def test_what_cannot_be_seen_is_written_out():
    assert quoted('say "hi"\n\u00a0\u202e\ud800') == '"say \\"hi\\"\\n\\xa0\\u202e\\ud800"'
    assert quoted("👨\u200d👩\u200d👧") == '"👨\u200d👩\u200d👧"'


def test_a_long_text_is_cut():
    assert quoted("abcdef", 3) == '"abc…" (6 characters)'
    assert quoted("abcdef", None) == '"abcdef"'


def test_what_holds_itself_ends():
    within = {"name": "milk"}
    within["list"] = [1, within, within["name"]]
    assert value_text(within) == '{"name": "milk", "list": [1, {…}, "milk"]}'
    assert call_text("add", within, 4000) == 'add(name="milk", list=[1, {"name": "milk", "list": […]}, "milk"])'


def test_a_value_that_is_nested_deep_ends():
    value = []
    for _ in range(100_000):
        value = [value]
    assert value_text(value, 4000) == "[" * 20 + "[…]" + "]" * 20


def test_a_huge_value_costs_and_shows_only_its_beginning():
    class Once(dict):
        """Counts how many of its items were looked at."""

        looked = 0

        def items(self):
            for pair in super().items():
                self.looked += 1
                yield pair

    huge = Once({f"key{number}": list(range(1000)) for number in range(10_000)})
    text = value_text(huge)
    assert len(text) < 200
    assert text.endswith("more}")
    assert huge.looked < 10


def test_calls_read_as_calls():
    assert call_text("add_to_todo_list", {"item": "milk", "count": 2}) == 'add_to_todo_list(item="milk", count=2)'
    assert call_text("refresh", {}) == "refresh()"
    assert call_text("add", {"due-date": "now"}) == 'add(**{"due-date": "now"})'


def test_values_of_json_read_as_json_where_python_does_too():
    value = {"a": ["x", {"b": 1}]}
    assert value_text(value) == json.dumps(value)
