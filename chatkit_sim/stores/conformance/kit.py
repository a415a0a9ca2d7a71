"""What a promise is checked with: the store, watched, and readable names for all that is put into it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from chatkit.store import NotFoundError, Store, default_generate_id
from chatkit.types import AssistantMessageContent, AssistantMessageItem, FileAttachment, Page, ThreadMetadata
from pydantic import BaseModel

from ...errors import describe_exception
from ..delegating import DelegatingStore, StoreCall
from .compare import difference, short
from .promise import Promise, PromiseBroken, PromiseNotChecked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from chatkit.types import Attachment, ThreadItem

MANY = 1000
"""More rows than a promise ever stores: a page that should hold everything asks for so many."""

_NOT_THE_STORES = (
    str(Path(__file__).parent),
    str(Path(__file__).parents[1] / "delegating.py"),
    str(Path(asyncio.__file__).parent),
    str(Path(concurrent.futures.__file__).parent),
)

EXAMPLES = 60
"""How many sequences of calls, and orders of tasks, are tried where nothing else is said."""


def described(error: BaseException, frames: int = 3) -> str:
    """What a store raised, and where in the store; the kit's own frames and the event loop's say nothing."""
    lines = describe_exception(error, frames=50)
    store_frames = [line for line in lines[1:] if not any(own in line for own in _NOT_THE_STORES)]
    return "\n".join([lines[0], *store_frames[-frames:]])


class Names:
    """Readable names for ids."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def give(self, row_id: str, name: str) -> str:
        """Name an id; gives the id."""
        self._names[row_id] = name
        return row_id

    def of(self, row_id: str) -> str:
        """The name of an id, or the id itself where it has none."""
        return self._names.get(row_id, row_id)

    def text(self, value: Any) -> str:
        """An argument or a result, readable."""
        if isinstance(value, Page):
            rows = ", ".join(self.text(row) for row in value.data) or "nothing"
            return f"{rows}{' (has_more)' if value.has_more else ''}"
        if isinstance(value, BaseModel):
            return self.of(str(getattr(value, "id", "") or short(value)))
        if isinstance(value, str) and value in self._names:
            return self._names[value]
        return short(value if value is None or isinstance(value, int) else repr(value), 80)


class WatchedStore(DelegatingStore[Any]):
    """Writes down every call with its result, in one line each."""

    def __init__(self, store: Store[Any], names: Names, contexts: Sequence[Any]) -> None:
        super().__init__(store)
        self.lines: list[str] = []
        self._names = names
        self._contexts = contexts

    async def around(self, call: StoreCall, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Make the call and write it down."""
        line = self._line(call)
        position = len(self.lines)
        self.lines.append(line)  # a call that hangs is written down too
        try:
            result = await proceed()
        except Exception as error:
            self.lines[position] = f"{line} raised {type(error).__name__}: {short(str(error), 120)}"
            raise
        if call.reads:
            self.lines[position] = f"{line} -> {self._names.text(result)}"
        return result

    def _line(self, call: StoreCall) -> str:
        given = [self._names.text(value) for value in call.arguments if not self._is_context(value)]
        given += [
            f"{name}={self._names.text(value)}" for name, value in call.keywords.items() if not self._is_context(value)
        ]
        other = len(self._contexts) > 1 and any(
            value is self._contexts[1] for value in (*call.arguments, *call.keywords.values())
        )
        return f"{call.method}({', '.join(given)}){' by the other user' if other else ''}"

    def _is_context(self, value: Any) -> bool:
        return any(value is context for context in self._contexts)


class Kit:
    """The store under test and what a promise needs to try it.

    Calls are made exactly as ChatKit's server makes them, by position or by name.

    Args:
        promise: The promise that is being checked.
        store: The store.
        context: The request context of the user.
        other_context: That of another user; ``None`` when none was given.
        examples: How many sequences and orders the promises that search try.
    """

    def __init__(
        self,
        promise: Promise,
        store: Store[Any],
        context: Any,
        other_context: Any | None = None,
        *,
        examples: int = EXAMPLES,
    ) -> None:
        self.examples = examples
        self.promise = promise
        self.raw_store = store
        self.context = context
        self.other_context = other_context
        self.names = Names()
        self.store = WatchedStore(store, self.names, [context] if other_context is None else [context, other_context])
        self._time = datetime.now().replace(microsecond=0) - timedelta(hours=1)

    # Time and ids

    def later(self) -> datetime:
        """A time one second after the last, naive as ``datetime.now()`` is."""
        self._time += timedelta(seconds=1)
        return self._time

    def thread(self, name: str = "thread", **fields: Any) -> ThreadMetadata:
        """A thread that is not stored yet."""
        thread_id = self.names.give(self.store.generate_thread_id(self.context), name)
        return ThreadMetadata(**{"id": thread_id, "created_at": self.later(), **fields})

    def item_id(self, thread: ThreadMetadata, name: str) -> str:
        """An id that the store makes for an item."""
        return self.names.give(self.store.generate_item_id("message", thread, self.context), name)

    def message(
        self, thread: ThreadMetadata, text: str, *, item_id: str | None = None, created_at: datetime | None = None
    ) -> AssistantMessageItem:
        """An assistant message that is not stored yet, called by its text."""
        return AssistantMessageItem(
            id=item_id or self.item_id(thread, text),
            thread_id=thread.id,
            created_at=created_at or self.later(),
            content=[AssistantMessageContent(text=text)],
        )

    def attachment(self, name: str = "notes.txt", **fields: Any) -> FileAttachment:
        """An attachment that is not stored yet."""
        generate = getattr(self.raw_store, "generate_attachment_id", None)
        made = generate("text/plain", self.context) if generate else default_generate_id("attachment")
        return FileAttachment(**{"id": self.names.give(made, name), "name": name, "mime_type": "text/plain", **fields})

    # Storing

    async def saved_thread(self, name: str = "thread", **fields: Any) -> ThreadMetadata:
        """A thread, stored."""
        thread = self.thread(name, **fields)
        await self.store.save_thread(thread, context=self.context)
        return thread

    async def add(self, thread: ThreadMetadata, item: ThreadItem) -> None:
        """Store a new item."""
        await self.store.add_thread_item(thread.id, item, context=self.context)

    async def added(
        self, thread: ThreadMetadata, *texts: str, at: datetime | None = None
    ) -> list[AssistantMessageItem]:
        """Messages, stored one after the other; all created at one time when ``at`` is given."""
        messages = [self.message(thread, text, created_at=at) for text in texts]
        for message in messages:
            await self.add(thread, message)
        return messages

    async def save_attachment(self, attachment: Attachment) -> None:
        """Store an attachment; a store that has none leaves the promise unchecked."""
        try:
            await self.store.save_attachment(attachment, context=self.context)
        except NotImplementedError as error:
            raise PromiseNotChecked(
                "save_attachment raises NotImplementedError: this store has no attachments, and a page that offers"
                " them would fail"
            ) from error

    # Loading

    async def load_item(self, thread: ThreadMetadata, item_id: str) -> ThreadItem:
        """Load an item as the server does."""
        return await self.store.load_item(thread.id, item_id, context=self.context)

    async def load_thread(self, thread_id: str) -> ThreadMetadata:
        """Load a thread as the server does."""
        return await self.store.load_thread(thread_id, context=self.context)

    async def page(
        self, thread: ThreadMetadata, *, after: str | None = None, limit: int = MANY, order: str = "asc"
    ) -> Page[ThreadItem]:
        """Load one page of items as the server does."""
        return await self.store.load_thread_items(
            thread.id, after=after, limit=limit, order=order, context=self.context
        )

    async def texts(self, thread: ThreadMetadata, order: str = "asc") -> list[str]:
        """The names of a thread's items, on one page."""
        return self.called((await self.page(thread, order=order)).data)

    async def walk(self, load: Callable[[str | None], Awaitable[Page[Any]]], most: int) -> list[Any]:
        """Every row, page by page, as ChatKit walks.

        Args:
            load: Loads the page after a cursor.
            most: No more pages than this can be right.
        """
        rows: list[Any] = []
        after: str | None = None
        for _ in range(most):
            page = await load(after)
            rows += page.data
            if not page.has_more:
                return rows
            after = page.after
        self.broken(
            expected=f"at most {most} pages",
            came_back=f"more than {most} pages, without an end: {', '.join(self.called(rows[: most + 1]))}, ...",
        )

    # Saying what is wrong

    def called(self, rows: Iterable[Any]) -> list[str]:
        """The names of rows."""
        return [self.names.of(row.id) for row in rows]

    def same(self, stored: BaseModel, loaded: Any, *, what: str | None = None) -> None:
        """Break the promise unless what came back is what was stored."""
        if found := difference(stored, loaded):
            self.broken(stored=what or f"{self.names.text(stored)} ({type(stored).__name__})", came_back=found)

    def equal(self, wanted: Sequence[str], found: Sequence[str]) -> None:
        """Break the promise unless the names are the same, in the same order."""
        if list(wanted) != list(found):
            self.broken(expected=", ".join(wanted) or "nothing", came_back=", ".join(found) or "nothing")

    async def not_found(self, what: str, call: Awaitable[Any]) -> None:
        """Break the promise unless the call raises ``NotFoundError``, or one of its subclasses."""
        try:
            found = await call
        except NotFoundError:
            return
        except Exception as error:
            self.broken(stored=what, came_back=f"{describe_exception(error)[0]}, which is no NotFoundError")
        self.broken(stored=what, came_back=f"{self.names.text(found)}, no NotFoundError")

    async def gone(self, what: str, call: Awaitable[Any]) -> None:
        """Break the promise when the call finds something; how it says that there is nothing is another promise."""
        try:
            found = await call
        except Exception:
            return
        if found is not None:
            self.broken(stored=what, came_back=self.names.text(found))

    def broken(
        self, *, came_back: str, stored: str | None = None, expected: str | None = None, test: str | None = None
    ) -> NoReturn:
        """Raise that the promise is broken.

        Args:
            came_back: What the store answered.
            stored: What it was given; or
            expected: what it should have answered.
            test: A test that shows it.
        """
        raise PromiseBroken(
            self.promise,
            stored=stored,
            expected=expected,
            came_back=came_back,
            calls=self._last_calls() if test is None else (),
            test=test,
        )

    def failed(self, error: BaseException) -> PromiseBroken:
        """The broken promise of a call that raised what it should not."""
        return PromiseBroken(
            self.promise,
            stored=self.store.lines[-1].partition(" raised ")[0] if self.store.lines else "nothing yet",
            came_back=described(error),
            calls=self._last_calls(),
        )

    def _last_calls(self, most: int = 12) -> list[str]:
        lines = self.store.lines
        return lines if len(lines) <= most else [f"... {len(lines) - most} calls before", *lines[-most:]]
