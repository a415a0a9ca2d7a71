"""What one client knows of the store over time: when it last saw both sides, and who else was there since."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from chatkit.server import ChatKitServer

from ..recording import Answer, Comparison, Reload, ThreadView
from ..rules.comparing import compare
from ..wire import Request

_READING = ("threads.get_by_id", "threads.list", "items.list", "items.feedback", "input.transcribe")


@dataclass
class Surroundings:
    """What all clients of one bench share.

    Attributes:
        visits: How often each thread was written to, by anyone.
        answers: Responses outside of streams that no turn has been judged with yet.
    """

    visits: Counter[str] = field(default_factory=Counter)
    answers: list[Answer] = field(default_factory=list)

    def take_answers(self) -> tuple[Answer, ...]:
        """The responses since the last time."""
        taken = tuple(self.answers)
        self.answers.clear()
        return taken


class Witness:
    """What one client knows.

    Args:
        surroundings: What it shares with the others.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._all = surroundings
        self._own: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._compared: dict[str, Comparison] = {}

    def answered(self, request: Request, *payloads: bytes) -> None:
        """Note a response outside of a turn's streams."""
        self._all.answers.append(Answer(request, payloads))

    def wrote(self, thread_id: str | None) -> None:
        """Note that this client writes to a thread, in a turn; once before it and once after."""
        if thread_id is not None:
            self._own[thread_id] += 1
            self._all.visits[thread_id] += 1

    def asked(self, request: Request) -> None:
        """Note a raw request: what it changes does not show on any page."""
        thread_id = request.params.get("thread_id")
        if thread_id is not None and request.type not in _READING:
            self._all.visits[thread_id] += 1

    def knows(self, thread_id: str | None) -> dict[str, Any]:
        """What rules are told of a thread before it is compared again: ``compared`` and ``shared``."""
        if thread_id is None:
            return {}
        return {"compared": self._compared.get(thread_id), "shared": self._visits(thread_id) != self._others[thread_id]}

    def compares(self, thread_id: str | None, view: ThreadView, reload: Reload | None) -> None:
        """Note that both sides are known now."""
        if thread_id is not None and reload is not None and reload.opened.complete:
            self._compared[thread_id] = Comparison(view, reload)
            self._others[thread_id] = self._visits(thread_id)

    def _visits(self, thread_id: str) -> int:
        return self._all.visits[thread_id] - self._own[thread_id]


async def looked_into(
    reload: Reload, view: ThreadView, server: ChatKitServer[Any] | None, thread_id: str, context: Any
) -> Reload:
    """The same reload; where it differs from the page, with what the store itself shows of the reason."""
    if server is None or not reload.opened.complete or not compare(view, reload).found:
        return reload
    try:
        first, second = [await server.store.load_thread_items(thread_id, None, 1, "desc", context) for _ in range(2)]
    except Exception:
        return reload  # the difference is told in any case, without this reason
    shared = bool(first.data) and bool(second.data) and first.data[0] is second.data[0]
    return replace(reload, shares_objects=shared)
