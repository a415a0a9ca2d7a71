"""Threads, items and attachments as JSON text and back, without loss."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from chatkit.types import Attachment, Thread, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from pydantic import BaseModel


def encode(value: BaseModel) -> str:
    """Write an item or an attachment as JSON. Nothing is left out."""
    return value.model_dump_json(by_alias=True)


def encode_thread(thread: ThreadMetadata) -> str:
    """Write a thread as JSON without its items.

    ChatKit hands a whole ``Thread`` to ``save_thread`` when a new thread's title changes in its first response.
    """
    return thread.model_dump_json(by_alias=True, exclude={"items"} if isinstance(thread, Thread) else None)


def decode_thread(text: str | bytes) -> ThreadMetadata:
    """Read what ``encode_thread`` wrote."""
    return ThreadMetadata.model_validate_json(text)


def decode_item(text: str | bytes) -> ThreadItem:
    """Read a thread item of any type."""
    item: ThreadItem = _adapter(ThreadItem).validate_json(text)
    return item


def decode_attachment(text: str | bytes) -> Attachment:
    """Read an attachment of either type."""
    attachment: Attachment = _adapter(Attachment).validate_json(text)
    return attachment


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)
