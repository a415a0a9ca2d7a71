"""Thread items on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatkit.types import (
    Annotation,
    AssistantMessageItem,
    ClientToolCallItem,
    CustomTask,
    DurationSummary,
    FileTask,
    GeneratedImageItem,
    HiddenContextItem,
    SDKHiddenContextItem,
    SearchTask,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    TaskItem,
    ThoughtTask,
    UserMessageItem,
    WidgetItem,
    WorkflowItem,
)

from .widgets import describe_component
from .words import call_text, counted, quoted, value_text

if TYPE_CHECKING:
    from chatkit.types import StructuredInput, Task, ThreadItem


def describe_item(item: ThreadItem) -> str:
    """A thread item on one line: its type, and what the user sees of it.

    Example:
        ``client_tool_call add_to_todo_list(item="milk") -> {"added": "milk"}``
    """
    content = item_content(item)
    return f"{item.type} {content}" if content else item.type


def item_content(item: ThreadItem) -> str:
    """What ``describe_item`` says after the type; empty for items without content."""
    match item:
        case AssistantMessageItem():
            notes = sum(len(part.annotations) for part in item.content)
            return quoted(message_text(item)) + (f" ({counted(notes, 'annotation')})" if notes else "")
        case UserMessageItem():
            return _user_message(item)
        case ClientToolCallItem():
            call = call_text(item.name, item.arguments)
            return call if item.status == "pending" else f"{call} -> {value_text(item.output)}"
        case WidgetItem():
            return describe_component(item.widget)
        case GeneratedImageItem():
            return quoted(item.image.url) if item.image else "(no image yet)"
        case StructuredInputItem():
            return f"({item.status}) {'; '.join(_question(each) for each in item.inputs)}"
        case WorkflowItem():
            return _workflow(item)
        case TaskItem():
            return describe_task(item.task)
        case HiddenContextItem() | SDKHiddenContextItem():
            return value_text(item.content)
        case _:
            return ""


def message_text(item: AssistantMessageItem | UserMessageItem) -> str:
    """The text of a message, its parts joined."""
    return "".join(part.text for part in item.content)


def describe_task(task: Task) -> str:
    """A task of a workflow on one line."""
    match task:
        case SearchTask():
            said = task.title or task.title_query or ", ".join(task.queries)
            more = counted(len(task.sources), "source") if task.sources else ""
        case ThoughtTask():
            said, more = task.title or task.content, ""
        case FileTask():
            said, more = task.title or ", ".join(source.filename for source in task.sources), ""
        case CustomTask():
            said, more = task.title or task.content or "", ""
        case _:
            said, more = task.title or "", ""
    status = "" if task.status_indicator == "none" else task.status_indicator
    notes = ", ".join(note for note in (more, status) if note)
    return " ".join(part for part in (task.type, quoted(said) if said else "", f"({notes})" if notes else "") if part)


def describe_annotation(annotation: Annotation) -> str:
    """An annotation of a message on one line: the source and where it stands."""
    source = annotation.source
    place = "" if annotation.index is None else f" at character {annotation.index}"
    pointer = {"url": "url", "file": "filename", "entity": "id"}.get(source.type, "title")
    return f"{source.type} {quoted(source.title)} {quoted(str(getattr(source, pointer)))}{place}"


def _user_message(item: UserMessageItem) -> str:
    options = item.inference_options
    return user_text(
        message_text(item),
        len(item.attachments),
        item.quoted_text,
        options.tool_choice.id if options.tool_choice else None,
        options.model,
    )


def user_text(
    text: str, attachments: int = 0, quoted_text: str | None = None, tool: str | None = None, model: str | None = None
) -> str:
    """What a user said, with what hangs on it."""
    notes = [
        counted(attachments, "attachment") if attachments else "",
        f"quoting {quoted(quoted_text, 40)}" if quoted_text else "",
        f"tool {tool}" if tool else "",
        f"model {model}" if model else "",
    ]
    said = ", ".join(note for note in notes if note)
    return quoted(text) + (f" ({said})" if said else "")


def _question(question: StructuredInput) -> str:
    text = quoted(question.question)
    if isinstance(question, StructuredInputMultipleChoice):
        text += f" [{' | '.join(option.value for option in question.options)}]"
    if question.answer is None:
        return text
    return f"{text} -> {'skipped' if question.answer.skipped else answer_text(question.answer.values)}"


def answer_text(values: Any) -> str:
    """The values of an answer: one stands alone, several as a list."""
    return value_text(values[0] if isinstance(values, list) and len(values) == 1 else values)


def _workflow(item: WorkflowItem) -> str:
    workflow = item.workflow
    summary: Any = workflow.summary
    if isinstance(summary, DurationSummary):
        said = f"{summary.duration} s"
    else:
        said = quoted(summary.title) if summary else ""
    shown = [describe_task(task) for task in workflow.tasks[:3]]
    more = [f"{len(workflow.tasks) - 3} more"] if len(workflow.tasks) > 3 else []
    tasks = f"{counted(len(workflow.tasks), 'task')}{': ' if shown else ''}{'; '.join([*shown, *more])}"
    return " ".join(part for part in (workflow.type, said, tasks) if part)


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: raw requests may hold anything."""
    return value if isinstance(value, Mapping) else {}
