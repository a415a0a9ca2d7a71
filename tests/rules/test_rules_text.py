"""The rules about text."""

import pytest
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    EntitySource,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
)
from rules_recording import added, delta, done, judge, message, slugs, stream


def part(text="", index=0):
    update = AssistantMessageContentPartAdded(content_index=index, content=AssistantMessageContent(text=text))
    return ThreadItemUpdatedEvent(item_id="msg_1", update=update)


def part_done(text, index=0):
    update = AssistantMessageContentPartDone(content_index=index, content=AssistantMessageContent(text=text))
    return ThreadItemUpdatedEvent(item_id="msg_1", update=update)


def source(index=None):
    return Annotation(source=EntitySource(id="e", title="E"), index=index)


def cite(number, index=None, content_index=0):
    update = AssistantMessageContentPartAnnotationAdded(
        content_index=content_index, annotation_index=number, annotation=source(index)
    )
    return ThreadItemUpdatedEvent(item_id="msg_1", update=update)


def parts(*texts):
    return message().model_copy(update={"content": [AssistantMessageContent(text=text) for text in texts]})


@pytest.mark.parametrize(
    "events",
    [
        [delta("Hel"), delta("lo"), done(message("Hello"))],
        [part(), delta("Hello"), part_done("Hello"), done(message("Hello"))],
        [delta("a"), delta("b", content_index=1), delta("A"), done(parts("aA", "b"))],
        [done(message("Whole, with nothing streamed"))],
        [delta("a"), done(parts("a", "a part that was never streamed"))],
        [part("a"), part("b"), done(message("b"))],
        [delta("a"), cite(0, 1), cite(1, 0), part_done("a"), cite(2), done(message("a"))],
        [delta("a"), cite(0), cite(0), done(message("a"))],
        [delta("a"), ThreadItemReplacedEvent(item=message("Quite another text"))],
    ],
)
def test_legal_text(events):
    assert not slugs(stream(added(message()), *events))


@pytest.mark.parametrize(
    ("events", "rule", "says"),
    [
        (
            [delta("Hello"), done(message("Hullo"))],
            "deltas-match-done",
            'character 1 on, "ello" was streamed and "ullo"',
        ),
        ([delta("Hello"), part_done("Hell"), done(message("Hell"))], "deltas-match-done", 'from character 4 on, "o"'),
        ([delta("a"), delta("b", content_index=1), done(parts("a"))], "deltas-match-done", '"b" was streamed and ""'),
        ([delta("a", content_index=2), done(parts("", "", "a"))], "content-parts-contiguous", "where part 0 is next"),
        ([delta("abc"), part(), delta("d"), done(message("d"))], "content-parts-contiguous", 'over the text "abc"'),
        ([delta("a"), cite(0), cite(2), done(message("a"))], "annotations-contiguous", "where annotation 1 is next"),
        ([delta("a"), cite(0, 2), done(message("a"))], "annotation-within-text", "at character 2"),
        ([done(message("a", annotations=[source(-1)]))], "annotation-within-text", "at character -1"),
    ],
)
def test_text_that_is_not_what_it_seems(events, rule, says):
    (violation,) = judge(stream(added(message()), *events)).violations

    assert violation.rule == rule
    assert says in violation.reason


def test_text_is_told_once_for_each_message():
    events = [added(message()), delta("a"), cite(3), cite(7), done(message("a"))]

    assert slugs(stream(*events)) == ["annotations-contiguous"]


def test_the_rest_of_a_cut_text_is_not_compared():
    assert not slugs(stream(added(message()), delta("Hel"), cite(0, 400), ended="cancelled"))


def test_parts_that_are_written_in_turns_are_read_as_whole_texts():
    # Two parts in turns: no two deltas can be read as one.
    events = [delta("x", content_index=number % 2) for number in range(20_000)]

    assert not slugs(stream(added(message()), *events, done(parts("x" * 10_000, "x" * 10_000))))
