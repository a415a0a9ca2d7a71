"""The kinds of patterns: which events each is about, and which fields it may name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientEffectEvent,
    ClientToolCallItem,
    ErrorEvent,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptions,
    StreamOptionsEvent,
    Thread,
    ThreadCreatedEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdate,
    ThreadItemUpdatedEvent,
    ThreadUpdatedEvent,
    UserMessageItem,
)
from chatkit.types import ThreadItemBase as AnyItem
from pydantic import BaseModel

from ..errors import UsageError
from ..transcript.items import message_text
from .differences import MISSING
from .seen import as_text

_DELTA: Final = AssistantMessageContentPartTextDelta.model_fields["type"].default


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of pattern.

    Attributes:
        name: The function that makes it.
        event: The event it is about.
        first: The field that stands first, without its name.
        holder: The attribute of the event that has the fields; empty for the event itself.
        fields: The fields it may name; empty where the type of item or update decides.
        shown: The fields that describe an event which no pattern was meant for.
    """

    name: str
    event: type[BaseModel]
    first: str
    holder: str = ""
    fields: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


def _own(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in model.model_fields if name != "type")


_THREAD = _own(Thread)
_CALL = ("name", "arguments", "output", "call_id", "item_id", "status", "outcome")

# In the order in which an event is described: a client tool call is one before it is an item that is done.
KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("text", ThreadItemUpdatedEvent, "text", "", ("text", "item_id", "content_index", "count"), ("text",)),
        Kind("client_tool_call", ThreadItemDoneEvent, "name", "item", _CALL, ("name", "arguments")),
        Kind("thread_created", ThreadCreatedEvent, "title", "thread", _THREAD, ("title",)),
        Kind("thread_updated", ThreadUpdatedEvent, "title", "thread", _THREAD, ("title",)),
        Kind("item_added", ThreadItemAddedEvent, "type", "item", (), ("type", "text", "name")),
        Kind("item_updated", ThreadItemUpdatedEvent, "type", "", (), ("type",)),
        Kind("item_done", ThreadItemDoneEvent, "type", "item", (), ("type", "text", "name")),
        Kind("item_removed", ThreadItemRemovedEvent, "item_id", "", ("item_id",), ("item_id",)),
        Kind("item_replaced", ThreadItemReplacedEvent, "type", "item", (), ("type", "text", "name")),
        Kind("progress", ProgressUpdateEvent, "text", "", _own(ProgressUpdateEvent), ("text",)),
        Kind("effect", ClientEffectEvent, "name", "", _own(ClientEffectEvent), ("name", "data")),
        Kind("notice", NoticeEvent, "message", "", _own(NoticeEvent), ("message", "level", "title")),
        Kind("error", ErrorEvent, "message", "", _own(ErrorEvent), ("message", "code", "allow_retry")),
        Kind("options", StreamOptionsEvent, "", "stream_options", _own(StreamOptions), ("allow_cancel",)),
    )
}


def holder_of(kind: Kind, subject: object) -> object | None:
    """What has the fields that a pattern of this kind names; ``None`` when the subject is of another kind.

    Args:
        kind: The kind.
        subject: An event, a text run, a thread item, or the record of a client tool call.
    """
    if kind.name == "text":
        return as_text(subject)
    if kind.name == "client_tool_call" and not isinstance(subject, BaseModel):
        return subject if hasattr(subject, "name") and hasattr(subject, "arguments") else None
    if isinstance(subject, AnyItem) and kind.holder == "item":
        holder: object = subject
    elif isinstance(subject, kind.event):
        holder = getattr(subject, kind.holder) if kind.holder else subject
    else:
        return as_text(subject) if kind.name == "item_updated" else None
    return holder if kind.name != "client_tool_call" or isinstance(holder, ClientToolCallItem) else None


def value_of(holder: object, field: str) -> Any:
    """A field of what ``holder_of`` returned; ``MISSING`` when it has none of this name."""
    if isinstance(holder, (AssistantMessageItem, UserMessageItem)) and field == "text":
        return message_text(holder)
    if isinstance(holder, ClientToolCallItem) and field == "item_id":
        return holder.id
    if isinstance(holder, ThreadItemUpdatedEvent) and field != "item_id":
        return getattr(holder.update, field, MISSING)
    if field in ("delta", "type") and not isinstance(holder, BaseModel):
        # A text run seen as the update that it is made of.
        return _DELTA if field == "type" else getattr(holder, "text", MISSING)
    return getattr(holder, field, MISSING)


@cache
def item_types() -> Mapping[str, type[BaseModel]]:
    """The types of thread items that this version of the SDK knows."""
    return _by_type(get_args(ThreadItem)[0])


@cache
def update_types() -> Mapping[str, type[BaseModel]]:
    """The types of item updates that this version of the SDK knows."""
    return _by_type(ThreadItemUpdate)


def check_type(kind: Kind, type_name: object) -> None:
    """Refuse a type of item or update that does not exist.

    Raises:
        UsageError: With the types there are.
    """
    known = update_types() if kind.name == "item_updated" else item_types()
    if not isinstance(type_name, str) or type_name not in known:
        what = "update" if kind.name == "item_updated" else "thread item"
        raise UsageError(f"{kind.name}: there is no {what} {type_name!r}{_existing(str(type_name), known)}")


def check_fields(kind: Kind, type_name: str | None, fields: Iterable[str]) -> None:
    """Refuse fields that a pattern of this kind does not have.

    Raises:
        UsageError: With the fields there are.
    """
    known = kind.fields or _fields_by_type(kind, type_name)
    for field in fields:
        if field not in known:
            what = f"{kind.name}({type_name!r})" if type_name else kind.name
            raise UsageError(f"{what} has no field {field!r}{_existing(field, known)}")


def _fields_by_type(kind: Kind, type_name: str | None) -> list[str]:
    updates = kind.name == "item_updated"
    types = update_types() if updates else item_types()
    models = [types[type_name]] if type_name else list(types.values())
    names = dict.fromkeys(name for model in models for name in ("type", *_own(model)))
    if updates:
        return ["item_id", *names]
    return (
        [*names, "text"]
        if any(issubclass(model, (AssistantMessageItem, UserMessageItem)) for model in models)
        else [*names]
    )


def _by_type(union: Any) -> Mapping[str, type[BaseModel]]:
    return {model.model_fields["type"].default: model for model in get_args(union)}


def _existing(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1, 0.4)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"{hint} There are: {', '.join(names)}."
