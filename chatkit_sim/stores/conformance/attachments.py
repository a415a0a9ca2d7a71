"""Promises about attachments' metadata."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from chatkit.store import NotFoundError

from . import samples
from .promise import Reliance, promise

if TYPE_CHECKING:
    from .kit import Kit


@promise(
    "attachment-loads-as-saved",
    family="attachments",
    must_hold="A saved attachment, file or image, loads with its upload descriptor, preview URL and private metadata.",
    relies=Reliance(
        "server.py",
        "(await self.store.load_attachment(attachment_id, context)).model_copy(",
        "a message names its attachments by id; they are loaded and put into the message whole",
    ),
    remedy="Store attachment.model_dump_json() and load it with TypeAdapter(Attachment).validate_json(...).",
)
async def _attachment_loads_as_saved(kit: Kit) -> None:
    for data in samples.ATTACHMENTS:
        attachment = samples.attachment(data, attachment_id=kit.attachment(data["name"]).id)
        await kit.save_attachment(attachment)
        kit.same(attachment, await kit.store.load_attachment(attachment.id, kit.context))


@promise(
    "attachment-saved-again-is-replaced",
    family="attachments",
    must_hold="Saving an attachment whose id is stored already replaces it.",
    relies=Reliance(
        "server.py",
        "await self.store.save_attachment(attachment, context=context)",
        "an attachment is saved when it is announced, when it is uploaded (its upload descriptor goes), and when a"
        " message is sent with it",
    ),
    remedy="Upsert by id: INSERT ... ON CONFLICT (id) DO UPDATE SET data = EXCLUDED.data.",
)
async def _attachment_saved_again_is_replaced(kit: Kit) -> None:
    announced = samples.attachment(samples.ATTACHMENTS[1], attachment_id=kit.attachment("notes.txt").id)
    await kit.save_attachment(announced)
    uploaded = announced.model_copy(update={"upload_descriptor": None, "metadata": {"scan": "clean"}})
    await kit.save_attachment(uploaded)
    kit.same(
        uploaded, await kit.store.load_attachment(announced.id, kit.context), what="the attachment, again, uploaded"
    )


@promise(
    "attachment-keeps-its-thread",
    family="attachments",
    must_hold="The thread_id that an attachment is given with its message is stored.",
    relies=Reliance(
        "server.py",
        "# Store the updated attachments (now that they have a thread id).",
        "apps find the files of a thread by it: to check access, and to delete them with the thread",
    ),
    remedy="Write thread_id on every save, not only when the attachment is new.",
)
async def _attachment_keeps_its_thread(kit: Kit) -> None:
    thread = await kit.saved_thread()
    attachment = kit.attachment()
    await kit.save_attachment(attachment)
    await kit.save_attachment(attachment.model_copy(update={"thread_id": thread.id}))
    loaded = await kit.store.load_attachment(attachment.id, kit.context)
    if loaded.thread_id != thread.id:
        kit.broken(stored="the attachment, again, with thread_id", came_back=f"thread_id={loaded.thread_id!r}")


@promise(
    "unknown-attachment-is-not-found",
    family="attachments",
    must_hold="load_attachment raises chatkit.store.NotFoundError for an attachment that is not there.",
    relies=Reliance(
        "server.py",
        "for attachment_id in input.attachments",
        "a page sends any ids it likes with a message; None would fail further on, in ChatKit's own code",
    ),
    remedy="Raise NotFoundError from chatkit.store when no row is found.",
)
async def _unknown_attachment_is_not_found(kit: Kit) -> None:
    await kit.save_attachment(kit.attachment("some file"))
    unknown = kit.attachment("unknown file")
    await kit.not_found("another attachment", kit.store.load_attachment(unknown.id, kit.context))


@promise(
    "deleted-attachment-is-gone",
    family="attachments",
    must_hold="A deleted attachment is not loaded any more; the others stay; deleting it twice is harmless.",
    relies=Reliance(
        "server.py",
        "await self.store.delete_attachment(",
        "attachments.delete answers that all went well; the file could still be sent with a message",
    ),
    remedy="DELETE FROM attachments WHERE id = ... and commit; where nothing was deleted, return, or raise"
    " NotFoundError.",
)
async def _deleted_attachment_is_gone(kit: Kit) -> None:
    attachment, other = kit.attachment("deleted file"), kit.attachment("other file")
    await kit.save_attachment(attachment)
    await kit.save_attachment(other)
    await kit.store.delete_attachment(attachment.id, context=kit.context)
    await kit.gone("nothing: it was deleted", kit.store.load_attachment(attachment.id, kit.context))
    with suppress(NotFoundError):  # that it is not there is a fair answer too
        await kit.store.delete_attachment(attachment.id, context=kit.context)
    kit.same(other, await kit.store.load_attachment(other.id, kit.context))


@promise(
    "attachments-are-copies",
    family="copies",
    must_hold="Changing an attachment after it was saved or loaded does not change what is stored.",
    relies=Reliance(
        "server.py",
        'update={"thread_id": thread.id}',
        "an attachment is loaded for a message, changed, and saved later, or never when the message fails",
    ),
    remedy="Keep JSON, or deep copies in both directions.",
)
async def _attachments_are_copies(kit: Kit) -> None:
    attachment = kit.attachment(metadata={"list": ["before"]})
    wanted = attachment.model_copy(deep=True)
    await kit.save_attachment(attachment)
    for caller in (attachment, await kit.store.load_attachment(attachment.id, kit.context)):
        caller.name = "changed"
        (caller.metadata or {})["list"].append("after")
        kit.same(
            wanted,
            await kit.store.load_attachment(attachment.id, kit.context),
            what="the attachment; then the caller's object was changed",
        )


PROMISES = (
    _attachment_loads_as_saved,
    _attachment_saved_again_is_replaced,
    _attachment_keeps_its_thread,
    _unknown_attachment_is_not_found,
    _deleted_attachment_is_gone,
    _attachments_are_copies,
)
