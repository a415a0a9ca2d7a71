"""Two versions of an item, field by field: as it is on the page, and as it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from chatkit.types import ThreadItem, ThreadMetadata

from ..recording import Reload, ThreadView
from .history import HIDDEN
from .words import quoted

_WIDEST = 46
_MOST_FIELDS = 8
_BEFORE_DIFFERENCE = 12
# What is not the item's own: an upload's address goes when the upload is done, and is signed anew at any time.
_NOT_COMPARED: Mapping[str, Any] = {"created_at": True, "attachments": {"__all__": {"upload_descriptor"}}}


class _Nothing:
    def __repr__(self) -> str:
        return "(nothing)"


NOTHING: Final = _Nothing()
"""Stands where one version has no value."""

Fields = Mapping[str, tuple[Any, Any]]
Times = Literal["same", "zone", "differs"]


@dataclass(frozen=True)
class Difference:
    """Something that a reload changes.

    Attributes:
        kind: ``missing``: on the page and not stored. ``extra``: stored and not on the page. ``changed``: both, and
            not the same. ``thread``: the thread itself.
        id: The item's id, or the thread's.
        type: The item's type; ``thread``.
        fields: What differs, by path: on the page, and stored.
        live: The item on the page.
    """

    kind: Literal["missing", "extra", "changed", "thread"]
    id: str
    type: str
    fields: Fields = field(default_factory=dict)
    live: ThreadItem | None = None

    @property
    def key(self) -> tuple[str, str, frozenset[str]]:
        """What makes it the same difference, met again."""
        return (self.kind, self.id, frozenset(self.fields))

    @property
    def paths(self) -> frozenset[str]:
        """The fields that differ, whichever their place in a list."""
        return frozenset(re.sub(r"\[\d+\]", "[]", path) for path in self.fields)


@dataclass(frozen=True)
class Differences:
    """All that a reload changes.

    Attributes:
        found: The differences, those of the page's items in its order first.
        zones: Ids of what has a time zone on one side only; the times are the same for the rest.
        stored: The stored items by id, in the order of the thread's opening.
    """

    found: tuple[Difference, ...]
    zones: tuple[str, ...]
    stored: Mapping[str, ThreadItem]


def compare(view: ThreadView, reload: Reload) -> Differences:
    """Hold what is on the page against what is stored. Hidden items are no part of it; order is compared elsewhere."""
    stored: dict[str, ThreadItem] = {}
    for reading in reload.readings:
        if reading.complete:
            for item in reading.items:
                stored.setdefault(item.id, item)
    precision = precision_of(stored.values())
    found: list[Difference] = []
    zones: list[str] = []
    for live in view.items:
        if live.type in HIDDEN:
            continue
        other = stored.get(live.id)
        if other is None:
            found.append(Difference("missing", live.id, live.type, live=live))
            continue
        if live == other:
            continue
        times = compare_times(live.created_at, other.created_at, precision)
        if times == "zone":
            zones.append(live.id)
        fields = changes(plain(live), plain(other))
        if times == "differs":
            fields["created_at"] = (live.created_at.isoformat(), other.created_at.isoformat())
        if fields:
            found.append(Difference("changed", live.id, live.type, fields, live))
    shown = {item.id for item in view.items}
    extra = (item for item in stored.values() if item.id not in shown and item.type not in HIDDEN)
    found += [Difference("extra", item.id, item.type) for item in extra]
    found += _of_thread(view.thread, reload.thread, precision, zones)
    return Differences(tuple(found), tuple(zones), stored)


def _of_thread(
    live: ThreadMetadata | None, stored: ThreadMetadata | None, precision: timedelta, zones: list[str]
) -> Iterable[Difference]:
    if live is None or stored is None:
        return
    fields = changes(_plain_thread(live), _plain_thread(stored))
    if live.title is None:
        # Titles are often found in the background and saved without telling: they are there on the next visit.
        fields.pop("title", None)
    times = compare_times(live.created_at, stored.created_at, max(precision, precision_of([stored])))
    if times == "zone":
        zones.append(live.id)
    elif times == "differs":
        fields["created_at"] = (live.created_at.isoformat(), stored.created_at.isoformat())
    if fields:
        yield Difference("thread", live.id, "thread", fields)


def plain(item: ThreadItem) -> dict[str, Any]:
    """An item as JSON values, without what is no part of the comparison."""
    without = {key: value for key, value in _NOT_COMPARED.items() if key in type(item).model_fields}
    values: dict[str, Any] = item.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=without, warnings=False
    )
    return values


def _plain_thread(thread: ThreadMetadata) -> dict[str, Any]:
    keep = {"title", "status", "allowed_image_domains"}
    return thread.model_dump(mode="json", exclude_none=True, include=keep)


def changes(live: Any, stored: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """What differs between two JSON values, by path."""
    if live == stored:
        return {}
    found: dict[str, tuple[Any, Any]] = {}
    if isinstance(live, dict) and isinstance(stored, dict):
        for key in dict.fromkeys([*live, *stored]):
            here = f"{path}.{key}" if path else str(key)
            found |= changes(live.get(key, NOTHING), stored.get(key, NOTHING), here)
        return found
    if isinstance(live, list) and isinstance(stored, list):
        for index in range(max(len(live), len(stored))):
            one = live[index] if index < len(live) else NOTHING
            other = stored[index] if index < len(stored) else NOTHING
            found |= changes(one, other, f"{path}[{index}]")
        return found
    return {path: (live, stored)}


def precision_of(stored: Iterable[ThreadItem | ThreadMetadata]) -> timedelta:
    """How exactly a store keeps times, as far as what it gives back shows."""
    microseconds = [one.created_at.microsecond for one in stored]
    if not microseconds or any(value % 1000 for value in microseconds):
        return timedelta(microseconds=1)  # a float keeps them to about that
    return timedelta(milliseconds=1) if any(microseconds) else timedelta(seconds=1)


def compare_times(live: datetime, stored: datetime, precision: timedelta) -> Times:
    """Whether two times are the same instant; ``zone`` when they are and only one of them has a time zone."""
    if (live.tzinfo is None) == (stored.tzinfo is None):
        return "same" if abs(live - stored) <= precision else "differs"
    naive, aware = (live, stored) if live.tzinfo is None else (stored, live)
    # Naive times are local ones (`datetime.now()`), and many stores take them for UTC.
    meant = (naive.replace(tzinfo=UTC), naive.astimezone(), naive.replace(tzinfo=aware.tzinfo))
    return "zone" if any(abs(aware - instant) <= precision for instant in meant) else "differs"


def side_by_side(fields: Fields) -> str:
    """Both versions as a table, only what differs."""
    rows = [("", "on the page", "stored")]
    rows += [(path, *_both(live, stored)) for path, (live, stored) in list(fields.items())[:_MOST_FIELDS]]
    left = len(fields) - _MOST_FIELDS
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{path:<{widths[0]}}  {live:<{widths[1]}}  {stored}".rstrip() for path, live, stored in rows]
    return "\n".join([*lines, *([f"and {left} more fields"] if left > 0 else [])])


def _both(live: Any, stored: Any) -> tuple[str, str]:
    if isinstance(live, str) and isinstance(stored, str) and max(len(live), len(stored)) > _WIDEST - 2:
        same = next((i for i, (a, b) in enumerate(zip(live, stored, strict=False)) if a != b), None)
        same = min(len(live), len(stored)) if same is None else same
        cut = max(0, same - _BEFORE_DIFFERENCE)
        return _cut(live, cut), _cut(stored, cut)
    return _said(live), _said(stored)


def _cut(text: str, start: int) -> str:
    return f"{'...' if start else ''}{quoted(text[start:], _WIDEST - 3)}"


def _said(value: Any) -> str:
    return repr(value) if value is NOTHING else quoted(value, _WIDEST)


def is_lost(fields: Fields) -> bool:
    """Whether the stored version has nothing in all the places where it differs."""
    empty: Sequence[Any] = (NOTHING, None, "", [], {}, False, 0)
    return all(stored is NOTHING or stored in empty for _, stored in fields.values())
