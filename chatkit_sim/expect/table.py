"""Two sequences side by side, for messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LeftT = TypeVar("LeftT")
RightT = TypeVar("RightT")

_LEFT, _RIGHT = 58, 78  # the widest columns
_WRONG, _GAP = -0.15, -0.1  # two that do not fit still stand in one row: two gaps cost more


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: What stands before it.
        left: The left column.
        right: The right column.
        marked: Whether it is the row to look at.
    """

    number: int | str
    left: str
    right: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Pair(Generic[LeftT, RightT]):
    """What stands in one row; ``None`` on a side means nothing does."""

    left: LeftT | None
    right: RightT | None
    fits: bool


def table(rows: Sequence[Row], left: str, right: str) -> list[str]:
    """Lay rows out in columns.

    Args:
        rows: The rows.
        left: The head of the left column.
        right: The head of the right column.
    """
    width = min(max(len(text) for text in (left, *(row.left for row in rows))), _LEFT)
    digits = max([1, *(len(str(row.number)) for row in rows)])
    lines = [f"  {'':{digits}} {left:{width}}  {right}"]
    for row in rows:
        mark = ">" if row.marked else " "
        lines.append(f"{mark} {row.number!s:>{digits}} {cut(row.left, width):{width}}  {cut(row.right, _RIGHT)}")
    return [line.rstrip() for line in lines]


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def align(
    left: Sequence[LeftT], right: Sequence[RightT], fit: Callable[[LeftT, RightT], float]
) -> list[Pair[LeftT, RightT]]:
    """Pair up two short sequences in the way that fits best, in order.

    Args:
        left: One sequence.
        right: The other. The cost is the product of both lengths: pass neighbourhoods, not whole recordings.
        fit: How well two fit: 1 when they match, more than 0 when they are alike, 0 when not.
    """
    score = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    fits = [[fit(one, other) for other in right] for one in left]
    for i in range(len(left), -1, -1):
        for j in range(len(right), -1, -1):
            ways = []
            if i < len(left) and j < len(right):
                ways.append(score[i + 1][j + 1] + (fits[i][j] or _WRONG))
            if i < len(left):
                ways.append(score[i + 1][j] + _GAP)
            if j < len(right):
                ways.append(score[i][j + 1] + _GAP)
            score[i][j] = max(ways, default=0.0)
    pairs: list[Pair[LeftT, RightT]] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right) and score[i][j] == score[i + 1][j + 1] + (fits[i][j] or _WRONG):
            pairs.append(Pair(left[i], right[j], fits[i][j] >= 1))
            i, j = i + 1, j + 1
        elif i < len(left) and score[i][j] == score[i + 1][j] + _GAP:
            pairs.append(Pair(left[i], None, False))
            i += 1
        else:
            pairs.append(Pair(None, right[j], False))
            j += 1
    return pairs
