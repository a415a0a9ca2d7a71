"""Rules about thread items: each is added, updated, done and removed as a page and a store expect."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chatkit.types import GeneratedImageItem, ThreadItem

from ..errors import Violation
from ..recording import ToolStarted
from ..wire import TextRun
from . import upstream
from .base import Evidence, Rule, place
from .excuses import chain, disturbance, run_errors, tripped
from .history import HIDDEN, Finding, Life, StreamHistory, Trouble
from .strangers import answers_user, item_in_this_thread, no_user_message_from_responder
from .words import ITEM_NAMES, item_name, quoted, times

_NEW_ID = '`self.store.generate_item_id("message", thread, context)`'

Say = Callable[[Evidence, StreamHistory, Finding], Violation | None]


def _speak(trouble: Trouble, say: Say) -> Callable[[Evidence], Iterable[Violation]]:
    # A rule that speaks of one kind of finding, once for each item id of a stream.
    def check(evidence: Evidence) -> Iterable[Violation]:
        for history in evidence.histories:
            said: set[str] = set()
            for finding in history.found(trouble):
                if finding.item_id in said or _told_as_user_message(history, finding.item):
                    continue
                said.add(finding.item_id)
                violation = say(evidence, history, finding)
                if violation is not None:
                    yield violation

    return check


def _told_as_user_message(history: StreamHistory, item: ThreadItem | None) -> bool:
    return item is not None and item.type == "user_message" and answers_user(history)


def _violation(
    evidence: Evidence, history: StreamHistory, finding: Finding, rule: str, reason: str, remedy: str, *details: str
) -> Violation:
    kind = finding.item.type if finding.item else finding.type
    return Violation(
        rule=rule,
        place=place(evidence.turn, history.stream, finding.step.number),
        reason=reason,
        remedy=remedy,
        details=details,
        subjects={"item": finding.item_id, **({"type": kind} if kind else {})},
    )


def _added_again(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation:
    return _violation(
        evidence,
        history,
        finding,
        "item-added-once",
        f"The {item_name(finding.type, finding.item_id)} was added again (first by event {finding.since}) while it is "
        "still being streamed. The page starts it anew, and shows what this event carries only.",
        f"Add an item once, then update it; another item needs an id of its own: {_NEW_ID}.",
    )


def _done_again(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation | None:
    if any(late.item_id == finding.item_id for late in history.found("late-update")):
        return None  # it was called done too early, and no-update-after-done says so
    name = item_name(finding.type, finding.item_id)
    violation = _violation(
        evidence,
        history,
        finding,
        "item-done-once",
        f"The {name} was done twice (first by event {finding.since}). Each `done` stores the item: a reload shows it "
        "twice, or the store refuses the second.",
        f"Yield ThreadItemDoneEvent once for each item. To change one that is there, yield ThreadItemReplacedEvent; "
        f"another item needs an id of its own: {_NEW_ID}.",
    )
    return _of_hasty_tool(history, finding, violation)


def _of_hasty_tool(history: StreamHistory, finding: Finding, violation: Violation) -> Violation:
    defect = upstream.known("workflow-done-twice")
    if defect is None or finding.type != "workflow" or not history.stream.timeline.of(ToolStarted):
        return violation
    return upstream.as_upstream(violation, defect)


def _ghost_update(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation | None:
    if upstream.known("workflow-updated-early") and _added_by_tool_later(history, finding):
        return None  # harmless: the event that adds it, or is done with it, brings the tasks along
    gone = finding.since is not None
    why = f"was removed by event {finding.since}" if gone else "was never added"
    details = [f"text: {quoted(finding.step.text)}"] if isinstance(finding.step, TextRun) else []
    return _violation(
        evidence,
        history,
        finding,
        "no-ghost-update",
        f'{times(finding.count, "update")} came for the item "{finding.item_id}", which {why}. The page drops them.',
        "Send no updates after ThreadItemRemovedEvent."
        if gone
        else "Yield ThreadItemAddedEvent for the item first, with the same id as the updates.",
        *details,
    )


def _added_by_tool_later(history: StreamHistory, finding: Finding) -> bool:
    life = next((life for life in history.lives if life.item_id == finding.item_id), None)
    return (
        life is not None
        and life.type == "workflow"
        and finding.since is None
        and bool(history.stream.timeline.of(ToolStarted))
    )


def _late_update(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation:
    done = f"by event {finding.since}" if finding.since is not None else f"in {finding.origin}"
    details = [f"text: {quoted(finding.step.text)}"] if isinstance(finding.step, TextRun) else []
    violation = _violation(
        evidence,
        history,
        finding,
        "no-update-after-done",
        f"{times(finding.count, 'update')} came for the {item_name(finding.type, finding.item_id)} after it was done "
        f"({done}). What they change is on show until a reload: the item was stored without it.",
        "Yield ThreadItemDoneEvent when the item is complete, with all of it; to change it later, yield "
        "ThreadItemReplacedEvent.",
        *details,
    )
    return _of_hasty_tool(history, finding, violation)


def _type_changed(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation:
    now = ITEM_NAMES.get(finding.item.type, finding.item.type) if finding.item else "other"
    return _violation(
        evidence,
        history,
        finding,
        "item-type-stable",
        f"The {item_name(finding.type, finding.item_id)} (added by event {finding.since}) is finished as another "
        f"type: {now}. The page has drawn the one and gets the other.",
        f"Keep an item's type from `added` to `done`; another item needs an id of its own: {_NEW_ID}.",
    )


def _id_reused(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation:
    where = _first_seen(evidence, finding)
    now = item_name(finding.item.type, finding.item_id) if finding.item else f'item "{finding.item_id}"'
    before = ITEM_NAMES.get(finding.type, finding.type)
    if finding.item_id == "__fake_id__":
        remedy = (
            'Chat Completions models call every item "__fake_id__". Give each a new id in the events of '
            "stream_agent_response before you yield them (item.id and item_id): "
            '`self.store.generate_item_id("message", thread, context)`.'
        )
    else:
        remedy = f"Take a new id for each item, {_NEW_ID}; to change one that is there, yield ThreadItemReplacedEvent."
    violation = _violation(
        evidence,
        history,
        finding,
        "unique-item-ids",
        f"The {now} has the id of another item, the {before} of {where}. The page puts it in that one's place, and "
        "the store keeps only one of them, or fails.",
        remedy,
    )
    # What was done too early is added afterwards.
    same = finding.item is not None and finding.item.type == finding.type and not finding.origin
    return _of_hasty_tool(history, finding, violation) if same else violation


def _first_seen(evidence: Evidence, finding: Finding) -> str:
    if finding.origin != "an earlier turn":
        return finding.origin or f"event {finding.since}"
    for turn in reversed(evidence.earlier):
        for stream in turn.streams:
            for step in stream.steps:
                item = None if isinstance(step, TextRun) else getattr(step.event, "item", None)
                if item is not None and item.id == finding.item_id:
                    return f"turn {turn.number}"
    return finding.origin


def _ghost_removed(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation | None:
    if upstream.known("tripwire-removes-calls") and _tripwire(history):
        return None  # harmless, and not the app's doing
    gone = finding.since is not None and finding.type
    why = f"it was removed already by event {finding.since}" if gone else "the page has no such item"
    return _violation(
        evidence,
        history,
        finding,
        "removed-item-exists",
        f'The item "{finding.item_id}" was removed, but {why}. What was meant to go may still be on show.',
        "Remove an item by the id that it was added with, once. Hidden context never reaches the page: delete it with "
        "`store.delete_thread_item`.",
    )


def _tripwire(history: StreamHistory) -> bool:
    raised = (*history.stream.swallowed, *run_errors(history.stream))
    told = any(type(link).__name__.endswith("TripwireTriggered") for error in raised for link in chain(error))
    return told or tripped(history.stream) or (bool(history.errors) and not raised)


def _ghost_replaced(evidence: Evidence, history: StreamHistory, finding: Finding) -> Violation | None:
    if finding.item is not None and finding.item.type in HIDDEN:
        return None
    why = f"was removed by event {finding.since}" if finding.since is not None else "is not in the thread"
    return _violation(
        evidence,
        history,
        finding,
        "replaced-item-exists",
        f'The item "{finding.item_id}" was replaced, but it {why}. The page adds it at the end, and a store may '
        "not find what to save it over.",
        "Replace an item under the id that it has (sender.id in an action); a new item is added with "
        "ThreadItemDoneEvent.",
    )


def _item_finished(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        if disturbance(evidence, history) or run_errors(history.stream):
            continue
        for life in history.lives:
            if life.open and life.added is not None and life.type not in ("workflow", "user_message", *HIDDEN):
                yield _unfinished(evidence, history, life)
    yield from _unfinished_workflows(evidence)


def _unfinished_workflows(evidence: Evidence) -> Iterable[Violation]:
    # A workflow may stay open over a client tool call, and the SDK itself stores the open workflow of a run.
    if any(disturbance(evidence, history) or history.stream.timeline.main_runs for history in evidence.histories):
        return
    still_open: dict[str, tuple[StreamHistory, Life]] = {}
    for history in evidence.histories:
        for life in history.lives:
            if life.type == "workflow":
                still_open.pop(life.item_id, None)
                if life.open and life.added is not None:
                    still_open[life.item_id] = (history, life)
    if not evidence.histories or evidence.histories[-1].stream.call is None:
        for history, life in still_open.values():
            yield _unfinished(evidence, history, life)


def _unfinished(evidence: Evidence, history: StreamHistory, life: Life) -> Violation:
    violation = Violation(
        rule="item-finished",
        place=place(evidence.turn, history.stream, life.added),
        reason=f"The {item_name(life.type, life.item_id)} was added and never done. The page shows it as still being "
        "written, and the server does not store it: a reload loses it.",
        remedy="Yield ThreadItemDoneEvent(item=...) when it is complete, on every way out of the responder, or "
        "ThreadItemRemovedEvent when it is given up.",
        subjects={"item": life.item_id, "type": life.type},
    )
    defect = upstream.known("image-left-open")
    if defect and isinstance(life.item, GeneratedImageItem) and history.stream.timeline.main_runs:
        return upstream.as_upstream(violation, defect)
    return violation


ITEM_RULES = (
    Rule(
        slug="item-added-once",
        family="items",
        must_hold="An item is added once while it is being streamed.",
        why="The page starts it anew and loses what it showed.",
        source="ChatKitServer._process_events: pending_items by id",
        check=_speak("added-again", _added_again),
    ),
    Rule(
        slug="item-done-once",
        family="items",
        must_hold="An item is done once in a stream.",
        why="Each `done` stores it: a reload shows it twice, or the store refuses.",
        source="ChatKitServer._process_events: add_thread_item on each ThreadItemDoneEvent",
        check=_speak("done-again", _done_again),
    ),
    Rule(
        slug="no-ghost-update",
        family="items",
        must_hold="Only items that are there are updated.",
        why="The page drops updates of items that it does not know.",
        source="chatkit.types.ThreadItemUpdatedEvent.item_id",
        check=_speak("ghost-update", _ghost_update),
    ),
    Rule(
        slug="no-update-after-done",
        family="items",
        must_hold="No update of an item follows its `done`.",
        why="The page shows the update, the stored item lacks it, and a reload loses it.",
        source="ChatKitServer._process_events: the item is stored on ThreadItemDoneEvent",
        check=_speak("late-update", _late_update),
        yields_to=("reload-matches-live-view",),
    ),
    Rule(
        slug="item-finished",
        family="items",
        must_hold="Every item that a stream adds is done, replaced or removed by its end.",
        why="The page shows it as still being written; the server never stores it.",
        source="ChatKitServer._process_events: pending_items are stored on done (or cancel) only",
        check=_item_finished,
    ),
    Rule(
        slug="item-type-stable",
        family="items",
        must_hold="An item keeps its type from `added` to `done`.",
        why="The page has drawn one kind of item and gets another.",
        source="chatkit.types.ThreadItem: updates are made for one type",
        check=_speak("type-changed", _type_changed),
    ),
    Rule(
        slug="item-in-this-thread",
        family="items",
        must_hold="Items of a stream belong to the thread that the stream answers in.",
        why="The item is on show in one thread and stored for another.",
        source="chatkit.types.ThreadItemBase.thread_id",
        check=item_in_this_thread,
    ),
    Rule(
        slug="unique-item-ids",
        family="items",
        must_hold="No two items of a thread share an id.",
        why="The page puts the later one in the place of the earlier; the store keeps one, or fails.",
        source="chatkit.store.Store.generate_item_id; openai-agents uses __fake_id__ for Chat Completions",
        check=_speak("id-reused", _id_reused),
    ),
    Rule(
        slug="removed-item-exists",
        family="items",
        must_hold="Only items that are there are removed.",
        why="What was meant to go stays on show, and a store may fail to delete what it has not.",
        source="ChatKitServer._process_events: delete_thread_item on ThreadItemRemovedEvent",
        check=_speak("ghost-removed", _ghost_removed),
    ),
    Rule(
        slug="replaced-item-exists",
        family="items",
        must_hold="Only items that are there are replaced.",
        why="The page shows a new item where one should have changed, and a store may fail to save it.",
        source="ChatKitServer._process_events: save_item on ThreadItemReplacedEvent",
        check=_speak("ghost-replaced", _ghost_replaced),
    ),
    Rule(
        slug="no-user-message-from-responder",
        family="items",
        must_hold="respond sends no user messages.",
        why="What the user wrote stands there twice, or words stand there that the user never wrote.",
        source="ChatKitServer._process_new_thread_item_respond stores and sends the user's message",
        check=no_user_message_from_responder,
    ),
)
