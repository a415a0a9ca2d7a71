"""Where each item of a turn comes from: the event that last spoke of it, and what disturbed its stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatkit.types import ThreadItemUpdatedEvent

from ..errors import Place
from ..recording import Turn
from ..wire import TextRun
from .base import Evidence, place
from .excuses import disturbance, run_errors, told_elsewhere, tripped
from .history import Life, StreamHistory

_LEFT = ("cancelled", "disconnected", "limit")


@dataclass(frozen=True)
class Origin:
    """The last that a turn said of an item.

    Attributes:
        history: The stream that said it.
        life: The item's life there.
        new: Whether the turn brought the item.
    """

    history: StreamHistory
    life: Life
    new: bool

    @property
    def number(self) -> int:
        """The event."""
        return self.life.steps[-1].last

    @property
    def updated_last(self) -> bool:
        """Whether updates came after the item was sent whole for the last time, and it was finished by then."""
        if self.life.open:
            return False
        last = self.life.steps[-1]
        return isinstance(last, TextRun) or isinstance(last.event, ThreadItemUpdatedEvent)


@dataclass(frozen=True)
class Origins:
    """The origins of all items that a turn spoke of.

    Attributes:
        by_id: The origins, by item.
        left: Whether the client left a stream of the turn early, so that the page missed what came after.
        injected: Whether the simulation itself broke something in the turn.
    """

    by_id: Mapping[str, Origin]
    left: bool
    injected: bool

    @classmethod
    def of(cls, evidence: Evidence) -> Origins:
        """Read the turn."""
        found: dict[str, Origin] = {}
        left = injected = False
        for history in evidence.histories:
            left = left or left_early(history)
            injected = injected or _injected(history)
            for life in history.lives:
                before = found.get(life.item_id)
                new = not life.origin if before is None else before.new
                found[life.item_id] = Origin(history, life, new)
        return cls(found, left, injected)


def left_early(history: StreamHistory) -> bool:
    """Whether the client was not there for the whole stream."""
    stream = history.stream
    return stream.ended in _LEFT or stream.has_note("cancelled", "disconnected")


def _injected(history: StreamHistory) -> bool:
    stream = history.stream
    raised = (*stream.swallowed, stream.raised)
    return stream.has_note("injected-failure", "unusual-request") or any(map(told_elsewhere, raised))


def unfinished_by_accident(evidence: Evidence, origin: Origin) -> bool:
    """Whether an item may well be unfinished: its stream, or the run behind it, did not come to its end."""
    stream = origin.history.stream
    return disturbance(evidence, origin.history) is not None or bool(run_errors(stream)) or tripped(stream)


def where(evidence: Evidence, origins: Origins, item_id: str) -> Place:
    """The event that last spoke of an item, in this turn or an earlier one."""
    origin = origins.by_id.get(item_id)
    if origin is not None:
        return place(evidence.turn, origin.history.stream, origin.number)
    return _earlier(evidence.earlier, item_id) or Place(evidence.turn.number)


def _earlier(turns: Sequence[Turn], item_id: str) -> Place | None:
    for turn in reversed(turns):
        for stream in reversed(turn.streams):
            for step in reversed(stream.steps):
                if isinstance(step, TextRun):
                    if step.item_id == item_id:
                        return place(turn, stream, step.last)
                    continue
                event = step.event
                if item_id in (getattr(event, "item_id", None), getattr(getattr(event, "item", None), "id", None)):
                    return place(turn, stream, step.number)
    return None
