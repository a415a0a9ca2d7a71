"""Promises about many calls at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .promise import Reliance, promise

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chatkit.types import AssistantMessageItem, ThreadMetadata

    from .kit import Kit

_WRITERS = 10
_BOTH_AT_ONCE = "a title task, a second tab, a server tool and the stream itself write to one thread at once"
_ATOMIC = (
    "Change one row with one statement, in a transaction of its own; where a whole document is read, changed and"
    " written back, hold a lock (asyncio.Lock for each thread, SELECT ... FOR UPDATE) from the read to the write."
)


@promise(
    "concurrent-adds-are-all-kept",
    family="concurrency",
    must_hold="Items added to one thread at the same time are all stored, each once.",
    relies=Reliance("server.py", "await self.store.add_thread_item(thread.id, item, context=context)", _BOTH_AT_ONCE),
    remedy=_ATOMIC,
)
async def _concurrent_adds_are_all_kept(kit: Kit) -> None:
    thread = await kit.saved_thread()
    messages = [kit.message(thread, f"message {number}") for number in range(2 * _WRITERS)]

    async def write(own: list[AssistantMessageItem]) -> None:
        for message in own:
            await kit.add(thread, message)

    await together(*(write(messages[number::_WRITERS]) for number in range(_WRITERS)))
    found = await kit.texts(thread)
    if sorted(found) != sorted(kit.called(messages)):
        kit.equal(kit.called(messages), found)
    kit.equal(found[::-1], await kit.texts(thread, "desc"))


@promise(
    "concurrent-threads-stay-apart",
    family="concurrency",
    must_hold="Threads that are written at the same time keep their own items, each in its own order.",
    relies=Reliance(
        "server.py",
        "return StreamingResult(self._process_streaming(parsed_request, context))",
        "one server, with one store, streams to many users at once",
    ),
    remedy="Keep nothing of a call in the store object (a current thread, a shared cursor or session); give each call"
    " its own connection or session.",
)
async def _concurrent_threads_stay_apart(kit: Kit) -> None:
    texts = ("first", "second", "third")

    async def converse(name: str) -> ThreadMetadata:
        thread = await kit.saved_thread(name, title=name)
        await kit.added(thread, *texts)
        return thread

    threads = await together(*(converse(f"thread {number}") for number in range(_WRITERS)))
    for thread in threads:
        kit.same(thread, await kit.load_thread(thread.id))
        kit.equal(texts, await kit.texts(thread))


@promise(
    "concurrent-saves-leave-one",
    family="concurrency",
    must_hold="One item, or thread, that is saved many times at once is stored once, as one of the calls gave it.",
    relies=Reliance(
        "server.py",
        "await self.store.save_item(thread.id, tool_call, context=context)",
        "a page that posts a client tool's output twice, from two tabs, saves one id at once",
    ),
    remedy="A unique key and ON CONFLICT DO UPDATE; SELECT first and INSERT then is too late.",
)
async def _concurrent_saves_leave_one(kit: Kit) -> None:
    thread = kit.thread()
    titles = [f"title {number}" for number in range(_WRITERS)]
    versions = [thread.model_copy(update={"title": title}) for title in titles]
    await together(*(kit.store.save_thread(version, context=kit.context) for version in versions))
    title = (await kit.load_thread(thread.id)).title
    if title not in titles:
        kit.broken(stored=f"a thread, with {_WRITERS} titles at once", came_back=f"the title {title!r}")
    message = kit.message(thread, "message")
    await together(*(kit.store.save_item(thread.id, _reading(message, text), context=kit.context) for text in titles))
    page = await kit.page(thread)
    kit.equal(["message"], kit.called(page.data) or ["message"])  # that save_item adds is another promise
    if page.data and (text := _text(page.data[0])) not in titles:
        kit.broken(stored=f"a message, with {_WRITERS} texts at once", came_back=f"the text {text!r}")


@promise(
    "concurrent-changes-are-all-kept",
    family="concurrency",
    must_hold="Changing items, deleting others and renaming their thread at the same time loses none of the changes.",
    relies=Reliance("server.py", "if thread != last_thread:", _BOTH_AT_ONCE),
    remedy=_ATOMIC,
)
async def _concurrent_changes_are_all_kept(kit: Kit) -> None:
    thread = await kit.saved_thread(title="before")
    messages = await kit.added(thread, *(f"message {number}" for number in range(_WRITERS)))
    changed, deleted = messages[::2], messages[1::2]
    renamed = thread.model_copy(update={"title": "after"})
    await together(
        *(kit.store.save_item(thread.id, _reading(message, "after"), context=kit.context) for message in changed),
        kit.store.save_thread(renamed, context=kit.context),
        *(kit.store.delete_thread_item(thread.id, message.id, context=kit.context) for message in deleted),
    )
    kit.same(renamed, await kit.load_thread(thread.id), what="the thread, again, with another title")
    page = await kit.page(thread)
    kit.equal(kit.called(changed), kit.called(page.data))
    for message, found in zip(changed, page.data, strict=True):
        kit.same(_reading(message, "after"), found, what=f"{kit.names.of(message.id)}, again, with another text")


@promise(
    "readers-see-whole-items",
    family="concurrency",
    must_hold="A page that is loaded while others write has each item at most once, and whole.",
    relies=Reliance(
        "server.py",
        "thread_items = await self.store.load_thread_items(",
        "a second tab loads a thread while it is written",
    ),
    remedy="Read a page, with has_more, in one statement or one transaction; give each call its own cursor.",
)
async def _readers_see_whole_items(kit: Kit) -> None:
    thread = await kit.saved_thread()
    kept = await kit.added(thread, "kept 1", "kept 2", "kept 3")

    async def write(number: int) -> None:
        (message,) = await kit.added(thread, f"written {number}")
        await kit.store.save_item(thread.id, _reading(message, "again"), context=kit.context)
        await kit.store.delete_thread_item(thread.id, message.id, context=kit.context)

    async def read() -> None:
        for order in ("asc", "desc", "asc"):
            page = await kit.page(thread, order=order)
            found = kit.called(page.data)
            if len(set(found)) < len(found):
                kit.broken(stored="each item once", came_back=", ".join(found))
            old = [item for item in page.data if item.id in {message.id for message in kept}]
            kit.equal(["kept 1", "kept 2", "kept 3"][:: 1 if order == "asc" else -1], kit.called(old))
            for message, loaded in zip(kept if order == "asc" else kept[::-1], old, strict=True):
                kit.same(message, loaded)

    await together(*(write(number) for number in range(4)), *(read() for _ in range(4)))


async def together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run calls at once, wait for all of them, and raise the first exception there was."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _reading(message: AssistantMessageItem, text: str) -> AssistantMessageItem:
    return message.model_copy(update={"content": [message.content[0].model_copy(update={"text": text})]})


def _text(item: Any) -> str:
    return str(item.content[0].text)


PROMISES = (
    _concurrent_adds_are_all_kept,
    _concurrent_threads_stay_apart,
    _concurrent_saves_leave_one,
    _concurrent_changes_are_all_kept,
    _readers_see_whole_items,
)
