"""Attachments: registered, uploaded as the page uploads them, and removed again."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from chatkit.types import Attachment, AttachmentBase
from pydantic import TypeAdapter, ValidationError

from ..errors import UsageError
from ..model import NetworkBlocked
from ..transports import upload as upload_body
from ..wire import requests as wire
from .composer import NO_ATTACHMENTS
from .core import ClientCore
from .frontend import AttachmentLimits, DirectUpload
from .policies import Policies

_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)


@dataclass(frozen=True)
class LocalFile:
    """A file that the user picked.

    Attributes:
        name: Its name.
        mime_type: Its type.
        content: Its bytes.
    """

    name: str
    mime_type: str
    content: bytes

    @classmethod
    def read(cls, file: str | Path | bytes, name: str | None, mime_type: str | None) -> LocalFile:
        """Read a file; the type is told from its name unless it is given.

        Raises:
            UsageError: Bytes have no name, or there is no such file.
        """
        if isinstance(file, bytes):
            if name is None:
                raise UsageError('Bytes need a name: upload(b"...", name="photo.png").')
            content = file
        else:
            path = Path(file)
            if not path.is_file():
                raise UsageError(f"There is no file {str(path)!r} to upload (the test runs in {Path.cwd()}).")
            content, name = path.read_bytes(), name or path.name
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(name, mime_type or guessed, content)


async def upload(core: ClientCore, file: LocalFile, *, force: bool) -> Attachment:
    """Upload a file by the page's strategy; returns the attachment, ready to be sent.

    Raises:
        UsageError: The page does not take such a file.
        TransportError: The upload was refused, or nothing answers there.
    """
    frontend = core.bench.frontend
    limits = AttachmentLimits() if frontend is None else frontend.attachments
    if limits is None and not force:
        raise UsageError(NO_ATTACHMENTS)
    problem = limits.problem(file.name, len(file.content), file.mime_type) if limits is not None else None
    if problem is not None and not force:
        raise UsageError(
            f"The composer refuses {file.name!r}: {problem} (composer.attachments). "
            "Pass force=True to upload it nevertheless, as somebody without the page could."
        )
    if frontend is not None and isinstance(frontend.upload, DirectUpload):
        return await _directly(core, file, frontend.upload)
    return await _in_two_phases(core, file)


async def remove(core: ClientCore, attachment: AttachmentBase | str) -> None:
    """Remove an attachment from the composer before it is sent."""
    attachment_id = attachment if isinstance(attachment, str) else attachment.id
    await core.fetch(wire.delete_attachment(attachment_id))


async def _in_two_phases(core: ClientCore, file: LocalFile) -> Attachment:
    request = wire.create_attachment(file.name, len(file.content), file.mime_type)
    attachment = _ATTACHMENT.validate_json(await core.fetch(request))
    descriptor = attachment.upload_descriptor
    if descriptor is None:
        raise UsageError(
            f"attachments.create answered with the attachment {attachment.id} but without an upload_descriptor, so the "
            "page has nowhere to upload the file to. Remedy: let create_attachment() of the AttachmentStore give it "
            "upload_descriptor=AttachmentUploadDescriptor(url=..., method=...)."
        )
    headers, body = upload_of(file, descriptor.method, descriptor.headers, core.bench.policies)
    transport = await core.transport()
    try:
        await upload_body(transport, descriptor.method, str(descriptor.url), headers=headers, content=body)
    except NetworkBlocked as blocked:
        raise UsageError(
            f"The upload goes to {descriptor.url}, and tests run with a closed network. Remedy: answer it in the test, "
            f'such as with respx: respx_mock.{descriptor.method.lower()}("{descriptor.url}").respond(200); or let the '
            "app under test take it (fixture chatkit_app)."
        ) from blocked
    return attachment


async def _directly(core: ClientCore, file: LocalFile, strategy: DirectUpload) -> Attachment:
    if core.bench.door.kind == "in-process" and core.bench.door.app is None and "://" not in strategy.url:
        raise UsageError(
            f"The direct upload goes to {strategy.url!r} of the app, and only the server is under test. "
            "Give the app as well: app=... (fixture chatkit_app)."
        )
    transport = await core.transport()
    own = core.bench.door.headers if core.headers is None else core.headers
    headers, body = _multipart(file, own)
    response = await upload_body(transport, "POST", strategy.url, headers=headers, content=body)
    try:
        return _ATTACHMENT.validate_json(response.body)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"The direct upload to {strategy.url} was answered with {response.body[:200]!r}, which is no attachment "
            f"({'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}). "
            "Remedy: answer with the JSON of the FileAttachment or ImageAttachment that was saved."
        ) from None


def upload_of(
    file: LocalFile, method: str, headers: Mapping[str, str], policies: Policies
) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an upload.

    Args:
        file: The file.
        method: The method that the descriptor names.
        headers: The headers that the descriptor names.
        policies: What the body of a ``PUT`` is.
    """
    if method == "POST" or policies.put_upload == "multipart":
        return _multipart(file, headers)
    named = {name.lower() for name in headers}
    own = {} if "content-type" in named else {"content-type": file.mime_type}
    return {**own, **headers}, file.content


def _multipart(file: LocalFile, headers: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    request: Any = httpx2.Request("POST", "http://upload", files={"file": (file.name, file.content, file.mime_type)})
    # The browser writes the boundary, so a content type of the descriptor cannot stand.
    kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return {**kept, "content-type": request.headers["content-type"]}, bytes(request.read())
