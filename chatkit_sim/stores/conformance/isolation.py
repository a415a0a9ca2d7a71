"""Promises about users: what one does must not touch, nor show, what is another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .kit import MANY
from .promise import PromiseNotChecked, Reliance, promise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from chatkit.types import AssistantMessageItem, ThreadMetadata

    from .kit import Kit

_BY_ID = "request.params.thread_id, context=context"
_REMEDY = "Put the user of the context into every statement: WHERE id = ... AND user_id = ...."


@promise(
    "others-do-not-load-the-thread",
    family="isolation",
    two_users=True,
    must_hold="load_thread gives a user nothing of another user's thread.",
    relies=Reliance(
        "server.py", _BY_ID, "every request names a thread by its id, and ChatKit checks no more than the store does"
    ),
    remedy=_REMEDY,
)
async def _others_do_not_load_the_thread(kit: Kit) -> None:
    other, (thread, _) = _other(kit), await _theirs(kit)
    loaded = await _tried(kit.store.load_thread(thread.id, context=other))
    if loaded is not None:
        kit.broken(stored="a thread of one user", came_back=f"to the other user: {kit.names.text(loaded)}")


@promise(
    "others-do-not-list-the-thread",
    family="isolation",
    two_users=True,
    must_hold="load_threads lists a user's own threads only.",
    relies=Reliance(
        "server.py",
        "threads = await self.store.load_threads(",
        "the history that the page shows comes from it as it is",
    ),
    remedy=_REMEDY,
)
async def _others_do_not_list_the_thread(kit: Kit) -> None:
    other, (thread, _) = _other(kit), await _theirs(kit)
    page = await _tried(kit.store.load_threads(limit=MANY, after=None, order="desc", context=other))
    shown = [found.id for found in page.data] if page else []
    if thread.id in shown:
        kit.broken(stored="a thread of one user", came_back=f"in the other user's list: {kit.names.of(thread.id)}")


@promise(
    "others-do-not-load-the-items",
    family="isolation",
    two_users=True,
    must_hold="load_thread_items and load_item give a user nothing of another user's thread.",
    relies=Reliance(
        "server.py",
        "items_list_params.thread_id,",
        "items.list asks for the items of any thread, without loading the thread",
    ),
    remedy=_REMEDY,
)
async def _others_do_not_load_the_items(kit: Kit) -> None:
    other, (thread, message) = _other(kit), await _theirs(kit)
    page = await _tried(kit.store.load_thread_items(thread.id, after=None, limit=20, order="asc", context=other))
    item = await _tried(kit.store.load_item(thread.id, message.id, context=other))
    found = [*(page.data if page else []), *([item] if item else [])]
    if found:
        kit.broken(stored="an item of one user", came_back=f"to the other user: {', '.join(kit.called(found))}")


@promise(
    "others-do-not-change-the-thread",
    family="isolation",
    two_users=True,
    must_hold="save_thread with the id of another user's thread changes nothing there, not even whose it is.",
    relies=Reliance(
        "server.py",
        "await self.store.save_thread(thread, context=context)",
        "an upsert by id alone overwrites, or takes over",
    ),
    remedy="ON CONFLICT (id) DO UPDATE ... WHERE threads.user_id = EXCLUDED.user_id; never SET user_id.",
)
async def _others_do_not_change_the_thread(kit: Kit) -> None:
    other, (thread, message) = _other(kit), await _theirs(kit)
    taken = thread.model_copy(update={"title": "changed by the other user"})
    await _tried(kit.store.save_thread(taken, context=other))
    await _unchanged(kit, thread, [message])


@promise(
    "others-do-not-change-the-items",
    family="isolation",
    two_users=True,
    must_hold="add_thread_item and save_item put nothing into another user's thread, and replace nothing there.",
    relies=Reliance(
        "server.py",
        "await self.store.add_thread_item(thread.id, item, context=context)",
        "an app that adds items outside of a request's thread, or another user's id, must not write there",
    ),
    remedy=f"{_REMEDY} Check that the thread is the user's before an INSERT.",
)
async def _others_do_not_change_the_items(kit: Kit) -> None:
    other, (thread, message) = _other(kit), await _theirs(kit)
    rewritten = kit.message(thread, "changed by the other user", item_id=message.id)
    slipped_in = kit.message(thread, "slipped in by the other user")
    await _tried(kit.store.save_item(thread.id, rewritten, context=other))
    await _tried(kit.store.add_thread_item(thread.id, slipped_in, context=other))
    await _unchanged(kit, thread, [message])


@promise(
    "others-do-not-delete",
    family="isolation",
    two_users=True,
    must_hold="delete_thread and delete_thread_item delete nothing of another user's.",
    relies=Reliance(
        "server.py",
        "await self.store.delete_thread(",
        "threads.delete is handed to the store without loading the thread first",
    ),
    remedy=_REMEDY,
)
async def _others_do_not_delete(kit: Kit) -> None:
    other, (thread, message) = _other(kit), await _theirs(kit)
    await _tried(kit.store.delete_thread_item(thread.id, message.id, context=other))
    await _tried(kit.store.delete_thread(thread.id, context=other))
    await _unchanged(kit, thread, [message])


@promise(
    "others-do-not-load-the-attachment",
    family="isolation",
    two_users=True,
    must_hold="load_attachment gives a user nothing of another user's attachments.",
    relies=Reliance(
        "server.py",
        "for attachment_id in input.attachments",
        "any id may be sent with a message, and what is loaded is shown to whoever sent it",
    ),
    remedy=_REMEDY,
)
async def _others_do_not_load_the_attachment(kit: Kit) -> None:
    other = _other(kit)
    attachment = kit.attachment("private.txt")
    await kit.save_attachment(attachment)
    loaded = await _tried(kit.store.load_attachment(attachment.id, other))
    if loaded is not None:
        kit.broken(stored="an attachment of one user", came_back=f"to the other user: {kit.names.text(loaded)}")


@promise(
    "others-do-not-change-the-attachment",
    family="isolation",
    two_users=True,
    must_hold="save_attachment and delete_attachment change nothing of another user's attachments.",
    relies=Reliance(
        "server.py", "request.params.attachment_id, context=context", "attachments.delete names any id it likes"
    ),
    remedy=_REMEDY,
)
async def _others_do_not_change_the_attachment(kit: Kit) -> None:
    other = _other(kit)
    attachment = kit.attachment("private.txt")
    await kit.save_attachment(attachment)
    changed = attachment.model_copy(update={"name": "changed by the other user"})
    await _tried(kit.store.save_attachment(changed, context=other))
    await _tried(kit.store.delete_attachment(attachment.id, context=other))
    kit.same(attachment, await kit.store.load_attachment(attachment.id, kit.context))


def _other(kit: Kit) -> Any:
    if kit.other_context is None:
        raise PromiseNotChecked(
            "needs a second user: give their request context as the fixture chatkit_other_context"
            " (other_context= of check_promise)"
        )
    return kit.other_context


async def _theirs(kit: Kit) -> tuple[ThreadMetadata, AssistantMessageItem]:
    thread = await kit.saved_thread("private thread", title="private")
    (message,) = await kit.added(thread, "private message")
    return thread, message


async def _tried(call: Awaitable[Any]) -> Any:
    """What the other user gets; a store may refuse with any exception it likes."""
    try:
        return await call
    except Exception:
        return None


async def _unchanged(kit: Kit, thread: ThreadMetadata, messages: Iterable[AssistantMessageItem]) -> None:
    kit.same(thread, await kit.load_thread(thread.id), what="a thread of one user; then the other user tried")
    wanted = list(messages)
    page = await kit.page(thread)
    kit.equal(kit.called(wanted), kit.called(page.data))
    for message, found in zip(wanted, page.data, strict=True):
        kit.same(message, found, what="an item of one user; then the other user tried")


PROMISES = (
    _others_do_not_load_the_thread,
    _others_do_not_list_the_thread,
    _others_do_not_load_the_items,
    _others_do_not_change_the_thread,
    _others_do_not_change_the_items,
    _others_do_not_delete,
    _others_do_not_load_the_attachment,
    _others_do_not_change_the_attachment,
)
