"""Rules about what must not reach a page: hidden context, the thread's metadata, what is another user's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Place, Violation
from ..recording import RecordedStream, Trespass
from ..wire import OneEvent
from .base import Evidence, Rule, TestEvidence, place
from .history import HIDDEN
from .words import item_name, listed, quoted, times

_HIDDEN_TYPE = re.compile(rb'"type"\s*:\s*"(?:' + "|".join(HIDDEN).encode() + rb')"')
_METADATA = re.compile(rb'"metadata"\s*:\s*\{\s*"')


@dataclass(frozen=True)
class _Leak:
    """A JSON object in a response that should not be there."""

    what: str
    found: Mapping[str, Any]
    place: Place


def _search(evidence: Evidence | TestEvidence, mark: re.Pattern[bytes], kind: Any) -> Iterator[_Leak]:
    """Objects of a kind in every response, streaming or not."""
    where = Place()
    if isinstance(evidence, Evidence):
        where = place(evidence.turn)
        for history in evidence.histories:
            stream = history.stream
            for step in stream.steps:
                if isinstance(step, OneEvent):
                    found = _objects(_frame(stream, step), mark, kind)
                    yield from (_Leak(step.event.type, one, place(evidence.turn, stream, step.number)) for one in found)
    for answer in evidence.answers:
        for payload in answer.payloads:
            yield from (_Leak(answer.request.type, one, where) for one in _objects(payload, mark, kind))


def _frame(stream: RecordedStream, step: OneEvent) -> bytes:
    if step.number <= len(stream.frames):
        return stream.frames[step.number - 1]
    return step.event.model_dump_json(by_alias=True, exclude_none=True, warnings=False).encode()


def _objects(payload: bytes, mark: re.Pattern[bytes], kind: Any) -> Iterator[Mapping[str, Any]]:
    if mark.search(payload):
        yield from _walk(json.loads(payload), kind)


def _walk(value: Any, kind: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if kind(value):
            yield value
        for inner in value.values():
            yield from _walk(inner, kind)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, kind)


def _is_hidden(value: Mapping[str, Any]) -> bool:
    return value.get("type") in HIDDEN and "thread_id" in value and "id" in value


def _is_thread_with_metadata(value: Mapping[str, Any]) -> bool:
    return bool(value.get("metadata")) and {"id", "created_at", "status"} <= value.keys() and "content" not in value


_HIDE: Mapping[str, str] = {
    "thread.item.added": "Send hidden context with ThreadItemDoneEvent only: the SDK stores it and keeps it from the "
    "page; it does not look at `added`.",
    "thread.item.replaced": "Save hidden context with `store.save_item(...)` instead of yielding "
    "ThreadItemReplacedEvent, which the SDK sends to the page as it is.",
    "thread.updated": "Do not yield ThreadUpdatedEvent with items of your own: change the `thread` that respond is "
    "given, and the SDK sends the event without items.",
    "threads.sync_custom_action": "Give the page its widget as `updated_item`; hidden context is stored with "
    "`store.save_item(...)`.",
}


def _hidden_stays_hidden(evidence: Evidence | TestEvidence) -> Iterable[Violation]:
    leaks: dict[tuple[str, int | None], list[_Leak]] = {}
    for leak in _search(evidence, _HIDDEN_TYPE, _is_hidden):
        leaks.setdefault((leak.what, leak.place.stream), []).append(leak)
    for found in leaks.values():
        first = found[0]
        ids = tuple(dict.fromkeys(str(leak.found["id"]) for leak in found))
        name = item_name(str(first.found["type"]), ids[0])
        more = f" (and {times(len(ids) - 1, 'further item')})" if len(ids) > 1 else ""
        yield Violation(
            rule="hidden-items-stay-hidden",
            place=first.place,
            reason=f"The {name}{more} went to the page with `{first.what}`. Whoever looks at the network traffic reads "
            "what was meant for the model only.",
            details=[f"content: {quoted(first.found.get('content'))}"],
            remedy=_HIDE.get(
                first.what,
                "Let the store give hidden items back as HiddenContextItem or SDKHiddenContextItem objects: the SDK "
                "filters by these types; and build other responses from items that are not hidden.",
            ),
            subjects={"item": ids[0], "type": str(first.found["type"])},
            items=ids,
        )


def _metadata_stays_private(evidence: Evidence | TestEvidence) -> Iterable[Violation]:
    said: set[str] = set()
    for leak in _search(evidence, _METADATA, _is_thread_with_metadata):
        if leak.what in said:
            continue
        said.add(leak.what)
        yield Violation(
            rule="thread-metadata-stays-private",
            place=leak.place,
            reason=f'`{leak.what}` sent the metadata of thread "{leak.found["id"]}" to the page. Metadata is the '
            "app's own: user ids, response ids, prompts.",
            details=[f"metadata: {quoted(leak.found['metadata'])}"],
            remedy="Do not yield ThreadUpdatedEvent yourself: change the `thread` that respond is given, and the SDK "
            "sends it without metadata. Build other responses from title, status and items only.",
            subjects={"thread": str(leak.found["id"])},
        )


NO_SECOND_USER = (
    "no second user tried; override the fixture chatkit_other_context and run --chatkit-sim, or call check_isolation()"
)
"""Why ``isolation`` could not be checked."""

_DOORS: Mapping[str, tuple[str, str]] = {
    "threads.list": ("load_threads", "give the threads of `context`'s user only"),
    "items.list": ("load_thread_items", "raise NotFoundError, or give an empty page, for a thread of another user"),
    "threads.delete": ("delete_thread", "delete only what is the user's own"),
    "attachments.delete": ("delete_attachment", "delete only what is the user's own; and so does the attachment store"),
    "items.feedback": ("add_feedback of the server", "look the thread up for this user first"),
}
_LOAD_THREAD = ("load_thread", "raise NotFoundError for a thread of another user")
_LOAD_ATTACHMENT = ("load_attachment", "raise NotFoundError for an attachment of another user")


def _isolation(evidence: TestEvidence) -> Iterable[Violation]:
    by_door: dict[tuple[str, str], list[Trespass]] = {}
    for trespass in evidence.trespasses or ():
        door = _DOORS.get(trespass.request.type, _LOAD_THREAD)
        if trespass.named == "the attachment" and trespass.request.type != "attachments.delete":
            door = _LOAD_ATTACHMENT
        by_door.setdefault(door, []).append(trespass)
    for (method, should), found in by_door.items():
        asked = listed(dict.fromkeys(f"`{trespass.request.type}`" for trespass in found))
        named = listed(dict.fromkeys(trespass.named for trespass in found))
        did = listed(dict.fromkeys(_DID[trespass.kind] for trespass in found))
        yield Violation(
            rule="isolation",
            place=Place(),
            reason=f"A second user named {named} of the first in {asked}, and was not refused: {did}.",
            details=[f"{t.request.type}: {line}" for t in found for line in t.evidence],
            remedy=f"Let {method} {should}: every method of the store is given the request context, which says whose "
            "request it is.",
            subjects={"method": method.split()[0], "request": found[0].request.type},
        )


def _nobody_tried(evidence: TestEvidence) -> str | None:
    return NO_SECOND_USER if evidence.trespasses is None else None


_DID = {
    "leaked": "the answer holds what is the first user's",
    "changed": "what is the first user's was changed",
    "served": "the server went to work on it",
}


PRIVACY_RULES = (
    Rule(
        slug="hidden-items-stay-hidden",
        family="privacy",
        must_hold="No response holds a hidden context item.",
        why="What was meant for the model only can be read by the user.",
        source="chatkit.types.HiddenContextItem: never sent to the client; the SDK filters `done` and lists only",
        check=_hidden_stays_hidden,
        about="both",
    ),
    Rule(
        slug="thread-metadata-stays-private",
        family="privacy",
        must_hold="No response holds a thread's metadata.",
        why="The app's own notes on the thread (ids, prompts) can be read by the user.",
        source="ChatKitServer._to_thread_response leaves metadata out",
        check=_metadata_stays_private,
        about="both",
    ),
    Rule(
        slug="isolation",
        family="privacy",
        must_hold="A user who names what is another's is refused, learns nothing and changes nothing.",
        why="Anyone who guesses or finds an id reads and deletes other people's conversations.",
        source="chatkit.store.Store: every method is given the request context",
        check=_isolation,
        about="test",
        unable=_nobody_tried,
    ),
)
