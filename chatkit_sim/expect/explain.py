"""What differs when two things of ours are not equal: for pytest's assertion messages."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from itertools import islice
from typing import Any, get_args

from chatkit.types import ThreadItemBase, ThreadStreamEvent
from pydantic import BaseModel

from ..transcript import call_text, describe_event, describe_item, describe_step, value_text
from ..wire import OneEvent, TextRun
from .differences import Difference, differences, first_differences
from .pattern import Pattern
from .table import Row, align, cut, table

_BEFORE, _WINDOW, _WIDTH = 3, 10, 70
_LOOK = 50  # elements of a sequence that say whose it is: other people's lists may be long


def explain_difference(left: object, right: object) -> list[str] | None:
    """Say field by field where two things differ; the first line is a summary, as pytest wants it.

    Args:
        left: A client tool call, a thread item, an event, a pattern, or a tuple or list of these.
        right: The same; one of both may be anything.

    Returns:
        The lines; ``None`` when neither side is ours.
    """
    if _ours(left) or _ours(right):
        found = _compare(left, right)
        head = f"{cut(_short(left), _WIDTH)} {'==' if found else '!='} {cut(_short(right), _WIDTH)}"
        return [head, *_details(found)] if found else [head, "They are equal."]
    if _ours_inside(left) or _ours_inside(right):
        return _sequences(_elements(left), _elements(right), left, right)
    return None


def _sequences(left: Sequence[Any] | None, right: Sequence[Any] | None, whole: object, other: object) -> list[str]:
    if left is None or right is None or isinstance(whole, list) != isinstance(other, list):
        kinds = _kind(whole), _kind(other)
        return [" == ".join(kinds), f"Left is of type {kinds[0]}, right of type {kinds[1]}: these are never equal."]
    at = 0
    while at < min(len(left), len(right)) and left[at] == right[at]:
        at += 1
    head = f"{_kind(whole)} of {len(left)} {'!=' if whole == other else '=='} {_kind(other)} of {len(right)}"
    if at == max(len(left), len(right)):
        return [head, "They are equal."]
    pairs = align(left[at : at + _WINDOW], right[at : at + _WINDOW], _fit)
    wrong = next((index for index, pair in enumerate(pairs) if not pair.fits), 0)
    start = max(0, at - _BEFORE)
    rows = [Row("", f"… {start:,} more that are equal", "")] if start else []
    rows += [Row(index, _short(left[index]), _short(right[index])) for index in range(start, at)]
    for index, pair in enumerate(pairs):
        sides = ["" if side is None else _short(side) for side in (pair.left, pair.right)]
        rows.append(Row(at + index, sides[0], sides[1], marked=index == wrong))
    rest = [max(len(side) - at - _WINDOW, 0) for side in (left, right)]
    if any(rest):
        left_out = [f"… {count:,} more" if count else "" for count in rest]
        rows.append(Row("", left_out[0], left_out[1]))
    one, two = pairs[wrong].left, pairs[wrong].right
    if one is None or two is None:
        side = "left" if one is None else "right"
        return [f"{head}: at {at + wrong}, nothing on the {side}", *table(rows, "left", "right")]
    found = _compare(one, two)
    where = f"at {at + wrong}, {found[0]}" if found else f"at {at + wrong}"
    return [f"{head}: {where}", *table(rows, "left", "right"), "", *_details(found)]


def _compare(left: object, right: object) -> list[Difference]:
    pattern, subject = (right, left) if isinstance(right, Pattern) else (left, right)
    if isinstance(pattern, Pattern) and not isinstance(subject, Pattern):
        found = pattern.explain(subject)
        if found is None:
            return [Difference("", said=f"{pattern!r} is about something else than {_short(subject)}")]
        return found
    if left == right:
        return []
    if isinstance(left, Pattern) and isinstance(right, Pattern):
        return first_differences(differences({"kind": right.kind, **right.fields}, {"kind": left.kind, **left.fields}))
    return first_differences(differences(right, left)) or [Difference("", right, left)]


def _details(found: Sequence[Difference]) -> list[str]:
    lines = [line for difference in found[:5] for line in difference.lines()]
    return [*lines, "… and more fields differ"] if len(found) > 5 else lines


def _fit(left: object, right: object) -> float:
    if left == right:
        return 1.0
    return 0.5 if _kind(left) == _kind(right) or isinstance(left, Pattern) or isinstance(right, Pattern) else 0.0


def _ours(value: object) -> bool:
    return isinstance(value, (Pattern, ThreadItemBase, TextRun, OneEvent, *_events())) or _is_call(value)


def _events() -> tuple[type[BaseModel], ...]:
    return typing.cast("tuple[type[BaseModel], ...]", get_args(get_args(ThreadStreamEvent)[0]))


def _is_call(value: object) -> bool:
    # The record of a client tool call: its package stands above this one, so its class cannot be named here.
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return False
    return {"name", "arguments", "call_id", "outcome"} <= {field.name for field in dataclasses.fields(value)}


def _elements(value: object) -> Sequence[Any] | None:
    return value if isinstance(value, (tuple, list)) else None


def _ours_inside(value: object) -> bool:
    return isinstance(value, (tuple, list)) and any(map(_ours, islice(value, _LOOK)))


def _kind(value: object) -> str:
    return str(getattr(value, "type", type(value).__name__))


def _short(value: Any) -> str:
    if isinstance(value, Pattern):
        return repr(value)
    if isinstance(value, ThreadItemBase):
        return describe_item(typing.cast("Any", value))
    if isinstance(value, _events()):
        return describe_event(typing.cast("Any", value))
    if isinstance(value, (TextRun, OneEvent)):
        return describe_step(value)
    if _is_call(value):
        call = call_text(value.name, value.arguments)
        return call if value.output is None else f"{call} -> {value_text(value.output)}"
    return value_text(value)
