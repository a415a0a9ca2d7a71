"""What stands below the heading of an item, an update or an event: everything it says, one fact a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatkit.types import (
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    DurationSummary,
    GeneratedImageItem,
    GeneratedImageUpdated,
    HiddenContextItem,
    SDKHiddenContextItem,
    StructuredInputItem,
    TaskItem,
    UserMessageItem,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from .aliases import reference
from .masking import DURATION
from .payloads import field_lines, indented, inline, payload_lines, set_fields, text_lines
from .trees import widget_lines

if TYPE_CHECKING:
    from chatkit.types import (
        Annotation,
        AssistantMessageContent,
        StructuredInput,
        Task,
        ThreadItem,
        ThreadItemUpdate,
        ThreadMetadata,
    )

LABELS = {
    "user_message": "user",
    "assistant_message": "assistant",
    "client_tool_call": "client tool",
    "generated_image": "image",
    "structured_input": "question",
    "hidden_context_item": "hidden context",
    "sdk_hidden_context": "hidden context of the SDK",
    "end_of_turn": "end of turn",
}


def item_label(item: ThreadItem) -> str:
    """Who or what: the first words of an item's heading."""
    match item:
        case ClientToolCallItem():
            return f"client tool {item.name}"
        case WorkflowItem():
            return f"workflow ({item.workflow.type})"
        case StructuredInputItem():
            return f"question ({item.status})"
        case _:
            return LABELS.get(item.type, item.type)


def item_lines(item: ThreadItem, *, times: bool = True) -> list[str]:
    """Everything an item says; its ids and its time apart."""
    match item:
        case AssistantMessageItem():
            return parts_lines(item.content)
        case UserMessageItem():
            return _user_lines(item, times)
        case ClientToolCallItem():
            output = field_lines("output", item.output, times=times) if item.status == "completed" else []
            return [*arguments_lines(item.arguments, times=times), *output]
        case WidgetItem():
            copied = field_lines("copy_text", item.copy_text) if item.copy_text is not None else []
            return [*widget_lines(item.widget, times=times), *copied]
        case GeneratedImageItem():
            return image_lines(item.image.url) if item.image else ["no image"]
        case StructuredInputItem():
            return [line for number, each in enumerate(item.inputs, 1) for line in _question_lines(number, each)]
        case WorkflowItem():
            return workflow_lines(item, times=times)
        case TaskItem():
            return task_lines(item.task)
        case HiddenContextItem() | SDKHiddenContextItem():
            return payload_lines(item.content, times=times)
        case _:
            return []


def arguments_lines(arguments: Any, *, times: bool = True) -> list[str]:
    """Arguments by name; none at all is no line."""
    return payload_lines(arguments, times=times) if arguments else []


def parts_lines(parts: list[AssistantMessageContent]) -> list[str]:
    """The content parts of a message with their annotations."""
    lines: list[str] = []
    for number, part in enumerate(parts, 1):
        if len(parts) > 1:
            lines.append(f"part {number}")
        lines += text_lines(part.text)
        lines += [line for annotation in part.annotations for line in annotation_lines(annotation)]
    return lines


def annotation_lines(annotation: Annotation) -> list[str]:
    """An annotation: the source, and where in the text it stands."""
    source = set_fields(annotation.source)
    kind, title = source.pop("type"), source.pop("title")
    place = "" if annotation.index is None else f" at character {annotation.index}"
    unused = [key for key, value in source.items() if value is False or value == {}]
    rest = {key: value for key, value in source.items() if key not in unused}
    return [f"source {kind} {inline(title)}{place}", *indented(payload_lines(rest) if rest else [])]


def image_lines(url: str) -> list[str]:
    """A picture: where it is."""
    return [f"url: {inline(url)}"]


def workflow_lines(item: WorkflowItem, *, times: bool = True) -> list[str]:
    """The summary of a workflow and its tasks."""
    summary: Any = item.workflow.summary
    lines: list[str] = []
    if isinstance(summary, DurationSummary):
        lines.append(f"summary: {DURATION if times else f'{summary.duration} s'}")
    elif summary is not None:
        lines.append(f"summary: {inline(summary.title)}{f' ({summary.icon})' if summary.icon else ''}")
    if item.workflow.expanded:
        lines.append("expanded")
    for number, task in enumerate(item.workflow.tasks, 1):
        first, *rest = task_lines(task)
        lines += [f"{number}. {first}", *rest]
    return lines


def task_head(task: Task) -> str:
    """A task in one line: its kind, title and status."""
    title = getattr(task, "title", None)
    parts = [task.type, inline(title) if title is not None else ""]
    parts += [f"({task.status_indicator})" if task.status_indicator != "none" else ""]
    return " ".join(part for part in parts if part)


def task_lines(task: Task) -> list[str]:
    """A task with all that it says."""
    rest = set_fields(task)
    for key in ("type", "title", "status_indicator"):
        rest.pop(key, None)
    content, sources = rest.pop("content", None), rest.pop("sources", [])
    lines = [task_head(task)]
    lines += indented(text_lines(content)) if content is not None else []
    rest = {key: value for key, value in rest.items() if value != []}
    lines += indented(payload_lines(rest)) if rest else []
    for source in sources:
        values = set_fields(source)
        head = f"source {values.pop('type')} {inline(values.pop('title'))}"
        lines += indented([head, *indented(payload_lines(values))])
    return lines


def user_lines(text: str, *, quoted: Any = None, tool: Any = None, model: Any = None) -> list[str]:
    """What a user said, and the choices made in the composer."""
    lines = text_lines(text) if text else []
    lines += field_lines("quoting", quoted) if quoted else []
    lines += field_lines("tool", tool) if tool is not None else []
    return lines + (field_lines("model", model) if model is not None else [])


def tag_lines(part: Mapping[str, Any], times: bool) -> list[str]:
    """A tag in a user's message: which entity it stands for."""
    rest = {key: part[key] for key in ("group", "data") if part.get(key)}
    head = f"tag {inline(part.get('text'))} {reference(str(part.get('id')))}"
    return [head, *indented(payload_lines(rest, times=times) if rest else [])]


def _user_lines(item: UserMessageItem, times: bool) -> list[str]:
    options = item.inference_options
    lines = user_lines(
        "".join(part.text for part in item.content),
        quoted=item.quoted_text,
        tool=options.tool_choice.id if options.tool_choice else None,
        model=options.model,
    )
    for part in item.content:
        if part.type == "input_tag":
            lines += tag_lines(part.model_dump(), times)
    for attachment in item.attachments:
        lines.append(f"attachment {inline(attachment.name)} {attachment.mime_type} {reference(attachment.id)}")
        preview = getattr(attachment, "preview_url", None)
        lines += indented([f"preview: {inline(str(preview))}"] if preview is not None else [])
    return lines


def _question_lines(number: int, question: StructuredInput) -> list[str]:
    lines = [f"{number}. {question.type} {question.id} {inline(question.question)}"]
    rest = set_fields(question)
    lines += indented(f"- {inline(option.value)}" for option in rest.get("options") or [])
    lines += indented(["several may be chosen"] if rest.get("multiple") else [])
    lines += indented(field_lines("description", rest["description"]) if rest.get("description") else [])
    if question.answer is not None:
        answer = "skipped" if question.answer.skipped else inline(question.answer.values)
        lines.append(f"  answer: {answer}")
    return lines


def thread_lines(thread: ThreadMetadata, *, times: bool = True) -> list[str]:
    """What is said of a thread, as far as it is not as usual."""
    lines = [f"title: {inline(thread.title)}"] if thread.title is not None else []
    if thread.status.type != "active":
        lines.append(f"status: {thread.status.type}")
        lines += indented([f"reason: {inline(thread.status.reason)}"] if thread.status.reason else [])
    if thread.allowed_image_domains:
        lines += field_lines("allowed image domains", sorted(thread.allowed_image_domains))
    lines += field_lines("metadata", thread.metadata, times=times) if thread.metadata else []
    shown = getattr(getattr(thread, "items", None), "data", None)
    return lines + ([f"items: {len(shown)}"] if shown else [])


def update_lines(update: ThreadItemUpdate, *, times: bool = True) -> list[str]:
    """What an update brings: its first line goes on the heading."""
    match update:
        case AssistantMessageContentPartTextDelta():
            return [f"text, part {update.content_index + 1}", *text_lines(update.delta)]
        case AssistantMessageContentPartAdded() | AssistantMessageContentPartDone():
            what = "begins" if isinstance(update, AssistantMessageContentPartAdded) else "done"
            return [
                f"part {update.content_index + 1} {what}",
                *(parts_lines([update.content]) if update.content.text else []),
            ]
        case AssistantMessageContentPartAnnotationAdded():
            place = f"annotation {update.annotation_index + 1}, part {update.content_index + 1}"
            return [place, *annotation_lines(update.annotation)]
        case WidgetStreamingTextValueDelta():
            return [f"text of #{update.component_id}{', done' if update.done else ''}", *text_lines(update.delta)]
        case WidgetRootUpdated():
            return ["whole widget", *widget_lines(update.widget, times=times)]
        case WidgetComponentUpdated():
            return [f"component #{update.component_id}", *widget_lines(update.component, times=times)]
        case WorkflowTaskAdded() | WorkflowTaskUpdated():
            what = "begins" if isinstance(update, WorkflowTaskAdded) else "changes"
            return [f"task {update.task_index + 1} {what}", *task_lines(update.task)]
        case GeneratedImageUpdated():
            progress = "" if update.progress is None else f" {inline(update.progress)}"
            return [f"image{progress}", *image_lines(update.image.url)]
        case _:
            return [
                update.type,
                *payload_lines({k: v for k, v in set_fields(update).items() if k != "type"}, times=times),
            ]
