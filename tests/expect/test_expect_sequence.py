"""Assertions over sequences of events, and what they say when they fail."""

import pytest
from expect_samples import (
    THREAD,
    call_event,
    delta,
    event,
    item_event,
    message,
    options_event,
    progress_event,
    said,
    sequence,
    update_event,
)

from chatkit_sim.errors import UsageError
from chatkit_sim.expect import (
    EventSequence,
    client_tool_call,
    item_added,
    item_done,
    item_updated,
    notice,
    options,
    progress,
    text,
    thread_created,
    thread_updated,
)
from chatkit_sim.wire import TextRun

TITLE = event("thread.updated", thread={**THREAD, "title": "Groceries"})
MILK = sequence(progress_event("Looking…"), said("Added ", "milk."), call_event(item="milk"))
EXPECTED = (
    progress("Looking…"),
    item_added("assistant_message"),
    text("Added milk."),
    item_done("assistant_message", text="Added milk."),
    client_tool_call("add_to_todo_list", item="milk"),
)


def message_of(assertion, *patterns):
    with pytest.raises(AssertionError) as caught:
        assertion(*patterns)
    return str(caught.value)


def replaced(place, *patterns):
    """What EXPECTED is with something else in one place."""
    return (*EXPECTED[:place], *patterns, *EXPECTED[place + 1 :])


class TestTheSequence:
    def test_is_a_tuple_of_events(self):
        assert isinstance(MILK, tuple)
        assert len(MILK) == 6
        assert MILK[0].text == "Looking…"
        assert MILK == tuple(MILK)

    def test_slices_and_sums_stay_sequences(self):
        assert isinstance(MILK[1:3], EventSequence)
        assert isinstance(MILK[:1] + MILK[1:], EventSequence)
        assert isinstance((MILK[0],) + MILK[1:], EventSequence)  # noqa: RUF005
        assert (MILK[0],) + MILK[1:] == MILK == MILK[:1] + tuple(MILK[1:])  # noqa: RUF005
        MILK[1:-1].assert_exactly(*EXPECTED[1:-1])

    def test_steps_join_neighbouring_deltas_only(self):
        events = sequence(delta("a"), delta("b"), TITLE, delta("c"))
        assert [step.number for step in events.steps] == [1, 3, 4]

    def test_prints_as_the_patterns_one_would_write(self):
        assert repr(MILK) == f"EventSequence({', '.join(map(repr, EXPECTED))})"
        assert repr(sequence(*[TITLE] * 30)).endswith(', thread_updated("Groceries"), … 18 more)')

    def test_lists_its_events_when_printed(self):
        assert str(MILK).splitlines() == [
            '      1  progress("Looking…")',
            '      2  item_added("assistant_message")',
            '    3-4  text("Added milk.")',
            '      5  item_done("assistant_message", text="Added milk.")',
            '      6  client_tool_call("add_to_todo_list", item="milk")',
        ]
        assert str(sequence()) == "no events"
        assert str(sequence(*[TITLE] * 50)).endswith("  … 10 more")


class TestTextCountsAsOne:
    def test_across_events_of_other_items_and_of_none(self):
        events = sequence(delta("Added "), TITLE, update_event("workflow.task.added", "wf"), delta("milk"), delta("."))
        added, *_ = events.assert_exactly(
            text("Added milk.", count=3), thread_updated("Groceries"), item_updated("workflow.task.added")
        )
        assert (added.text, added.number, added.last, added.count) == ("Added milk.", 1, 5, 3)

    def test_of_two_messages_at_once(self):
        events = sequence(delta("a", "one"), delta("x", "two"), delta("b", "one"), delta("y", "two"))
        events.assert_exactly(text("ab", item_id="one"), text("xy", item_id="two"))

    def test_but_not_across_events_of_its_own_item(self):
        done = update_event("assistant_message.content_part.done", "msg_1")
        sequence(delta("a"), done, delta("b")).assert_exactly(text("a"), item_updated(), text("b"))
        sequence(said("a"), delta("b")).assert_exactly(item_added(), text("a"), item_done(), text("b"))

    def test_nor_across_parts(self):
        sequence(delta("a"), delta("b", part=1), delta("c")).assert_exactly(
            text("a", content_index=0), text("b", content_index=1), text("c", content_index=0)
        )

    def test_a_hundred_thousand_pieces(self):
        asked = []
        pieces = [each for _ in range(50_000) for each in (delta("ab"), TITLE)]
        events = sequence(message("added"), pieces, message("done", "ab" * 50_000))

        def whole(value):
            asked.append(value)
            return value == "ab" * 50_000

        (found,) = events.assert_in_order(text(whole))
        assert found.count == 50_000
        assert len(asked) == 1
        events.assert_never(item_added("widget"))
        assert len(message_of(events.assert_exactly, item_added())) < 3000
        assert len(message_of(events.assert_any, text("ab" * 49_999 + "a"))) < 3000

    def test_a_hundred_thousand_deltas_are_one(self):
        events = sequence(*[delta("ab")] * 100_000)
        (found,) = events.assert_exactly(text("ab" * 100_000))
        assert found is events.assert_any(text())
        assert len(events.steps) == 1
        failed = message_of(events.assert_exactly, text("ab" * 99_999 + "ac"))
        assert "(200,000 characters)" in failed
        assert len(failed) < 3000


class TestExactly:
    def test_returns_what_matched(self):
        found = MILK.assert_exactly(*EXPECTED)
        assert found[0] is MILK[0]
        assert found[2] == TextRun(3, 4, "msg_1", 0, "Added milk.")
        assert sequence().assert_exactly() == []

    def test_says_which_field_differs_and_how(self):
        assert message_of(MILK.assert_exactly, *replaced(2, text("Added eggs."))).splitlines() == [
            'At 3, text is "Added milk.", not "Added eggs.".',
            "",
            "    expected                                            actual",
            '  1 progress("Looking…")                                progress("Looking…")',
            '  2 item_added("assistant_message")                     item_added("assistant_message")',
            '> 3 text("Added eggs.")                                 text("Added milk.")',
            f"  4 {EXPECTED[3]!r}  {EXPECTED[3]!r}",
            '  5 client_tool_call("add_to_todo_list", item="milk")   client_tool_call("add_to_todo_list", item="milk")',
            "",
            '  text: expected "Added eggs."',
            '        got      "Added milk."',
            "                        ^",
        ]

    def test_says_what_is_missing(self):
        lines = message_of(MILK.assert_exactly, *replaced(1, notice("Saved"), EXPECTED[1])).splitlines()
        assert lines[0] == 'At 2, notice("Saved") was expected, but it is missing.'
        assert lines[4] == '> 2 notice("Saved")'
        assert lines[5].split("  ")[-1].strip() == 'item_added("assistant_message")'

    def test_says_what_came_too_much(self):
        lines = message_of(MILK.assert_exactly, *replaced(1)).splitlines()
        assert lines[0] == 'At 2, item_added("assistant_message") came, which was not expected.'
        assert lines[4] == f'> 2 {"":50}  item_added("assistant_message")'
        assert lines[5].count('text("Added milk.")') == 2

    def test_says_that_the_events_ended(self):
        lines = message_of(MILK.assert_exactly, *EXPECTED, notice("Saved")).splitlines()
        assert lines[0] == 'At 6, notice("Saved") was expected, but the events ended.'
        assert lines[-1] == '> 6 notice("Saved")'
        assert lines[3] == "    … 2 more that matched"

    def test_says_that_something_else_came(self):
        lines = message_of(MILK.assert_exactly, *replaced(2, notice("Saved"))).splitlines()
        assert lines[0] == 'At 3, notice("Saved") was expected, but text("Added milk.") came.'
        assert lines[5].startswith('> 3 notice("Saved") ')
        assert lines[5].endswith(' text("Added milk.")')

    def test_of_nothing(self):
        assert message_of(sequence().assert_exactly, text()).startswith(
            "At 1, text() was expected, but the events ended."
        )
        assert (
            message_of(sequence(TITLE).assert_exactly)
            .splitlines()[-1]
            .endswith('> 1           thread_updated("Groceries")')
        )

    def test_names_every_field_that_differs(self):
        seen = sequence(event("notice", level="info", message="Saved", title="List"))
        failed = message_of(seen.assert_exactly, notice("Saved", level="danger", title=None))
        assert failed.startswith('At 1, level is "info", not "danger" (and 1 more field).')
        assert '  title: expected None\n         got      "List"' in failed
        assert '> 1 notice("Saved", level="danger", title=None)  notice("Saved", level="info", title="List")' in failed

    def test_shows_only_the_neighbourhood_of_a_long_sequence(self):
        steps = [progress_event(f"Step {number}") for number in range(5000)]
        expected = [progress(f"Step {number}") for number in range(5000)]
        expected[3000] = progress("Stop")
        lines = message_of(sequence(*steps).assert_exactly, *expected).splitlines()
        assert lines[0] == 'At 3001, text is "Step 3000", not "Stop".'
        assert lines[3] == "       … 2,997 more that matched"
        assert lines[4] == '  2998 progress("Step 2997")      progress("Step 2997")'
        assert lines[7] == '> 3001 progress("Stop")           progress("Step 3000")'
        assert len(lines) < 25
        assert "… 1,990 more" in lines[17]

    def test_a_predicate_that_raises_later_does_not_hide_the_first_difference(self):
        later = notice(title=lambda title: title.lower())
        seen = sequence(TITLE, event("notice", level="info", message="Saved"))
        failed = message_of(seen.assert_exactly, thread_updated("Other"), later)
        assert failed.startswith('At 1, title is "Groceries", not "Other".')

    def test_reminds_of_the_preamble(self):
        created = event("thread.created", thread=THREAD)
        events = sequence(created, item_event("done", "user_message"), options_event(), MILK[:1])
        hint = "The SDK itself sends the first events; turn.response leaves them out."
        assert message_of(events.assert_exactly, progress("Looking…")).endswith(f"\n\n{hint}")
        assert hint not in message_of(events.assert_exactly, thread_created(), options(), progress("Looking…"))
        assert hint not in message_of(MILK.assert_exactly, text("x"))

    def test_covers_several_streams(self):
        events = sequence(options_event(), MILK, options_event(), said("Done.", item_id="msg_2"))
        events.assert_exactly(options(), *EXPECTED, options(), item_added(), text("Done."), item_done())


class TestInOrder:
    def test_returns_the_matches(self):
        found = MILK.assert_in_order(progress(), text("Added milk."), client_tool_call())
        assert found[0] is MILK[0]
        assert found[1].text == "Added milk."
        assert found[2] is MILK[5]

    def test_each_event_matches_once(self):
        assert message_of(MILK.assert_in_order, progress(), progress()).startswith(
            'progress() did not come after progress("Looking…") (1 of 2 found in order).'
        )

    def test_says_how_far_it_came_and_what_is_nearest(self):
        failed = message_of(MILK.assert_in_order, progress(), client_tool_call("add_to_todo_list", item="eggs"), text())
        assert failed.splitlines() == [
            'client_tool_call("add_to_todo_list", item="eggs") did not come after progress("Looking…") '
            "(1 of 3 found in order).",
            "",
            "    expected                                           found at event",
            '  1 progress()                                         1: progress("Looking…")',
            '> 2 client_tool_call("add_to_todo_list", item="eggs")',
            "  3 text()",
            "",
            "The nearest is at event 6:",
            '  arguments.item: expected "eggs"',
            '                  got      "milk"',
            "",
            "What came after it:",
            '      2  item_added("assistant_message")',
            '    3-4  text("Added milk.")',
            '      5  item_done("assistant_message", text="Added milk.")',
            '>     6  client_tool_call("add_to_todo_list", item="milk")',
        ]

    def test_says_that_it_came_before(self):
        failed = message_of(MILK.assert_in_order, client_tool_call(), text("Added milk."))
        assert "\n\nIt came before that, at events 3-4.\n\nWhat came after it: nothing." in failed

    def test_lists_what_came_when_nothing_is_near(self):
        failed = message_of(MILK.assert_in_order, notice("Saved"))
        assert failed.startswith('notice("Saved") did not come (0 of 1 found in order).')
        assert failed.endswith("\n\nWhat came:\n" + str(MILK))

    def test_without_patterns_it_could_not_fail(self):
        with pytest.raises(UsageError, match="say what should come"):
            MILK.assert_in_order()


class TestAny:
    def test_returns_the_first_match(self):
        assert MILK.assert_any(item_done()) is MILK[4]
        assert MILK.assert_any(text()).text == "Added milk."

    def test_names_the_nearest_text(self):
        events = sequence(said("Good morning."), said("Added milk.", item_id="msg_2"))
        failed = message_of(events.assert_any, text("Added eggs."))
        assert failed.startswith('text("Added eggs.") did not come.\n\nThe nearest is at event 5:\n')
        assert '\n>     5  text("Added milk.")\n' in failed

    def test_an_item_of_another_type_is_not_near(self):
        failed = message_of(MILK.assert_any, item_done("widget"))
        assert failed.startswith('item_done("widget") did not come.\n\nWhat came:\n')
        assert "nearest" not in failed

    def test_of_nothing(self):
        assert message_of(sequence().assert_any, text("x")) == 'text("x") did not come: there are no events.'


class TestNever:
    def test_passes_when_nothing_matches(self):
        assert MILK.assert_never(progress("Loading…")) is None

    def test_says_where_it_came(self):
        assert message_of(MILK.assert_never, item_done("assistant_message")).splitlines() == [
            'item_done("assistant_message") came at event 5.',
            "",
            '      1  progress("Looking…")',
            '      2  item_added("assistant_message")',
            '    3-4  text("Added milk.")',
            '>     5  item_done("assistant_message")',
            '      6  client_tool_call("add_to_todo_list", item="milk")',
        ]

    def test_counts_the_others(self):
        failed = message_of(sequence(*[TITLE] * 20).assert_never, thread_updated())
        assert failed.startswith("thread_updated() came at event 1, and 19 more times (2, 3, 4, 5, 6 and 14 more).")


@pytest.mark.parametrize("name", ["assert_exactly", "assert_in_order", "assert_any", "assert_never"])
@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (text, "did you mean text()?"),
        ("Added milk.", "not 'Added milk.'; write them as text(\"Added milk\")"),
        (TITLE, "not ThreadUpdatedEvent("),
    ],
)
def test_only_patterns_are_taken(name, wrong, hint):
    with pytest.raises(UsageError) as caught:
        getattr(MILK, name)(wrong)
    assert hint in str(caught.value)
    assert str(caught.value).startswith(f"{name} takes patterns of chatkit_sim.expect")


def test_a_predicate_with_a_memory_still_fails_with_a_message():
    answers = iter([False])
    pattern = progress(lambda said: next(answers, True))
    assert message_of(MILK[:1].assert_exactly, pattern).startswith("At 1, progress(<lambda, test_expect_sequence.py:")
