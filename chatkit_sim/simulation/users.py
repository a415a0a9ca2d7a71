"""The user that could be anyone: which moves the clients could make now, and one of them, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from chatkit.types import AssistantMessageItem, StructuredInputItem
from hypothesis import strategies as st

from ..client import AsyncSimulatedClient
from .drawn_model import Draw
from .forged import FORGERY_KINDS, REPEATED, forgeable
from .goals import HOSTILE
from .moves import (
    Answer,
    AtOnce,
    Click,
    Delete,
    Feedback,
    File,
    Forge,
    Join,
    Move,
    NewThread,
    Open,
    Pry,
    Reload,
    Rename,
    Retry,
    Send,
    Wait,
    Workers,
    user_messages_of,
    widgets_of,
)
from .scene import Scene
from .schemas import Strategy
from .strategies import (
    departures,
    files,
    send_options,
    structured_answers,
    titles,
    user_messages,
    widget_clicks,
)
from .workers import Balanced, may_have_workers

_CLIENTS = 3
_SELDOM: Strategy = st.sampled_from([False, False, False, True])

Can = Callable[[Scene, AsyncSimulatedClient], bool]
Drawer = Callable[[Scene, int, Draw, Strategy], Move]


def able(scene: Scene, kind: str) -> list[int]:
    """The clients that could make a move of this kind now."""
    can = _CAN[kind]
    return [number for number, client in enumerate(scene.clients) if can(scene, client)]


def draw_move(scene: Scene, kind: str, draw: Draw, messages: Strategy | None = None) -> Move:
    """A move of this kind; some client must be able to make it.

    Args:
        scene: The scene.
        kind: One of ``KINDS``.
        draw: Draws from a strategy.
        messages: What the users write.
    """
    who = able(scene, kind)
    client = draw(st.sampled_from(who), label="client") if len(who) > 1 else who[0]
    return _DRAW[kind](scene, client, draw, messages or user_messages(scene.bench.frontend))


def _writes(scene: Scene, client: AsyncSimulatedClient) -> bool:
    thread = client.view.thread
    return thread is None or thread.status.type == "active"


def _has_thread(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client.thread_id is not None


def _reloads(scene: Scene, client: AsyncSimulatedClient) -> bool:
    # Twice in a row says no more than once.
    again = bool(scene.story) and isinstance(scene.story[-1].move, Reload)
    return client.thread_id is not None and not again


def _deletes(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client.thread_id is not None and [one.thread_id for one in scene.clients].count(client.thread_id) == 1


def _retries(scene: Scene, client: AsyncSimulatedClient) -> bool:
    page = scene.bench.frontend
    return _writes(scene, client) and bool(user_messages_of(client.view.items)) and (page is None or page.retry)


def _judges(scene: Scene, client: AsyncSimulatedClient) -> bool:
    page = scene.bench.frontend
    items = client.view.items
    return bool(items) and isinstance(items[-1], AssistantMessageItem) and (page is None or page.feedback)


def _is_asked(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return _newest_questions(client) is not None


def _clicks(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return not widget_clicks(client.view.items).is_empty


def _joins(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client is scene.clients[0] and len(scene.clients) < _CLIENTS


def _in_company(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client is scene.clients[0] and len(_apart(scene)) + len(_looking_on(scene)) > 1


def _apart(scene: Scene) -> list[int]:
    # What two tabs write into one thread at the same time gets in each other's way on every ChatKit server.
    threads: list[str] = []
    found: list[int] = []
    for number, client in enumerate(scene.clients):
        if _writes(scene, client) and (client.thread_id is None or client.thread_id not in threads):
            found.append(number)
            threads += [client.thread_id] if client.thread_id is not None else []
    return found


def _looking_on(scene: Scene) -> list[int]:
    """Tabs that are open on a thread in which another one writes."""
    writing = _apart(scene)
    return [number for number, one in enumerate(scene.clients) if number not in writing and one.thread_id is not None]


def _waits(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client is scene.clients[0] and scene.world.virtual_time and client.thread_id is not None


def _repeats(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return not set(REPEATED).isdisjoint(forgeable(client._core))


def _forges(kind: str, scene: Scene, client: AsyncSimulatedClient) -> bool:
    return bool(forgeable(client._core, kind))


def _pries(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client is scene.clients[0] and client.thread_id is not None and bool(scene.world.second_user)


def _balances(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return may_have_workers(scene.bench) and not isinstance(client._core._transport, Balanced)


def _attaches(scene: Scene) -> bool:
    frontend, server = scene.bench.frontend, scene.bench.server
    if frontend is None or frontend.attachments is None:
        return False
    return server is None or server.attachment_store is not None


def _newest_questions(client: AsyncSimulatedClient) -> StructuredInputItem | None:
    for item in reversed(client.view.items):
        if isinstance(item, StructuredInputItem) and item.status == "pending":
            return item
    return None


_CAN: Mapping[str, Can] = {
    "send": _writes,
    "stop": _writes,
    "retry": _retries,
    "reload": _reloads,
    "new_thread": _has_thread,
    "open": _has_thread,
    "rename": _has_thread,
    "delete": _deletes,
    "feedback": _judges,
    "click": _clicks,
    "answer": _is_asked,
    "join": _joins,
    "at_once": _in_company,
    "wait": _waits,
    "repeat": _repeats,
    "workers": _balances,
    **{kind: partial(_forges, kind) for kind in FORGERY_KINDS},
    "pry": _pries,
}
KINDS = tuple(kind for kind in _CAN if kind not in HOSTILE)
"""Every other kind of move."""


def _send(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    said = [
        "".join(part.text for part in item.content)
        for item in scene.clients[client].view.items
        if isinstance(item, AssistantMessageItem)
    ]
    content = draw(messages, label="the user writes")
    options = draw(send_options(scene.bench.frontend, quotable=said), label="and chooses")
    attached: Sequence[File] = ()
    if _attaches(scene):
        strategy = files(scene.bench.frontend, uploaded=scene.bench.door.takes_uploads)
        attached = draw(strategy, label="and attaches")
    return Send(content, options, files=attached, client=client)


def _stop(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Send(draw(messages, label="the user writes"), {}, draw(departures(), label="and leaves"), client=client)


def _retry(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    count = len(user_messages_of(scene.clients[client].view.items))
    return Retry(draw(st.integers(0, count - 1), label="back"), client=client)


def _open(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Open(draw(st.integers(0, 2), label="thread"), client=client)


def _rename(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Rename(draw(titles(), label="title"), client=client)


def _feedback(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Feedback(draw(st.sampled_from(["positive", "negative"]), label="thumb"), client=client)


def _click(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    items = scene.clients[client].view.items
    clickable, words = draw(widget_clicks(items), label="the user clicks")
    number = [widget.id for widget in widgets_of(items)].index(clickable.item.id)
    names: Sequence[tuple[str, Any]] = (
        ("id", clickable.id),
        ("key", clickable.key),
        ("label", clickable.labels[0] if clickable.labels else None),
    )
    return Click(number, dict([(name, value) for name, value in names if value][:1]), words, client=client)


def _answer(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    item = _newest_questions(scene.clients[client])
    answers = structured_answers(item) if item is not None else st.none()
    return Answer(draw(answers | st.none(), label="the user answers"), client=client)


def _join(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    known_by = next(iter(scene.world.second_user), None)
    other = known_by if known_by is not None and draw(st.booleans(), label="another user") else None
    opens = (
        other is None and scene.clients[0].thread_id is not None and draw(st.booleans(), label="opens the same thread")
    )
    return Join(other_user=other, opens=opens, client=len(scene.clients))


def _forge(kind: str, scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    kinds = forgeable(scene.clients[client]._core, kind)
    return Forge(draw(st.sampled_from(kinds), label="what is forged"), client=client)


def _repeat(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    kinds = [kind for kind in REPEATED if kind in forgeable(scene.clients[client]._core)]
    return Forge(draw(st.sampled_from(kinds), label="what is sent again"), client=client)


def _at_once(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    moves = [_writing(scene, number, draw, messages) for number in _apart(scene)]
    idle = draw(st.sets(st.sampled_from(_looking_on(scene))), label="who reloads") if _looking_on(scene) else ()
    moves += [Reload(client=number) for number in sorted(idle)]
    return AtOnce(tuple(moves)) if len(moves) > 1 else moves[0]


def _writing(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    if _retries(scene, scene.clients[client]) and draw(_SELDOM, label=f"client {client} retries"):
        return Retry(client=client)
    return Send(draw(messages, label=f"client {client} writes"), client=client)


def _wait(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Wait(draw(st.sampled_from([60.0, 3600.0, 86400.0]), label="seconds"))


_DRAW: Mapping[str, Drawer] = {
    "send": _send,
    "stop": _stop,
    "retry": _retry,
    "reload": lambda scene, client, draw, messages: Reload(client=client),
    "new_thread": lambda scene, client, draw, messages: NewThread(draw(messages, label="writes"), client=client),
    "open": _open,
    "rename": _rename,
    "delete": lambda scene, client, draw, messages: Delete(client=client),
    "feedback": _feedback,
    "click": _click,
    "answer": _answer,
    "join": _join,
    "at_once": _at_once,
    "wait": _wait,
    "repeat": _repeat,
    "workers": lambda scene, client, draw, messages: Workers(client=client),
    **{kind: partial(_forge, kind) for kind in FORGERY_KINDS},
    "pry": lambda scene, client, draw, messages: Pry(next(iter(scene.world.second_user)), client=client),
}
