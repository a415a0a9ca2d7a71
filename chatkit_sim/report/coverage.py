"""What a run reached and what it did not, for a person to look at; and how much of it in percent.

Tool-flow coverage is the share of what could have happened between tools, agents and widgets that did happen. Each of
these counts one: a client tool with each outcome in ``CLIENT_OUTCOMES``; a server tool that succeeded; a handoff that
was made; a widget action that was clicked. What a server simply has no use for (a type of event, a rule about images)
does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..recording import CLIENT_OUTCOMES
from .summary import Summary


@dataclass(frozen=True)
class Reached:
    """Things of one kind.

    Attributes:
        title: What they are.
        counts: How often each was met; 0 for those that never were.
        why: Why some were not, by name.
        flows: Whether they count for the tool-flow coverage.
    """

    title: str
    counts: Mapping[str, int]
    why: Mapping[str, str] = field(default_factory=dict)
    flows: bool = False

    @property
    def met(self) -> int:
        """How many of them were met at all."""
        return sum(1 for count in self.counts.values() if count)

    @property
    def never(self) -> list[str]:
        """Those that were never met."""
        return [name for name, count in self.counts.items() if not count]

    @property
    def most(self) -> int:
        """The highest count, at least 1."""
        return max([1, *self.counts.values()])


def coverage(summary: Summary) -> list[Reached]:
    """The tool flows, server tools, events, items and rules of a run."""
    reasons = dict(_reason(text) for text in summary.not_checked)
    return [
        *flows(summary),
        Reached("Server tools, as their calls ended", _all(summary.server_outcomes, ())),
        Reached("Moves of users", _all(summary.moves, ())),
        Reached("Rules checked", _all(summary.checked, reasons), reasons),
        Reached("Event types", _all(summary.events, summary.event_types)),
        Reached("Item types", _all(summary.items, summary.item_types)),
    ]


def flows(summary: Summary) -> list[Reached]:
    """What counts for the tool-flow coverage."""
    tools = sorted(summary.registered | summary.client_tools.keys())
    unasked = dict.fromkeys(summary.never_called, "registered, never asked for")
    cells = [f"{tool}: {outcome}" for tool in tools for outcome in CLIENT_OUTCOMES]
    client = {cell: summary.client_outcomes.get(cell, 0) for cell in cells}
    server = {tool: summary.server_outcomes.get(f"{tool}: succeeded", 0) for tool in server_tools(summary)}
    return [
        Reached(
            "Client tools", client, {cell: unasked[tool] for cell in cells if (tool := _of(cell)) in unasked}, True
        ),
        Reached("Server tools that succeeded", server, dict(_why_not(summary)), True),
        Reached("Handoffs", _all(summary.handoffs, summary.offered_handoffs), {}, True),
        Reached("Widget actions", _all(summary.actions, summary.shown_actions), {}, True),
    ]


def percentage(summary: Summary) -> float | None:
    """The tool-flow coverage in percent; ``None`` where a server has no tools, handoffs or widgets at all."""
    kinds = flows(summary)
    possible = sum(len(kind.counts) for kind in kinds)
    return 100 * sum(kind.met for kind in kinds) / possible if possible else None


def server_tools(summary: Summary) -> list[str]:
    """Every server tool that was called, or that a model could have called."""
    return sorted(summary.server_tools.keys() | summary.offered_tools.keys())


def _why_not(summary: Summary) -> Iterator[tuple[str, str]]:
    for tool in server_tools(summary):
        if tool not in summary.server_tools:
            yield tool, "no model ever called it"
        elif not summary.server_outcomes.get(f"{tool}: succeeded"):
            yield tool, f"called {summary.server_tools[tool]:,} times, and never once succeeded"


def _of(cell: str) -> str:
    return cell.rpartition(": ")[0]


def _all(counts: Mapping[str, int], exist: Iterable[str]) -> dict[str, int]:
    names = {*counts, *exist}
    return {name: counts.get(name, 0) for name in sorted(names)}


def _reason(text: str) -> tuple[str, str]:
    rule, _, why = text.partition(": ")
    return rule, why
