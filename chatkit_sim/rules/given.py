"""What a model was given: the input of each call, its function calls and their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..recording import ModelCalled, RecordedStream, RunStarted, Turn
from .base import Evidence
from .calls import read
from .words import listed, quoted

# Fields of what a model answers that the API refuses in what it is given.
_OUTPUT_ONLY = ("created_by", "parsed_arguments")
_OUTPUT_ONLY_OF_TEXT = ("parsed",)


@dataclass(frozen=True)
class Given:
    """A model call and what it was given.

    Attributes:
        stream: The stream that it was made for.
        call: The call.
        main: Whether its run feeds the stream.
        remembered: Whether the provider or a session holds the history.
    """

    stream: RecordedStream
    call: ModelCalled
    main: bool
    remembered: bool

    @property
    def items(self) -> Sequence[Any]:
        """The input items; a plain text has none."""
        return () if isinstance(self.call.input, str) else self.call.input

    @property
    def number(self) -> int:
        """The event before which it was made."""
        return min(self.call.after_event + 1, len(self.stream.events))

    @property
    def summary(self) -> str:
        """Its input, short: the kinds of its items."""
        if isinstance(self.call.input, str):
            return quoted(self.call.input)
        kinds = [str(read(item, "role") or read(item, "type")) for item in self.items]
        return listed(kinds) if kinds else "nothing"

    def call_ids(self, kind: str) -> dict[str, Any]:
        """The items of a kind by their call id."""
        found = ((read(item, "call_id"), item) for item in self.items if read(item, "type") == kind)
        return {call_id: item for call_id, item in found if call_id}


def given_in(turn: Turn) -> Iterator[Given]:
    """Every model call of a turn, in order."""
    for stream in turn.streams:
        timeline = stream.timeline
        main = timeline.main_runs
        remembered = {entry.run for entry in timeline.of(RunStarted) if entry.remembered_elsewhere}
        for call in timeline.model_calls:
            yield Given(stream, call, call.run in main, call.run in remembered)


def loose_ends(given: Given) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Calls without an output and outputs without a call."""
    calls, outputs = given.call_ids("function_call"), given.call_ids("function_call_output")
    unanswered = [(call_id, item) for call_id, item in calls.items() if call_id not in outputs]
    unasked = [] if given.remembered else [(i, item) for i, item in outputs.items() if i not in calls]
    return unanswered, unasked


class Said:
    """Tells each loose end once, in the turn that has it first."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._said: set[tuple[str, str]] = set()
        self._before: set[tuple[str, str]] | None = None

    def first(self, what: str, kind: str) -> bool:
        """Whether this was not told before."""
        if (what, kind) in self._said:
            return False
        self._said.add((what, kind))
        if self._before is None:
            self._before = set(self._earlier())
        return (what, kind) not in self._before

    def _earlier(self) -> Iterator[tuple[str, str]]:
        for turn in self._evidence.earlier:
            for given in given_in(turn):
                unanswered, unasked = loose_ends(given)
                yield from ((call_id, "unanswered") for call_id, _ in unanswered)
                yield from ((call_id, "unasked") for call_id, _ in unasked)
                yield from ((field, "field") for field in output_only_fields(given))


def output_only_fields(given: Given) -> Iterator[str]:
    """Fields among the input that only answers may have."""
    for item in given.items:
        for field in _OUTPUT_ONLY:
            if read(item, field) is not None:
                yield field
        content = read(item, "content")
        for part in content if isinstance(content, list | tuple) else ():
            for field in _OUTPUT_ONLY_OF_TEXT:
                if read(part, "type") == "output_text" and read(part, field) is not None:
                    yield field
