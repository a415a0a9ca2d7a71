"""What a run reached, and what it did not, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .summary import Summary


@dataclass(frozen=True)
class Reached:
    """Things of one kind.

    Attributes:
        title: What they are.
        counts: How often each was met; 0 for those that never were.
        why: Why some were not, by name.
    """

    title: str
    counts: Mapping[str, int]
    why: Mapping[str, str]

    @property
    def met(self) -> int:
        """How many of them were met at all."""
        return sum(1 for count in self.counts.values() if count)

    @property
    def most(self) -> int:
        """The highest count, at least 1."""
        return max([1, *self.counts.values()])


def coverage(summary: Summary) -> list[Reached]:
    """The tools, events, items and rules of a run."""
    reasons = dict(_reason(text) for text in summary.not_checked)
    return [
        Reached("Rules checked", _all(summary.checked, reasons), reasons),
        Reached("Event types", _all(summary.events, summary.event_types), {}),
        Reached("Item types", _all(summary.items, summary.item_types), {}),
        Reached("Server tools", _all(summary.server_tools, ()), {}),
        Reached(
            "Client tools",
            _all(summary.client_tools, summary.registered),
            dict.fromkeys(summary.never_called, "registered, never asked for"),
        ),
    ]


def _all(counts: Mapping[str, int], exist: Iterable[str]) -> dict[str, int]:
    names = {*counts, *exist}
    return {name: counts.get(name, 0) for name in sorted(names)}


def _reason(text: str) -> tuple[str, str]:
    rule, _, why = text.partition(": ")
    return rule, why
