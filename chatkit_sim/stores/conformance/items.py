"""Promises about items: storing, replacing, deleting."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from chatkit.store import NotFoundError
from chatkit.types import ClientToolCallItem, Workflow, WorkflowItem

from .promise import Reliance, promise

if TYPE_CHECKING:
    from chatkit.types import AssistantMessageItem

    from .kit import Kit


@promise(
    "added-item-is-found",
    family="items",
    rank="first",
    must_hold="An added item is loaded by its id and listed with its thread.",
    relies=Reliance(
        "server.py",
        "await self.store.add_thread_item(thread.id, item, context=context)",
        "every message of a conversation is stored so, and the page shows it again from there after a reload",
    ),
    remedy="Write the item, and commit before add_thread_item returns.",
)
async def _added_item_is_found(kit: Kit) -> None:
    thread = await kit.saved_thread()
    (message,) = await kit.added(thread, "hello")
    kit.same(message, await kit.load_item(thread, message.id))
    page = await kit.page(thread)
    kit.equal(["hello"], kit.called(page.data))
    kit.same(message, page.data[0])


@promise(
    "saved-item-is-replaced",
    family="items",
    must_hold="save_item with the id of a stored item replaces it, and it stays one item.",
    relies=Reliance(
        "server.py",
        "await self.store.save_item(thread.id, tool_call, context=context)",
        "a client tool call is saved again with its output; where the pending one stays beside it or instead of it, the"
        " call hangs for ever",
    ),
    remedy="Upsert by id: INSERT ... ON CONFLICT (id) DO UPDATE SET data = EXCLUDED.data.",
)
async def _saved_item_is_replaced(kit: Kit) -> None:
    thread = await kit.saved_thread()
    call = ClientToolCallItem(
        id=kit.item_id(thread, "tool call"),
        thread_id=thread.id,
        created_at=kit.later(),
        call_id="call_1",
        name="pick_color",
        arguments={"of": "sky"},
    )
    await kit.add(thread, call)
    completed = call.model_copy(update={"status": "completed", "output": {"color": "blue"}})
    await kit.store.save_item(thread.id, completed, context=kit.context)
    kit.same(completed, await kit.load_item(thread, call.id), what="the tool call, again, as completed")
    kit.equal(["tool call"], await kit.texts(thread))


@promise(
    "item-added-again-is-replaced",
    family="items",
    must_hold="add_thread_item with the id of a stored item replaces it, and it stays one item.",
    relies=Reliance(
        "agents.py",
        "thread.id, ctx.workflow_item, ctx.request_context",
        "a workflow that is open when a client tool is called is added, and added again by the next stream; a store"
        " that only inserts shows it twice, or ends the turn with an error",
    ),
    remedy="Let add_thread_item upsert by id, as save_item does.",
)
async def _item_added_again_is_replaced(kit: Kit) -> None:
    thread = await kit.saved_thread()
    workflow = WorkflowItem(
        id=kit.item_id(thread, "workflow"),
        thread_id=thread.id,
        created_at=kit.later(),
        workflow=Workflow(type="reasoning", tasks=[]),
    )
    await kit.add(thread, workflow)
    finished = workflow.model_copy(update={"workflow": workflow.workflow.model_copy(update={"expanded": True})})
    await kit.add(thread, finished)
    kit.equal(["workflow"], await kit.texts(thread))
    kit.same(finished, await kit.load_item(thread, workflow.id), what="the workflow, again, expanded")


@promise(
    "saved-item-is-added",
    family="items",
    must_hold="save_item adds an item whose id is not stored yet.",
    relies=Reliance(
        "server.py",
        "case ThreadItemReplacedEvent():",
        "thread.item.replaced may be the first that the store hears of an item (a widget shown as `added` and replaced"
        " before it was done): it must not be dropped",
    ),
    remedy="Upsert by id; an UPDATE that changes no row must INSERT.",
)
async def _saved_item_is_added(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, "first")
    message = kit.message(thread, "replacing")
    await kit.store.save_item(thread.id, message, context=kit.context)
    kit.equal(["first", "replacing"], await kit.texts(thread))
    kit.same(message, await kit.load_item(thread, message.id))


@promise(
    "replaced-item-keeps-its-place",
    family="items",
    must_hold="An item that is saved again stays where it was among the others.",
    relies=Reliance(
        "server.py",
        "yield ThreadItemReplacedEvent(item=updated_item)",
        "an answered form or a finished tool call stays in its place on the page; after a reload it would stand below"
        " what came after it, and the model would read the conversation in that order",
    ),
    remedy="Update the row; do not delete and insert it (as INSERT OR REPLACE does), which gives it a new sequence.",
)
async def _replaced_item_keeps_its_place(kit: Kit) -> None:
    thread = await kit.saved_thread()
    now = kit.later()
    first, second, _ = await kit.added(thread, "first", "second", "third", at=now)
    before = await kit.texts(thread)
    await kit.store.save_item(thread.id, _rewritten(second), context=kit.context)
    kit.equal(before, await kit.texts(thread))
    await kit.add(thread, _rewritten(first))
    kit.equal(before, list(dict.fromkeys(await kit.texts(thread))))  # that it is one item is another promise


@promise(
    "items-come-in-order",
    family="items",
    rank="first",
    must_hold="load_thread_items gives asc from the oldest to the newest item, desc from the newest to the oldest.",
    relies=Reliance(
        "server.py",
        'order="asc"',
        "the page draws a thread in the order of asc; apps give the model its history as desc, reversed",
    ),
    remedy="ORDER BY created_at, with the order of insertion behind it, ASC or DESC as asked.",
)
async def _items_come_in_order(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, "first", "second", "third")
    kit.equal(["first", "second", "third"], await kit.texts(thread))
    kit.equal(["third", "second", "first"], await kit.texts(thread, "desc"))


@promise(
    "equal-times-keep-insertion-order",
    family="items",
    must_hold="Items created at the same time come in the order they were stored in.",
    relies=Reliance(
        "agents.py",
        'thread.id, None, 2, "desc", context.request_context',
        "items made in one turn often have one created_at (coarse clocks, columns that keep seconds); the page and the"
        " model would read answers before their questions",
    ),
    remedy="Order by created_at and then by a sequence (an IDENTITY or AUTOINCREMENT column), never by id.",
)
async def _equal_times_keep_insertion_order(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_SEVERAL, at=kit.later())
    kit.equal(_SEVERAL, await kit.texts(thread))


@promise(
    "descending-is-the-exact-reverse",
    family="items",
    must_hold="order='desc' is the exact reverse of order='asc', also among items created at the same time.",
    relies=Reliance(
        "server.py",
        'thread.id, None, 1, "desc", context',
        "threads.add_client_tool_output takes the newest item for the pending client tool call; where desc puts an"
        " earlier item first, the request fails, again and again, and the conversation is stuck",
    ),
    remedy="Reverse the whole order: ORDER BY created_at DESC, seq DESC. In Python, reverse the ascending list;"
    " sorted(reverse=True) keeps ties as they were.",
)
async def _descending_is_the_exact_reverse(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, *_SEVERAL, at=kit.later())
    ascending = await kit.texts(thread)
    kit.equal(ascending[::-1], await kit.texts(thread, "desc"))
    newest = await kit.page(thread, limit=1, order="desc")
    kit.equal(ascending[-1:], kit.called(newest.data)[:1])


@promise(
    "unknown-item-is-not-found",
    family="items",
    must_hold="load_item raises chatkit.store.NotFoundError for an item that is not there.",
    relies=Reliance(
        "server.py",
        "item = await self.store.load_item(",
        "widget actions and structured input name an item by its id; None is taken for an item and fails further on",
    ),
    remedy="Raise NotFoundError from chatkit.store when no row is found.",
)
async def _unknown_item_is_not_found(kit: Kit) -> None:
    thread = await kit.saved_thread()
    await kit.added(thread, "hello")
    await kit.not_found("another item, not this one", kit.load_item(thread, kit.item_id(thread, "unknown item")))


@promise(
    "item-belongs-to-its-thread",
    family="items",
    must_hold="An item is loaded, listed and deleted only by way of the thread it was stored in.",
    relies=Reliance(
        "server.py",
        "request.params.item_id,",
        "a request names a thread and an item; with the id of another thread's item it would act on that thread",
    ),
    remedy="Look items up by thread and id: WHERE thread_id = ... AND id = ....",
)
async def _item_belongs_to_its_thread(kit: Kit) -> None:
    thread, other = await kit.saved_thread("its thread"), await kit.saved_thread("other thread")
    (message,) = await kit.added(thread, "hello")
    await kit.added(other, "in the other thread")
    await kit.gone("the item in its own thread only", kit.load_item(other, message.id))
    kit.equal(["in the other thread"], await kit.texts(other))
    with suppress(NotFoundError):
        await kit.store.delete_thread_item(other.id, message.id, context=kit.context)
    kit.equal(["hello"], await kit.texts(thread))


@promise(
    "deleted-item-is-gone",
    family="items",
    must_hold="A deleted item is neither loaded nor listed any more; the others stay.",
    relies=Reliance(
        "server.py",
        "for item in items_to_remove:",
        "a retry deletes everything after the user's message; what is left would be answered, and shown, twice",
    ),
    remedy="DELETE FROM items WHERE thread_id = ... AND id = ... and commit.",
)
async def _deleted_item_is_gone(kit: Kit) -> None:
    thread = await kit.saved_thread()
    _, second, _ = await kit.added(thread, "first", "second", "third")
    await kit.store.delete_thread_item(thread.id, second.id, context=kit.context)
    await kit.gone("nothing: the item was deleted", kit.load_item(thread, second.id))
    kit.equal(["first", "third"], await kit.texts(thread))


@promise(
    "deleting-no-item-is-quiet",
    family="items",
    must_hold="delete_thread_item does nothing, and raises nothing, for an item that is not there.",
    relies=Reliance(
        "server.py",
        "thread.id, event.item_id, context=context",
        "thread.item.removed is sent for items that were shown but never stored (by a guardrail that trips, for one);"
        " an exception there ends the turn before respond() can say what happened",
    ),
    remedy="Leave it at DELETE ... WHERE id = ...; do not check that a row was deleted.",
)
async def _deleting_no_item_is_quiet(kit: Kit) -> None:
    thread = await kit.saved_thread()
    (message,) = await kit.added(thread, "hello")
    never_stored = kit.item_id(thread, "item that was never stored")
    await kit.store.delete_thread_item(thread.id, never_stored, context=kit.context)
    kit.equal(["hello"], await kit.texts(thread))
    for _ in range(2):
        await kit.store.delete_thread_item(thread.id, message.id, context=kit.context)


# Their ids, as most stores make them, sort in another order than this with near certainty.
_SEVERAL = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _rewritten(message: AssistantMessageItem) -> AssistantMessageItem:
    content = [message.content[0].model_copy(update={"text": "rewritten"})]
    return message.model_copy(update={"content": content})


PROMISES = (
    _added_item_is_found,
    _saved_item_is_replaced,
    _item_added_again_is_replaced,
    _saved_item_is_added,
    _replaced_item_keeps_its_place,
    _items_come_in_order,
    _equal_times_keep_insertion_order,
    _descending_is_the_exact_reverse,
    _unknown_item_is_not_found,
    _item_belongs_to_its_thread,
    _deleted_item_is_gone,
    _deleting_no_item_is_quiet,
)
