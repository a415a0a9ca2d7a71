"""What happened around the streams: other answers of the server, work that went on without the client, trespasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..wire import Request


@dataclass(frozen=True)
class Answer:
    """A response of the server outside of the turn's own streams.

    Attributes:
        request: What was asked.
        payloads: The JSON that came back: one body, or the frames of a stream.
    """

    request: Request
    payloads: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class LateWork:
    """Something that began after the client had left.

    Attributes:
        kind: What.
        name: The agent that called the model, the tool, or the store's method.
        detail: What more is known: the tool's call id, the item that was stored.
    """

    kind: Literal["model call", "tool", "store write"]
    name: str
    detail: str = ""


@dataclass(frozen=True)
class LostCancellation:
    """A cancellation that a responder was given when the client left, and that did not come out of it.

    Attributes:
        how: What showed it: the responder began a further run, yielded an event, or ended as if it had all been said.
        since: How many entries the timeline had when the cancellation was given to the responder.
        event: The type of the event that it yielded.
        caught: ``file:line in function`` where it was caught; empty when that cannot be seen.
        went_on: ``file:line in function`` where the responder was when it went on; empty when it had ended.
    """

    how: Literal["run", "event", "end"]
    since: int
    event: str = ""
    caught: str = ""
    went_on: str = ""


@dataclass(frozen=True)
class OutlivingTask:
    """A task that was begun during a turn and still ran a while after its end.

    Attributes:
        name: Its name.
        coroutine: The coroutine function that it runs.
        where: ``file:line in function`` where it waits; empty when that cannot be seen.
        seconds: How long it was waited for.
    """

    name: str
    coroutine: str
    where: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Trespass:
    """A request of a second user that named something of the first user's, and was not refused.

    Attributes:
        request: What was asked.
        named: What it named, for a person: ``the thread``, ``the user message``, ``the attachment``.
        kind: ``leaked``: the answer holds what the first user wrote or was told. ``changed``: something of the first
            user's is not as it was. ``served``: the server went to work on it.
        evidence: What shows it, for a person.
        cause: An exception on the way, if there was one.
    """

    request: Request
    named: str
    kind: Literal["leaked", "changed", "served"]
    evidence: tuple[str, ...] = ()
    cause: Any = field(default=None, compare=False)
