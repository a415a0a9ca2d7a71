"""A store in SQLite, for tests and small tools."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, Literal

from chatkit.store import NotFoundError, Store, TContext

from .encoding import decode_attachment, decode_item, decode_thread, encode, encode_thread
from .paging import as_page, gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

Kind = Literal["thread", "item", "attachment"]

# One table for all three: rows differ only in what the JSON says. ``seq`` is the order of insertion, which an update
# does not change; times are in the JSON and order nothing, since two items often have the same.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chatkit_rows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    id TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (kind, user_id, thread_id, id)
)
"""


class SQLiteStore(Store[TContext]):
    """A store for tests that must outlive an object, cross processes, or keep users apart.

    It works as ``MemoryStore`` does, and its data can be looked at with ``sqlite3``. Calls run on the caller's thread
    without awaiting anything; it may be used from several threads and event loops.

    Args:
        path: The database file, made when it is not there; ``:memory:`` for one that is gone with the store.
        user_id: Says whose request a context is. Users see nothing of one another. Without it there is one user.

    Example:
        >>> store = SQLiteStore("chats.db", user_id=lambda context: context["user"])  # doctest: +SKIP
    """

    def __init__(self, path: str | Path = ":memory:", user_id: Callable[[TContext], str] | None = None) -> None:
        self._user_id = user_id
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
        self._close = weakref.finalize(self, self._database.close)
        self._database.execute("PRAGMA synchronous = OFF")  # tests do not survive a power cut, and need not wait
        self._database.execute(_SCHEMA)

    def close(self) -> None:
        """Close the database; a store that is dropped closes it by itself."""
        self._close()

    async def load_thread(self, thread_id: str, context: TContext) -> ThreadMetadata:
        """Load a thread's metadata.

        Raises:
            NotFoundError: This user has no such thread.
        """
        return decode_thread(self._load("thread", "", thread_id, context))

    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        """Save a thread's metadata; the items of a ``Thread`` are left out."""
        self._save("thread", "", thread.id, encode_thread(thread), context)

    async def load_threads(self, limit: int, after: str | None, order: str, context: TContext) -> Page[ThreadMetadata]:
        """Load a page of this user's threads.

        Raises:
            NotFoundError: The thread ``after`` is not there.
        """
        return as_page(self._rows("thread", "", after, limit, order, context), decode_thread, limit=limit)

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        """Delete a thread and its items, if there."""
        self._execute(
            "DELETE FROM chatkit_rows WHERE user_id = ? AND ((kind = 'thread' AND id = ?)"
            " OR (kind = 'item' AND thread_id = ?))",
            (self._user(context), thread_id, thread_id),
        )

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        """Load a page of a thread's items; a thread that is not there has none.

        Raises:
            NotFoundError: The item ``after`` is not there.
        """
        return as_page(self._rows("item", thread_id, after, limit, order, context), decode_item, limit=limit)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """Add an item, or replace it in its place: ChatKit adds some items twice."""
        self._save("item", thread_id, item.id, encode(item), context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        """Replace an item in its place, or add it."""
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        """Load an item.

        Raises:
            NotFoundError: This user has no such item in this thread.
        """
        return decode_item(self._load("item", thread_id, item_id, context))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        """Delete an item, if there."""
        self._delete("item", thread_id, item_id, context)

    async def save_attachment(self, attachment: Attachment, context: TContext) -> None:
        """Save or replace an attachment's metadata."""
        self._save("attachment", "", attachment.id, encode(attachment), context)

    async def load_attachment(self, attachment_id: str, context: TContext) -> Attachment:
        """Load an attachment's metadata.

        Raises:
            NotFoundError: This user has no such attachment.
        """
        return decode_attachment(self._load("attachment", "", attachment_id, context))

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        """Delete an attachment's metadata, if there."""
        self._delete("attachment", "", attachment_id, context)

    def _user(self, context: TContext) -> str:
        return "" if self._user_id is None else self._user_id(context)

    def _execute(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[str, str]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _save(self, kind: Kind, thread_id: str, row_id: str, data: str, context: TContext) -> None:
        self._execute(
            "INSERT INTO chatkit_rows (kind, user_id, thread_id, id, data) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, user_id, thread_id, id) DO UPDATE SET data = excluded.data",
            (kind, self._user(context), thread_id, row_id, data),
        )

    def _load(self, kind: Kind, thread_id: str, row_id: str, context: TContext) -> str:
        found = self._execute(
            "SELECT id, data FROM chatkit_rows WHERE kind = ? AND user_id = ? AND thread_id = ? AND id = ?",
            (kind, self._user(context), thread_id, row_id),
        )
        if not found:
            where = f" in thread {thread_id!r}" if thread_id else ""
            raise NotFoundError(f"There is no {kind}{where} with the id {row_id!r}")
        return found[0][1]

    def _delete(self, kind: Kind, thread_id: str, row_id: str, context: TContext) -> None:
        self._execute(
            "DELETE FROM chatkit_rows WHERE kind = ? AND user_id = ? AND thread_id = ? AND id = ?",
            (kind, self._user(context), thread_id, row_id),
        )

    def _rows(
        self, kind: Kind, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> list[tuple[str, str]]:
        """The ids and data of up to ``limit + 1`` rows after the cursor."""
        where = "kind = ? AND user_id = ? AND thread_id = ?"
        values: tuple[str | int, ...] = (kind, self._user(context), thread_id)
        later, direction = (">", "ASC") if order == "asc" else ("<", "DESC")
        if after is not None:
            if not self._execute(f"SELECT id, data FROM chatkit_rows WHERE {where} AND id = ?", (*values, after)):
                raise gone(after)
            where += f" AND seq {later} (SELECT seq FROM chatkit_rows WHERE {where} AND id = ?)"
            values = (*values, *values, after)
        return self._execute(
            f"SELECT id, data FROM chatkit_rows WHERE {where} ORDER BY seq {direction} LIMIT ?", (*values, limit + 1)
        )
