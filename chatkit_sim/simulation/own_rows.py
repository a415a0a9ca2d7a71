"""What a scenario puts into a server's store, so that it can be taken out again: that and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from chatkit.store import AttachmentStore, NotFoundError, Store
from chatkit.types import Attachment, AttachmentCreateParams, ThreadMetadata

from ..stores import DelegatingStore, StoreCall


class OwnRows(DelegatingStore[Any]):
    """Stands in front of a store and notes what is made through it.

    Args:
        store: The store.
        saved: Whether also what is saved was made here. Otherwise only threads count that got their id here, for an
            app may well save what was there before.
    """

    def __init__(self, store: Store[Any], *, saved: bool = False) -> None:
        super().__init__(store)
        self._saved = saved
        self._threads: list[tuple[str, Any]] = []
        self._attachments: list[tuple[str, Any]] = []

    def generate_thread_id(self, context: Any) -> str:
        """An id of the wrapped store, noted."""
        thread_id = super().generate_thread_id(context)
        self._threads.append((thread_id, context))
        return thread_id

    async def around(self, call: StoreCall, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Note what is saved, also where that fails: something may have been written."""
        if self._saved and not call.reads and not call.method.startswith("delete_"):
            values = [*call.arguments, *call.keywords.values()]
            context = call.keywords.get("context", values[-1])
            row = values[0]
            if call.method == "save_attachment":
                self._attachments.append((row.id, context))
            else:
                self._threads.append((row.id if isinstance(row, ThreadMetadata) else row, context))
        return await proceed()

    async def delete_own(self, context: Any = None) -> list[str]:
        """Delete it all; gives what could not be deleted, and why.

        Args:
            context: The request context; that of each call when left out.
        """
        threads, attachments = self._threads, self._attachments
        self._threads, self._attachments = [], []
        return [
            *await _delete(self.wrapped.delete_thread, threads, context),
            *await _delete(self.wrapped.delete_attachment, attachments, context),
        ]


class OwnUploads(AttachmentStore[Any]):
    """The same for an attachment store.

    Args:
        store: The attachment store.
    """

    def __init__(self, store: AttachmentStore[Any]) -> None:
        self.wrapped = store
        self._made: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name == "wrapped":  # while being copied or unpickled, before __init__
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    def note(self, attachment: Attachment, context: Any) -> None:
        """Note an attachment that was uploaded directly."""
        self._made.append((attachment.id, context))

    def generate_attachment_id(self, mime_type: str, context: Any) -> str:
        """An id of the wrapped store."""
        return self.wrapped.generate_attachment_id(mime_type, context)

    async def create_attachment(self, input: AttachmentCreateParams, context: Any) -> Attachment:
        """Hand it on, and note the attachment."""
        attachment = await self.wrapped.create_attachment(input, context)
        self.note(attachment, context)
        return attachment

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        """Hand it on."""
        await self.wrapped.delete_attachment(attachment_id, context)

    async def delete_own(self) -> list[str]:
        """Delete what was made; gives what could not be deleted, and why."""
        made, self._made = self._made, []
        return await _delete(self.wrapped.delete_attachment, made)


async def _delete(
    delete: Callable[[str, Any], Awaitable[None]], rows: list[tuple[str, Any]], context: Any = None
) -> list[str]:
    kept: list[str] = []
    once = {(row_id, id(made_in)): made_in for row_id, made_in in rows}  # contexts need not be hashable
    for (row_id, _), made_in in once.items():
        try:
            with suppress(NotFoundError):  # it never came to be, or is gone already
                await delete(row_id, made_in if context is None else context)
        except Exception as error:
            kept.append(f"{row_id} ({type(error).__name__}: {error})")
    return kept
