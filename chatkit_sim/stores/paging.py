"""One page of a list, as ChatKit's stores hand them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from chatkit.store import NotFoundError
from chatkit.types import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TRow = TypeVar("TRow")


def page_of(
    rows: Sequence[tuple[str, str]], decode: Callable[[str], TRow], *, after: str | None, limit: int, order: str
) -> Page[TRow]:
    """Cut one page out of rows that are in insertion order.

    Args:
        rows: Ids and encoded rows, oldest first.
        decode: Makes the object that the caller gets.
        after: The id that the page follows, or ``None`` for the first page.
        limit: The most rows that the page may have.
        order: ``asc`` for oldest first, ``desc`` for its exact reverse.

    Raises:
        NotFoundError: ``after`` is not among the rows.
    """
    ordered = rows if order == "asc" else rows[::-1]
    start = 0
    if after is not None:
        start = next((number for number, (row_id, _) in enumerate(ordered, 1) if row_id == after), 0)
        if not start:
            raise gone(after)
    return as_page(ordered[start : start + limit + 1], decode, limit=limit)


def as_page(rows: Sequence[tuple[str, str]], decode: Callable[[str], TRow], *, limit: int) -> Page[TRow]:
    """Build a page from up to ``limit + 1`` rows: the one too many only says that more rows follow.

    The cursor is the id of the page's last row; a last page has none.
    """
    has_more = len(rows) > limit
    shown = rows[:limit]
    return Page(
        data=[decode(text) for _, text in shown],
        has_more=has_more,
        after=shown[-1][0] if has_more and shown else None,
    )


def gone(after: str) -> NotFoundError:
    """The error for a cursor that names nothing."""
    return NotFoundError(f"{after!r}, which the page was to follow, is not there (any more)")
