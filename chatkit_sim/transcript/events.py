"""Events and steps on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    ClientEffectEvent,
    ErrorEvent,
    GeneratedImageUpdated,
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
    WidgetComponentUpdated,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from ..wire import Step, TextRun
from .items import describe_annotation, describe_item, describe_task
from .widgets import describe_component
from .words import call_text, counted, quoted, value_text

if TYPE_CHECKING:
    from chatkit.types import ThreadItemUpdate, ThreadMetadata, ThreadStreamEvent


def describe_step(step: Step) -> str:
    """A step on one line: an event, or the text deltas that came one after the other.

    Example:
        ``text "Added milk." (3 deltas)``
    """
    if isinstance(step, TextRun):
        return f"text {quoted(step.text)} ({counted(step.count, 'delta')})"
    return describe_event(step.event)


def describe_event(event: ThreadStreamEvent) -> str:
    """An event on one line: its type on the wire, and what it brings.

    Example:
        ``thread.item.done assistant_message "Added milk."``
    """
    content = event_content(event)
    return f"{event.type} {content}" if content else event.type


def event_content(event: ThreadStreamEvent) -> str:
    """What ``describe_event`` says after the type; empty when the type says it all."""
    match event:
        case ThreadCreatedEvent() | ThreadUpdatedEvent():
            return thread_text(event.thread)
        case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
            return describe_item(event.item)
        case ThreadItemUpdatedEvent():
            content = update_content(event.update)
            return f"{event.update.type} {content}" if content else event.update.type
        case ThreadItemRemovedEvent():
            return event.item_id
        case StreamOptionsEvent():
            return f"allow_cancel={event.stream_options.allow_cancel}"
        case ProgressUpdateEvent():
            return quoted(event.text) + (f" ({event.icon})" if event.icon else "")
        case ClientEffectEvent():
            return call_text(event.name, event.data)
        case NoticeEvent():
            title = f"{quoted(event.title)}: " if event.title else ""
            return f"{event.level} {title}{quoted(event.message)}"
        case ErrorEvent():
            return error_text(event)
        case _:
            return ""


def error_text(event: ErrorEvent) -> str:
    """The code, message and retry of an error event."""
    parts = [str(getattr(event.code, "value", event.code))]
    if event.message is not None:
        parts.append(quoted(event.message))
    return " ".join([*parts, "(retry allowed)"] if event.allow_retry else parts)


def thread_text(thread: ThreadMetadata) -> str:
    """The title of a thread, and its status where it is not the usual one."""
    parts = [quoted(thread.title)] if thread.title is not None else []
    status = thread.status
    if status.type != "active":
        parts.append(f"({status.type}: {status.reason})" if status.reason else f"({status.type})")
    return " ".join(parts)


def update_content(update: ThreadItemUpdate) -> str:
    """What an update of an item brings, after its type."""
    match update:
        case AssistantMessageContentPartAdded() | AssistantMessageContentPartDone():
            return f"[{update.content_index}] {quoted(update.content.text)}"
        case AssistantMessageContentPartTextDelta():
            return f"[{update.content_index}] {quoted(update.delta)}"
        case AssistantMessageContentPartAnnotationAdded():
            return f"[{update.content_index}] {describe_annotation(update.annotation)}"
        case WidgetStreamingTextValueDelta():
            return f"#{update.component_id} {quoted(update.delta)}{' (done)' if update.done else ''}"
        case WidgetRootUpdated():
            return describe_component(update.widget)
        case WidgetComponentUpdated():
            return f"#{update.component_id} {describe_component(update.component)}"
        case WorkflowTaskAdded() | WorkflowTaskUpdated():
            return f"[{update.task_index}] {describe_task(update.task)}"
        case GeneratedImageUpdated():
            progress = "" if update.progress is None else f" ({value_text(update.progress)})"
            return f"{quoted(update.image.url)}{progress}"
        case _:
            return ""
