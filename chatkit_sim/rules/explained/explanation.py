"""What there is to say of a rule beyond what must hold, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """An example, and what to look out for.

    Attributes:
        broken: Code, or what happens, that breaks the rule.
        mended: The same, mended.
        traps: What looks like a breach and is none, and what is easily overlooked.
    """

    broken: str
    mended: str
    traps: tuple[str, ...] = ()
