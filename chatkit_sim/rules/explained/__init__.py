"""For each rule: a short example that breaks it, the same mended, and the traps; told by ``chatkit-sim explain``."""

from __future__ import annotations

from collections.abc import Mapping

from .agents import AGENTS
from .explanation import Explanation
from .items import ITEMS
from .page import PAGE
from .reads import READS
from .stored import STORED
from .streams import STREAMS

EXPLANATIONS: Mapping[str, Explanation] = {**STREAMS, **ITEMS, **AGENTS, **PAGE, **STORED}
"""By the rule's slug."""

__all__ = ["EXPLANATIONS", "READS", "Explanation"]
