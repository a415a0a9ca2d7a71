"""Promises of attachment stores, for two-phase and for direct upload."""

from __future__ import annotations

import asyncio
import inspect
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatkit.store import AttachmentStore, NotFoundError
from chatkit.types import AttachmentCreateParams

from ..encoding import decode_attachment
from ..memory import MemoryStore
from .checking import PATIENCE, StoreReport, report, try_promise
from .compare import short
from .kit import Kit, described
from .opening import opened_attachment_store, opened_context, opened_store
from .promise import Promise, PromiseNotChecked, Reliance, promise

if TYPE_CHECKING:
    from chatkit.store import Store
    from chatkit.types import Attachment

_CREATE = Reliance(
    "server.py",
    "attachment = await attachment_store.create_attachment(",
    "attachments.create answers with what create_attachment gives: the page uploads to its upload_descriptor, and sends"
    " its id with the message",
)
_DELETE = Reliance(
    "server.py",
    "await attachment_store.delete_attachment(",
    "attachments.delete deletes here first and in the Store then; what this raises keeps the metadata for ever",
)


class AttachmentKit(Kit):
    """What a promise of an attachment store is checked with.

    Args:
        promise: The promise.
        uploads: The attachment store.
        store: The server's store.
        context: The request context of the user.
        other_context: That of another user, or ``None``.
        upload: The app's direct upload, ``(attachment_store, context) -> Attachment``, sync or async; or ``None``.
    """

    def __init__(
        self,
        promise: Promise,
        uploads: AttachmentStore[Any],
        store: Store[Any],
        context: Any,
        other_context: Any = None,
        upload: Any = None,
    ) -> None:
        super().__init__(promise, store, context, other_context)
        self.uploads = uploads
        self._upload = upload

    async def announced(self, name: str = "notes.txt", mime_type: str = "text/plain", size: int = 5) -> Attachment:
        """An attachment by two-phase upload; not checked where that is not offered."""
        try:
            return await self.uploads.create_attachment(
                AttachmentCreateParams(name=name, size=size, mime_type=mime_type), self.context
            )
        except NotImplementedError as error:
            raise PromiseNotChecked("create_attachment is not there: this store is for direct upload only") from error

    async def uploaded(self) -> Attachment:
        """An attachment by direct upload; not checked where no upload was given."""
        if self._upload is None:
            raise PromiseNotChecked(
                "needs the app's direct upload: a fixture chatkit_upload (upload= of check_attachment_promise) that"
                " gives a function (attachment_store, context) -> Attachment"
            )
        made = self._upload(self.uploads, self.context)
        attachment: Attachment = await made if inspect.isawaitable(made) else made
        return attachment

    async def some(self) -> Attachment:
        """An attachment, by whichever way there is."""
        try:
            return await self.announced()
        except PromiseNotChecked:
            return await self.uploaded()

    async def saved(self) -> Attachment:
        """An attachment by whichever way there is, in the store as well: the server saves what it was given at once."""
        attachment = await self.some()
        await self.save_attachment(attachment)
        return attachment

    async def delete(self, attachment_id: str, what: str, *, after: str, missing: bool = False) -> None:
        """Delete by the user's own request; what that raises breaks the promise.

        Args:
            attachment_id: The attachment.
            what: Which request this is, for the message.
            after: What had happened by then, for the message.
            missing: Whether the attachment need not be there, so that NotFoundError is an answer as well.
        """
        try:
            await self.uploads.delete_attachment(attachment_id, context=self.context)
        except Exception as error:
            if not (missing and isinstance(error, NotFoundError)):
                self.broken(stored=after, came_back=f"from {what}: {described(error)}")


@promise(
    "announced-attachment-can-be-uploaded",
    family="attachment store",
    must_hold="create_attachment gives an attachment of that name and type, with an id and an upload descriptor.",
    relies=_CREATE,
    remedy="Return FileAttachment(id=..., name=input.name, mime_type=input.mime_type,"
    " upload_descriptor=AttachmentUploadDescriptor(url=..., method='PUT')), or an ImageAttachment with preview_url.",
)
async def _announced_attachment_can_be_uploaded(kit: AttachmentKit) -> None:
    for name, mime_type in (("notes.txt", "text/plain"), ("milk.png", "image/png")):
        attachment = await kit.announced(name, mime_type)
        asked = f"{name}, {mime_type}"
        if (attachment.name, attachment.mime_type) != (name, mime_type) or not attachment.id:
            kit.broken(stored=asked, came_back=short(attachment))
        if attachment.upload_descriptor is None:
            kit.broken(stored=asked, came_back="upload_descriptor=None: the page has nowhere to upload to")


@promise(
    "uploaded-attachment-is-ready",
    family="attachment store",
    must_hold="An attachment that was uploaded directly has an id and a name, and no upload descriptor any more.",
    relies=Reliance(
        "types.py",
        "Should be set to None after upload is complete or when using direct upload",
        "with a descriptor the page would upload it once more",
    ),
    remedy="Return the attachment from the upload endpoint with upload_descriptor=None.",
)
async def _uploaded_attachment_is_ready(kit: AttachmentKit) -> None:
    attachment = await kit.uploaded()
    if attachment.upload_descriptor is not None or not attachment.id or not attachment.name:
        kit.broken(stored="a direct upload", came_back=short(attachment))


@promise(
    "odd-file-names-are-kept",
    family="attachment store",
    must_hold="create_attachment takes any file name and gives it back as it was.",
    relies=_CREATE,
    remedy="Put the id, not the name, into paths and URLs (or quote it), and keep the name as data.",
)
async def _odd_file_names_are_kept(kit: AttachmentKit) -> None:
    for name in ("notes with spaces & signs #1?.txt", "買い物.txt", "../up.txt", "no extension", f"{'long' * 50}.txt"):
        attachment = await kit.announced(name)
        if attachment.name != name:
            kit.broken(stored=repr(name), came_back=repr(attachment.name))


@promise(
    "each-upload-has-its-own-id",
    family="attachment store",
    must_hold="The same file announced many times, also at once, gives as many attachments, each with its own id.",
    relies=_CREATE,
    remedy="Draw ids from self.generate_attachment_id(mime_type, context), not from the name or the content.",
)
async def _each_upload_has_its_own_id(kit: AttachmentKit) -> None:
    ids = [(await kit.announced()).id]
    ids += [attachment.id for attachment in await asyncio.gather(*(kit.announced() for _ in range(10)))]
    if len(set(ids)) < len(ids):
        kit.broken(stored=f"{len(ids)} times the same file", came_back=", ".join(ids))


@promise(
    "attachment-ids-are-unique",
    family="attachment store",
    must_hold="generate_attachment_id gives a new text each time.",
    relies=Reliance(
        "store.py",
        "def generate_attachment_id(",
        "an id given twice overwrites an earlier file, maybe another user's",
    ),
    remedy="Draw from uuid4, in a plain (not async) method.",
)
async def _attachment_ids_are_unique(kit: AttachmentKit) -> None:
    made: list[Any] = [kit.uploads.generate_attachment_id("text/plain", kit.context) for _ in range(100)]
    for coroutine in filter(inspect.iscoroutine, made):
        coroutine.close()
    if not all(isinstance(one, str) and one for one in made) or len(set(made)) < len(made):
        kit.broken(stored="100 calls for an id", came_back=f"{len(set(made))} different ones: {short(made)}")


@promise(
    "attachment-can-be-sent",
    family="attachment store",
    rank="first",
    must_hold="An attachment can be written as JSON and read back, and for the page without its private metadata.",
    relies=Reliance(
        "server.py",
        'context={"exclude_metadata": True}',
        "answers leave it out; a value that is no JSON raises there",
    ),
    remedy="Keep metadata to JSON: no objects, no bytes, no clients.",
)
async def _attachment_can_be_sent(kit: AttachmentKit) -> None:
    attachment = await kit.some()
    kit.same(attachment, decode_attachment(attachment.model_dump_json(by_alias=True)))
    sent = attachment.model_dump_json(by_alias=True, exclude_none=True, context={"exclude_metadata": True})
    if "metadata" in json.loads(sent):
        kit.broken(stored="private metadata", came_back=short(sent))


@promise(
    "deleted-upload-may-be-deleted-again",
    family="attachment store",
    must_hold="delete_attachment deletes an attachment; for one that is not there it returns or raises NotFoundError.",
    relies=_DELETE,
    remedy="Treat a missing file as deleted: path.unlink(missing_ok=True), or catch the client's not-found error.",
)
async def _deleted_upload_may_be_deleted_again(kit: AttachmentKit) -> None:
    attachment = await kit.saved()
    await kit.delete(attachment.id, "its owner's delete_attachment", after="an attachment")
    await kit.delete(
        attachment.id,
        "its owner's second delete_attachment",
        after="an attachment, which its owner deleted",
        missing=True,
    )
    unknown = kit.uploads.generate_attachment_id("text/plain", kit.context)
    await kit.delete(unknown, "delete_attachment of an id that no attachment has", after="nothing", missing=True)


@promise(
    "deleted-upload-leaves-the-others",
    family="attachment store",
    must_hold="delete_attachment leaves other attachments alone.",
    relies=_DELETE,
    remedy="Delete by id only; do not share a file or a folder between attachments.",
)
async def _deleted_upload_leaves_the_others(kit: AttachmentKit) -> None:
    first, second = await kit.saved(), await kit.saved()
    await kit.delete(first.id, "the owner's delete_attachment of the first", after="two attachments of one user")
    await kit.delete(
        second.id,
        "the owner's later delete_attachment of the second",
        after="two attachments of one user, who then deleted the first",
    )


@promise(
    "attachment-goes-the-servers-way",
    family="attachment store",
    must_hold="An attachment is announced, stored, sent with a message and deleted, as the server does it.",
    relies=_DELETE,
    remedy="Expect save_attachment after create_attachment, again with a thread_id, and then delete_attachment.",
)
async def _attachment_goes_the_servers_way(kit: AttachmentKit) -> None:
    thread = await kit.saved_thread()
    attachment = await kit.saved()
    loaded = await kit.store.load_attachment(attachment.id, kit.context)
    kit.same(attachment, loaded)
    sent = loaded.model_copy(update={"thread_id": thread.id})
    await kit.store.save_attachment(sent, context=kit.context)
    kit.same(sent, await kit.store.load_attachment(attachment.id, kit.context))
    await kit.uploads.delete_attachment(attachment.id, context=kit.context)
    with suppress(NotFoundError):  # where both are one object, it is gone already
        await kit.store.delete_attachment(attachment.id, context=kit.context)
    await kit.gone("nothing: it was deleted", kit.store.load_attachment(attachment.id, kit.context))


@promise(
    "others-do-not-delete-the-upload",
    family="attachment store",
    two_users=True,
    must_hold="delete_attachment deletes nothing of another user's.",
    relies=Reliance(
        "server.py", "request.params.attachment_id, context=context", "attachments.delete names any id it likes"
    ),
    remedy="Look the attachment up with the user of the context before it is deleted.",
)
async def _others_do_not_delete_the_upload(kit: AttachmentKit) -> None:
    if kit.other_context is None:
        raise PromiseNotChecked("needs a second user: give their request context as the fixture chatkit_other_context")
    attachment = await kit.saved()
    with suppress(Exception):  # any refusal will do
        await kit.uploads.delete_attachment(attachment.id, context=kit.other_context)
    await kit.delete(
        attachment.id,
        "the owner's own, later delete_attachment",
        after="an attachment of one user; then another user called delete_attachment with its id",
    )


ATTACHMENT_PROMISES: tuple[Promise, ...] = (
    _attachment_can_be_sent,
    _announced_attachment_can_be_uploaded,
    _uploaded_attachment_is_ready,
    _odd_file_names_are_kept,
    _each_upload_has_its_own_id,
    _attachment_ids_are_unique,
    _deleted_upload_may_be_deleted_again,
    _deleted_upload_leaves_the_others,
    _attachment_goes_the_servers_way,
    _others_do_not_delete_the_upload,
)
"""Every promise of an attachment store; first the one that the others rest on."""


async def check_attachment_promise(
    promise: Promise,
    open_attachment_store: Any,
    context: Any = None,
    other_context: Any = None,
    *,
    open_store: Any = MemoryStore,
    upload: Any = None,
) -> None:
    """Try one promise on an attachment store.

    Args:
        promise: One of ``ATTACHMENT_PROMISES``.
        open_attachment_store: The attachment store, or what makes it.
        context: The request context, or what makes it; ``{}`` when left out.
        other_context: The request context of a second user.
        open_store: The server's store, or what makes it.
        upload: The app's direct upload: ``(attachment_store, context) -> Attachment``, sync or async.

    Raises:
        PromiseBroken: The store does not keep it.
        PromiseNotChecked: It could not be tried, and why.
        UsageError: What was given is, or gives, no store.
    """
    async with (
        opened_context({} if context is None else context) as user,
        opened_context(other_context) as other,
        opened_store(open_store) as store,
        opened_attachment_store(open_attachment_store) as uploads,
    ):
        kit = AttachmentKit(promise, uploads, store, user, other, upload)
        await try_promise(kit, PATIENCE)


async def check_attachment_store(
    open_attachment_store: Any,
    context: Any = None,
    other_context: Any = None,
    *,
    open_store: Any = MemoryStore,
    upload: Any = None,
) -> StoreReport:
    """Try all promises on an attachment store; the arguments are those of ``check_attachment_promise``."""

    async def check(promise: Promise) -> None:
        await check_attachment_promise(
            promise, open_attachment_store, context, other_context, open_store=open_store, upload=upload
        )

    return await report(ATTACHMENT_PROMISES, check)
