"""Differences of two texts, line by line: from the first one on, and at a cost that follows what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Sign = Literal[" ", "-", "+", "@", "…"]

_LOOK = 200  # lines of each side that are aligned; difflib takes minutes for a hundred thousand


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference.

    Attributes:
        sign: A space for context, ``-`` and ``+`` for lines of the old and the new text, ``@`` for where in the
            transcript that is, ``…`` for what was left out.
        text: The line.
    """

    sign: Sign
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {self.text}".rstrip()


def same_start(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    shorter = min(len(old), len(new))
    # Halving with slices compares in C: the common case is a long text with one change.
    low, high = 0, shorter
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def difference(old: str, new: str, *, context: int = 3, limit: int = 60) -> list[Line]:
    """How two transcripts differ: where, what stands before it, and then at most ``limit`` lines of it.

    Args:
        old: The transcript as it was.
        new: The transcript as it is.
        context: How many lines around a change to show.
        limit: How many lines of it to show.
    """
    before, after = old.split("\n"), new.split("\n")
    start = same_start(before, after)
    if start == len(before) == len(after):
        return []
    end = same_start(before[start:][::-1], after[start:][::-1])
    rest_of_old, rest_of_new = before[start : len(before) - end], after[start : len(after) - end]
    first = _beginning_of_entry(after if start < len(after) else before, start, context)
    lines = [Line("@", where(after, start)), *(Line(" ", text) for text in before[first:start])]
    tail = before[len(before) - end :][:context]
    changes = list(_changes(rest_of_old, rest_of_new, context))
    if len(changes) > limit:
        left = len(changes) - limit
        changes = [*changes[:limit], Line("…", f"{left:,} more lines of this difference")]
    if changes and changes[-1].sign == "…":
        tail = []  # what follows does not stand here
    return [*lines, *changes, *(Line(" ", text) for text in tail)]


def where(lines: Sequence[str], number: int) -> str:
    """Which turn and stream the line ``number`` (from 0) of a transcript belongs to, as its headings say."""
    found: list[str] = []
    for line in reversed(lines[: number + 1]):
        if line.startswith("-- ") and not found:
            found.insert(0, line[3:])
        elif line.startswith("== "):
            found.insert(0, line[3:])
            break
    return ", ".join([*found, f"line {number + 1:,}"])


def changed_lines(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines that went and came, as ``- `` and ``+ ``; without context."""
    start = same_start(old, new)
    return [str(line) for line in _changes(old[start:], new[start:], 0) if line.sign != " "]


def _beginning_of_entry(lines: Sequence[str], start: int, context: int) -> int:
    """From where to show: the heading of the entry that changed, if it is near, or a few lines."""
    for back in range(start, max(start - 3 * context, 0), -1):
        if back < len(lines) and lines[back] and not lines[back].startswith(" "):
            return back if back < start else max(start - context, 0)
    return max(start - context, 0)


def _changes(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[Line]:
    if len(old) > _LOOK or len(new) > _LOOK:
        # Only the beginning is aligned; what follows is another matter, and counted.
        yield from _aligned(old[:_LOOK], new[:_LOOK], context)
        left = max(len(old), len(new)) - _LOOK
        yield Line("…", f"{left:,} more lines were not compared")
        return
    yield from _aligned(old, new, context)


def _aligned(old: Sequence[str], new: Sequence[str], context: int) -> Iterator[Line]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            if j - i > 2 * context + 1:
                yield from (Line(" ", text) for text in old[i : i + context])
                yield Line("…", f"{j - i - 2 * context} lines as before")
                yield from (Line(" ", text) for text in old[j - context : j] if context)
            else:
                yield from (Line(" ", text) for text in old[i:j])
            continue
        yield from (Line("-", text) for text in old[i:j])
        yield from (Line("+", text) for text in new[k:m])
