"""What a failing snapshot assertion prints: the first difference, in its place, and no wall of text."""

from __future__ import annotations

from collections.abc import Iterator

from syrupy.terminal import context_style, received_style, reset, snapshot_style

from ..transcript import Line, difference

_NEW = 40  # lines of a transcript that is new altogether


def mismatch_lines(old: str, new: str, *, color: bool = False, limit: int = 60) -> list[str]:
    """How two transcripts differ, as lines; for a new one how it begins.

    Args:
        old: The golden transcript; empty if there is none.
        new: The transcript of this run.
        color: Whether to colour them as syrupy does.
        limit: How many lines of the difference to show.
    """
    if not old:
        lines = new.split("\n")
        shown = [Line("+", text) for text in lines[:_NEW]]
        left = [Line("…", f"{len(lines) - _NEW:,} more lines")] if len(lines) > _NEW else []
        return [_colored(line) if color else str(line) for line in [*shown, *left]]
    return [_colored(line) if color else str(line) for line in difference(old, new, limit=limit)]


def short_mismatch(old: str, new: str) -> Iterator[str]:
    """The same in five lines at most: where, and the first lines that differ."""
    lines = difference(old, new, context=0) if old else []
    if not lines:
        yield "What this run saw is below, under 'snapshot difference'."
        return
    yield reset(f"The first difference, in {lines[0].text}:")
    for sign in ("-", "+"):
        yield from (_colored(line) for line in [line for line in lines if line.sign == sign][:2])
    yield "All of it is below, under 'snapshot difference'."


def _colored(line: Line) -> str:
    match line.sign:
        case "-":
            return reset(snapshot_style(str(line)))
        case "+":
            return reset(received_style(str(line)))
        case "@":
            return reset(context_style(f"@@ {line.text}"))
        case _:
            return reset(context_style(str(line)))
