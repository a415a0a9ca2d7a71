"""Ids for what a script says: unique over a whole simulation, the same in every run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ids:
    """Counts ids by kind.

    Each lane counts for itself, so that a title agent that runs at the same time does not shift the ids of the
    messages that the user sees.

    Attributes:
        prefix: Put before every number, for stores that outlive the script and refuse an id they know.
    """

    prefix: str = ""
    _counts: Counter[str] = field(default_factory=Counter)

    def lane(self, agent: str | None) -> LaneIds:
        """The ids of one lane: that of the run that feeds the stream, or an agent's."""
        label = "" if agent is None else (re.sub(r"[^a-z0-9]+", "_", agent.lower()).strip("_") or "agent") + "_"
        return LaneIds(self, label)

    def count(self, stem: str) -> str:
        """The next id that begins so."""
        self._counts[stem] += 1
        return f"{stem}{self._counts[stem]}"

    def clear(self) -> None:
        """Count from 1 again."""
        self._counts.clear()


@dataclass(frozen=True)
class LaneIds:
    """The ids of one lane."""

    ids: Ids
    label: str

    def __call__(self, kind: str) -> str:
        """The next id of a kind: ``msg``, ``rs``, ``fc``, ``call``, ``ig`` or ``resp``."""
        return self.ids.count(f"{kind}_{self.ids.prefix}{self.label}")
