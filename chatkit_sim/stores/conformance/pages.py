"""Promises about pages of items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.store import NotFoundError

from .kit import MANY
from .promise import Reliance, promise

if TYPE_CHECKING:
    from chatkit.types import Page, ThreadItem, ThreadMetadata

    from .kit import Kit

_FIVE = ["one", "two", "three", "four", "five"]


@promise(
    "item-pages-join-up",
    family="pages",
    must_hold="Walking load_thread_items page by page, by `after` while has_more, shows every item once and in order.",
    relies=Reliance(
        "server.py",
        "after = items.after",
        "threads.retry_after_item walks back to the user's message so; where a page repeats or leaves out items, a"
        " retry never ends, or leaves old answers behind",
    ),
    remedy="Give as `after` the id of the page's last row, and start the next page with the row behind it.",
)
async def _item_pages_join_up(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_FIVE)
    for order in ("asc", "desc"):
        for limit in (1, 2, 3):
            kit.equal(_FIVE if order == "asc" else _FIVE[::-1], await _walked(kit, thread, limit, order))


@promise(
    "equal-times-page-well",
    family="pages",
    must_hold="Pages join up also where items were created at the same time: none is shown twice, none left out.",
    relies=Reliance(
        "server.py",
        "thread_id, after, DEFAULT_PAGE_SIZE",
        "a page that goes on with `created_at > ?` leaves out what was created at the same time as the last row;"
        " >= repeats it for ever",
    ),
    remedy="Go on behind the row, not behind its time: WHERE (created_at, seq) > (SELECT created_at, seq ... id = ?).",
)
async def _equal_times_page_well(kit: Kit) -> None:
    thread = await kit.saved_thread()
    # The first page ends among the equal ones; that they are all there counts here, not which comes first.
    await kit.added(thread, *_FIVE, at=kit.later())
    for order in ("asc", "desc"):
        walked = await _walked(kit, thread, 2, order)
        if sorted(walked) != sorted(_FIVE):
            kit.equal(_FIVE, walked)


@promise(
    "pages-keep-to-their-limit",
    family="pages",
    must_hold="A page has as many items as were asked for: never more than `limit`, and not fewer while more follow.",
    relies=Reliance(
        "server.py",
        'thread.id, None, 1, "desc", context',
        "ChatKit asks for the newest one or two items and looks at nothing else",
    ),
    remedy="Load limit + 1 rows to know has_more, and give limit of them.",
)
async def _pages_keep_to_their_limit(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_FIVE)
    for limit in (1, 2, 4, 5, 6):
        kit.equal(_FIVE[:limit], kit.called((await kit.page(thread, limit=limit)).data))
    kit.equal(["five"], kit.called((await kit.page(thread, limit=1, order="desc")).data))


@promise(
    "has-more-says-whether-more-follows",
    family="pages",
    must_hold="has_more is true when items follow the page, and false when its last item is the last of all.",
    relies=Reliance(
        "server.py",
        "if not items.has_more:",
        "ChatKit and the page go on while it is true: too often true asks for empty pages, too often false loses items",
    ),
    remedy="Load limit + 1 rows: has_more = len(rows) > limit.",
)
async def _has_more_says_whether_more_follows(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_FIVE)
    for limit in (1, 4, 5, 6, MANY):
        page = await kit.page(thread, limit=limit)
        follows = limit < len(_FIVE)
        if page.has_more is not follows:
            kit.broken(stored=f"five items, of which {limit} were asked for", came_back=f"has_more={page.has_more!r}")


@promise(
    "empty-thread-has-an-empty-page",
    family="pages",
    must_hold="A thread without items gives an empty page without has_more.",
    relies=Reliance(
        "agents.py",
        "last_item = items.data[0] if len(items.data) > 0 else None",
        "a new thread is asked for its items before it has any",
    ),
    remedy="Give Page(data=[], has_more=False).",
)
async def _empty_thread_has_an_empty_page(kit: Kit) -> None:
    thread = await kit.saved_thread()
    for order in ("asc", "desc"):
        page = await kit.page(thread, order=order, limit=20)
        if page.data or page.has_more:
            kit.broken(stored="a thread without items", came_back=kit.names.text(page))


@promise(
    "deleted-cursor-does-not-start-over",
    family="pages",
    must_hold="A page after an item that was deleted meanwhile goes on behind it, is empty, or raises NotFoundError.",
    relies=Reliance(
        "server.py",
        "after=items_list_params.after",
        "an item may be deleted, by a retry in another tab, between two pages; a store that then gives the first page"
        " again shows everything twice, or walks for ever",
    ),
    remedy="Where the row of the cursor is not found, raise NotFoundError; do not leave the condition out.",
)
async def _deleted_cursor_does_not_start_over(kit: Kit) -> None:
    thread = await kit.saved_thread()
    _, second, *_ = await kit.added(thread, *_FIVE)
    page = await kit.page(thread, limit=2)
    await kit.store.delete_thread_item(thread.id, second.id, context=kit.context)
    try:
        following = kit.called((await kit.page(thread, after=page.after, limit=2)).data)
    except NotFoundError:
        return
    if not set(following) <= {"three", "four", "five"}:
        kit.broken(stored="one, (two, deleted), three, four, five", came_back=f"after two: {', '.join(following)}")


@promise(
    "growing-thread-pages-well",
    family="pages",
    must_hold="A walk from the newest item on shows nothing twice when an item is added between two pages.",
    relies=Reliance(
        "server.py",
        "async for item in self._paginate_thread_items_reverse(",
        "items are added while the page, or a retry, walks back through a thread; a store that counts rows (OFFSET)"
        " repeats them",
    ),
    remedy="Let the cursor name a row, not a number of rows: no OFFSET.",
)
async def _growing_thread_pages_well(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_FIVE)
    page = await kit.page(thread, limit=2, order="desc")
    await kit.added(thread, "added meanwhile")
    rest = await kit.page(thread, after=page.after, order="desc")
    walked = kit.called([*page.data, *rest.data])
    kit.equal(["five", "four", "three", "two", "one"], walked)


@promise(
    "called-as-the-server-calls",
    family="pages",
    must_hold="Loading takes its arguments by position and by name, in the order and with the names of Store.",
    relies=Reliance(
        "agents.py",
        'thread.id, None, 2, "desc", context.request_context',
        "ChatKit calls load_thread_items by position in some places and by name in others",
    ),
    remedy="Copy the signatures of chatkit.store.Store as they are.",
)
async def _called_as_the_server_calls(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, "one", "two")
    by_position = await kit.store.load_thread_items(thread.id, None, 1, "desc", kit.context)
    kit.equal(["two"], kit.called(by_position.data)[:1])
    await kit.store.add_thread_item(thread.id, kit.message(thread, "three"), kit.context)
    kit.equal(["one", "two", "three"], await kit.texts(thread))
    kit.same(thread, await kit.store.load_thread(thread.id, kit.context))


async def _walked(kit: Kit, thread: ThreadMetadata, limit: int, order: str) -> list[str]:
    async def load(after: str | None) -> Page[ThreadItem]:
        return await kit.page(thread, after=after, limit=limit, order=order)

    # One page more than is needed: a store whose has_more is once too often true breaks another promise.
    return kit.called(await kit.walk(load, len(_FIVE) // limit + 2))


PROMISES = (
    _item_pages_join_up,
    _equal_times_page_well,
    _pages_keep_to_their_limit,
    _has_more_says_whether_more_follows,
    _empty_thread_has_an_empty_page,
    _deleted_cursor_does_not_start_over,
    _growing_thread_pages_well,
    _called_as_the_server_calls,
)
