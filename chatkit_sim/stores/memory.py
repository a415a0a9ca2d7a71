"""A store in memory, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.store import NotFoundError, Store, TContext

from .encoding import decode_attachment, decode_item, decode_thread, encode, encode_thread
from .paging import page_of

if TYPE_CHECKING:
    from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata


class MemoryStore(Store[TContext]):
    """The default store for tests: as strict as a good database, gone with the test.

    It keeps JSON, never the caller's objects: what was not saved is not stored, and a loaded object can be changed
    freely, as with a real database. Threads and items come in the order in which they were first saved. It holds one
    user's data; the context is not looked at, so that any context will do. A store that keeps users apart is
    ``SQLiteStore(user_id=...)``.

    Example:
        >>> server = TodoServer(store=MemoryStore())  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._threads: dict[str, str] = {}
        self._items: dict[str, dict[str, str]] = {}
        self._attachments: dict[str, str] = {}

    async def load_thread(self, thread_id: str, context: TContext) -> ThreadMetadata:
        """Load a thread's metadata.

        Raises:
            NotFoundError: There is no such thread.
        """
        return decode_thread(_found(self._threads, thread_id, "thread"))

    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        """Save a thread's metadata; the items of a ``Thread`` are left out."""
        self._threads[thread.id] = encode_thread(thread)

    async def load_threads(self, limit: int, after: str | None, order: str, context: TContext) -> Page[ThreadMetadata]:
        """Load a page of threads.

        Raises:
            NotFoundError: The thread ``after`` is not there.
        """
        return page_of([*self._threads.items()], decode_thread, after=after, limit=limit, order=order)

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        """Delete a thread and its items, if there."""
        self._threads.pop(thread_id, None)
        self._items.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        """Load a page of a thread's items; a thread that is not there has none.

        Raises:
            NotFoundError: The item ``after`` is not there.
        """
        rows = [*self._items.get(thread_id, {}).items()]
        return page_of(rows, decode_item, after=after, limit=limit, order=order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """Add an item, or replace it in its place: ChatKit adds some items twice."""
        self._items.setdefault(thread_id, {})[item.id] = encode(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """Replace an item in its place, or add it."""
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        """Load an item.

        Raises:
            NotFoundError: There is no such item in this thread.
        """
        return decode_item(_found(self._items.get(thread_id, {}), item_id, f"item in thread {thread_id!r}"))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        """Delete an item, if there."""
        self._items.get(thread_id, {}).pop(item_id, None)

    async def save_attachment(self, attachment: Attachment, context: TContext) -> None:
        """Save or replace an attachment's metadata."""
        self._attachments[attachment.id] = encode(attachment)

    async def load_attachment(self, attachment_id: str, context: TContext) -> Attachment:
        """Load an attachment's metadata.

        Raises:
            NotFoundError: There is no such attachment.
        """
        return decode_attachment(_found(self._attachments, attachment_id, "attachment"))

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        """Delete an attachment's metadata, if there."""
        self._attachments.pop(attachment_id, None)


def _found(rows: dict[str, str], row_id: str, what: str) -> str:
    text = rows.get(row_id)
    if text is None:
        raise NotFoundError(f"There is no {what} with the id {row_id!r}")
    return text
