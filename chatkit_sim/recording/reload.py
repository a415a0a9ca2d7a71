"""What the server has stored of a thread, read back in every way that the web client reads it."""

from __future__ import annotations

from dataclasses import dataclass

from chatkit.types import ThreadItem, ThreadMetadata

from .view import ThreadView


@dataclass(frozen=True)
class Reading:
    """One way of reading a thread back, followed through all its pages.

    Attributes:
        how: The requests, for a person: ``threads.get_by_id``, ``items.list desc``, ``items.list asc, 2 a page``.
        items: The items in the order they came; what came before a failure.
        failed: The exception that a request raised.
        problem: Why the paging itself cannot be right (``after`` missing, a page that comes again).
    """

    how: str
    items: tuple[ThreadItem, ...] = ()
    failed: BaseException | None = None
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether the reading came to its end."""
        return self.failed is None and not self.problem


@dataclass(frozen=True)
class Reload:
    """A thread as a page reload would show it.

    Attributes:
        thread: Its metadata; ``None`` when ``threads.get_by_id`` failed.
        opened: ``threads.get_by_id`` and the pages after it, as the client does on opening a thread.
        others: The further readings: ``items.list`` in both orders, and with small pages.
        shares_objects: Whether the store gives the very same object twice, so that what is done to it elsewhere
            changes what is stored; ``None`` when nobody looked.
    """

    thread: ThreadMetadata | None
    opened: Reading
    others: tuple[Reading, ...] = ()
    shares_objects: bool | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Every reading, the opening of the thread first."""
        return (self.opened, *self.others)

    @property
    def agrees(self) -> bool:
        """Whether every reading gave the same items, in whatever order."""
        return len({frozenset(item.id for item in reading.items) for reading in self.readings}) == 1


@dataclass(frozen=True)
class Comparison:
    """A thread on show and as stored, at the same moment.

    Attributes:
        view: What the user saw.
        reload: What a page reload would have shown.
    """

    view: ThreadView
    reload: Reload
