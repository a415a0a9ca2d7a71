"""The full transcript: a turn, a conversation or any list of events as one stable text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from chatkit.types import (
    StreamOptionsEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)

from ..wire import Step, TextRun
from .aliases import own, reference
from .asked import asked
from .bodies import item_label, item_lines, update_lines
from .collecting import collect_ids
from .happenings import happening
from .masking import mask_text
from .payloads import indented, one_line
from .redaction import Matcher, Redaction, Redactor
from .sources import Exchange, Source, read_source
from .story import Block, Meanwhile, Story

VERSION = 1
"""Of the transcript: the same recording gives the same text as long as it stays."""

HEAD = f"# chatkit-sim transcript {VERSION}"

Detail = Literal["turn", "events"]


def full_transcript(
    what: Any,
    *,
    detail: Detail = "turn",
    redact: Iterable[Redaction] = (),
    matcher: Matcher | None = None,
    exclude: Matcher | None = None,
    times: bool = True,
) -> str:
    """Everything that was said and done, as a text that is the same on every run and every machine.

    Ids become aliases (``<message:1>``), also within texts, payloads and URLs; an item shows its own only where
    something else speaks of it. Times and durations become placeholders, and values of keys that look like secrets
    are masked.

    Args:
        what: A turn, several, or a client (its turns); a recorded stream; an event, an item, or a list of them; a
            thread view.
        detail: ``turn`` tells each thing once, where it began; ``thread.updated`` and progress, which come at another
            moment on every run, stand at the end of their turn. ``events`` lists every event as it came.
        redact: Keys or paths (``"*.email"``) whose values are replaced, patterns whose matches are replaced, or
            functions of path and value. Paths begin at the event: ``item.arguments.city``.
        matcher: Called with ``data`` and ``path`` for every value, as syrupy's matchers are.
        exclude: Called with ``prop`` and ``path``, as syrupy's filters are.
        times: Whether times and durations become placeholders.

    Raises:
        UsageError: ``what`` is nothing that a transcript can be made of.

    Example:
        ::

            # chatkit-sim transcript 1

            == turn 1

            user
              | Put milk on my list

            client tool add_to_todo_list
              item: "milk"

            -- stream 2

            output of add_to_todo_list
              added: "milk"

            assistant, streamed
              | Added milk.
    """
    source = read_source(what)
    writer = _Writer(Redactor(redact, matcher, exclude), times)
    text = "\n".join([HEAD, "", *_spaced(writer.source(source, detail))])
    text = writer.redactor.text(mask_text(text, times=times))
    return collect_ids(source).apply(text) + "\n"


class _Writer:
    """Writes the blocks of a transcript."""

    def __init__(self, redactor: Redactor, times: bool) -> None:
        self.redactor = redactor
        self._times = times

    def source(self, source: Source, detail: Detail) -> Iterator[Block]:
        several = len({turn.thread_id for turn in source.turns if turn.thread_id is not None}) > 1
        for turn in source.turns:
            if turn.number is not None:
                place = f" in {reference(turn.thread_id)}" if several and turn.thread_id is not None else ""
                yield [f"== turn {turn.number}{place}"]
            yield from self._told(turn.streams) if detail == "turn" else self._listed(turn.streams)
        for item in source.items:
            shown = self.redactor.value(item)
            yield [f"{item_label(shown)}{own(shown.id)}", *indented(item_lines(shown, times=self._times))]

    def _told(self, streams: Sequence[Exchange]) -> Iterator[Block]:
        story, meanwhile = Story(times=self._times), Meanwhile()
        for stream in streams:
            yield from self._begin(stream)
            steps = [step for step in stream.steps if not _says_nothing(step, stream)]
            rest = [step for step in self.redactor.steps(steps) if not meanwhile.take(step)]
            yield from story.stream(rest, guarded=stream.guarded)
            yield from self._end(stream)
        late = meanwhile.blocks(times=self._times)
        yield from [["-- meanwhile"], *late] if late else []

    def _listed(self, streams: Sequence[Exchange]) -> Iterator[Block]:
        for stream in streams:
            yield from self._begin(stream)
            for event in stream.events:
                yield self._event(self.redactor.value(event))
            yield from self._end(stream)

    def _begin(self, stream: Exchange) -> Iterator[Block]:
        if stream.number is not None and stream.number > 1:
            yield [f"-- stream {stream.number}"]
        if stream.request is not None:
            params = self.redactor.value(stream.request.params)
            message = self.redactor.value(stream.message) if stream.message is not None else None
            yield asked(stream.request.type, params, message, stream.answers, times=self._times)

    def _end(self, stream: Exchange) -> Iterator[Block]:
        if stream.unanswered:
            yield [f"no output for {stream.unanswered}"]
        if stream.ended != "complete":
            yield [f"stream ends: {stream.ended}"]

    def _event(self, event: ThreadStreamEvent) -> Block:
        match event:
            case ThreadItemAddedEvent() | ThreadItemDoneEvent() | ThreadItemReplacedEvent():
                heading = f"{event.type} {item_label(event.item)} {reference(event.item.id)}"
                return [heading, *indented(item_lines(event.item, times=self._times))]
            case ThreadItemUpdatedEvent():
                first, *rest = update_lines(event.update, times=self._times)
                return [f"{event.type} {reference(event.item_id)} {first}", *indented(rest)]
            case ThreadItemRemovedEvent():
                return [f"{event.type} {reference(event.item_id)}"]
            case _:
                return happening(event, times=self._times)


def _says_nothing(step: Step, stream: Exchange) -> bool:
    """Whether a step of the preamble says what stands there already: the user's message, and the usual options."""
    if stream.request is None or isinstance(step, TextRun) or step.number > stream.preamble:
        return False
    event = step.event
    if isinstance(event, StreamOptionsEvent):
        return event.stream_options.allow_cancel
    return isinstance(event, ThreadItemDoneEvent) and event.item is stream.message


def _spaced(blocks: Iterable[Block]) -> Iterator[str]:
    """The lines of all blocks; between two of them an empty one, unless both are single lines."""
    before = 0
    for block in blocks:
        heading = block[0].startswith(("== ", "-- "))
        if before and (before > 1 or len(block) > 1 or heading):
            yield ""
        for line in block:
            yield one_line(line)
        before = 2 if heading else len(block)
