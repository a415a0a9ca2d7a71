"""turn-shows-something."""

import pytest
from chatkit.types import (
    ClientEffectEvent,
    CustomTask,
    EndOfTurnItem,
    NoticeEvent,
    ProgressUpdateEvent,
    TaskItem,
    ThreadItemRemovedEvent,
)
from rules_recording import ACTION, NOW, THREAD, added, call, delta, done, judge, message, slugs, stream

from chatkit_sim.recording import Note, ThreadView
from chatkit_sim.rules import UnscriptedCall

HEAD = {"id": "item_1", "thread_id": THREAD, "created_at": NOW}


@pytest.mark.parametrize(
    "events",
    [
        [],
        [ProgressUpdateEvent(text="Working")],
        [done(message())],
        [done(message("  "))],
        [done(EndOfTurnItem(**HEAD))],
        [done(message("Wait")), ThreadItemRemovedEvent(item_id="msg_1")],
    ],
)
def test_nothing_to_see(events):
    (violation,) = judge(stream(*events)).violations

    assert violation.rule == "turn-shows-something"
    assert violation.severity == "warning"
    assert "NoticeEvent" in violation.remedy


@pytest.mark.parametrize(
    "events",
    [
        [done(message("Hi"))],
        [added(message()), delta("Hi"), done(message("Hi"))],
        [NoticeEvent(level="info", message="Closed")],
        [ClientEffectEvent(name="open")],
        [done(TaskItem(**HEAD, task=CustomTask(title="x")))],
        [done(call())],
        [ThreadItemRemovedEvent(item_id="old")],
    ],
)
def test_something_to_see(events):
    assert not slugs(stream(*events), before=ThreadView(items=(message("Old", id="old"),)))


def test_an_action_need_not_show_anything():
    assert not slugs(stream(request=ACTION))


def test_what_was_cut_short_need_not_show_anything():
    assert not slugs(stream(ended="cancelled"))
    assert not slugs(stream(notes=(Note("disconnected", "the test closed the page"),)))
    assert slugs(stream(), unscripted=[UnscriptedCall("A", 1, "", "Add a step.")]) == ["no-unscripted-model-call"]
