"""How the text of an assistant message was streamed: one walk over its steps, which the text rules read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
)

from ..wire import Step, TextRun


@dataclass(frozen=True)
class TextProblem:
    """Something odd in a message's text.

    Attributes:
        kind: ``changed``: done says other text than was streamed. ``part-gap``: a content part leaves indexes out.
            ``part-restarted``: a part with text was added again. ``annotation-gap``: an annotation leaves indexes
            out. ``annotation-outside``: an annotation points outside of the text.
        number: The event that shows it.
        item_id: The message.
        content_index: The content part.
        index: The index that does not fit.
        limit: The index that would have fitted, or the length of the text.
        streamed: The text as streamed.
        done: The text as done.
    """

    kind: Literal["changed", "part-gap", "part-restarted", "annotation-gap", "annotation-outside"]
    number: int
    item_id: str
    content_index: int
    index: int = 0
    limit: int = 0
    streamed: str = ""
    done: str = ""


@dataclass
class _Part:
    chunks: list[str] = field(default_factory=list)
    settled: bool = False  # said by deltas or content_part.done, so that `done` must agree
    annotations: int = 0
    positions: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        self.chunks[:] = ["".join(self.chunks)]
        return self.chunks[0]


class _Walk:
    def __init__(self, item_id: str) -> None:
        self.item_id = item_id
        self.parts: list[_Part] = []
        self.problems: list[TextProblem] = []

    def begin(self, content: Sequence[AssistantMessageContent]) -> None:
        self.parts = [_Part([part.text], annotations=len(part.annotations)) for part in content]

    def text(self, number: int, content_index: int, text: str) -> None:
        part = self._part(number, content_index)
        part.chunks.append(text)
        part.settled = True

    def update(self, number: int, update: object) -> None:
        match update:
            case AssistantMessageContentPartAdded(content_index=index, content=content):
                part = self._part(number, index)
                if part.settled and part.text and part.text != content.text:
                    self._problem("part-restarted", number, index, streamed=part.text)
                part.chunks, part.settled = [content.text], False
            case AssistantMessageContentPartDone(content_index=index, content=content):
                part = self._part(number, index)
                self._compare(number, index, part, content.text)
                part.chunks, part.settled = [content.text], True
            case AssistantMessageContentPartAnnotationAdded(content_index=index, annotation=annotation):
                part = self._part(number, index)
                if update.annotation_index > part.annotations:
                    limit = part.annotations
                    self._problem("annotation-gap", number, index, index=update.annotation_index, limit=limit)
                part.annotations = max(part.annotations, update.annotation_index) + 1
                part.positions += _positions([annotation])
            case _:
                pass  # an update for another kind of item

    def done(self, number: int, content: Sequence[AssistantMessageContent], *, compare: bool) -> None:
        for index, part in enumerate(self.parts if compare else ()):
            self._compare(number, index, part, content[index].text if index < len(content) else "")
        for index, said in enumerate(content):
            positions = _positions(said.annotations)
            if index < len(self.parts):
                positions += self.parts[index].positions
            outside = next((at for at in positions if not 0 <= at <= len(said.text)), None)
            if outside is not None:
                limit = len(said.text)
                self._problem("annotation-outside", number, index, index=outside, limit=limit, done=said.text)

    def _part(self, number: int, index: int) -> _Part:
        if index > len(self.parts):
            self._problem("part-gap", number, index, index=index, limit=len(self.parts))
        while len(self.parts) <= index:
            self.parts.append(_Part())
        return self.parts[index]

    def _compare(self, number: int, index: int, part: _Part, text: str) -> None:
        if part.settled and part.text != text:
            self._problem("changed", number, index, streamed=part.text, done=text)

    def _problem(
        self,
        kind: Literal["changed", "part-gap", "part-restarted", "annotation-gap", "annotation-outside"],
        number: int,
        content_index: int,
        *,
        index: int = 0,
        limit: int = 0,
        streamed: str = "",
        done: str = "",
    ) -> None:
        self.problems.append(TextProblem(kind, number, self.item_id, content_index, index, limit, streamed, done))


def _positions(annotations: Iterable[Annotation]) -> list[int]:
    return [annotation.index for annotation in annotations if annotation.index is not None]


def read_message(item_id: str, steps: Iterable[Step]) -> list[TextProblem]:
    """What is odd in the text of one assistant message, in order.

    Args:
        item_id: The message.
        steps: What one stream said of it. Text streamed by an earlier stream is not known, and not compared.
    """
    walk = _Walk(item_id)
    begun = False
    for step in steps:
        if isinstance(step, TextRun):
            if begun and step.content_index >= 0:
                walk.text(step.number, step.content_index, step.text)
            continue
        match step.event:
            case ThreadItemAddedEvent(item=AssistantMessageItem(content=content)):
                walk.begin(content)
                begun = True
            case ThreadItemUpdatedEvent(update=update) if begun and getattr(update, "content_index", 0) >= 0:
                walk.update(step.number, update)
            case ThreadItemDoneEvent(item=AssistantMessageItem(content=content)):
                walk.done(step.number, content, compare=begun)
                break
            case ThreadItemReplacedEvent(item=AssistantMessageItem(content=content)):
                walk.done(step.number, content, compare=False)
                begun = False
            case _:
                pass  # removed, or another kind of item under this id: rules about items speak
    return walk.problems
