"""What an assertion sees in a sequence: events, and the text of a part as one, wherever its deltas stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from ..wire import OneEvent, Step, TextRun

if TYPE_CHECKING:
    from collections.abc import Iterable

Found = ThreadStreamEvent | TextRun
"""What an assertion found: an event, or the text of a part as one."""


@dataclass(frozen=True, slots=True)
class InterleavedText(TextRun):
    """Text deltas of one content part with other events between them, read as one.

    Attributes:
        deltas: How many deltas it is made of.
    """

    deltas: int

    @property
    def count(self) -> int:
        """How many deltas it is made of."""
        return self.deltas


@dataclass(slots=True)
class _Growing:
    """A text whose item has not moved on yet."""

    place: int
    first: TextRun
    last: int
    chunks: list[str]
    deltas: int


def merge_texts(steps: Iterable[Step]) -> list[Step]:
    """Join the text runs of a part that only events of other items (or of none) lie between.

    The joined text stands where its first delta came. Two runs of a part stay apart when an event of their own item
    came between them.
    """
    merged: list[Step] = []
    growing: dict[str, _Growing] = {}
    for step in steps:
        if isinstance(step, TextRun):
            text = growing.get(step.item_id)
            if text is not None and text.first.content_index == step.content_index:
                text.chunks.append(step.text)
                text.last, text.deltas = step.last, text.deltas + step.count
                continue
            _settle(merged, text)
            growing[step.item_id] = _Growing(len(merged), step, step.last, [step.text], step.count)
        else:
            item_id = item_of(step)
            if item_id is not None:
                _settle(merged, growing.pop(item_id, None))
        merged.append(step)
    for text in growing.values():
        _settle(merged, text)
    return merged


def item_of(step: OneEvent) -> str | None:
    """The id of the item that an event is about."""
    match step.event:
        case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
            return step.event.item.id
        case ThreadItemUpdatedEvent() | ThreadItemRemovedEvent():
            return step.event.item_id
        case _:
            return None


def found(step: Step) -> Found:
    """What an assertion hands back."""
    return step if isinstance(step, TextRun) else step.event


def as_text(subject: object) -> TextRun | None:
    """The subject as a text, if it is one: a run, or a single delta."""
    if isinstance(subject, TextRun):
        return subject
    if isinstance(subject, ThreadItemUpdatedEvent):
        update = subject.update
        if isinstance(update, AssistantMessageContentPartTextDelta):
            return TextRun(1, 1, subject.item_id, update.content_index, update.delta)
    return None


def _settle(merged: list[Step], text: _Growing | None) -> None:
    if text is not None and len(text.chunks) > 1:
        run = text.first
        joined = "".join(text.chunks)
        merged[text.place] = InterleavedText(run.number, text.last, run.item_id, run.content_index, joined, text.deltas)
