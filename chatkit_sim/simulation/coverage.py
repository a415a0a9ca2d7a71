"""Tool-flow coverage: which tools, outcomes, handoffs, events and moves were exercised, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..recording import COUNTED, exercised
from .story import Played, Story


@dataclass
class Coverage:
    """What was exercised; two are merged with ``+``.

    Attributes:
        flows: What turns exercised, by the names in ``chatkit_sim.recording.COUNTED``.
        moves: Moves of users by kind.
        rules: How often each rule was checked.
    """

    flows: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTED})
    moves: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, story: Story) -> None:
        """Count what a story exercised."""
        for played in story:
            self._add_move(played)

    def __add__(self, other: Coverage) -> Coverage:
        flows = {name: counts + other.flows[name] for name, counts in self.flows.items()}
        return Coverage(flows, self.moves + other.moves, self.rules + other.rules)

    @property
    def never_called(self) -> list[str]:
        """Server tools that models could have called and never did."""
        return sorted(set(self.flows["offered_tools"]) - set(self.flows["server_tools"]))

    @property
    def never_tried(self) -> frozenset[str]:
        """Tools and handoffs, by the names that models call them by, that were on offer and never called."""
        handoffs = set(self.flows["offered_handoffs"]) - set(self.flows["handoffs"])
        return frozenset([*self.never_called, *(handoff.partition(": ")[2] for handoff in handoffs)])

    @property
    def never_succeeded(self) -> list[str]:
        """Server tools that were called and never once succeeded."""
        return [tool for tool in sorted(self.flows["server_tools"]) if not self.server(tool, "succeeded")]

    def server(self, tool: str, outcome: str) -> int:
        """How many calls of a server tool ended so: ``succeeded``, ``failed``, ``unfinished``."""
        return self.flows["server_outcomes"][f"{tool}: {outcome}"]

    def client(self, tool: str, outcome: str) -> int:
        """How many calls of a client tool came to this, one of ``chatkit_sim.recording.CLIENT_OUTCOMES``."""
        return self.flows["client_outcomes"][f"{tool}: {outcome}"]

    def _add_move(self, played: Played) -> None:
        self.moves[type(played.move).__name__] += 1
        for judged in played.judged:
            self.rules.update(judged.verdict.checked)
            if judged.turn is not None:
                for name, counts in exercised(judged.turn).items():
                    if counts:
                        self.flows[name].update(counts)
        self.flows["client_outcomes"].update(drawn_outcomes(played))


def drawn_outcomes(played: Played) -> Iterator[str]:
    """What was drawn to become of client tool calls in a move, as far as no turn shows it."""
    for reacted in played.reacted:
        if reacted.reaction.wrong:
            yield f"{reacted.tool}: wrong shape"
        if reacted.reaction.delay:
            yield f"{reacted.tool}: late"
