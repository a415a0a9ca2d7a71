"""The short transcript: who said what in which order, on one screen."""

from transcript_samples import THREAD, WIDGET, delta, event, item_event, message, update_event

from chatkit_sim.transcript import short_transcript
from chatkit_sim.wire import coalesce
from chatkit_sim.wire.requests import add_client_tool_output, create_thread, user_input

ASKED = create_thread(user_input([{"type": "input_text", "text": "Put milk on my list"}]))
OPTIONS = event("stream_options", stream_options={"allow_cancel": True})
PREAMBLE = [
    event("thread.created", thread={**THREAD, "title": None}),
    item_event("done", "user_message", "msg_user"),
    OPTIONS,
]


def lines_of(*events):
    transcript = short_transcript([(ASKED, coalesce([*PREAMBLE, *events]))])
    head, *rest = transcript.splitlines()
    assert head == '  user         "Put milk on my list"'
    return [line.removeprefix("  ") for line in rest]


def test_a_turn_of_two_streams():
    first = [
        *PREAMBLE,
        event("progress_update", text="Looking…"),
        message("added", ""),
        update_event("assistant_message.content_part.added", "msg_1"),
        delta("Let me "),
        event("thread.updated", thread=THREAD),
        delta("see."),
        message("done", "Let me see."),
        item_event("done", "client_tool_call", status="pending", output=None),
    ]
    second = [
        OPTIONS,
        message("added", "", "msg_2"),
        delta("Added milk.", "msg_2"),
        message("done", "Added milk.", "msg_2"),
    ]
    answered = add_client_tool_output("thr_1", {"added": "milk"})
    transcript = short_transcript([(ASKED, coalesce(first)), (answered, coalesce(second))])
    assert transcript.splitlines() == [
        '  user         "Put milk on my list"',
        '  progress     "Looking…"',
        '  thread       "Groceries"',
        '  assistant    "Let me see."',
        '  client tool  add_to_todo_list(item="milk")',
        "  -- stream 2",
        '  output       {"added": "milk"}',
        '  assistant    "Added milk."',
    ]


def test_widgets_and_workflows_are_trees():
    tasks = [{"type": "thought", "content": f"Thought {number}"} for number in range(9)]
    workflow = {"type": "reasoning", "tasks": tasks}
    assert lines_of(item_event("done", "widget"), item_event("done", "workflow", "wf", workflow=workflow)) == [
        'widget       Card #groceries status "3 left"',
        '               Title "Groceries"',
        '               Row [key "milk"]',
        '                 Checkbox milk "Milk" -> todo.toggle(id=1)',
        '                 Button "Open" -> todo.open in the client',
        "               Select shop [Ada's | Bo]",
        '               confirm "Save" -> todo.save([1, 2])',
        "workflow     reasoning 9 tasks",
        '               thought "Thought 0"',
        '               thought "Thought 1"',
        '               thought "Thought 2"',
        '               thought "Thought 3"',
        '               thought "Thought 4"',
        '               thought "Thought 5"',
        "               … 3 more",
    ]


def test_effects_notices_and_errors_are_told():
    assert lines_of(
        event("client_effect", name="open", data={"id": 3}),
        event("notice", level="danger", message="Full"),
        event("error", code="custom", message="Too many"),
        event("stream_options", stream_options={"allow_cancel": False}),
        event("thread.updated", thread={**THREAD, "title": None}),
    ) == [
        "effect       open(id=3)",
        'notice       danger "Full"',
        'error        custom "Too many"',
        "options      allow_cancel=False",
        "thread       updated",
    ]


def test_what_was_never_done_is_marked():
    assert lines_of(message("added", ""), delta("Let me "), delta("look"), item_event("added", "task", "task_1")) == [
        'assistant    "Let me look" (unfinished)',
        'task         file "list.txt" (unfinished)',
    ]


def test_text_of_a_message_that_was_never_added_is_told_too():
    assert lines_of(delta("Boo", "msg_9")) == ['assistant    "Boo" (unfinished)']


def test_an_unfinished_widget_counts_its_updates_and_shows_its_last_root():
    root = {**WIDGET, "children": [], "id": "other", "status": None, "confirm": None}
    assert lines_of(
        item_event("added", "widget"),
        update_event("widget.root.updated", widget=root),
        update_event("widget.streaming_text.value_delta"),
    ) == ["widget       Card #other (unfinished, 2 updates)"]


def test_removed_and_replaced_are_said():
    assert lines_of(
        message("done", "Wrong."),
        event("thread.item.removed", item_id="msg_1"),
        message("added", "", "msg_2"),
        delta("Never", "msg_2"),
        event("thread.item.removed", item_id="msg_2"),
        event("thread.item.removed", item_id="fc_1"),
        item_event("replaced", "generated_image"),
    ) == [
        'assistant    "Wrong."',
        'removed      assistant_message "Wrong."',
        'assistant    "Never" (removed before it was done)',
        "removed      fc_1",
        'image        "https://example.com/cat.png" (replaced)',
    ]


def test_oddities_are_not_hidden():
    assert lines_of(
        message("done", "Hi."),
        message("done", "Hi!"),
        delta(" More"),
        update_event("workflow.task.added", "wf_of_an_earlier_turn"),
        item_event("done", "user_message", "msg_8", quoted_text=None, inference_options={}),
        item_event("added", "end_of_turn", "msg_8"),
    ) == [
        'assistant    "Hi."',
        'assistant    "Hi!" (done again)',
        'assistant    " More" (after its done)',
        'update       wf_of_an_earlier_turn workflow.task.added [2] thought "Thinking"',
        'user         "Put milk on my list"',
        "end of turn  (added again)",
    ]


def test_a_long_turn_is_cut_in_the_middle():
    events = [event("progress_update", text=f"Step {number}") for number in range(5000)]
    lines = lines_of(*events)
    assert len(lines) <= 60
    assert lines[0] == 'progress     "Step 0"'
    assert "… 4,953 more left out" in lines
    assert lines[-1] == 'progress     "Step 4999"'


def test_many_trees_stay_on_one_screen():
    lines = lines_of(*(item_event("done", "widget", f"widget_{number}") for number in range(50)))
    assert len(lines) <= 62


def test_long_text_is_cut():
    (line,) = lines_of(message("added", ""), *(delta("milk ") for _ in range(1000)))
    assert line.endswith('milk …" (5,000 characters) (unfinished)')
    assert len(line) < 200


def test_a_text_cut_into_very_many_pieces_is_joined_once():
    # Progress between all deltas: as many text runs as deltas.
    pieces = [each for _ in range(20_000) for each in (delta("ab"), event("progress_update", text="…"))]
    lines = lines_of(message("added", ""), *pieces)
    assert lines[0].endswith('…" (40,000 characters) (unfinished)')
    assert "more left out" in lines[33]
