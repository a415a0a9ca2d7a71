"""Which call did what: the model's tool calls, what was assigned for the client, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatkit.types import ClientToolCallItem

from ..recording import ClientToolAssigned, ModelCalled, RecordedStream, ToolEnded, ToolStarted
from .words import call_text


@dataclass(frozen=True)
class Asked:
    """A client tool that a tool asked for.

    Attributes:
        index: Where it stands in the timeline.
        entry: The assignment.
        tool: The function tool that made it, as far as anything tells.
        response: The model call whose answer held the tool call.
    """

    index: int
    entry: ClientToolAssigned
    tool: str | None
    response: ModelCalled | None

    @property
    def text(self) -> str:
        """The client tool call as it would be written."""
        return call_text(self.entry.name, self.entry.arguments)

    @property
    def by(self) -> str:
        """The function tool, or the client tool's name when nothing better is known."""
        return self.tool or self.entry.name


@dataclass(frozen=True)
class Early:
    """A model call that came before the client's answer.

    Attributes:
        model_call: The model call.
        told: What it was given as the tool's output.
        agent: The agent that did not stop.
        tool: The tool that it should have stopped at.
        response: The model call whose answer held the call of that tool.
        beside: The names of what else this answer called.
    """

    model_call: ModelCalled
    told: str
    agent: str
    tool: str
    response: ModelCalled | None = None
    beside: tuple[str, ...] = ()

    @property
    def handoffs(self) -> tuple[str, ...]:
        """The handoffs among what else was called: they come before any tool's output."""
        offered = self.response.handoffs if self.response is not None else ()
        return tuple(name for name in self.beside if name in offered)

    @property
    def stops(self) -> bool | None:
        """Whether the agent stops at the tool by itself; ``None`` when a function decides, or nobody said."""
        if self.response is None or self.response.stops_at is None:
            return None
        return self.tool in self.response.stops_at


class Calls:
    """The calls of one stream's timeline, indexed once."""

    def __init__(self, stream: RecordedStream) -> None:
        self.entries = stream.timeline.entries
        self.main_runs = stream.timeline.main_runs
        self.tools: dict[str, str] = {}
        self._responses: dict[str, ModelCalled] = {}
        for entry in self.entries:
            if isinstance(entry, ToolStarted):
                self.tools[entry.call_id] = entry.tool
            elif isinstance(entry, ModelCalled):
                for item in entry.output:
                    if read(item, "type") == "function_call":
                        self.tools.setdefault(read(item, "call_id"), read(item, "name"))
                        self._responses[read(item, "call_id")] = entry
        self.asked = [
            self._asked(index, entry)
            for index, entry in enumerate(self.entries)
            if isinstance(entry, ClientToolAssigned)
        ]

    def _asked(self, index: int, entry: ClientToolAssigned) -> Asked:
        tool = entry.tool or self.tools.get(entry.call_id or "")
        return Asked(index, entry, tool, self._responses.get(entry.call_id or ""))

    def answered_early(self, asked: Asked) -> Early | None:
        """How the run went on although the client had not answered; ``None`` when it did not.

        The sign is a later model call of the same run that was given an output for the call. When an agent used as a
        tool asked for the client, the run around it must stop too.
        """
        for run, call_id, agent, tool in [self._own(asked), *self._around(asked)]:
            for entry in self.entries[asked.index + 1 :]:
                if call_id and isinstance(entry, ModelCalled) and entry.run == run:
                    told = _output_for(entry, call_id)
                    if told is not None:
                        response = self._responses.get(call_id)
                        return Early(entry, told, agent, tool, response, _beside(response, call_id))
        return None

    def _own(self, asked: Asked) -> tuple[int, str | None, str, str]:
        return asked.entry.run, asked.entry.call_id, asked.entry.agent, asked.by

    def _around(self, asked: Asked) -> list[tuple[int, str | None, str, str]]:
        running: dict[str, ToolStarted] = {}
        for entry in self.entries[: asked.index]:
            if isinstance(entry, ToolStarted) and entry.run != asked.entry.run:
                running[entry.call_id] = entry
            elif isinstance(entry, ToolEnded):
                running.pop(entry.call_id, None)
        nested = asked.entry.run not in self.main_runs
        return [(e.run, e.call_id, e.agent, e.tool) for e in running.values()] if nested else []

    def lost(self, pending: Sequence[ClientToolCallItem]) -> list[tuple[Asked, Asked]]:
        """What was assigned and then overwritten, each with what overwrote it. Nothing is lost without a survivor."""
        left = list(pending)
        survivors: list[Asked] = []
        for asked in reversed(self.asked):
            match = next((item for item in left if _same(item, asked)), None)
            if match is not None:
                left.remove(match)
                survivors.append(asked)
        return [
            (asked, next((s for s in reversed(survivors) if s.index > asked.index), survivors[0]))
            for asked in self.asked
            if survivors and asked not in survivors and not any(_repeats(asked, s) for s in survivors)
        ]


def _output_for(call: ModelCalled, call_id: str) -> str | None:
    for item in call.input if not isinstance(call.input, str) else ():
        if read(item, "type") == "function_call_output" and read(item, "call_id") == call_id:
            return str(read(item, "output"))
    return None


def _beside(response: ModelCalled | None, call_id: str) -> tuple[str, ...]:
    output = response.output if response is not None else ()
    calls = [item for item in output if read(item, "type") == "function_call" and read(item, "call_id") != call_id]
    return tuple(str(read(item, "name")) for item in calls)


def _same(item: ClientToolCallItem, asked: Asked) -> bool:
    return item.name == asked.entry.name and item.arguments == asked.entry.arguments


def _repeats(asked: Asked, survivor: Asked) -> bool:
    # The same call saying the same twice loses nothing.
    one, other = asked.entry, survivor.entry
    return (one.name, one.arguments, one.call_id) == (other.name, other.arguments, other.call_id)


def read(item: Any, key: str) -> Any:
    """A field of a plain item, whether it is a mapping or an object."""
    return item.get(key) if isinstance(item, Mapping) else getattr(item, key, None)
