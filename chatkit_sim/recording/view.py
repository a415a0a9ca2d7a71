"""The fold: events become what the user sees, exactly as the web client keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    GeneratedImageItem,
    GeneratedImageUpdated,
    ProgressUpdateEvent,
    StreamOptionsEvent,
    Thread,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
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


@dataclass(frozen=True)
class ThreadView:
    """A thread as the client shows it.

    Attributes:
        thread: Its metadata (title, status); ``None`` before the first message.
        items: Its items, oldest first.
        open_items: The ids of items that were added and are still being streamed.
        progress: The progress text on show; it vanishes at the end of a turn.
        allow_cancel: What the last ``stream_options`` said.
    """

    thread: ThreadMetadata | None = None
    items: tuple[ThreadItem, ...] = ()
    open_items: frozenset[str] = frozenset()
    progress: str | None = None
    allow_cancel: bool = True

    def item(self, item_id: str) -> ThreadItem | None:
        """The item with this id, if it is on show."""
        return next((item for item in self.items if item.id == item_id), None)


class Fold:
    """Builds a ``ThreadView`` from steps; keeps its own copies, so that nothing aliases an event."""

    def __init__(self, view: ThreadView | None = None) -> None:
        view = view or ThreadView()
        self.thread = view.thread
        self.progress = view.progress
        self.allow_cancel = view.allow_cancel
        self._items: dict[str, ThreadItem] = {item.id: item for item in view.items}
        self._owned: set[str] = set()
        self._open = set(view.open_items)
        self._chunks: dict[str, dict[int, list[str]]] = {}

    def view(self) -> ThreadView:
        """What the user sees now; later folding does not change it."""
        for item_id in list(self._chunks):
            self._join_text(item_id)
        self._owned.clear()
        return ThreadView(
            self.thread, tuple(self._items.values()), frozenset(self._open), self.progress, self.allow_cancel
        )

    def apply(self, steps: Iterable[Step]) -> None:
        """Fold further steps."""
        for step in steps:
            if isinstance(step, TextRun):
                self._append_text(step)
                continue
            event = step.event
            match event:
                case ThreadItemUpdatedEvent():
                    self._update(event.item_id, event.update)
                case ThreadItemAddedEvent():
                    self._put(event.item)
                    self._open.add(event.item.id)
                case ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                    self._put(event.item)
                    self._open.discard(event.item.id)
                case ThreadItemRemovedEvent():
                    self._items.pop(event.item_id, None)
                    self._open.discard(event.item_id)
                    self._chunks.pop(event.item_id, None)
                case ThreadCreatedEvent() | ThreadUpdatedEvent():
                    self._set_thread(event.thread)
                case ProgressUpdateEvent():
                    self.progress = event.text
                case StreamOptionsEvent():
                    self.allow_cancel = event.stream_options.allow_cancel
                case _:
                    pass  # effects, notices and errors leave the thread as it is

    def end_turn(self) -> None:
        """The client is idle again: progress vanishes."""
        self.progress = None

    def drop_after(self, item_id: str) -> None:
        """Drop what follows an item, as the client does on retry (the server sends no ``removed`` events)."""
        ids = list(self._items)
        if item_id in self._items:
            for later in ids[ids.index(item_id) + 1 :]:
                del self._items[later]
                self._open.discard(later)

    def complete_call(self, item_id: str, output: Any) -> None:
        """A client tool call was answered; no event announces it."""
        item = self._own(item_id)
        if isinstance(item, ClientToolCallItem):
            item.status = "completed"
            item.output = output

    def _set_thread(self, thread: Thread) -> None:
        # `items` of these events is empty, and must not clear the view.
        self.thread = ThreadMetadata(**thread.model_dump(exclude={"items"}))

    def _put(self, item: ThreadItem) -> None:
        self._items[item.id] = item.model_copy(deep=True)
        self._owned.add(item.id)
        self._chunks.pop(item.id, None)

    def _own(self, item_id: str) -> ThreadItem | None:
        item = self._items.get(item_id)
        if item is not None and item_id not in self._owned:
            item = self._items[item_id] = item.model_copy(deep=True)
            self._owned.add(item_id)
        return item

    def _append_text(self, run: TextRun) -> None:
        # Joined only when someone looks: a text cut into a million runs stays linear.
        if isinstance(self._items.get(run.item_id), AssistantMessageItem):
            self._chunks.setdefault(run.item_id, {}).setdefault(run.content_index, []).append(run.text)

    def _join_text(self, item_id: str) -> None:
        parts = self._chunks.pop(item_id, None)
        item = self._own(item_id) if parts else None
        if parts and isinstance(item, AssistantMessageItem):
            for content_index, chunks in parts.items():
                _pad(item, content_index).text += "".join(chunks)

    def _update(self, item_id: str, update: Any) -> None:
        self._join_text(item_id)
        item = self._own(item_id)
        if item is None:
            return
        if isinstance(item, AssistantMessageItem):
            _update_message(item, update)
        elif isinstance(item, WorkflowItem):
            _update_workflow(item, update)
        elif isinstance(item, WidgetItem):
            _update_widget(item, update)
        elif isinstance(item, GeneratedImageItem) and isinstance(update, GeneratedImageUpdated):
            item.image = update.image.model_copy(deep=True)


def _pad(item: AssistantMessageItem, content_index: int) -> AssistantMessageContent:
    while len(item.content) <= content_index:
        item.content.append(AssistantMessageContent(text=""))
    return item.content[content_index]


def _update_message(item: AssistantMessageItem, update: Any) -> None:
    match update:
        case AssistantMessageContentPartAdded() | AssistantMessageContentPartDone():
            _pad(item, update.content_index)
            item.content[update.content_index] = update.content.model_copy(deep=True)
        case AssistantMessageContentPartTextDelta():
            _pad(item, update.content_index).text += update.delta
        case AssistantMessageContentPartAnnotationAdded():
            annotations = _pad(item, update.content_index).annotations
            annotations.insert(update.annotation_index, update.annotation.model_copy(deep=True))
        case _:
            pass  # an update for another kind of item: the client ignores it, a rule speaks


def _update_workflow(item: WorkflowItem, update: Any) -> None:
    tasks = item.workflow.tasks
    if isinstance(update, WorkflowTaskAdded):
        tasks.append(update.task.model_copy(deep=True))
    elif isinstance(update, WorkflowTaskUpdated) and 0 <= update.task_index < len(tasks):
        tasks[update.task_index] = update.task.model_copy(deep=True)


def _update_widget(item: WidgetItem, update: Any) -> None:
    match update:
        case WidgetRootUpdated():
            item.widget = update.widget.model_copy(deep=True)
        case WidgetStreamingTextValueDelta():
            component = find_component(item.widget, update.component_id)
            if getattr(component, "type", None) in ("Text", "Markdown"):  # no other has text that grows
                component.value = (getattr(component, "value", None) or "") + update.delta
                if update.done:
                    component.streaming = False
        case WidgetComponentUpdated():
            item.widget = _replace_component(item.widget, update.component_id, update.component)
        case _:
            pass  # an update for another kind of item


def find_component(component: Any, component_id: str) -> Any:
    """The component of a widget with this id, at any depth; ``None`` when there is none."""
    if getattr(component, "id", None) == component_id:
        return component
    for child in _children(component):
        found = find_component(child, component_id)
        if found is not None:
            return found
    return None


def _children(component: Any) -> list[Any]:
    children = getattr(component, "children", None)
    if isinstance(children, list):
        return children
    return [] if children is None else [children]


def _replace_component(component: Any, component_id: str, new: Any) -> Any:
    if getattr(component, "id", None) == component_id:
        return new.model_copy(deep=True)
    children = getattr(component, "children", None)
    if isinstance(children, list):
        component.children = [_replace_component(child, component_id, new) for child in children]
    elif children is not None:
        component.children = _replace_component(children, component_id, new)
    return component
