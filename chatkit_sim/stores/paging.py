"""One page of a list, as ChatKit's stores hand them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from chatkit.store import NotFoundError
from chatkit.types import Page

TRow = TypeVar("TRow")


def page_of(
    rows: Sequence[tuple[str, TRow]], *, after: str | None, limit: int, order: str
) -> tuple[Sequence[tuple[str, TRow]], bool]:
    """Cut one page out of rows that are in insertion order.

    Args:
        rows: Ids and rows, oldest first.
        after: The id that the page follows, or ``None`` for the first page.
        limit: The most rows that the page may have.
        order: ``asc`` for oldest first, ``desc`` for its exact reverse.

    Returns:
        The page's rows, and whether more rows follow.

    Raises:
        NotFoundError: ``after`` is not among the rows.
    """
    ordered = rows if order == "asc" else rows[::-1]
    start = 0
    if after is not None:
        start = next((number for number, (row_id, _) in enumerate(ordered, 1) if row_id == after), 0)
        if not start:
            raise NotFoundError(f"{after!r}, which the page was to follow, is not there (any more)")
    end = start + max(limit, 0)
    return ordered[start:end], end < len(ordered)


def as_page(ids: Sequence[str], objects: Iterable[TRow], *, has_more: bool) -> Page[TRow]:
    """Build the page that ChatKit asks for; its cursor is the id of its last row when more rows follow."""
    return Page(data=list(objects), has_more=has_more, after=ids[-1] if has_more and ids else None)
