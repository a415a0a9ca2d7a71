"""A stream told as a story: each thing once, where it began, with all that became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    GeneratedImageItem,
    GeneratedImageUpdated,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from ..wire import Step, TextRun
from .aliases import own, reference
from .bodies import annotation_lines, item_label, item_lines, task_head, task_lines, thread_lines, update_lines
from .differences import changed_lines
from .happenings import happening
from .payloads import indented, inline, one_line, text_lines
from .trees import widget_lines

if TYPE_CHECKING:
    from chatkit.types import Annotation, Task, ThreadItem, ThreadItemUpdate, ThreadMetadata

Block = list[str]
"""A heading and what stands below it."""


@dataclass(slots=True)
class Meanwhile:
    """What came at some time during a turn, and not at the same from run to run: it has a fixed place at its end."""

    progress: list[ProgressUpdateEvent] = field(default_factory=list)
    threads: dict[str, ThreadMetadata] = field(default_factory=dict)

    def take(self, step: Step) -> bool:
        """Take an event of this kind; False for all others."""
        event = None if isinstance(step, TextRun) else step.event
        if isinstance(event, ProgressUpdateEvent):
            self.progress.append(event)
        elif isinstance(event, ThreadUpdatedEvent):
            self.threads[event.thread.id] = event.thread
        else:
            return False
        return True

    def blocks(self, *, times: bool = True) -> list[Block]:
        """Progress in order, and each thread as it was at the end."""
        blocks = [happening(event) for event in self.progress]
        for thread in self.threads.values():
            blocks.append([f"thread updated{own(thread.id)}", *indented(thread_lines(thread, times=times))])
        return blocks


@dataclass(slots=True, eq=False)
class _Entry:
    """An item and what became of it."""

    item_id: str = ""
    label: str = ""
    item: ThreadItem | None = None
    begun: ThreadItem | None = None
    done: bool = False
    notes: list[str] = field(default_factory=list)
    place: int = 0
    parts: dict[int, list[str]] = field(default_factory=dict)
    updates: _Updates | None = None


@dataclass(slots=True, eq=False)
class _Updates:
    """What came between the beginning of an item and its end, the text apart."""

    annotations: list[Annotation] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    heads: dict[int, list[str]] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    tree: list[str] | None = None


class Story:
    """Reads the steps of one stream after the other."""

    def __init__(self, *, times: bool = True) -> None:
        self._times = times
        self._begun_before: set[str] = set()
        self._told: list[_Entry | str] = []  # what is finished is text already: long streams make few objects
        self._open: dict[str, _Entry] = {}
        self._done: set[str] = set()
        self._places: dict[str, int] = {}  # of the items that this stream told of
        self._guarded = False

    def stream(self, steps: Iterable[Step], *, guarded: bool = False) -> Iterator[Block]:
        """Tell a stream; items that are still open may go on in the next.

        Args:
            steps: Its steps.
            guarded: Whether what it removes is not told at all.
        """
        self._guarded = guarded
        for step in steps:
            self._read(step)
        told, self._told = self._told, []
        self._begun_before |= set(self._open)
        self._open, self._places = {}, {}
        for each in told:
            if each == "":
                continue
            yield (each if isinstance(each, str) else self._text(each)).split("\n")

    def _read(self, step: Step) -> None:
        if isinstance(step, TextRun):
            self._opened(step.item_id).parts.setdefault(step.content_index, []).append(step.text)
            return
        event = step.event
        match event:
            case ThreadItemAddedEvent():
                again = event.item.id in self._open or event.item.id in self._done
                entry = self._begin(event.item.id, item_label(event.item))
                entry.begun = event.item
                entry.notes += ["added again"] if again else []
            case ThreadItemUpdatedEvent():
                self._update(self._opened(event.item_id), event.update)
            case ThreadItemDoneEvent():
                self._finish(event.item)
            case ThreadItemReplacedEvent():
                self._open.pop(event.item.id, None)
                self._done.add(event.item.id)
                replaced = _Entry(event.item.id, item_label(event.item), event.item, done=True, notes=["replaced"])
                self._told.append(self._text(replaced))
            case ThreadItemRemovedEvent():
                self._remove(event.item_id)
            case _:
                self._told.append(_joined(happening(event, times=self._times)))

    def _begin(self, item_id: str, label: str) -> _Entry:
        entry = self._open[item_id] = _Entry(item_id, label, place=len(self._told))
        self._places[item_id] = entry.place
        self._told.append(entry)
        return entry

    def _opened(self, item_id: str) -> _Entry:
        """The entry that an update belongs to; one of its own where nothing was added in this stream."""
        entry = self._open.get(item_id)
        if entry is not None:
            return entry
        entry = self._begin(item_id, f"update of {reference(item_id)}")
        if item_id in self._done:
            entry.notes.append("after its done")
        elif item_id in self._begun_before:
            entry.notes.append("continued")
        else:
            entry.notes.append("not begun here")
        return entry

    def _update(self, entry: _Entry, update: ThreadItemUpdate) -> None:
        if isinstance(update, (AssistantMessageContentPartAdded, AssistantMessageContentPartDone)):
            # Bookkeeping around the deltas; it counts where it brings another text than they did.
            if update.content.text or update.content_index not in entry.parts:
                entry.parts[update.content_index] = [update.content.text]
            return
        updates = entry.updates = entry.updates or _Updates()
        match update:
            case AssistantMessageContentPartAnnotationAdded():
                updates.annotations.append(update.annotation)
            case WidgetStreamingTextValueDelta():
                if update.component_id not in updates.texts:
                    updates.texts[update.component_id] = []
                    updates.blocks.append([f"text of #{update.component_id}, streamed"])
                updates.texts[update.component_id].append(update.delta)
            case WidgetRootUpdated():
                self._new_root(entry, updates, update)
            case WidgetComponentUpdated():
                first, *rest = update_lines(update, times=self._times)
                updates.blocks.append([f"{first}, updated", *indented(rest)])
            case WorkflowTaskAdded() | WorkflowTaskUpdated():
                heads = updates.heads.setdefault(update.task_index, [])
                head = task_head(update.task)
                updates.tasks[update.task_index] = update.task
                if not heads or heads[-1] != head:
                    heads.append(head)
            case GeneratedImageUpdated():
                progress = "" if update.progress is None else f" {inline(update.progress)}"
                updates.blocks.append([f"preview{progress}: {inline(update.image.url)}"])
            case _:
                first, *rest = update_lines(update, times=self._times)
                updates.blocks.append([first, *indented(rest)])

    def _new_root(self, entry: _Entry, updates: _Updates, update: WidgetRootUpdated) -> None:
        lines = widget_lines(update.widget, times=self._times)
        before = updates.tree
        if before is None and isinstance(entry.begun, WidgetItem):
            before = widget_lines(entry.begun.widget, times=self._times)
        updates.tree = lines
        changes = changed_lines(before, lines) if before is not None else lines
        updates.blocks.append(["whole widget, updated", *indented(changes)])

    def _finish(self, item: ThreadItem) -> None:
        entry = self._open.pop(item.id, None)
        if entry is None:
            entry = _Entry(item.id, place=len(self._told))
            self._places[item.id] = entry.place
            self._told.append(entry)
            if item.id in self._begun_before:
                entry.notes.append("continued")
            elif item.id in self._done:
                entry.notes.append("done again")
        self._begun_before.discard(item.id)
        self._done.add(item.id)
        entry.item, entry.label, entry.done = item, item_label(item), True
        self._told[entry.place] = self._text(entry)

    def _remove(self, item_id: str) -> None:
        entry = self._open.pop(item_id, None)
        if self._guarded:
            if item_id in self._places:
                self._told[self._places[item_id]] = ""
        elif entry is not None:
            entry.notes.append("removed before it was done" if entry.begun is not None else "then removed")
            entry.done = True
        else:
            self._told.append(f"removed {reference(item_id)}")

    def _text(self, entry: _Entry) -> str:
        item = entry.item or entry.begun
        notes = list(entry.notes)
        if entry.item is not None and (entry.parts or entry.updates is not None):
            notes.insert(0, "streamed")
        elif entry.item is not None and entry.begun is not None:
            notes.insert(0, "added first")
        if entry.begun is not None and not entry.done:
            notes.append("unfinished")
        heading = entry.label if entry.label.startswith("update of ") else f"{entry.label}{own(entry.item_id)}"
        return _joined([", ".join([heading, *notes]), *indented(self._body(entry, item))])

    def _body(self, entry: _Entry, item: ThreadItem | None) -> list[str]:
        if isinstance(item, AssistantMessageItem) or (item is None and entry.parts):
            return self._message(entry, item if isinstance(item, AssistantMessageItem) else None)
        lines = item_lines(item, times=self._times) if item is not None else []
        updates = entry.updates
        if updates is None:
            return lines
        final: dict[int, str] = {}
        if entry.item is None:
            # Nothing says what it came to, so the updates do.
            lines += [line for index, task in sorted(updates.tasks.items()) for line in _numbered(index, task)]
            for component, chunks in updates.texts.items():
                lines += [f"text of #{component}", *indented(text_lines("".join(chunks)))]
            final = {index: task_head(task) for index, task in updates.tasks.items()}
        elif isinstance(item, WorkflowItem):
            final = dict(enumerate(task_head(task) for task in item.workflow.tasks))
        for index, heads in sorted(updates.heads.items()):
            lines += [f"task {index + 1} was {head}" for head in heads if head != final.get(index)]
        if isinstance(item, GeneratedImageItem) and item.image is not None:
            url = f": {inline(item.image.url)}"
            return lines + [line.removesuffix(url) for update in updates.blocks for line in update]
        return lines + [line for update in updates.blocks for line in update]

    def _message(self, entry: _Entry, item: AssistantMessageItem | None) -> list[str]:
        told = ["".join(chunks) for _, chunks in sorted(entry.parts.items())]
        if item is None or not entry.done or entry.item is None:
            parts = [AssistantMessageContent(text=text) for text in told] or (item.content if item else [])
            lines = [line for part in parts for line in text_lines(part.text)]
            annotations = entry.updates.annotations if entry.updates else []
            return lines + [line for each in annotations for line in annotation_lines(each)]
        lines = item_lines(item)
        if told and told != [part.text for part in item.content]:
            lines += ["streamed as", *indented(line for text in told for line in text_lines(text))]
        return lines + [line for update in (entry.updates.blocks if entry.updates else []) for line in update]


def _joined(lines: Block) -> str:
    return "\n".join(map(one_line, lines))


def _numbered(index: int, task: Task) -> list[str]:
    first, *rest = task_lines(task)
    return [f"{index + 1}. {first}", *rest]
