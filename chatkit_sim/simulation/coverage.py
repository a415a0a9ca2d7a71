"""Tool-flow coverage: which tools, outcomes, handoffs, events and moves were exercised, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..recording import HandedOff, ModelCalled, ToolEnded, Turn
from .story import Played, Story

_SERVER_OUTCOMES = ("succeeded", "failed")


@dataclass
class Coverage:
    """What was exercised; two are merged with ``+``.

    Attributes:
        client_tools: Client tool calls by ``(tool, outcome)``: ``answered``, ``failed``, ``late``, ``withheld``, ...
        server_tools: Calls of server tools by ``(tool, outcome)``: ``succeeded``, ``failed``.
        offered: Tools and handoffs that a model could have called.
        handoffs: Handoffs by ``(from, to)``.
        events: Events by type.
        items: Thread items by type.
        moves: Moves of users by kind.
        rules: How often each rule was checked.
    """

    client_tools: Counter[tuple[str, str]] = field(default_factory=Counter)
    server_tools: Counter[tuple[str, str]] = field(default_factory=Counter)
    offered: Counter[str] = field(default_factory=Counter)
    handoffs: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, story: Story) -> None:
        """Count what a story exercised."""
        for played in story:
            self._add_move(played)
            for judged in played.judged:
                self.rules.update(judged.verdict.checked)
                if judged.turn is not None:
                    self._add_turn(judged.turn)

    def __add__(self, other: Coverage) -> Coverage:
        mine, theirs = vars(self), vars(other)
        return Coverage(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def never_called(self) -> list[str]:
        """Server tools and handoffs that models could have called and never did."""
        called = {tool for tool, _ in self.server_tools} | {f"transfer to {to}" for _, to in self.handoffs}
        return sorted(tool for tool in self.offered if tool not in called and not tool.startswith("transfer_to_"))

    @property
    def never_succeeded(self) -> list[str]:
        """Server tools that were called and failed every time."""
        called = {tool for tool, _ in self.server_tools}
        return sorted(tool for tool in called if not self.server_tools[tool, "succeeded"])

    def _add_move(self, played: Played) -> None:
        self.moves[type(played.move).__name__] += 1
        for said in played.said:
            self.offered.update(list(said.tools))
        for reacted in played.reacted:
            if reacted.reaction.delay:
                self.client_tools[reacted.tool, "late"] += 1

    def _add_turn(self, turn: Turn) -> None:
        for call in turn.client_tool_calls:
            self.client_tools[call.name, call.outcome] += 1
        for entry in turn.timeline.of(ToolEnded):
            self.server_tools[entry.tool, _SERVER_OUTCOMES[entry.error is not None]] += 1
        for handed in turn.timeline.of(HandedOff):
            self.handoffs[handed.agent, handed.to] += 1
        for called in turn.timeline.of(ModelCalled):
            self.offered.update(called.tools)
        for stream in turn.streams:
            for event in stream.events:
                self.events[event.type] += 1
                item = getattr(event, "item", None)
                if item is not None:
                    self.items[item.type] += 1
