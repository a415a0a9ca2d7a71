"""What the page does around a thread: the list of threads, titles, deletion, feedback, dictation."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal

from chatkit.types import Page, Thread, ThreadItem, ThreadMetadata, TranscriptionResult
from pydantic import TypeAdapter

from ..errors import UsageError
from ..recording import ThreadView, Turn
from ..wire import requests as wire
from .core import ClientCore

Feedback = Literal["positive", "negative"]
DICTATION = ("audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus")
_THREADS: TypeAdapter[Page[Thread]] = TypeAdapter(Page[Thread])
_THREAD: TypeAdapter[Thread] = TypeAdapter(Thread)


async def threads(core: ClientCore, limit: int, order: Literal["asc", "desc"]) -> tuple[ThreadMetadata, ...]:
    """Every thread of the user, page after page.

    Raises:
        UsageError: The pages have no end.
    """
    found: list[ThreadMetadata] = []
    cursors: set[str] = set()
    after: str | None = None
    while True:
        page = _THREADS.validate_json(await core.fetch(wire.list_threads(limit=limit, order=order, after=after)))
        found += [metadata(thread) for thread in page.data]
        if not page.has_more:
            return tuple(found)
        after = page.after
        if not after or after in cursors:
            why = "without an `after` to go on from" if not after else f"after {after!r}, where it was already"
            raise UsageError(f"The list of threads cannot be read to its end: a page says has_more {why}.")
        cursors.add(after)


async def open_thread(core: ClientCore, thread: str | ThreadMetadata) -> ThreadView:
    """Show a thread of the list."""
    core.check_free("open")
    return await core.load(_id(thread))


async def rename(core: ClientCore, title: str, thread: str | ThreadMetadata | None) -> ThreadMetadata:
    """Give a thread another title."""
    thread_id = core.active_thread("rename") if thread is None else _id(thread)
    renamed = metadata(_THREAD.validate_json(await core.fetch(wire.rename_thread(thread_id, title))))
    if thread_id == core.thread_id:
        core.show_thread(renamed)
    return renamed


async def delete(core: ClientCore, thread: str | ThreadMetadata | None) -> None:
    """Delete a thread; the present one gives way to an empty new thread."""
    thread_id = core.active_thread("delete") if thread is None else _id(thread)
    if thread_id == core.thread_id:
        core.check_free("delete")
    await core.fetch(wire.delete_thread(thread_id))
    if thread_id == core.thread_id:
        core.leave_thread()


async def feedback(
    core: ClientCore, kind: Feedback, items: Turn | ThreadItem | str | Sequence[ThreadItem | str] | None
) -> None:
    """Press thumbs up or down below an answer.

    Raises:
        UsageError: The page has no such buttons, or there is no answer yet.
    """
    frontend = core.bench.frontend
    if frontend is not None and not frontend.feedback:
        raise UsageError("The page shows no feedback buttons: declare them with Frontend(feedback=True).")
    if kind not in ("positive", "negative"):
        raise UsageError(f'Feedback is "positive" or "negative", not {kind!r}.')
    thread_id = core.active_thread("feedback")
    chosen = _answered(core.view) if items is None else _ids(items)
    if not chosen:
        raise UsageError("There is no answer to give feedback on: nothing follows the last user message.")
    await core.fetch(wire.feedback(thread_id, chosen, kind))


async def transcribe(core: ClientCore, audio: bytes, mime_type: str, *, force: bool) -> str:
    """Dictate: audio becomes the text that would stand in the composer.

    Raises:
        UsageError: The page has no microphone, or records no such audio.
    """
    frontend = core.bench.frontend
    if frontend is not None and not frontend.dictation:
        raise UsageError("The page has no microphone: declare it with Frontend(dictation=True).")
    if mime_type not in DICTATION and not force:
        raise UsageError(
            f"The web client records {', '.join(DICTATION)}, not {mime_type!r}. "
            "Pass force=True to send it nevertheless."
        )
    request = wire.transcribe(base64.b64encode(audio).decode(), mime_type)
    return TranscriptionResult.model_validate_json(await core.fetch(request)).text


def metadata(thread: Thread) -> ThreadMetadata:
    """A thread without its items."""
    return ThreadMetadata(**thread.model_dump(exclude={"items"}))


def _answered(view: ThreadView) -> list[str]:
    ids: list[str] = []
    for item in view.items:
        ids = [] if item.type == "user_message" else [*ids, item.id]
    return ids


def _ids(items: Turn | ThreadItem | str | Sequence[ThreadItem | str]) -> list[str]:
    if isinstance(items, Turn):
        return [item.id for item in items.items]
    if isinstance(items, str) or not isinstance(items, Sequence):
        return [_id(items)]
    return [_id(item) for item in items]


def _id(thing: str | ThreadMetadata | ThreadItem) -> str:
    return thing if isinstance(thing, str) else thing.id
