"""The full transcript: what a person reads in a golden file, and why it is the same on every run."""

import dataclasses
import re

import pytest
from chatkit.types import ThreadItemDoneEvent
from transcript_samples import (
    EVENT_TYPES,
    EVENTS,
    ITEM_TYPES,
    THREAD,
    UPDATE_TYPES,
    delta,
    event,
    item,
    item_event,
    message,
    update_event,
)

from chatkit_sim import UsageError
from chatkit_sim.recording import ClientToolCall, RecordedStream, ThreadView, Turn
from chatkit_sim.transcript import full_transcript
from chatkit_sim.wire import Request
from chatkit_sim.wire.requests import add_client_tool_output, create_thread, retry_after_item, user_input


def told(*events, **options):
    """The transcript of bare events, without its version line."""
    head, _, rest = full_transcript(events, **options).partition("\n\n")
    assert head == "# chatkit-sim transcript 1"
    return rest


def lines(*expected):
    return "\n".join(expected) + "\n"


def create(text, **options):
    return create_thread(user_input([{"type": "input_text", "text": text}], **options))


def preamble(text, thread="thr_1", user="msg_user1"):
    return [
        event("thread.created", thread={**EVENTS["thread.created"]["thread"], "id": thread}),
        item_event(
            "done",
            "user_message",
            user,
            thread_id=thread,
            content=[{"type": "input_text", "text": text}],
            quoted_text="",
            inference_options={},
        ),
        event("stream_options", stream_options={"allow_cancel": True}),
    ]


def todo_turn(thread="thr_1", user="msg_user1", call="tc_00000001", answer="msg_answer1", cut=("Added ", "milk.")):
    """The turn of the guide's to-do list, with the ids and the cut of one run."""
    asked = item_event(
        "done", "client_tool_call", call, thread_id=thread, status="pending", call_id=f"call_{call}", output=None
    )
    parts = [delta(chunk, answer) for chunk in cut]
    reply = [message("added", "", answer), *parts, message("done", "Added milk.", answer)]
    options = event("stream_options", stream_options={"allow_cancel": True})
    first = RecordedStream(
        1,
        create("Put milk on my list"),
        (*preamble("Put milk on my list", thread, user), asked),
        call=ClientToolCall("add_to_todo_list", {"item": "milk"}, {"added": "milk"}, f"call_{call}", call),
    )
    second = RecordedStream(2, add_client_tool_output(thread, {"added": "milk"}), (options, *reply))
    return Turn(1, (first, second))


TODO = lines(
    "# chatkit-sim transcript 1",
    "",
    "== turn 1",
    "",
    "user",
    "  | Put milk on my list",
    "",
    "new thread",
    "",
    "client tool add_to_todo_list",
    '  item: "milk"',
    "",
    "-- stream 2",
    "",
    "output of add_to_todo_list",
    '  added: "milk"',
    "",
    "assistant, streamed",
    "  | Added milk.",
)


class TestATurn:
    def test_reads_as_a_conversation(self):
        assert full_transcript(todo_turn()) == TODO

    def test_does_not_depend_on_ids_or_on_how_finely_the_text_was_cut(self):
        other = todo_turn("thr_9f8e7d6c", "msg_0a1b2c3d", "tc_aaaa1111", "msg_ffff0000", tuple("Added milk."))
        assert full_transcript(other) == TODO

    def test_of_a_conversation_follows_the_turns_and_names_the_threads_when_there_are_several(self):
        def turn(number, thread):
            view = ThreadView(thread=event("thread.created", thread={**THREAD, "id": thread}).thread)
            talk = todo_turn(thread, f"msg_0000000{number}", f"tc_0000000{number}", f"msg_1000000{number}")
            return dataclasses.replace(talk, number=number, view=view)

        def headings(*turns):
            return re.findall(r"^(?:==|new) .*$", full_transcript(turns), re.M)

        one, other = turn(1, "thr_00000001"), turn(2, "thr_00000002")
        assert headings(one, dataclasses.replace(one, number=2)) == [
            "== turn 1",
            "new thread <thread:1>",
            "== turn 2",
            "new thread <thread:1>",
        ]
        assert headings(one, other) == [
            "== turn 1 in <thread:1>",
            "new thread <thread:1>",
            "== turn 2 in <thread:2>",
            "new thread <thread:2>",
        ]

    def test_says_how_a_stream_ended_and_what_got_no_output(self):
        [first, _] = todo_turn().streams
        call = dataclasses.replace(first.call, outcome="unregistered", output=None)
        turn = Turn(1, (dataclasses.replace(first, call=call, ended="disconnected"),))
        assert full_transcript(turn).endswith(
            lines("no output for add_to_todo_list (unregistered)", "stream ends: disconnected")
        )

    def test_shows_what_the_user_chose_and_attached(self):
        request = create(
            "See", attachments=["atc_12345678"], quoted_text="the list", tool_choice="search", model="gpt-5"
        )
        assert full_transcript(RecordedStream(1, request, ())) == lines(
            "# chatkit-sim transcript 1",
            "",
            "user",
            "  | See",
            '  quoting: "the list"',
            '  tool: "search"',
            '  model: "gpt-5"',
            "  attachment <attachment:1>",
        )

    @pytest.mark.parametrize(
        ("request_", "first"),
        [
            (retry_after_item("thr_1", "msg_1"), "retry after <item:1>"),
            (
                Request("threads.custom_action", {"action": {"type": "todo.delete", "payload": {"id": 1}}}),
                "action todo.delete\n  id: 1",
            ),
            (
                Request("threads.add_structured_input", {"item_id": "si_12345678", "input": {"status": "skipped"}}),
                "answers to <item:1>\n  skipped",
            ),
            (Request("items.feedback", {"kind": "positive"}), 'request items.feedback\n  kind: "positive"'),
            (Request("threads.create", {"input": "nonsense"}), "user"),
        ],
    )
    def test_begins_with_what_was_asked(self, request_, first):
        text = full_transcript(RecordedStream(1, request_, ()))
        assert text == f"# chatkit-sim transcript 1\n\n{first}\n"


class TestWhatComesAtAnyMoment:
    title = event("thread.updated", thread={**EVENTS["thread.created"]["thread"], "title": "Groceries"})
    progress = event("progress_update", text="Reading your list", icon="notebook")

    def test_has_a_fixed_place(self):
        begin, end = message("added", ""), message("done", "Added milk.")
        early = told(begin, self.title, self.progress, delta("Added "), delta("milk."), end)
        late = told(begin, delta("Added "), self.progress, delta("milk."), end, self.title)
        assert early == late
        assert early == lines(
            "assistant, streamed",
            "  | Added milk.",
            "",
            "-- meanwhile",
            "",
            'progress "Reading your list" (notebook)',
            "",
            "thread updated",
            '  title: "Groceries"',
        )

    def test_stands_where_it_came_when_asked_for(self):
        events = (message("added", ""), delta("Added "), self.progress, delta("milk."))
        assert told(*events, detail="events") == lines(
            "thread.item.added assistant <message:1>",
            "",
            "thread.item.updated <message:1> text, part 1",
            "  | Added\\x20",
            "",
            'progress "Reading your list" (notebook)',
            "",
            "thread.item.updated <message:1> text, part 1",
            "  | milk.",
        )


class TestItems:
    @pytest.mark.parametrize("type", ITEM_TYPES)
    @pytest.mark.parametrize("detail", ["turn", "events"])
    def test_every_type_can_be_told(self, type, detail):
        text = told(item_event("done", type), detail=detail)
        assert text.strip()
        assert "2026-01-01" not in text

    @pytest.mark.parametrize("type", UPDATE_TYPES)
    @pytest.mark.parametrize("detail", ["turn", "events"])
    def test_every_update_can_be_told_also_of_an_unknown_item(self, type, detail):
        told_of = told(
            update_event(type, "x_00000001"), event("notice", level="info", message="x_00000001"), detail=detail
        )
        assert re.search(r"<(item|message):1>", told_of)

    @pytest.mark.parametrize("type", EVENT_TYPES)
    def test_every_event_can_be_told(self, type):
        assert told(event(type, **EVENTS[type]), detail="events").strip()

    def test_a_widget_is_a_tree_with_everything_that_is_set_on_it(self):
        assert told(item_event("done", "widget")) == lines(
            "widget",
            "  Card #groceries",
            "    status",
            '      text: "3 left"',
            '    Title "Groceries"',
            '    Row [key "milk"]',
            '      Checkbox milk "Milk" onChange -> todo.toggle(id: 1)',
            '      Button "Open" -> todo.open handler: "client"',
            "    Select shop",
            "      options",
            '        - label: "Ada\'s"',
            '          value: "a"',
            '        - label: "Bo"',
            '          value: "b"',
            '    confirm "Save" -> todo.save([1, 2])',
        )

    def test_a_growing_thought_is_told_once(self):
        def grow(what, text, status="loading"):
            task = {"type": "thought", "title": "Plan", "content": text, "status_indicator": status}
            return update_event(f"workflow.task.{what}", task_index=0, task=task)

        thought = {"type": "thought", "title": "Plan", "content": "Let me see.", "status_indicator": "complete"}
        workflow = {"type": "reasoning", "summary": {"duration": 4}, "tasks": [thought]}
        done = item_event("done", "workflow", workflow=workflow)
        begin = item_event("added", "workflow", workflow={"type": "reasoning", "tasks": []})
        text = told(begin, grow("added", "Let"), grow("updated", "Let me"), done)
        assert text == told(begin, grow("added", "Let me se"), done)
        assert text == lines(
            "workflow (reasoning), streamed",
            "  summary: <duration>",
            '  1. thought "Plan" (complete)',
            "    | Let me see.",
            '  task 1 was thought "Plan" (loading)',
        )

    def test_a_text_that_was_streamed_otherwise_than_it_is_stored_is_told_twice(self):
        assert told(message("added", ""), delta("Hello"), message("done", "Goodbye")) == lines(
            "assistant, streamed", "  | Goodbye", "  streamed as", "    | Hello"
        )

    @pytest.mark.parametrize(
        ("events", "heading"),
        [
            ([message("done", "Hi")], "assistant"),
            ([message("added", ""), message("done", "Hi")], "assistant, added first"),
            ([message("added", ""), delta("Hi")], "assistant, unfinished"),
            (
                [message("added", ""), delta("Hi"), event("thread.item.removed", item_id="msg_1")],
                "assistant, removed before it was done",
            ),
            ([delta("Hi")], "update of <message:1>, not begun here"),
        ],
    )
    def test_what_became_of_it_stands_in_the_heading(self, events, heading):
        assert told(*events).splitlines()[0] == heading

    def test_an_id_is_shown_where_something_else_speaks_of_it(self):
        text = told(message("done", "Sold out", "msg_a1a1a1a1"), event("thread.item.removed", item_id="msg_a1a1a1a1"))
        assert text == lines("assistant <message:1>", "  | Sold out", "", "removed <message:1>")
        assert told(message("done", "Sold out", "msg_a1a1a1a1")) == lines("assistant", "  | Sold out")

    def test_two_things_with_one_id_show_it(self):
        text = told(message("done", "A", "__fake_id__"), message("done", "B", "__fake_id__"))
        assert text == lines("assistant <message:1>", "  | A", "", "assistant <message:1>, done again", "  | B")

    def test_items_and_single_events_are_told_too(self):
        alone = item("assistant_message")
        assert full_transcript(alone) == full_transcript([alone]) == full_transcript(ThreadItemDoneEvent(item=alone))


class TestStability:
    def test_ids_are_replaced_within_texts_payloads_and_urls(self):
        call = item_event(
            "done",
            "client_tool_call",
            "tc_00000001",
            arguments={"thread": "thr_77777777", "url": "https://x.example/t/thr_77777777?m=msg_a1a1a1a1"},
            status="pending",
        )
        text = told(
            event("thread.created", thread={**EVENTS["thread.created"]["thread"], "id": "thr_77777777"}),
            message("done", "See msg_a1a1a1a1\nmsg_a1a1a1a1, file-tc_00000001.txt", "msg_a1a1a1a1"),
            call,
        )
        assert text == lines(
            "new thread <thread:1>",
            "",
            "assistant <message:1>",
            "  | See <message:1>",
            "  | <message:1>, file-<tool_call:1>.txt",
            "",
            "client tool add_to_todo_list <tool_call:1>",
            '  thread: "<thread:1>"',
            '  url: "https://x.example/t/<thread:1>?m=<message:1>"',
        )

    def test_ids_that_are_words_are_left_alone_in_texts(self):
        assert "| welcome to the shop" in told(message("done", "welcome to the shop", "welcome"))

    def test_unknown_ids_become_aliases_by_their_shape(self):
        said = "order 123e4567-e89b-12d3-a456-426614174000, then 00000000-e89b-12d3-a456-426614174000 and msg_0123abcd"
        assert "| order <uuid:1>, then <uuid:2> and <message:1>" in told(message("done", said))

    def test_ids_with_other_characters_than_words_have(self):
        text = told(message("done", "see user:42/a1", "user:42/a1"))
        assert text == lines("assistant <message:1>", "  | see <message:1>")

    def test_times_durations_and_addresses_are_placeholders_unless_wanted(self):
        data = {
            "created_at": 1764000000.5,
            "elapsed_ms": 12.5,
            "note": "at 2026-01-01T12:00:00.123456+00:00 by <A at 0x7f00aa11>",
            "count": 3,
        }
        effect = event("client_effect", name="log", data=data)
        assert told(effect) == lines(
            "effect log",
            "  count: 3",
            "  created_at: <time>",
            "  elapsed_ms: <duration>",
            '  note: "at <time> by <A at <address>>"',
        )
        assert "elapsed_ms: 12.5" in told(effect, times=False)
        assert "2026-01-01T12:00:00.123456+00:00" in told(effect, times=False)

    @pytest.mark.parametrize("text", ["2026-01-05", "call 2026-01-05 again", "10:30", "12-2026-01-05 10:30"])
    def test_dates_and_hours_alone_are_what_somebody_said(self, text):
        assert f"| {text}\n" in told(message("done", text))

    def test_secrets_are_masked(self):
        data = {
            "api_key": "abc",
            "apiKey": "x",
            "Authorization": "Bearer q",
            "max_tokens": 5,
            "token": None,
            "keyboard": "de",
            "url": "https://s3.example/a?X-Amz-Signature=abc&size=2",
            "text": "sk-proj-0123456789abcdefghij",
        }
        assert told(event("client_effect", name="open", data=data)) == lines(
            "effect open",
            "  Authorization: <secret>",
            "  apiKey: <secret>",
            "  api_key: <secret>",
            '  keyboard: "de"',
            "  max_tokens: 5",
            '  text: "<secret>"',
            "  token: null",
            '  url: "https://s3.example/a?X-Amz-Signature=<secret>&size=2"',
        )

    def test_dicts_and_sets_have_one_order(self):
        one = {"b": {"y", "x", "z"}, "a": 1}
        request = Request("threads.add_client_tool_output", {"result": one})
        other = Request("threads.add_client_tool_output", {"result": {"a": 1, "b": {"z", "x", "y"}}})
        text = full_transcript(RecordedStream(1, request, ()))
        assert text == full_transcript(RecordedStream(1, other, ()))
        assert '  a: 1\n  b: ["x", "y", "z"]\n' in text

    def test_a_picture_in_the_text_is_named_by_its_size_and_digest(self):
        url = "data:image/png;base64," + "A" * 500
        text = told(item_event("done", "generated_image", image={"id": "img_1", "url": url}))
        assert re.search(r'url: "<data: image/png, 522 characters, [0-9a-f]{8}>"', text)

    def test_what_cannot_be_seen_is_written_out(self):
        assert told(message("done", "a\tb \\ c\u200b\n\n\x1b[31mred ")) == lines(
            "assistant", "  | a\\tb \\\\ c\\u200b", "  |", "  | \\x1b[31mred\\x20"
        )

    def test_no_text_can_look_like_a_line_of_another_kind(self):
        nasty = "# end\n== turn 9\n-- stream 2\n<<<<<<< HEAD"
        effect = event("client_effect", name="x\n# end", data={"k\n# end": nasty})
        for line in told(message("done", nasty), effect).splitlines():
            assert not line.startswith(("#", "== ", "-- ", "<<<"))


class TestSmallChangesMakeSmallDifferences:
    def test_a_changed_word_in_a_long_text_changes_one_line(self):
        sentences = [f"This is sentence number {word} of a long answer." for word in ("one", "two", "three", "four")]
        old = told(message("done", " ".join(sentences))).splitlines()
        new = told(message("done", " ".join(sentences).replace("three", "3"))).splitlines()
        assert [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]] == [
            ("    This is sentence number three of a long answer.", "    This is sentence number 3 of a long answer.")
        ]

    def test_a_further_message_changes_no_other_line(self):
        old = told(message("done", "A", "msg_00000001"), message("done", "C", "msg_00000003"))
        new = told(
            message("done", "A", "msg_00000001"),
            message("done", "B", "msg_00000002"),
            message("done", "C", "msg_00000003"),
        )
        assert new == old.replace("assistant\n  | C", "assistant\n  | B\n\nassistant\n  | C")


class TestWhatATranscriptIsMadeOf:
    @pytest.mark.parametrize("wrong", ["a text", 3, {"a": 1}, [1, 2], None])
    def test_anything_else_is_refused(self, wrong):
        with pytest.raises(UsageError, match="A transcript is made of a turn"):
            full_transcript(wrong)

    def test_nothing_is_nothing(self):
        assert full_transcript([]) == "# chatkit-sim transcript 1\n\n"
