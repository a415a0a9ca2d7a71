"""The life of every thread item of a turn: one pass over its steps, which all rules about items and text read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    ClientEffectEvent,
    ClientToolCallItem,
    ErrorEvent,
    GeneratedImageUpdated,
    NoticeEvent,
    Thread,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    WidgetComponentUpdated,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from ..recording import RecordedStream, Turn
from ..wire import OneEvent, Step, TextRun
from .calls import Calls
from .messages import TextProblem, read_message

Trouble = Literal[
    "added-again",  # added while it is still open
    "done-again",  # done, and done again
    "type-changed",  # added as one type, done as another
    "id-reused",  # another item of this stream, turn or thread has the id
    "ghost-update",  # an update of an item that is not there
    "late-update",  # an update after done
    "misfit-update",  # an update of a type that this item has not
    "ghost-removed",  # removed, and not there
    "ghost-replaced",  # replaced, and not there
]

HIDDEN = ("hidden_context_item", "sdk_hidden_context")

_MESSAGE_UPDATES = (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartTextDelta,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
)
_UPDATES: Mapping[str, tuple[type, ...]] = {
    "assistant_message": _MESSAGE_UPDATES,
    "widget": (WidgetStreamingTextValueDelta, WidgetComponentUpdated, WidgetRootUpdated),
    "workflow": (WorkflowTaskAdded, WorkflowTaskUpdated),
    "generated_image": (GeneratedImageUpdated,),
}


@dataclass(slots=True)
class Life:
    """An item under its id, as one stream shows it.

    Attributes:
        item_id: Its id.
        type: Its type.
        item: The item as last sent whole; ``None`` when it is known from before this stream only.
        steps: What the stream said of it, in order.
        added: The number of its ``added`` event.
        done: The number of its ``done`` event.
        replaced: The number of its last ``replaced`` event.
        removed: The number of its ``removed`` event.
        origin: Where it comes from when it was there before this stream: ``"stream 1"``, ``"an earlier turn"``.
        left_open: Whether it was still being streamed when this stream began.
    """

    item_id: str
    type: str
    item: ThreadItem | None = None
    steps: list[Step] = field(default_factory=list)
    added: int | None = None
    done: int | None = None
    replaced: int | None = None
    removed: int | None = None
    origin: str = ""
    left_open: bool = False

    @property
    def open(self) -> bool:
        """Whether it is still being streamed."""
        begun = self.added is not None or self.left_open
        return begun and self.done is None and self.replaced is None and self.removed is None

    @property
    def settled_before(self) -> bool:
        """Whether it was finished before this stream began, and the stream did not send it anew."""
        return bool(self.origin) and not self.left_open and self.added is None and self.done is None


@dataclass(frozen=True)
class Finding:
    """Something in an item's life that a rule may speak of.

    Attributes:
        trouble: What.
        step: The step that showed it.
        item_id: The item's id.
        item: The item that the event carries.
        type: The type of the item that was there; empty when there was none.
        since: The number of the event that it collides with: where the item was added, done or removed.
        origin: Where the item that was there comes from, when not from this stream.
        count: How many events of this kind there were, for updates.
    """

    trouble: Trouble
    step: Step
    item_id: str
    item: ThreadItem | None = None
    type: str = ""
    since: int | None = None
    origin: str = ""
    count: int = 1


@dataclass
class StreamHistory:
    """What the rules read of one stream.

    Attributes:
        stream: The stream.
        thread_id: The thread it belongs to, as far as the events and the request tell.
        lives: Every item that it spoke of, by first mention; an id that was used twice has several.
        findings: What was odd, in order.
        items: The events that carry a whole item, in order.
        errors: Its error events.
        extras: Notices and client effects: seen by the user without being items.
        threads: The threads that its ``thread.updated`` events speak of.
    """

    stream: RecordedStream
    thread_id: str | None = None
    lives: list[Life] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    items: list[tuple[OneEvent, ThreadItem]] = field(default_factory=list)
    errors: list[tuple[OneEvent, ErrorEvent]] = field(default_factory=list)
    extras: list[OneEvent] = field(default_factory=list)
    threads: list[tuple[OneEvent, Thread]] = field(default_factory=list)

    @cached_property
    def pending(self) -> list[tuple[int, ClientToolCallItem]]:
        """The client tool calls that it asks for, each with the number of its event; one for each item."""
        found: dict[str, tuple[int, ClientToolCallItem]] = {}
        for step, item in self.items:
            if isinstance(item, ClientToolCallItem) and item.status == "pending":
                if isinstance(step.event, ThreadItemDoneEvent):
                    found.setdefault(item.id, (step.number, item))
        return list(found.values())

    @cached_property
    def calls(self) -> Calls:
        """Which tool call did what, as far as the run was observed."""
        return Calls(self.stream)

    @cached_property
    def text_problems(self) -> list[TextProblem]:
        """What is odd in the text of its assistant messages."""
        messages = (life for life in self.lives if life.type == "assistant_message")
        return [problem for life in messages for problem in read_message(life.item_id, life.steps)]

    def found(self, *troubles: Trouble) -> list[Finding]:
        """The findings of these kinds, in order."""
        return [finding for finding in self.findings if finding.trouble in troubles]


class _Reader:
    """Reads the streams of a turn in order, carrying what is known of each item from one to the next."""

    def __init__(self, turn: Turn) -> None:
        self._known: dict[str, Life] = {}
        self._noted: dict[tuple[str, str], int] = {}
        retried = turn.request.params.get("item_id") if turn.request.type == "threads.retry_after_item" else None
        for item in turn.before.items:
            left_open = item.id in turn.before.open_items
            self._known[item.id] = Life(item.id, item.type, origin="an earlier turn", left_open=left_open)
            if item.id == retried:
                break  # the server deletes what follows, and its ids are free again

    def read(self, stream: RecordedStream) -> StreamHistory:
        history = StreamHistory(stream, thread_id=stream.request.params.get("thread_id"))
        self._noted.clear()
        for step in stream.steps:
            if isinstance(step, TextRun):
                self._update(history, step, step.item_id, None, step.count)
                continue
            event = step.event
            match event:
                case ThreadItemUpdatedEvent():
                    self._update(history, step, event.item_id, event.update, 1)
                case ThreadItemAddedEvent() | ThreadItemDoneEvent():
                    history.items.append((step, event.item))
                    self._put(history, step, event.item, added=isinstance(event, ThreadItemAddedEvent))
                case ThreadItemReplacedEvent():
                    history.items.append((step, event.item))
                    self._replace(history, step, event.item)
                case ThreadItemRemovedEvent():
                    self._remove(history, step, event.item_id)
                case ErrorEvent():
                    history.errors.append((step, event))
                case NoticeEvent() | ClientEffectEvent():
                    history.extras.append(step)
                case ThreadCreatedEvent():
                    history.thread_id = history.thread_id or event.thread.id
                case ThreadUpdatedEvent():
                    history.threads.append((step, event.thread))
                case _:
                    pass  # progress and stream options say nothing of items
        return history

    def _put(self, history: StreamHistory, step: OneEvent, item: ThreadItem, *, added: bool) -> None:
        life = self._life(history, item.id)
        trouble = None if life is None else _trouble(life, item, added=added)
        if trouble is not None:
            history.findings.append(self._finding(trouble, step, item.id, item))
        if life is None or trouble == "id-reused":
            life = self._begin(history, item)
        life.steps.append(step)
        life.item, life.type = item, item.type
        if added:
            life.added = step.number
        else:
            life.done = step.number

    def _replace(self, history: StreamHistory, step: OneEvent, item: ThreadItem) -> None:
        life = self._life(history, item.id)
        if life is None:
            history.findings.append(self._finding("ghost-replaced", step, item.id, item))
            life = self._begin(history, item)
        life.steps.append(step)
        life.item, life.type, life.replaced = item, item.type, step.number

    def _remove(self, history: StreamHistory, step: OneEvent, item_id: str) -> None:
        life = self._life(history, item_id)
        if life is None:
            history.findings.append(self._finding("ghost-removed", step, item_id))
            return
        life.steps.append(step)
        life.removed = step.number

    def _update(self, history: StreamHistory, step: Step, item_id: str, update: Any, count: int) -> None:
        life = self._life(history, item_id)
        if life is None:
            self._note_update(history, "ghost-update", step, item_id, count)
            return
        fits = life.type == "assistant_message" if update is None else isinstance(update, _UPDATES.get(life.type, ()))
        if not fits:
            self._note_update(history, "misfit-update", step, item_id, count)
        elif life.done is not None or (life.settled_before and life.type == "assistant_message"):
            # What an earlier stream showed may go on changing (an action updates its widget and saves the item
            # itself), a message may not.
            self._note_update(history, "late-update", step, item_id, count)
        life.steps.append(step)

    def _note_update(self, history: StreamHistory, trouble: Trouble, step: Step, item_id: str, count: int) -> None:
        # One finding for each item, however many updates follow.
        place = self._noted.setdefault((trouble, item_id), len(history.findings))
        if place == len(history.findings):
            history.findings.append(replace(self._finding(trouble, step, item_id), count=count))
        else:
            first = history.findings[place]
            history.findings[place] = replace(first, count=first.count + count)

    def _finding(self, trouble: Trouble, step: Step, item_id: str, item: ThreadItem | None = None) -> Finding:
        life = self._known.get(item_id)
        if life is None:
            return Finding(trouble, step, item_id, item)
        since = life.removed or life.done or life.added
        return Finding(trouble, step, item_id, item, life.type, since, life.origin)

    def _life(self, history: StreamHistory, item_id: str) -> Life | None:
        # The item, if it is there; it joins the stream's lives when the stream first speaks of it.
        life = self._known.get(item_id)
        if life is None or life.removed is not None:
            return None
        if not life.steps:
            history.lives.append(life)
        return life

    def _begin(self, history: StreamHistory, item: ThreadItem) -> Life:
        life = self._known[item.id] = Life(item.id, item.type)
        history.lives.append(life)
        return life

    def turn_page(self, stream: RecordedStream) -> None:
        """Let the next stream meet what is there by now as something from before."""
        for life in [life for life in self._known.values() if life.steps]:
            if life.removed is not None:
                del self._known[life.item_id]
            else:
                origin = f"stream {stream.number}"
                self._known[life.item_id] = Life(life.item_id, life.type, origin=origin, left_open=life.open)


def _trouble(life: Life, item: ThreadItem, *, added: bool) -> Trouble | None:
    same_type = life.type == item.type
    if life.settled_before:
        # The SDK goes on with a stored workflow after a client tool call or an action, and finishes it once more.
        return None if same_type and item.type == "workflow" else "id-reused"
    if life.done is not None:
        return "done-again" if same_type and not added else "id-reused"
    if life.added is None:  # left open by an earlier stream
        return None if same_type else "id-reused"
    if not same_type:
        return "type-changed"
    return "added-again" if added else None


def read_turn(turn: Turn) -> tuple[StreamHistory, ...]:
    """The histories of a turn's streams, in order."""
    reader = _Reader(turn)
    histories: list[StreamHistory] = []
    for stream in turn.streams:
        if histories:
            reader.turn_page(histories[-1].stream)
        histories.append(reader.read(stream))
    return tuple(histories)
