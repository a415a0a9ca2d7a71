"""Reading a thread back through the server, page by page, as the web client does."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from chatkit.types import Page, Thread, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from ..recording.reload import Reading, Reload
from ..wire import Request
from ..wire import requests as wire

ModelT = TypeVar("ModelT")
Order = Literal["asc", "desc"]
Ask = Callable[[Request], Awaitable[bytes]]
_THREAD: TypeAdapter[Thread] = TypeAdapter(Thread)
_ITEMS: TypeAdapter[Page[ThreadItem]] = TypeAdapter(Page[ThreadItem])
_ORDERS: tuple[Order, ...] = ("asc", "desc")
_PAGES = 3  # with small pages: a first, a middle and a last one


async def read_back(thread_id: str, ask: Ask) -> Reload:
    """Read a thread in every way that the client may: opened anew, listed in both orders, in small pages."""
    thread, opened = await open_thread(thread_id, ask)
    small = max(1, -(-len(opened.items) // _PAGES))
    others = [await _list(thread_id, ask, order, limit) for limit in (None, small) for order in _ORDERS]
    return Reload(thread, opened, tuple(others))


async def open_thread(thread_id: str, ask: Ask) -> tuple[ThreadMetadata | None, Reading]:
    """``threads.get_by_id``, and the pages after the first 20 items; exceptions are kept in the reading."""
    how = "threads.get_by_id"
    try:
        thread = _parse(_THREAD, await ask(wire.get_thread(thread_id)))
    except Exception as error:
        return None, Reading(how, failed=error)
    metadata = ThreadMetadata(**thread.model_dump(exclude={"items"}))
    return metadata, await _follow(how, thread.items, thread_id, ask, "asc", None)


async def _list(thread_id: str, ask: Ask, order: Order, limit: int | None) -> Reading:
    how = f"items.list {order}" + (f", {limit} a page" if limit else "")
    try:
        first = _parse(_ITEMS, await ask(wire.list_items(thread_id, order=order, limit=limit)))
    except Exception as error:
        return Reading(how, failed=error)
    return await _follow(how, first, thread_id, ask, order, limit)


async def _follow(
    how: str, page: Page[ThreadItem], thread_id: str, ask: Ask, order: Order, limit: int | None
) -> Reading:
    items = list(page.data)
    cursors: set[str] = set()
    while page.has_more:
        if not page.after:
            return Reading(how, tuple(items), problem="a page says has_more without an `after` to go on from")
        if page.after in cursors:
            return Reading(how, tuple(items), problem=f"the page after {page.after!r} leads back to itself")
        cursors.add(page.after)
        try:
            page = _parse(_ITEMS, await ask(wire.list_items(thread_id, order=order, after=page.after, limit=limit)))
        except Exception as error:
            return Reading(how, tuple(items), failed=error)
        items += page.data
    return Reading(how, tuple(items))


def _parse(adapter: TypeAdapter[ModelT], body: bytes) -> ModelT:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # chatkit warns of every named widget it reads
        return adapter.validate_json(body)
