"""What a failed assertion says: expected and actual side by side, and where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.types import StreamOptionsEvent

from ..transcript.words import counted
from ..wire import OneEvent, Step
from .differences import first_difference
from .pattern import Pattern, written
from .table import Pair, Row, align, cut, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .differences import Difference

_BEFORE, _WINDOW, _LIST = 3, 10, 8  # rows before the first difference, from it on, and of a mere list
_HEADLINE = 100


def not_exactly(patterns: Sequence[Pattern], steps: Sequence[Step], at: int) -> str:
    """Say how a sequence differs from the patterns it should be.

    Args:
        patterns: All that was expected.
        steps: All that came.
        at: The index of the first that does not match.
    """
    pairs = align(patterns[at : at + _WINDOW], steps[at : at + _WINDOW], _fit)
    # A predicate with a memory may agree when asked again; the row is the first then.
    wrong = next((index for index, pair in enumerate(pairs) if not pair.fits), 0)
    start = max(0, at - _BEFORE)
    rows = [Row("", f"… {start:,} more that matched", "")] if start else []
    rows += [Row(i + 1, repr(patterns[i]), written(steps[i], patterns[i])) for i in range(start, at)]
    for index, pair in enumerate(pairs):
        rows.append(Row(at + index + 1, *_sides(pair), marked=index == wrong))
    rest = [max(len(side) - at - _WINDOW, 0) for side in (patterns, steps)]
    if any(rest):
        left_out = [f"… {count:,} more" if count else "" for count in rest]
        rows.append(Row("", left_out[0], left_out[1]))
    place = at + wrong + 1
    head, details = _parting(place, pairs[wrong], patterns, steps)
    lines = [head, "", *table(rows, "expected", "actual"), *details, *_preamble_hint(patterns, steps)]
    return "\n".join(lines)


def not_in_order(patterns: Sequence[Pattern], steps: Sequence[Step], places: Sequence[int]) -> str:
    """Say which pattern was not found after those before it.

    Args:
        patterns: All that was expected.
        steps: All that came.
        places: Where the first patterns were found.
    """
    missing = patterns[len(places)]
    start = places[-1] + 1 if places else 0
    after = f" after {written(steps[start - 1], patterns[len(places) - 1])}" if places else ""
    head = cut(f"{missing!r} did not come{after}", _HEADLINE)
    rows = []
    for index, pattern in enumerate(patterns):
        came = (
            f"{_place(steps[places[index]])}: {written(steps[places[index]], pattern)}" if index < len(places) else ""
        )
        rows.append(Row(index + 1, repr(pattern), came, marked=index == len(places)))
    lines = [
        f"{head} ({len(places)} of {len(patterns)} found in order).",
        "",
        *table(rows, "expected", "found at event"),
    ]
    earlier = next((step for step in steps[:start] if _fit(missing, step) == 1), None)
    if earlier is not None:
        lines += ["", f"It came before that, {_at(earlier)}."]
    return "\n".join([*lines, *_nearest(missing, steps[start:], "What came after it" if places else "What came")])


def not_any(pattern: Pattern, steps: Sequence[Step]) -> str:
    """Say that nothing matched a pattern, and what came nearest."""
    if not steps:
        return f"{pattern!r} did not come: there are no events."
    return "\n".join([f"{cut(repr(pattern), _HEADLINE)} did not come.", *_nearest(pattern, steps, "What came")])


def came_anyway(pattern: Pattern, steps: Sequence[Step], places: Sequence[int]) -> str:
    """Say where something came that never should.

    Args:
        pattern: What should not come.
        steps: All that came.
        places: Where it came.
    """
    first = places[0]
    head = f"{cut(repr(pattern), _HEADLINE)} came {_at(steps[first])}"
    if len(places) > 1:
        others = ", ".join(_place(steps[place]) for place in places[1:6])
        more = f" and {len(places) - 6:,} more" if len(places) > 6 else ""
        head += f", and {counted(len(places) - 1, 'more time')} ({others}{more})"
    return "\n".join([f"{head}.", "", *_around(steps, first, pattern)])


def listing(steps: Sequence[Step], limit: int = 40) -> list[str]:
    """Steps, one a line, with the numbers of their events."""
    shown = [f"  {_place(step):>5}  {written(step)}" for step in steps[:limit]]
    return [*shown, f"  … {len(steps) - limit:,} more"] if len(steps) > limit else shown


def _around(steps: Sequence[Step], at: int, like: Pattern | None) -> list[str]:
    start, end = max(0, at - _BEFORE), min(len(steps), at + _BEFORE + 1)
    lines = [f"  … {start:,} before"] if start else []
    for index in range(start, end):
        mark = ">" if index == at else " "
        lines.append(
            f"{mark} {_place(steps[index]):>5}  {cut(written(steps[index], like if index == at else None), 120)}"
        )
    return [*lines, f"  … {len(steps) - end:,} after"] if end < len(steps) else lines


def _nearest(pattern: Pattern, steps: Sequence[Step], title: str) -> list[str]:
    if not steps:
        return ["", f"{title}: nothing."]
    best: tuple[tuple[int, int], int, list[Difference]] | None = None
    for index, step in enumerate(steps):
        found = pattern.explain(step)
        if found and found[0].path != "type" and (best is None or _distance(found) < best[0]):
            best = (_distance(found), index, found)
    if best is None:
        return ["", f"{title}:", *[cut(line, 120) for line in listing(steps, _LIST)]]
    _, index, found = best
    return [
        "",
        f"The nearest is {_at(steps[index])}:",
        *_indented(line for difference in found for line in difference.lines()),
        "",
        f"{title}:",
        *_around(steps, index, pattern),
    ]


def _distance(found: Sequence[Difference]) -> tuple[int, int]:
    """Fewer fields that differ are nearer; then texts that begin alike for longer."""
    first = found[0]
    texts = isinstance(first.expected, str) and isinstance(first.actual, str)
    return len(found), -first_difference(first.expected, first.actual) if texts else 0


def _parting(
    place: int, pair: Pair[Pattern, Step], patterns: Sequence[Pattern], steps: Sequence[Step]
) -> tuple[str, list[str]]:
    """The headline about the first row that differs, and the details below the table."""
    if pair.left is None and pair.right is not None:
        return f"At {place}, {cut(written(pair.right), _HEADLINE)} came, which was not expected.", []
    if pair.right is None:
        why = "the events ended" if place > len(steps) else "it is missing"
        return f"At {place}, {cut(repr(pair.left), _HEADLINE)} was expected, but {why}.", []
    found = pair.left.explain(pair.right) if pair.left is not None else None
    if not found:
        came = cut(written(pair.right), _HEADLINE)
        return f"At {place}, {cut(repr(pair.left), _HEADLINE)} was expected, but {came} came.", []
    more = f" (and {counted(len(found) - 1, 'more field')})" if len(found) > 1 else ""
    head = f"At {place}, {found[0]}{more}."
    return head, ["", *_indented(line for difference in found for line in difference.lines())]


def _sides(pair: Pair[Pattern, Step]) -> tuple[str, str]:
    left = "" if pair.left is None else repr(pair.left)
    return left, "" if pair.right is None else written(pair.right, pair.left)


def _preamble_hint(patterns: Sequence[Pattern], steps: Sequence[Step]) -> list[str]:
    sent = any(isinstance(step, OneEvent) and isinstance(step.event, StreamOptionsEvent) for step in steps[:4])
    if sent and not any(pattern.kind == "options" for pattern in patterns):
        return ["", "The SDK itself sends the first events; turn.response leaves them out."]
    return []


def _place(step: Step) -> str:
    return str(step.number) if isinstance(step, OneEvent) or step.last == step.number else f"{step.number}-{step.last}"


def _at(step: Step) -> str:
    return f"at event{'s' if step.last != step.number else ''} {_place(step)}"


def _fit(pattern: Pattern, step: Step) -> float:
    found = pattern.explain(step, 1)
    if not found:
        return 0.0 if found is None else 1.0
    return 0.1 if found[0].path == "type" else 0.5


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
