"""The short transcript of a turn: who said what in which order, on one screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    ClientEffectEvent,
    ErrorEvent,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    WidgetItem,
    WidgetRootUpdated,
    WorkflowItem,
)

from ..wire import Request, Step, TextRun
from .events import event_content, update_content
from .items import describe_item, describe_task, item_content, message_text
from .requests import request_parts
from .widgets import describe_widget
from .words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkit.types import ThreadItem, ThreadItemUpdate, ThreadStreamEvent
    from pydantic import BaseModel

_HEAD, _TAIL, _TREE = 34, 14, 8  # lines from the start, from the end, and of one tree
_MESSAGE = 120  # characters of a message
_WIDTH = 13  # of the column that says who or what

_LABELS = {
    "user_message": "user",
    "assistant_message": "assistant",
    "client_tool_call": "client tool",
    "generated_image": "image",
    "structured_input": "question",
    "hidden_context_item": "hidden",
    "sdk_hidden_context": "hidden",
    "end_of_turn": "end of turn",
}


def short_transcript(exchanges: Sequence[tuple[Request, Sequence[Step]]]) -> str:
    """What happened in a turn, on one screen, as ``repr(turn)`` shows it.

    Each message, widget or workflow stands once, as it was when it was done; what was never done is marked. The
    preamble and the bookkeeping of content parts are left out, and long turns are cut in the middle.

    Args:
        exchanges: Each stream's request and its steps, in order.

    Example:
        ::

              user         "Put milk on my list"
              client tool  add_to_todo_list(item="milk")
              -- stream 2
              output       {"added": "milk"}
              assistant    "Added milk."
    """
    reader = _Reader()
    for number, (request, steps) in enumerate(exchanges, 1):
        if number > 1:
            reader.say(f"-- stream {number}")
        label, content = request_parts(request)
        reader.say("output" if label == "client tool output" else label, content)
        for step in steps[_preamble(steps) :]:
            reader.read(step)
    return "\n".join(f"  {line}" for line in _on_one_screen([entry for entry in reader.entries if not entry.dropped]))


@dataclass(slots=True, eq=False)
class _Entry:
    """Something to say; written out only if it is shown."""

    label: str
    content: str = ""
    event: ThreadStreamEvent | None = None
    item: ThreadItem | None = None
    widget: BaseModel | None = None
    parts: dict[int, list[str]] = field(default_factory=dict)
    updates: int = 0
    note: str = ""
    dropped: bool = False

    def lines(self) -> list[str]:
        head, *tree = self._content()
        if self.note:
            updates = f", {counted(self.updates, 'update')}" if self.updates and self.note == "unfinished" else ""
            head = f"{head} ({self.note}{updates})".lstrip()
        first = f"{self.label:{_WIDTH - 1}} {head}".rstrip()
        return [first, *(f"{'':{_WIDTH}}{line}" for line in tree)]

    def _content(self) -> list[str]:
        if self.widget is not None:
            return describe_widget(self.widget, _TREE)
        if self.event is not None:
            return [event_content(self.event) or "updated"]
        if self.parts:
            return [quoted("".join(chunk for _, chunks in sorted(self.parts.items()) for chunk in chunks), _MESSAGE)]
        match self.item:
            case None:
                return [self.content]
            case WidgetItem():
                return describe_widget(self.item.widget, _TREE)
            case WorkflowItem() if self.item.workflow.tasks:
                head, _, _ = item_content(self.item).partition(":")
                tasks = [f"  {describe_task(task)}" for task in self.item.workflow.tasks]
                more = [f"  … {len(tasks) - _TREE + 2} more"] if len(tasks) > _TREE - 1 else []
                return [head, *(tasks[: _TREE - 2] if more else tasks), *more]
            case AssistantMessageItem() if not any(part.annotations for part in self.item.content):
                return [quoted(message_text(self.item), _MESSAGE)]
            case _:
                return [item_content(self.item)]


class _Reader:
    """Reads steps into entries. Its cost follows the steps: nothing is described before it is shown."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self._open: dict[str, _Entry] = {}
        self._done: dict[str, ThreadItem] = {}

    def say(self, label: str, content: str = "") -> None:
        self.entries.append(_Entry(label, content))

    def read(self, step: Step) -> None:
        if isinstance(step, TextRun):
            self._text(step)
            return
        event = step.event
        match event:
            case ThreadItemAddedEvent():
                self._add(event.item)
            case ThreadItemUpdatedEvent():
                self._update(event.item_id, event.update)
            case ThreadItemDoneEvent():
                self._finish(event.item, "done again" if event.item.id in self._done else "")
            case ThreadItemReplacedEvent():
                self._finish(event.item, "replaced")
            case ThreadItemRemovedEvent():
                self._remove(event.item_id)
            case _:
                self.entries.append(_Entry(_event_label(event), event=event))

    def _add(self, item: ThreadItem) -> None:
        again = item.id in self._open or item.id in self._done
        self._opened(_Entry(_label(item), item=item, note="added again" if again else "unfinished"), item.id)

    def _opened(self, entry: _Entry, item_id: str) -> _Entry:
        self.entries.append(entry)
        self._open[item_id] = entry
        return entry

    def _text(self, run: TextRun) -> None:
        note = "after its done" if run.item_id in self._done else "unfinished"
        entry = self._open.get(run.item_id) or self._opened(_Entry("assistant", note=note), run.item_id)
        entry.parts.setdefault(run.content_index, []).append(run.text)

    def _update(self, item_id: str, update: ThreadItemUpdate) -> None:
        entry = self._open.get(item_id)
        if entry is None:
            # An item of an earlier turn, or one that is done already.
            content = f"{item_id} {update.type} {update_content(update)}"
            note = "after its done" if item_id in self._done else ""
            self.entries.append(_Entry("update", content, note=note))
            return
        entry.updates += 1
        match update:
            case AssistantMessageContentPartAdded() | AssistantMessageContentPartDone():
                entry.updates -= 1  # bookkeeping
                entry.parts[update.content_index] = [update.content.text]
            case WidgetRootUpdated():
                entry.widget = update.widget
            case _:
                pass  # counted; the item's done says what became of it

    def _finish(self, item: ThreadItem, note: str) -> None:
        begun = self._open.pop(item.id, None)
        if begun is not None:
            begun.dropped = True
        self._done[item.id] = item
        self.entries.append(_Entry(_label(item), item=item, note=note))

    def _remove(self, item_id: str) -> None:
        begun, known = self._open.pop(item_id, None), self._done.pop(item_id, None)
        if begun is not None:
            begun.note = "removed before it was done"
        else:
            self.say("removed", describe_item(known) if known else item_id)


def _on_one_screen(entries: Sequence[_Entry]) -> list[str]:
    head: list[str] = []
    first = 0
    while first < len(entries) and len(head) < _HEAD:
        head += entries[first].lines()
        first += 1
    tail: list[list[str]] = []
    last = len(entries)
    while last > first and sum(map(len, tail)) < _TAIL:
        last -= 1
        tail.append(entries[last].lines())
    cut = [f"… {last - first:,} more left out"] if last > first else []
    return [*head, *cut, *(line for lines in reversed(tail) for line in lines)]


def _preamble(steps: Sequence[Step]) -> int:
    for number, step in enumerate(steps[:4], 1):
        if not isinstance(step, TextRun) and isinstance(step.event, StreamOptionsEvent):
            return number
    return 0


def _label(item: ThreadItem) -> str:
    return _LABELS.get(item.type, item.type)


def _event_label(event: ThreadStreamEvent) -> str:
    match event:
        case ProgressUpdateEvent():
            return "progress"
        case ClientEffectEvent():
            return "effect"
        case NoticeEvent():
            return "notice"
        case ErrorEvent():
            return "error"
        case StreamOptionsEvent():
            return "options"
        case ThreadCreatedEvent():
            return "new thread"
        case ThreadUpdatedEvent():
            return "thread"
        case _:
            return event.type
