"""The patterns: one function for each kind of event.

Every field may be ``...`` (anything, the default), a plain value, a predicate, a type, a compiled regular expression,
or an object with an ``__eq__`` of its own, such as those of dirty-equals. A field that does not exist raises
``UsageError`` and lists those that do (``**_`` is there for that alone).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Never, TypeAlias, TypedDict, Unpack

from chatkit.errors import ErrorCode

from ..errors import UsageError
from .pattern import Pattern

Expected: TypeAlias = Any
"""What a field should be: a value, a predicate, a type, a regular expression, an object of dirty-equals, or ``...``."""

ItemType = Literal[
    "user_message",
    "assistant_message",
    "client_tool_call",
    "widget",
    "generated_image",
    "structured_input",
    "workflow",
    "task",
    "hidden_context_item",
    "sdk_hidden_context",
    "end_of_turn",
]
UpdateType = Literal[
    "assistant_message.content_part.added",
    "assistant_message.content_part.text_delta",
    "assistant_message.content_part.annotation_added",
    "assistant_message.content_part.done",
    "widget.streaming_text.value_delta",
    "widget.component.updated",
    "widget.root.updated",
    "workflow.task.added",
    "workflow.task.updated",
    "generated_image.updated",
]


class ItemFields(TypedDict, total=False):
    """The fields of thread items; which of them an item has depends on its type."""

    id: Expected
    thread_id: Expected
    created_at: Expected
    text: Expected
    content: Expected
    attachments: Expected
    quoted_text: Expected
    inference_options: Expected
    status: Expected
    call_id: Expected
    name: Expected
    arguments: Expected
    output: Expected
    widget: Expected
    copy_text: Expected
    image: Expected
    inputs: Expected
    task: Expected
    workflow: Expected


class UpdateFields(TypedDict, total=False):
    """The fields of item updates; which of them an update has depends on its type."""

    item_id: Expected
    content_index: Expected
    content: Expected
    delta: Expected
    annotation_index: Expected
    annotation: Expected
    component_id: Expected
    component: Expected
    done: Expected
    widget: Expected
    task_index: Expected
    task: Expected
    image: Expected
    progress: Expected


class ThreadFields(TypedDict, total=False):
    """The fields of a thread."""

    id: Expected
    created_at: Expected
    status: Expected
    allowed_image_domains: Expected
    metadata: Expected
    items: Expected


def thread_created(title: Expected = ..., **fields: Unpack[ThreadFields]) -> Pattern:
    """A new thread.

    Args:
        title: Its title; new threads have none.
        **fields: Its other fields.
    """
    return _pattern("thread_created", title=title, **fields)


def thread_updated(title: Expected = ..., **fields: Unpack[ThreadFields]) -> Pattern:
    """A change of the thread itself.

    Args:
        title: Its title.
        **fields: Its other fields. ``status="locked"`` compares the type of the status.

    Example:
        ``turn.response.assert_any(thread_updated("Groceries"))``
    """
    return _pattern("thread_updated", title=title, **fields)


def item_added(type: ItemType | None = None, /, **fields: Unpack[ItemFields]) -> Pattern:
    """An item that begins.

    Args:
        type: The type of the item; any if left out.
        **fields: Its fields; ``text`` is the whole text of a message.
    """
    return _pattern("item_added", type=type or ..., **fields)


def item_done(type: ItemType | None = None, /, **fields: Unpack[ItemFields]) -> Pattern:
    """An item that is complete.

    Args:
        type: The type of the item; any if left out.
        **fields: Its fields; ``text`` is the whole text of a message. Where the value is a model, a dict names the
            fields that matter.

    Example:
        ``item_done("widget", widget={"type": "Card", "children": lambda children: len(children) == 3})``
    """
    return _pattern("item_done", type=type or ..., **fields)


def item_replaced(type: ItemType | None = None, /, **fields: Unpack[ItemFields]) -> Pattern:
    """An item that takes the place of the one with its id.

    Args:
        type: The type of the new item; any if left out.
        **fields: Its fields; ``text`` is the whole text of a message.
    """
    return _pattern("item_replaced", type=type or ..., **fields)


def item_updated(type: UpdateType | None = None, /, **fields: Unpack[UpdateFields]) -> Pattern:
    """A change of an item. The text deltas of a part count as one update, with the whole text as its ``delta``.

    Args:
        type: The type of the update; any if left out.
        **fields: Its fields, and ``item_id``.

    Example:
        ``item_updated("workflow.task.added", task={"type": "thought"})``
    """
    return _pattern("item_updated", type=type or ..., **fields)


def item_removed(item_id: Expected = ..., **_: Never) -> Pattern:
    """An item that is taken back.

    Args:
        item_id: Its id.
    """
    return _pattern("item_removed", item_id=item_id, **_)


def text(
    text: Expected = ...,
    *,
    item_id: Expected = ...,
    content_index: Expected = ...,
    count: Expected = ...,
    **_: Never,
) -> Pattern:
    """The text that was streamed into one part of an assistant message, all its deltas joined.

    Args:
        text: The whole text.
        item_id: The message.
        content_index: The part, from 0.
        count: How many deltas it came in.

    Example:
        ``turn.response.assert_any(text(re.compile("milk")))``
    """
    return _pattern("text", text=text, item_id=item_id, content_index=content_index, count=count, **_)


def progress(text: Expected = ..., *, icon: Expected = ..., **_: Never) -> Pattern:
    """A progress update.

    Args:
        text: What it says.
        icon: Its icon.
    """
    return _pattern("progress", text=text, icon=icon, **_)


def effect(name: Expected = ..., *, data: Expected = ..., **_: Never) -> Pattern:
    """A client effect.

    Args:
        name: Its name.
        data: What it carries.
    """
    return _pattern("effect", name=name, data=data, **_)


def notice(message: Expected = ..., *, level: Expected = ..., title: Expected = ..., **_: Never) -> Pattern:
    """A notice.

    Args:
        message: What it says.
        level: ``info``, ``warning`` or ``danger``.
        title: Its title.
    """
    return _pattern("notice", message=message, level=level, title=title, **_)


def error(
    message_or_code: Expected = ...,
    /,
    *,
    message: Expected = ...,
    code: Expected = ...,
    allow_retry: Expected = ...,
    **_: Never,
) -> Pattern:
    """An error event.

    Args:
        message_or_code: Its code if ChatKit knows one of this name (``stream.error``, ``custom``), else its message.
        message: What it says.
        code: Its code.
        allow_retry: Whether the user may try again.

    Raises:
        UsageError: The message or the code is given twice.
    """
    given = {"message": message, "code": code}
    if message_or_code is not ...:
        is_code = isinstance(message_or_code, str) and message_or_code in [
            "custom",
            *(each.value for each in ErrorCode),
        ]
        name = "code" if is_code else "message"
        if given[name] is not ...:
            raise UsageError(f"error: the {name} is given twice; leave one of them out.")
        given[name] = message_or_code
    return _pattern("error", **given, allow_retry=allow_retry, **_)


def options(*, allow_cancel: Expected = ..., **_: Never) -> Pattern:
    """The options of a stream; the SDK itself sends them before the response.

    Args:
        allow_cancel: Whether the user may stop the stream.
    """
    return _pattern("options", allow_cancel=allow_cancel, **_)


def client_tool_call(name: Expected = ..., arguments: Expected = ..., /, **named_arguments: Expected) -> Pattern:
    """A client tool call, as its ``thread.item.done`` asks for it.

    It also equals the records of ``turn.client_tool_calls``. ``having`` names what is neither name nor argument:
    ``output``, ``call_id``, ``item_id``, ``status`` (of items), ``outcome`` (of records).

    Args:
        name: The client tool.
        arguments: All of its arguments; any if neither they nor keyword arguments are given.
        **named_arguments: All of its arguments, written as in a call.

    Raises:
        UsageError: Both are given, and ``arguments`` is not a dict.

    Example:
        ``assert turn.client_tool_calls == (client_tool_call("add_to_todo_list", item="milk"),)``
    """
    if named_arguments and arguments is not ... and not isinstance(arguments, Mapping):
        raise UsageError("client_tool_call: give the arguments as a dict or as keyword arguments, not both.")
    if named_arguments:
        arguments = {**({} if arguments is ... else arguments), **named_arguments}
    return _pattern("client_tool_call", name=name, arguments=arguments)


def _pattern(kind: str, **fields: Any) -> Pattern:
    return Pattern(kind, {name: value for name, value in fields.items() if value is not ...})
