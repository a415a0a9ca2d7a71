"""A second user names what is the first user's, in every request that can; nothing may come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from chatkit.types import StructuredInputItem, ThreadItem, UserMessageItem, WidgetItem

from ..errors import UsageError
from ..recording import RecordedStream, Reload, Trespass
from ..rules import TestEvidence
from ..rules.excuses import chain
from ..wire import Request
from ..wire import requests as wire
from .bench import Judged
from .core import ClientCore
from .live import LiveStream, new_exchange
from .reading import read_back
from .serving import open_context
from .structured_input import SKIPPED

_TELLING = 8  # a shorter text may stand in any answer
_WORDS = "chatkit-sim: a second user was here"


async def check_isolation(core: ClientCore, other: ClientCore) -> Judged:
    """Send everything that a second user could try, and judge what came of it.

    Args:
        core: The first user's client, with a thread.
        other: A client of the second user.

    Raises:
        UsageError: The first user has no thread yet, or the second user is the first.
    """
    if core.context is other.context and core.headers == other.headers:
        raise UsageError(
            "The second user's context is the first user's own. Give another one: the fixture chatkit_other_context, "
            "or client.another(context=...)."
        )
    found = await _Burglar(core, other, core.active_thread("check_isolation")).try_everything()
    core.bench.new_evidence()  # what the server's work for the second user reached for is told as the trespass
    core.bench.surroundings.take_answers()
    evidence = TestEvidence(trespasses=tuple(found))
    verdict = core.bench.catalogue.judge_test(evidence, only={"isolation"})
    core.expectations.take_rules([violation for violation, _ in verdict.ignored])
    return core.bench.keep(None, verdict, core.expectations.take_rules(verdict.violations))


@dataclass(frozen=True)
class _Try:
    """A request and what it names of the first user's."""

    request: Request
    named: str


class _Burglar:
    def __init__(self, core: ClientCore, other: ClientCore, thread_id: str) -> None:
        self.core = core
        self.other = other
        self.thread_id = thread_id
        self.found: list[Trespass] = []

    async def try_everything(self) -> list[Trespass]:
        before = await self._state()
        reload, _ = before
        secrets = _secrets(reload)
        for attempt in _tries(self.thread_id, reload):
            served, payloads = await self._send(attempt.request)
            leaked = sorted({text for text in secrets for payload in payloads if text.encode() in payload})
            after = await self._state()
            changed = _changes(before, after)
            if changed:
                self._note(attempt, "changed", changed)
            elif leaked:
                self._note(attempt, "leaked", [f"the answer holds {_short(leaked)}"])
            elif served:
                self._note(attempt, "served", [f"answered with {served}"])
            before = after
        return self.found

    def _note(self, attempt: _Try, kind: Any, evidence: Sequence[str]) -> None:
        self.found.append(Trespass(attempt.request, attempt.named, kind, tuple(evidence)))

    async def _send(self, request: Request) -> tuple[str, tuple[bytes, ...]]:
        """What the server went to work with, if it did, and all that it answered."""
        if request.streaming:
            stream = await self._stream(request)
            return _work_in(stream), stream.frames
        try:
            body = await self.other.fetch(request)
        except Exception:
            return "", ()  # refused, in whatever way
        return ("the thread itself" if _holds_thread(body, self.thread_id) else ""), (body,)

    async def _stream(self, request: Request) -> RecordedStream:
        live = LiveStream(1, request, new_exchange(self.core.bench.model, self.thread_id), self.core.bench.limits)
        await live.run(await self.other.transport(), self.other.context)
        return live.recorded()

    async def _state(self) -> tuple[Reload, tuple[str, ...]]:
        """The first user's thread and attachments, as the first user sees them."""
        reload = await read_back(self.thread_id, self.core.fetch)
        return reload, tuple([await self._attachment(identity) for identity in _attachments(reload)])

    async def _attachment(self, identity: str) -> str:
        server = self.core.bench.server
        if server is None:
            return identity
        async with AsyncExitStack() as stack:
            try:
                context = await open_context(self.core.context, stack)
                return f"{identity} {(await server.store.load_attachment(identity, context)).model_dump_json()}"
            except Exception as error:
                return f"{identity} {type(error).__name__}"  # compared with what it was before


def _tries(thread_id: str, reload: Reload) -> Iterator[_Try]:
    """Requests that name what is another's, the most harmless first."""
    items = reload.opened.items
    yield _Try(wire.get_thread(thread_id), "the thread")
    yield _Try(wire.list_items(thread_id, order="asc"), "the thread")
    yield _Try(wire.list_items(thread_id, order="desc"), "the thread")
    yield _Try(wire.list_threads(), "nothing, in a list of all threads,")
    shown = [item.id for item in items if item.type == "assistant_message"][:1]
    if shown:
        yield _Try(wire.feedback(thread_id, shown, "negative"), "an item")
    yield from _tries_to_act(thread_id, items)
    yield _Try(wire.rename_thread(thread_id, _WORDS), "the thread")
    for attachment in _attachments(reload):
        message = wire.user_input([{"type": "input_text", "text": _WORDS}], attachments=[attachment])
        yield _Try(wire.create_thread(message), "the attachment")
        yield _Try(wire.delete_attachment(attachment), "the attachment")
    question = next((item for item in reversed(items) if isinstance(item, UserMessageItem)), None)
    if question is not None:
        yield _Try(wire.retry_after_item(thread_id, question.id), "a user message")
    yield _Try(wire.delete_thread(thread_id), "the thread")


def _tries_to_act(thread_id: str, items: Sequence[ThreadItem]) -> Iterator[_Try]:
    widget = next((item.id for item in items if isinstance(item, WidgetItem)), None)
    named = "a widget" if widget is not None else "the thread"
    for streaming in (False, True):
        yield _Try(wire.custom_action(thread_id, widget, "chatkit-sim", {}, streaming=streaming), named)
    for item in items:
        if isinstance(item, StructuredInputItem):
            yield _Try(wire.add_structured_input(thread_id, item.id, SKIPPED), "a structured input")
            break
    yield _Try(wire.add_client_tool_output(thread_id, {"note": _WORDS}), "the thread")
    yield _Try(
        wire.add_user_message(thread_id, wire.user_input([{"type": "input_text", "text": _WORDS}])), "the thread"
    )


def _holds_thread(body: bytes, thread_id: str) -> bool:
    def search(value: Any) -> bool:
        if isinstance(value, dict):
            return value.get("id") == thread_id or any(map(search, value.values()))
        return isinstance(value, list) and any(map(search, value))

    return thread_id.encode() in body and search(json.loads(body))


def _work_in(stream: RecordedStream) -> str:
    """Events that show the server at work; an exception, or an error event, is a refusal."""
    kinds = [event.type for event in stream.events if event.type not in ("error", "thread.created", "stream_options")]
    unscripted = any(
        getattr(link, "chatkit_sim_unscripted", False) for error in stream.swallowed for link in chain(error)
    )
    if kinds:
        return ", ".join(dict.fromkeys(kinds))
    return "a call of the model" if unscripted else ""


def _secrets(reload: Reload) -> set[str]:
    """What only the first user may know: ids of items, texts, the title."""
    found = {item.id for item in reload.opened.items}
    found |= {text for item in reload.opened.items for text in _texts(item.model_dump(mode="json", warnings=False))}
    if reload.thread is not None and reload.thread.title:
        found.add(reload.thread.title)
    return {json.dumps(text, ensure_ascii=False)[1:-1] for text in found if len(text) >= _TELLING}


def _texts(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, str) and key in ("text", "value", "content", "title", "name", "url", "question"):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)


def _attachments(reload: Reload) -> list[str]:
    messages = (item for item in reload.opened.items if isinstance(item, UserMessageItem))
    return list(dict.fromkeys(attachment.id for message in messages for attachment in message.attachments))


def _changes(before: tuple[Reload, tuple[str, ...]], after: tuple[Reload, tuple[str, ...]]) -> list[str]:
    (was, had), (now, has) = before, after
    if now.thread is None:
        return ["the thread is gone"] if was.thread is not None else []
    changes: list[str] = []
    if was.thread != now.thread:
        changes.append(f"the thread was {was.thread!r} and is {now.thread!r}")
    old, new = ({item.id: item for item in reload.opened.items} for reload in (was, now))
    changes += [f'the item "{item_id}" is gone' for item_id in old if item_id not in new]
    changes += [f'the item "{item_id}" came into the thread' for item_id in new if item_id not in old]
    changes += [f'the item "{item_id}" was changed' for item_id, item in old.items() if new.get(item_id, item) != item]
    changes += [f"an attachment was {one} and is {other}" for one, other in zip(had, has, strict=False) if one != other]
    return changes


def _short(texts: Sequence[str]) -> str:
    shown = ", ".join(repr(text if len(text) <= 40 else f"{text[:37]}...") for text in texts[:3])
    return f"{shown} and {len(texts) - 3} more" if len(texts) > 3 else shown
