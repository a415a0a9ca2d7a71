"""Frames become typed events; neighbouring deltas are read as one."""

import warnings

import pytest
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ProgressUpdateEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)

from chatkit_sim.wire import FrameError, OneEvent, TextRun, coalesce, decode_event


def delta(text, item_id="msg_1", part=0):
    update = AssistantMessageContentPartTextDelta(content_index=part, delta=text)
    return ThreadItemUpdatedEvent(item_id=item_id, update=update)


def test_a_frame_becomes_its_event():
    assert decode_event(b'{"type":"progress_update","text":"Looking"}') == ProgressUpdateEvent(text="Looking")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"[DONE]", "Invalid JSON"),
        (b'{"type":"thread.item.gone"}', "thread.item.gone"),
        (b'{"type":"progress_update"}', "text: Field required"),
        (b'{"type":"notice","message":"\xff"}', "raw bytes"),
    ],
)
def test_a_frame_that_is_no_event_shows_its_bytes(payload, says):
    with pytest.raises(FrameError, match="no ChatKit event") as caught:
        decode_event(payload)
    assert says in str(caught.value)
    assert caught.value.raw == payload


def test_a_long_bad_frame_is_shortened():
    with pytest.raises(FrameError, match=r"9600 more bytes"):
        decode_event(b"x" * 10_000)


def test_widgets_are_read_without_the_deprecation_warning_of_chatkit():
    payload = (
        b'{"type":"thread.item.done","item":{"type":"widget","id":"w","thread_id":"t",'
        b'"created_at":"2026-01-01T00:00:00","widget":{"type":"Card","children":[]}}}'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        event = decode_event(payload)
    assert isinstance(event, ThreadItemDoneEvent)


def test_deltas_of_one_part_are_one_step():
    assert coalesce([delta("a"), delta("b"), delta("c")]) == [TextRun(1, 3, "msg_1", 0, "abc")]


def test_another_part_another_item_and_other_events_end_a_run():
    progress = ProgressUpdateEvent(text="…")
    steps = coalesce([delta("a"), delta("b", part=1), delta("c", "msg_2"), progress, delta("d", "msg_2")])
    assert steps == [
        TextRun(1, 1, "msg_1", 0, "a"),
        TextRun(2, 2, "msg_1", 1, "b"),
        TextRun(3, 3, "msg_2", 0, "c"),
        OneEvent(4, progress),
        TextRun(5, 5, "msg_2", 0, "d"),
    ]
    assert [step.last for step in steps] == [1, 2, 3, 4, 5]


def test_numbers_go_on_from_where_the_caller_says():
    assert coalesce([delta("a"), delta("b")], start=7) == [TextRun(7, 8, "msg_1", 0, "ab")]


def test_no_events_are_no_steps():
    assert coalesce([]) == []
