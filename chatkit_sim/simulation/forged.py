"""What only a broken client sends, and what has to hold all the same: forged requests."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatkit.types import (
    AssistantMessageItem,
    ClientToolCallItem,
    StructuredInputItem,
    ThreadItem,
    UserMessageItem,
    WidgetItem,
)

from ..client import Judged, SimulatedClient
from ..client.core import ClientCore
from ..client.reading import read_back
from ..errors import LimitError, Place, UsageError, Violation, ViolationError
from ..recording import RecordedStream, ThreadView
from ..rules import Evidence, Verdict
from ..wire import Request
from ..wire import requests as wire

_HELLO: Mapping[str, Any] = wire.user_input([{"type": "input_text", "text": "Hello!"}])
_BROKEN_TAG = {"type": "input_tag", "id": "tag", "text": "A tag without data"}
_NOBODY = "chatkit-sim_nobody_knows_this"
# The page is loaded from the store, so what can still be wrong is within the store.
_STORED = frozenset({"reload-works", "item-stored-once"})

Forger = Callable[[ThreadView, str], Sequence[Request]]
"""Makes the requests, which are sent at once, for a thread that is shown; none where it has nothing to do."""


def forge(client: SimulatedClient, kind: str) -> None:
    """Send what only a broken client sends, then load the page anew. That the server refuses it is as it should be.

    Args:
        client: The client, with a thread.
        kind: What is sent; one of ``FORGERIES``.

    Raises:
        ViolationError: What the server refused has changed something, or what is stored does not hold together.
        UsageError: There is no such kind, or it has nothing to do here.
    """
    __tracebackhide__ = True
    client._core.bench.run(lambda: send_forged(client._core, kind))


def forgeable(core: ClientCore, group: str = "") -> list[str]:
    """What could be forged by a client now.

    Args:
        core: The client.
        group: One of ``FORGERY_KINDS``; all of them by default.
    """
    thread_id = core.thread_id
    if thread_id is None:
        return []
    possible = [kind for kind, make in FORGERIES.items() if make(core.view, thread_id)]
    return [kind for kind in possible if not group or _group(kind) == group]


async def send_forged(core: ClientCore, kind: str) -> None:
    """See ``forge``."""
    __tracebackhide__ = True
    if kind not in FORGERIES:
        raise UsageError(f"Nothing is known of {kind!r}; what can be forged: {', '.join(map(repr, FORGERIES))}.")
    thread_id = core.active_thread("forge")
    core.check_free("forge")
    requests = FORGERIES[kind](core.view, thread_id)
    if not requests:
        raise UsageError(f"There is nothing in this thread for {kind!r}.")
    before = await _stored(core, thread_id)
    served = await asyncio.gather(*(_served(core, request) for request in requests))
    found = [] if any(served) else _changes(kind, before, await _stored(core, thread_id))
    await core.load(thread_id)
    verdict = await _judged(core, thread_id)
    errors = (*found, *verdict.errors)
    core.bench.judged.append(Judged(None, Verdict((*found, *verdict.violations), checked=verdict.checked), errors))
    if errors:
        raise ViolationError(errors)


async def _served(core: ClientCore, request: Request) -> bool:
    """Whether the server went to work; a refusal is an exception, whatever its kind."""
    try:
        answer = await core.ask(request)
    except LimitError:
        raise  # it hangs
    except Exception:
        return False  # refused
    return not isinstance(answer, RecordedStream) or answer.raised is None


async def _stored(core: ClientCore, thread_id: str) -> dict[str, ThreadItem]:
    reload = await read_back(thread_id, core.fetch)
    return {item.id: item for item in reload.opened.items}


def _changes(kind: str, before: Mapping[str, ThreadItem], after: Mapping[str, ThreadItem]) -> list[Violation]:
    changed = [f'"{one}" is gone' for one in before if one not in after]
    changed += [f'"{one}" ({after[one].type}) came' for one in after if one not in before]
    changed += [f'"{one}" ({item.type}) differs' for one, item in after.items() if before.get(one, item) != item]
    if not changed:
        return []
    return [
        Violation(
            rule="refused-request-changes-nothing",
            place=Place(),
            reason=f"The server refused a request ({kind}), and yet the thread is another than before.",
            details=[f"  {line}" for line in changed],
            remedy="Check a request before the first write, or write all of it in one transaction.",
            subjects={"request": kind},
        )
    ]


async def _judged(core: ClientCore, thread_id: str) -> Verdict:
    if not core.turns:
        return Verdict()
    known = core._witness.knows(thread_id)
    # The page was loaded anew: in which order it stood before, the turns themselves were judged by.
    turn = dataclasses.replace(core.turns[-1], view=core.view)
    evidence = Evidence(turn, tuple(core.turns[:-1]), reload=await core._read(thread_id, core.view), **known)
    return core.bench.catalogue.judge(evidence, only=_STORED)


def _newest(view: ThreadView, kind: type[ThreadItem]) -> Any:
    return next((item for item in reversed(view.items) if isinstance(item, kind)), None)


def _output_again(view: ThreadView, thread_id: str) -> Sequence[Request]:
    call = _newest(view, ClientToolCallItem)
    done = call is not None and call.status == "completed"
    return [wire.add_client_tool_output(thread_id, call.output)] if done else []


def _output_unasked(view: ThreadView, thread_id: str) -> Sequence[Request]:
    asked = any(isinstance(item, ClientToolCallItem) and item.status == "pending" for item in view.items)
    return [] if asked else [wire.add_client_tool_output(thread_id, {"ok": True})]


def _output_twice_at_once(view: ThreadView, thread_id: str) -> Sequence[Request]:
    last = view.items[-1] if view.items else None
    asked = isinstance(last, ClientToolCallItem) and last.status == "pending"
    return [wire.add_client_tool_output(thread_id, {"ok": True})] * 2 if asked else []


def _retry_of_an_answer(view: ThreadView, thread_id: str) -> Sequence[Request]:
    answer = _newest(view, AssistantMessageItem)
    return [wire.retry_after_item(thread_id, answer.id)] if answer is not None else []


def _click_in_no_widget(view: ThreadView, thread_id: str) -> Sequence[Request]:
    message = _newest(view, UserMessageItem)
    return [wire.custom_action(thread_id, message.id, "click", {})] if message is not None else []


def _strange_action(view: ThreadView, thread_id: str) -> Sequence[Request]:
    widget = _newest(view, WidgetItem)
    return [wire.custom_action(thread_id, widget.id, _NOBODY, None)] if widget is not None else []


def _strange_sync_action(view: ThreadView, thread_id: str) -> Sequence[Request]:
    widget = _newest(view, WidgetItem)
    return [] if widget is None else [wire.custom_action(thread_id, widget.id, _NOBODY, None, streaming=False)]


def _answers_again(view: ThreadView, thread_id: str) -> Sequence[Request]:
    asked = _newest(view, StructuredInputItem)
    settled = asked is not None and asked.status != "pending"
    return [wire.add_structured_input(thread_id, asked.id, {"status": "skipped", "answers": {}})] if settled else []


def _answers_unasked(view: ThreadView, thread_id: str) -> Sequence[Request]:
    asked = _newest(view, StructuredInputItem)
    if asked is None or asked.status != "pending":
        return []
    answers = {_NOBODY: {"values": ["?"], "skipped": False}}
    return [wire.add_structured_input(thread_id, asked.id, {"status": "submitted", "answers": answers})]


def _message_in_a_locked_thread(view: ThreadView, thread_id: str) -> Sequence[Request]:
    locked = view.thread is not None and view.thread.status.type != "active"
    return [wire.add_user_message(thread_id, _HELLO)] if locked else []


def _always(*make: Callable[[str], Request]) -> Forger:
    return lambda view, thread_id: [one(thread_id) for one in make]


def _message(thread_id: str, **changed: Any) -> Request:
    return wire.add_user_message(thread_id, {**_HELLO, **changed})


FORGERIES: Mapping[str, Forger] = {
    "the output of a client tool again": _output_again,
    "the output of a client tool twice at once": _output_twice_at_once,
    "an output that nobody asked for": _output_unasked,
    "two messages at once": _always(_message, _message),
    "a message in a locked thread": _message_in_a_locked_thread,
    "a message in an unknown thread": _always(lambda _: _message(_NOBODY)),
    "a message with an unknown attachment": _always(lambda one: _message(one, attachments=[_NOBODY])),
    "a message without options": _always(lambda one: _message(one, inference_options=None)),
    "a message with a broken tag": _always(lambda one: _message(one, content=[_BROKEN_TAG])),
    "a message that is a number": _always(lambda one: Request("threads.add_user_message", {"input": 1})),
    "a request of an unknown type": _always(lambda one: Request("threads.explode", {"thread_id": one})),
    "a retry of an answer": _retry_of_an_answer,
    "a retry of an unknown message": _always(lambda one: wire.retry_after_item(one, _NOBODY)),
    "a click in what is no widget": _click_in_no_widget,
    "a click in a widget that is not there": _always(lambda one: wire.custom_action(one, _NOBODY, "click", {})),
    "an action that nobody knows": _always(lambda one: wire.custom_action(one, None, _NOBODY, None)),
    "an action that the widget has not": _strange_action,
    "a quick action that the widget has not": _strange_sync_action,
    "answers that were given already": _answers_again,
    "answers to other questions": _answers_unasked,
    "feedback on an unknown item": _always(lambda one: wire.feedback(one, [_NOBODY], "negative")),
    "a title for an unknown thread": _always(lambda _: wire.rename_thread(_NOBODY, "A title")),
}
"""What can be forged, by what it is."""

FORGERY_KINDS = ("forge_output", "forge_message", "forge_item")
"""Groups of what can be forged, each as likely as any other move: outputs, messages, and what names an item."""


def _group(kind: str) -> str:
    return FORGERY_KINDS[0 if "output" in kind else 1 if "message" in kind or "request" in kind else 2]


REPEATED = ("the output of a client tool again",)
"""What an honest client sends too: it posts once more when the connection broke before the answer."""
