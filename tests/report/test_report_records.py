"""Judged turns as records: whole, readable, and without secrets."""

import dataclasses
import enum
import json
import math

import pytest
from report_world import ATTACK, EchoServer, ForgetfulServer, judged, shop_turns

from chatkit_sim.report.files import as_json
from chatkit_sim.report.turns import turn_record
from chatkit_sim.report.values import json_value


@pytest.fixture(scope="module")
def shop():
    return turn_record(shop_turns("What is milk? Then add it.")[0], "test_shop.py::test_milk", 1)


def test_a_turn_says_what_the_user_saw(shop):
    seen = [(item.kind, item.who, item.text, list(item.lines)) for item in shop.chat]
    assert seen == [
        ("user_message", "user", "What is milk? Then add it.", []),
        ("client_tool_call", "client", 'add(item="milk")', ['{"added": {"item": "milk"}}']),
        ("assistant_message", "assistant", "Added **milk**.", []),
    ]


def test_a_turn_has_every_event_and_its_payload(shop):
    first, second = shop.streams
    types = [event.type for event in first.events]
    assert types == ["thread.created", "thread.item.done", "stream_options", "thread.item.done"]
    assert first.events[-1].payload["item"]["arguments"] == {"item": "milk"}
    assert (first.call.name, first.call.output, first.call.outcome) == ("add", {"added": {"item": "milk"}}, "answered")
    assert second.asked == 'client tool output {"added": {"item": "milk"}}'
    deltas = next(event for event in second.events if event.last > event.number)
    assert deltas.payload == "Added **milk**."
    numbers = [number for event in second.events for number in range(event.number, event.last + 1)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_run_stands_beside_the_events(shop):
    kinds = [(step.kind, step.text.partition("(")[0].partition(" ->")[0]) for step in shop.streams[0].run]
    assert kinds == [
        ("run-started", ""),
        ("model-called", "calls price"),
        ("tool-started", "price"),
        ("tool-ended", "price"),
        ("model-called", "calls add"),
        ("tool-started", "add"),
        ("client-tool", "add"),
        ("tool-ended", "add"),
        ("run-ended", "by add"),
    ]


def test_a_model_call_tells_only_what_is_new_in_its_input(shop):
    first, second = [step.payload for step in shop.streams[0].run if step.kind == "model-called"]
    third = next(step.payload for step in shop.streams[1].run if step.kind == "model-called")
    assert second["input as before"] == len(first["input"])
    assert [item["type"] for item in second["input"]] == ["function_call", "function_call_output"]
    assert "milk" in json.dumps(third["input"])


def test_secrets_are_masked(shop):
    text = as_json(shop).decode()
    assert "sk-0123456789abcdef0123" not in text
    assert "api_key=" in text


def test_what_was_broken_has_its_place_and_status():
    record = turn_record(judged(ForgetfulServer, "Hello")[0], "test_x.py::test_x", 1)
    places = [(each.rule, each.status, each.stream, each.event) for each in record.violations]
    assert ("item-done-once", "failed", 1, 5) in places


def test_everything_that_a_page_shows_is_in_the_chat():
    record = turn_record(judged(EchoServer, ATTACK)[0], "test_x.py::test_x", 1)
    kinds = [item.kind for item in record.chat]
    assert kinds == ["user_message", "widget", "assistant_message", "notice", "effect"]
    assert record.chat[1].widget["children"][0] == {"type": "Title", "value": ATTACK}


def test_a_line_of_json_has_no_angle_bracket_and_reads_back():
    value = {"text": ATTACK, "half": "\ud800", "line": "\u2028", "emoji": "👩\u200d👩"}
    line = as_json(value)
    assert b"<" not in line
    assert b"\n" not in line
    assert json.loads(line) == value


def test_any_value_becomes_json():
    class Colour(enum.Enum):
        RED = "red"

    @dataclasses.dataclass
    class Thing:
        name: str
        password: str

    class Odd:
        def __repr__(self):
            return "<Odd>"

    class Broken:
        def __repr__(self):
            raise ValueError

    deep = []
    deep.append(deep)
    value = json_value(
        {
            "colour": Colour.RED,
            "thing": Thing("milk", "hush"),
            "odd": Odd(),
            "broken": Broken(),
            "bytes": b"abc",
            "nan": math.nan,
            "set": {2, 1},
            3: "three",
            "deep": deep,
        }
    )
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert value["thing"] == {"name": "milk", "password": "<secret>"}
    assert value["broken"] == "<Broken; its repr raised ValueError>"
    assert (value["colour"], value["odd"], value["bytes"], value["set"]) == ("red", "<Odd>", "<3 bytes>", [1, 2])
