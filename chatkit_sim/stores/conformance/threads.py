"""Promises about threads."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatkit.store import NotFoundError
from chatkit.types import ClosedStatus, LockedStatus, Page, Thread

from .kit import MANY
from .promise import Reliance, promise

if TYPE_CHECKING:
    from chatkit.types import ThreadMetadata

    from .kit import Kit


@promise(
    "thread-loads-as-saved",
    family="threads",
    must_hold="A saved thread loads with the title, status, image domains and metadata it was saved with.",
    relies=Reliance(
        "server.py",
        "thread=self._to_thread_response(thread)",
        "what was loaded is what the page shows; a lost status unlocks a locked thread, lost metadata is an app's own"
        " state (such as previous_response_id) gone",
    ),
    remedy="Store the whole thread, for example as JSON: thread.model_dump_json().",
)
async def _thread_loads_as_saved(kit: Kit) -> None:
    for thread in (
        kit.thread("untitled thread"),
        kit.thread("titled thread", title="Shopping", allowed_image_domains=["images.example.com"]),
        kit.thread(
            "locked thread", status=LockedStatus(reason="Under review"), metadata={"previous_response_id": "r1"}
        ),
        kit.thread("closed thread", status=ClosedStatus(reason=None)),
    ):
        await kit.store.save_thread(thread, context=kit.context)
        kit.same(thread, await kit.load_thread(thread.id))


@promise(
    "thread-saved-again-is-replaced",
    family="threads",
    must_hold="Saving a thread whose id is stored already replaces it, and it stays one thread.",
    relies=Reliance(
        "server.py",
        "thread.title = request.params.title",
        "a thread is loaded, changed and saved again: for a new title, and whenever respond() changed it; a store that"
        " only inserts fails there, or lists the thread twice",
    ),
    remedy="Upsert by id: INSERT ... ON CONFLICT (id) DO UPDATE SET data = EXCLUDED.data.",
)
async def _thread_saved_again_is_replaced(kit: Kit) -> None:
    thread = await kit.saved_thread(title="before")
    changed = thread.model_copy(update={"title": "after", "metadata": {"changed": True}})
    await kit.store.save_thread(changed, context=kit.context)
    kit.same(changed, await kit.load_thread(thread.id), what='the thread, again, with the title "after"')
    listed = [found for found in await _listed(kit, "desc") if found.id == thread.id]
    kit.equal(["thread"], kit.called(listed))


@promise(
    "unknown-thread-is-not-found",
    family="threads",
    must_hold="load_thread raises chatkit.store.NotFoundError for a thread that is not there.",
    relies=Reliance(
        "server.py",
        "thread_meta = await self.store.load_thread(thread_id, context=context)",
        "the app answers a stale link or another user's id by catching NotFoundError; None, or another exception,"
        " becomes a crash further on",
    ),
    remedy="Raise NotFoundError from chatkit.store when no row is found.",
)
async def _unknown_thread_is_not_found(kit: Kit) -> None:
    await kit.saved_thread("some thread")
    unknown = kit.thread("unknown thread")
    await kit.not_found("another thread, not this one", kit.load_thread(unknown.id))


@promise(
    "threads-are-listed",
    family="threads",
    must_hold="load_threads lists every saved thread once, as it was saved, and desc starts with the newest.",
    relies=Reliance(
        "server.py",
        "threads = await self.store.load_threads(",
        "the page fills its history with one threads.list request, newest first; a missing thread cannot be opened",
    ),
    remedy="ORDER BY created_at, with the order of insertion behind it, ASC or DESC as asked.",
)
async def _threads_are_listed(kit: Kit) -> None:
    threads = [await kit.saved_thread(name, title=name) for name in ("oldest", "middle", "newest")]
    kit.equal(["newest", "middle", "oldest"], _ours(kit, await _listed(kit, "desc"), threads))
    kit.equal(["oldest", "middle", "newest"], _ours(kit, await _listed(kit, "asc"), threads))
    by_id = {found.id: found for found in await _listed(kit, "desc")}
    for thread in threads:
        kit.same(thread, by_id[thread.id])


@promise(
    "equal-threads-keep-their-order",
    family="threads",
    must_hold="Threads created at the same time are listed in the order they were saved in; desc is the exact reverse.",
    relies=Reliance(
        "server.py",
        "after=params.after",
        "pages of the history are cut from this order; where it changes between two requests, threads are shown twice"
        " or never",
    ),
    remedy="Order by created_at and then by a sequence (an IDENTITY column), both in the direction asked for.",
)
async def _equal_threads_keep_their_order(kit: Kit) -> None:
    now = kit.later()
    threads = [await kit.saved_thread(name, created_at=now) for name in ("first", "second", "third", "fourth")]
    wanted = ["first", "second", "third", "fourth"]
    kit.equal(wanted, _ours(kit, await _listed(kit, "asc"), threads))
    kit.equal(wanted[::-1], _ours(kit, await _listed(kit, "desc"), threads))


@promise(
    "thread-pages-join-up",
    family="threads",
    must_hold="Walking load_threads page by page shows every thread once, in order, with no page over its limit.",
    relies=Reliance(
        "server.py",
        "limit=params.limit or DEFAULT_PAGE_SIZE",
        "the page asks for the next threads with the `after` of the last answer for as long as has_more is true",
    ),
    remedy="Load limit + 1 rows after the cursor, give limit of them, has_more when there was one more, and as `after`"
    " the id of the last row given.",
)
async def _thread_pages_join_up(kit: Kit) -> None:
    threads = [await kit.saved_thread(name) for name in ("one", "two", "three", "four", "five")]
    for order, limit in (("asc", 1), ("desc", 2), ("desc", 5), ("asc", 7)):
        wanted = kit.called(threads if order == "asc" else threads[::-1])

        async def load(after: str | None, limit: int = limit, order: str = order) -> Page[ThreadMetadata]:
            page = await kit.store.load_threads(limit=limit, after=after, order=order, context=kit.context)
            if len(page.data) > limit:
                kit.broken(
                    stored=f"five threads, of which at most {limit} were asked for", came_back=kit.names.text(page)
                )
            return page

        # Other threads may be in the store: only ours count, but all of them are walked.
        kit.equal(wanted, _ours(kit, await kit.walk(load, MANY), threads))


@promise(
    "deleted-thread-is-gone",
    family="threads",
    must_hold="A deleted thread is neither loaded nor listed any more.",
    relies=Reliance(
        "server.py",
        "await self.store.delete_thread(",
        "threads.delete answers that all went well, and the page drops the thread; it would be back after a reload",
    ),
    remedy="DELETE FROM threads WHERE id = ... and commit; load_thread then raises NotFoundError.",
)
async def _deleted_thread_is_gone(kit: Kit) -> None:
    thread = await kit.saved_thread("deleted thread")
    await kit.store.delete_thread(thread.id, context=kit.context)
    await kit.gone("nothing: the thread was deleted", kit.load_thread(thread.id))
    kit.equal([], _ours(kit, await _listed(kit, "desc"), [thread]))


@promise(
    "deleted-thread-takes-its-items",
    family="threads",
    must_hold="delete_thread deletes the thread's items with it.",
    relies=Reliance(
        "store.py",
        '"""Delete a thread and its items."""',
        "what a user deleted must not be left in the database, nor come back by its id",
    ),
    remedy="Delete the items in the same transaction, or let the foreign key do it: ON DELETE CASCADE (SQLite needs"
    " PRAGMA foreign_keys = ON).",
)
async def _deleted_thread_takes_its_items(kit: Kit) -> None:
    thread = await kit.saved_thread("deleted thread")
    (message,) = await kit.added(thread, "hello")
    await kit.store.delete_thread(thread.id, context=kit.context)
    await kit.gone("nothing: the thread was deleted", kit.load_item(thread, message.id))
    try:
        left = await kit.texts(thread)
    except NotFoundError:
        left = []  # a store may well say that the thread itself is not there
    kit.equal([], left)


@promise(
    "deleted-thread-leaves-the-others",
    family="threads",
    must_hold="delete_thread leaves other threads and their items alone; deleting one that is not there is harmless.",
    relies=Reliance(
        "server.py",
        "request.params.thread_id, context=context",
        "threads.delete comes with any id that the page still shows, also twice from two tabs",
    ),
    remedy="Delete by thread id only; where nothing was deleted, return or raise NotFoundError.",
)
async def _deleted_thread_leaves_the_others(kit: Kit) -> None:
    thread, other = await kit.saved_thread("deleted thread"), await kit.saved_thread("other thread")
    await kit.added(other, "hello", "again")
    for _ in range(2):
        with suppress(NotFoundError):  # that it is not there is a fair answer too
            await kit.store.delete_thread(thread.id, context=kit.context)
    kit.same(other, await kit.load_thread(other.id))
    kit.equal(["hello", "again"], await kit.texts(other))


@promise(
    "whole-thread-is-saved-as-metadata",
    family="threads",
    must_hold="A Thread given to save_thread is stored as ThreadMetadata, without its items.",
    relies=Reliance(
        "server.py",
        "return Thread(**thread_meta.model_dump(), items=thread_items)",
        "a new thread reaches save_thread as a Thread when respond() gives it a title; where it is kept as it is,"
        ' threads.get_by_id raises TypeError: got multiple values for keyword argument "items", on every reload',
    ),
    remedy="In save_thread, keep ThreadMetadata(**thread.model_dump(exclude={'items'})), or leave items out of the"
    " JSON.",
)
async def _whole_thread_is_saved_as_metadata(kit: Kit) -> None:
    metadata = kit.thread("new thread", title="Shopping")
    whole = Thread(**metadata.model_dump(), items=Page(data=[kit.message(metadata, "hello")]))
    await kit.store.save_thread(whole, context=kit.context)
    loaded = [await kit.load_thread(whole.id)]
    loaded += [found for found in await _listed(kit, "desc") if found.id == whole.id]
    for found in loaded:
        if "items" in found.model_dump():
            kit.broken(stored="a Thread with one item", came_back=f"a {type(found).__name__} that has items")
    kit.same(whole, loaded[0])


async def _listed(kit: Kit, order: str) -> list[Any]:
    """All threads in the store; it may hold others than this promise's."""

    async def load(after: str | None) -> Page[ThreadMetadata]:
        return await kit.store.load_threads(limit=MANY, after=after, order=order, context=kit.context)

    return await kit.walk(load, 20)


def _ours(kit: Kit, found: list[ThreadMetadata], threads: list[ThreadMetadata]) -> list[str]:
    ids = {thread.id for thread in threads}
    return kit.called(thread for thread in found if thread.id in ids)


PROMISES = (
    _thread_loads_as_saved,
    _thread_saved_again_is_replaced,
    _unknown_thread_is_not_found,
    _threads_are_listed,
    _equal_threads_keep_their_order,
    _thread_pages_join_up,
    _deleted_thread_is_gone,
    _deleted_thread_takes_its_items,
    _deleted_thread_leaves_the_others,
    _whole_thread_is_saved_as_metadata,
)
