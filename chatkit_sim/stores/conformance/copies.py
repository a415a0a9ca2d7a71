"""Promises about objects: a store and its callers share none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.types import HiddenContextItem

from .promise import Reliance, promise

if TYPE_CHECKING:
    from .kit import Kit

_COPY_IN = "Keep JSON, or a deep copy: item.model_copy(deep=True) before it goes in."
_COPY_OUT = "Make the object anew for each load: validate the stored JSON, or model_copy(deep=True)."


@promise(
    "saved-thread-is-a-copy",
    family="copies",
    must_hold="Changing a thread after it was saved does not change what is stored.",
    relies=Reliance(
        "server.py",
        "if thread != last_thread:",
        "respond() changes its thread while it streams; what it changes is stored by save_thread, or not at all when"
        " the turn fails",
    ),
    remedy=_COPY_IN,
)
async def _saved_thread_is_a_copy(kit: Kit) -> None:
    thread = await kit.saved_thread(title="before", metadata={"list": ["before"]})
    wanted = thread.model_copy(deep=True)
    thread.title = "after"
    thread.metadata["list"].append("after")
    kit.same(wanted, await kit.load_thread(thread.id), what="the thread; then the caller's object was changed")


@promise(
    "loaded-thread-is-a-copy",
    family="copies",
    must_hold="Changing a loaded thread does not change what is stored.",
    relies=Reliance(
        "server.py",
        "thread.title = request.params.title",
        "every request loads the thread for itself; with one object for all, two streams write into each other's"
        " thread, and what was never saved is shown",
    ),
    remedy=_COPY_OUT,
)
async def _loaded_thread_is_a_copy(kit: Kit) -> None:
    thread = await kit.saved_thread(title="before", metadata={"list": ["before"]})
    wanted = thread.model_copy(deep=True)
    listed = await kit.store.load_threads(limit=20, after=None, order="desc", context=kit.context)
    for loaded in (await kit.load_thread(thread.id), *listed.data):
        if loaded.id == thread.id:
            loaded.title = "after"
            loaded.metadata.setdefault("list", []).append("after")
    listed.data.clear()
    kit.same(wanted, await kit.load_thread(thread.id), what="the thread; then a loaded one was changed")
    again = await kit.store.load_threads(limit=20, after=None, order="desc", context=kit.context)
    kit.equal(["thread"], kit.called(found for found in again.data if found.id == thread.id))


@promise(
    "saved-item-is-a-copy",
    family="copies",
    must_hold="Changing an item after it was added or saved does not change what is stored.",
    relies=Reliance(
        "agents.py",
        "item.workflow.expanded = False",
        "the Agents SDK bridge goes on changing workflows and images that were stored; a cancelled turn would leave"
        " half-changed items",
    ),
    remedy=_COPY_IN,
)
async def _saved_item_is_a_copy(kit: Kit) -> None:
    thread = await kit.saved_thread()
    added, saved = _context(kit, "added"), _context(kit, "saved")
    await kit.add(thread, added)
    await kit.add(thread, saved.model_copy(deep=True))
    await kit.store.save_item(thread.id, saved, context=kit.context)
    for item in (added, saved):
        wanted = item.model_copy(deep=True)
        item.content["list"].append("after")
        kit.same(wanted, await kit.load_item(thread, item.id), what="the item; then the caller's object was changed")


@promise(
    "loaded-item-is-a-copy",
    family="copies",
    must_hold="Changing a loaded item or page does not change what is stored.",
    relies=Reliance(
        "server.py",
        "items.data = [item for item in items.data if not is_hidden(item)]",
        "ChatKit changes what it loads: it takes hidden items out of pages, and sets a tool call's output before it"
        " saves it",
    ),
    remedy=_COPY_OUT,
)
async def _loaded_item_is_a_copy(kit: Kit) -> None:
    thread = await kit.saved_thread()
    item = _context(kit, "item")
    await kit.add(thread, item)
    wanted = item.model_copy(deep=True)
    page = await kit.page(thread)
    for loaded in (await kit.load_item(thread, item.id), page.data[0]):
        if isinstance(loaded, HiddenContextItem):
            loaded.content["list"].append("after")
    page.data.clear()
    kit.same(wanted, await kit.load_item(thread, item.id), what="the item; then a loaded one was changed")
    again = await kit.page(thread)
    kit.equal(["item"], kit.called(again.data))
    kit.same(wanted, again.data[0], what="the item; then a loaded one was changed")


def _context(kit: Kit, name: str) -> HiddenContextItem:
    thread = kit.thread("unsaved thread")
    return HiddenContextItem(
        id=kit.item_id(thread, name), thread_id=thread.id, created_at=kit.later(), content={"list": ["before"]}
    )


PROMISES = (_saved_thread_is_a_copy, _loaded_thread_is_a_copy, _saved_item_is_a_copy, _loaded_item_is_a_copy)
