"""The rules about items, on recordings that no server makes on demand."""

import pytest
from chatkit.types import (
    CustomTask,
    GeneratedImageItem,
    HiddenContextItem,
    Page,
    TaskItem,
    ThoughtTask,
    Thread,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
)
from rules_recording import (
    NOW,
    OUTPUT,
    THREAD,
    added,
    call,
    delta,
    done,
    judge,
    message,
    slugs,
    stream,
    timeline,
    turn,
    user_message,
)

from chatkit_sim.recording import ModelCalled, RunEnded, RunTimeline, ThreadView, ToolStarted
from chatkit_sim.rules import Catalogue, Evidence
from chatkit_sim.wire import Request


class InputGuardrailTripwireTriggered(Exception):
    """Named like the SDK's, which the rules know by name only."""


def work(id="wf_1", type="custom"):
    return WorkflowItem(
        id=id, thread_id=THREAD, created_at=NOW, workflow=Workflow(type=type, tasks=[CustomTask(title="Look")])
    )


def removed(id):
    return ThreadItemRemovedEvent(item_id=id)


def replaced(item):
    return ThreadItemReplacedEvent(item=item)


def only(*streams, **options):
    (violation,) = judge(*streams, **options).violations
    return violation


TASK = ThreadItemUpdatedEvent(item_id="wf_1", update=WorkflowTaskAdded(task_index=1, task=CustomTask(title="Find")))
TOOL = ToolStarted(run=1, agent="Assistant", after_event=2, tool="shop", call_id="call_1")


# --- lives


@pytest.mark.parametrize(
    "events",
    [
        [added(message()), delta("Hi"), done(message("Hi"))],
        [added(message()), removed("msg_1"), done(message("Other words", id="msg_2"))],
        [added(message()), removed("msg_1"), added(message()), done(message("Again"))],
        [added(message()), replaced(message("Whole"))],
        [added(message()), replaced(message("Whole")), done(message("Whole"))],
        [done(message("Hi")), replaced(message("Ho")), replaced(message("Hi"))],
        [added(work()), TASK, done(work())],
        [done(message("Hi")), removed("msg_1"), done(message("Ho", id="msg_2"))],
    ],
)
def test_legal_lives(events):
    assert not slugs(stream(*events))


@pytest.mark.parametrize(
    ("events", "rules"),
    [
        ([added(message()), added(message()), added(message()), done(message("Hi"))], ["item-added-once"]),
        ([done(message("Hi")), done(message("Hi")), done(message("Hi"))], ["item-done-once"]),
        ([added(message()), done(message("Hi")), added(message()), done(message("Ho"))], ["unique-item-ids"]),
        ([done(message("Hi")), done(work("msg_1"))], ["unique-item-ids"]),
        ([added(work("msg_1")), done(message("Hi"))], ["item-type-stable"]),
        ([added(message()), done(message("Hi")), delta("Ho"), done(message("HiHo"))], ["no-update-after-done"]),
        ([added(message()), removed("msg_1"), delta("Ho"), done(message("Hi", "two"))], ["no-ghost-update"]),
        ([done(work()), done(message("Hi")), removed("msg_1"), removed("msg_1")], ["removed-item-exists"]),
        ([done(message("Hi")), removed("msg_1"), replaced(message("Ho"))], ["replaced-item-exists"]),
        ([added(message()), done(message("Hi")), added(message(id="msg_2"))], ["item-finished"]),
    ],
)
def test_one_cause_speaks_once(events, rules):
    assert slugs(stream(*events)) == rules


def test_updates_of_one_item_are_counted_not_repeated():
    other = delta("x", id="msg_2")
    violation = only(stream(delta("a"), delta("b"), TASK_OF_A_MESSAGE, delta("c"), done(message("Hi"))), rules=None)

    assert violation.reason.startswith('4 updates came for the item "msg_1", which was never added')
    assert slugs(stream(delta("a"), other, done(message("Hi")))) == ["no-ghost-update", "no-ghost-update"]


TASK_OF_A_MESSAGE = ThreadItemUpdatedEvent(item_id="msg_1", update=TASK.update)


def test_text_for_an_item_that_is_no_message():
    violation = only(stream(added(work()), delta("Hi", id="wf_1"), done(work())))

    assert violation.rule == "well-formed-event"
    assert "text_delta" in violation.reason


# --- over streams and turns


def test_a_message_may_not_go_on_in_the_next_stream():
    first = stream(done(message("Hi")), done(call()))
    second = stream(delta(" there"), done(message("Bye", id="msg_2")), request=OUTPUT, number=2)

    violation = only(first, second)

    assert violation.rule == "no-update-after-done"
    assert "in stream 1" in violation.reason


def test_an_id_of_the_stream_before_is_taken():
    first = stream(done(message("Hi")), done(call()))
    second = stream(done(message("Ho")), request=OUTPUT, number=2)

    assert "the assistant message of stream 1" in only(first, second).reason


def test_an_id_of_an_earlier_turn_names_that_turn():
    earlier = turn(stream(done(message("Hi"))))
    now = turn(stream(done(message("Ho"))), number=2, before=earlier.view)

    (violation,) = Catalogue().judge(Evidence(now, earlier=(earlier,))).violations

    assert violation.rule == "unique-item-ids"
    assert "the assistant message of turn 1" in violation.reason
    assert str(violation.place) == "turn 2, stream 1, event 3"


def test_an_id_of_a_turn_that_this_client_did_not_see():
    before = ThreadView(items=(message("Hi"),))

    assert "of an earlier turn" in only(stream(done(message("Ho"))), before=before).reason


def test_items_of_earlier_turns_may_be_replaced_and_removed():
    before = ThreadView(items=(message("Hi"), work()))

    assert not slugs(stream(replaced(message("Ho")), removed("wf_1")), before=before)


def test_what_follows_a_retried_message_is_gone():
    before = ThreadView(items=(user_message(), message("Hi")))
    retry = Request("threads.retry_after_item", {"thread_id": THREAD, "item_id": "msg_user"})

    assert not slugs(stream(added(message()), done(message("Ho")), request=retry), before=before)
    assert slugs(stream(removed("msg_1"), done(message("Ho", "two")), request=retry), before=before) == [
        "removed-item-exists"
    ]


def test_a_stored_workflow_may_be_finished_again_by_a_later_stream():
    first = stream(done(work()), done(call()))
    second = stream(added(work()), TASK, done(work()), done(message("Hi")), request=OUTPUT, number=2)
    third = stream(done(work()), done(message("Ho", id="msg_2")), request=OUTPUT, number=2)

    assert not slugs(first, second)
    assert not slugs(first, third)


# --- item-finished


def test_a_workflow_that_a_pipeline_forgets_is_told_at_the_end_of_the_turn():
    first = stream(added(work()), done(call()))
    second = stream(done(message("Hi")), request=OUTPUT, number=2)

    violation = only(first, second)

    assert violation.rule == "item-finished"
    assert str(violation.place) == "turn 1, stream 1, event 3"


def test_the_sdk_stores_the_open_workflow_of_a_run_itself():
    assert not slugs(stream(added(work()), timeline=timeline()))


def test_a_message_may_not_stay_open_over_a_client_tool_call():
    first = stream(added(message("", id="open")), done(call()))
    second = stream(done(message("Hi")), request=OUTPUT, number=2)

    assert slugs(first, second) == ["item-finished"]


def test_a_run_that_failed_excuses_what_it_left_open():
    failed = ModelCalled(run=1, agent="Assistant", after_event=3, input="Hi", error=TimeoutError())

    assert not slugs(stream(added(message()), delta("Hi"), timeline=timeline(failed)))


def test_an_image_that_the_sdk_leaves_open_is_its_own_defect():
    image = GeneratedImageItem(id="img_1", thread_id=THREAD, created_at=NOW)

    assert only(stream(added(image), timeline=timeline())).upstream
    assert not only(stream(added(image))).upstream


# --- upstream


def test_a_workflow_done_twice_is_the_sdks_doing_only_with_a_tool():
    events = [added(work()), done(work()), done(work()), done(message("Hi"))]

    by_sdk, by_app = only(stream(*events, timeline=timeline(TOOL))), only(stream(*events))

    assert (by_sdk.upstream, by_sdk.severity) == (True, "warning")
    assert "asyncio.sleep(0.01)" in by_sdk.remedy
    assert (by_app.upstream, by_app.severity) == (False, "error")


def test_a_defect_of_the_sdks_is_told_once():
    events = [event for id in ("wf_1", "wf_2") for event in (added(work(id)), done(work(id)), done(work(id)))]

    assert slugs(stream(*events, timeline=timeline(TOOL))) == ["item-done-once"]
    assert slugs(stream(*events)) == ["item-done-once", "item-done-once"]


def test_a_workflow_that_a_tool_adds_after_its_first_update():
    events = [TASK, added(work()), done(work())]

    assert not slugs(stream(*events, timeline=timeline(TOOL)))
    assert slugs(stream(*events)) == ["no-ghost-update"]


def task(index, task=None):
    update = WorkflowTaskAdded(task_index=index, task=task or CustomTask(title=f"Task {index}"))
    return ThreadItemUpdatedEvent(item_id="wf_1", update=update)


THOUGHT = ThoughtTask(content="Hm.")


@pytest.mark.parametrize(
    "tasks",
    [
        [task(2, THOUGHT), task(1)],
        [task(3, THOUGHT), task(4, THOUGHT), task(1), task(2)],
        [task(2, THOUGHT), task(0, CustomTask(title="Look"))],  # an equal task has the index of the first
    ],
)
def test_a_thought_that_overtakes_the_tasks_of_a_tool(tasks):
    events = [added(work()), *tasks, done(work())]

    by_sdk, unobserved = only(stream(*events, timeline=timeline(TOOL))), only(stream(*events))

    assert (by_sdk.rule, by_sdk.upstream, by_sdk.severity) == ("tasks-added-in-order", True, "warning")
    assert unobserved.upstream
    assert not only(stream(*events, timeline=RunTimeline(observed=True))).upstream  # no run, so no thought of the SDK's


@pytest.mark.parametrize(
    "tasks",
    [
        [task(2, THOUGHT)],  # and task 1 never comes
        [task(3, THOUGHT), task(1)],
        [task(2), task(1)],  # both of tools, whose tasks come in the order in which they were added
        [task(2), task(1, THOUGHT)],  # a thought is sent as soon as it has its number
        [task(2, THOUGHT), task(1), task(9)],
    ],
)
def test_tasks_that_are_really_out_of_order(tasks):
    found = judge(stream(added(work()), *tasks, done(work()), timeline=timeline(TOOL))).violations

    assert [(v.rule, v.severity) for v in found if not v.upstream] == [("tasks-added-in-order", "error")]


def test_a_stream_that_ends_before_the_overtaken_task():
    cut = stream(added(work()), task(2, THOUGHT), timeline=timeline(TOOL), ended="cancelled")

    assert only(cut).upstream


def test_a_tripwire_removes_ids_that_never_were_items():
    tripped = RunEnded(run=1, agent="Assistant", after_event=2, error=InputGuardrailTripwireTriggered())

    assert not slugs(stream(removed("fc_1"), done(message("No.")), timeline=timeline(tripped)))
    assert slugs(stream(removed("fc_1"), done(message("No.")), timeline=timeline())) == ["removed-item-exists"]


# --- whose items


def test_hidden_items_are_never_on_show_so_replacing_them_is_fine():
    hidden = HiddenContextItem(id="hid_1", thread_id=THREAD, created_at=NOW, content="x")

    assert "replaced-item-exists" not in slugs(stream(replaced(hidden), done(message("Hi"))))


def test_a_thread_that_is_not_this_one():
    other = ThreadUpdatedEvent(thread=Thread(id="thr_2", created_at=NOW, items=Page()))
    violation = only(stream(other, done(message("Hi"))))

    assert violation.rule == "item-in-this-thread"
    assert 'thread "thr_2"' in violation.reason


def test_a_stranger_is_told_once_however_often_it_is_sent():
    stranger = TaskItem(id="t", thread_id="thr_2", created_at=NOW, task=CustomTask(title="x"))

    assert slugs(stream(added(stranger), done(stranger))) == ["item-in-this-thread"]


def test_a_user_message_may_be_replaced_by_the_responder():
    before = ThreadView(items=(user_message("msg_old"),))

    assert not slugs(stream(replaced(user_message("msg_old")), done(message("Hi"))), before=before)
    assert slugs(stream(done(user_message("msg_new")))) == ["no-user-message-from-responder", "turn-shows-something"]
