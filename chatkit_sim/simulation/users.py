"""The user that could be anyone: which moves the clients could make now, and one of them, drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatkit.types import AssistantMessageItem, StructuredInputItem
from hypothesis import strategies as st

from ..client import AsyncSimulatedClient
from .drawn_model import Draw
from .moves import (
    Answer,
    AtOnce,
    Click,
    Delete,
    Feedback,
    Join,
    Move,
    NewThread,
    Open,
    Reload,
    Rename,
    Retry,
    Send,
    Stop,
    Wait,
    user_messages_of,
    widgets_of,
)
from .scene import Scene
from .schemas import Strategy
from .strategies import send_options, structured_answers, user_messages, widget_clicks

_CLIENTS = 3
_STOPS: Strategy = st.builds(
    Stop, st.just("client tool") | st.integers(1, 12), st.sampled_from(["disconnect", "cancel"])
)
_TITLES: Strategy = st.sampled_from(["A title", "Ein Titel für «alles»", "件名", "x" * 200])

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
    return client is scene.clients[0] and len(_apart(scene)) > 1


def _apart(scene: Scene) -> list[int]:
    # What two tabs write into one thread at the same time gets in each other's way on every ChatKit server.
    threads: list[str] = []
    found: list[int] = []
    for number, client in enumerate(scene.clients):
        if _writes(scene, client) and (client.thread_id is None or client.thread_id not in threads):
            found.append(number)
            threads += [client.thread_id] if client.thread_id is not None else []
    return found


def _waits(scene: Scene, client: AsyncSimulatedClient) -> bool:
    return client is scene.clients[0] and scene.world.virtual_time and client.thread_id is not None


def _newest_questions(client: AsyncSimulatedClient) -> StructuredInputItem | None:
    for item in reversed(client.view.items):
        if isinstance(item, StructuredInputItem) and item.status == "pending":
            return item
    return None


_CAN: Mapping[str, Can] = {
    "send": _writes,
    "stop": _writes,
    "retry": _retries,
    "reload": _has_thread,
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
}
KINDS = tuple(_CAN)
"""Every kind of move."""


def _send(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    said = [
        "".join(part.text for part in item.content)
        for item in scene.clients[client].view.items
        if isinstance(item, AssistantMessageItem)
    ]
    content = draw(messages, label="the user writes")
    options = draw(send_options(scene.bench.frontend, quotable=said), label="and chooses")
    return Send(content, options, client=client)


def _stop(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Send(draw(messages, label="the user writes"), {}, draw(_STOPS, label="and leaves"), client=client)


def _retry(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    count = len(user_messages_of(scene.clients[client].view.items))
    return Retry(draw(st.integers(0, count - 1), label="back"), client=client)


def _open(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Open(draw(st.integers(0, 2), label="thread"), client=client)


def _rename(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    return Rename(draw(_TITLES, label="title"), client=client)


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
    other = scene.world.other_context is not None and draw(st.booleans(), label="another user")
    opens = not other and scene.clients[0].thread_id is not None and draw(st.booleans(), label="opens the same thread")
    return Join(other_user=other, opens=opens, client=len(scene.clients))


def _at_once(scene: Scene, client: int, draw: Draw, messages: Strategy) -> Move:
    who = _apart(scene)
    return AtOnce(tuple(Send(draw(messages, label=f"client {number} writes"), client=number) for number in who))


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
}
