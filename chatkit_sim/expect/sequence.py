"""A sequence of events that can be asserted on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, SupportsIndex, overload

from chatkit.types import ThreadStreamEvent

from ..errors import UsageError
from ..wire import Step, coalesce
from . import messages
from .pattern import Pattern, written
from .seen import Found, found, merge_texts
from .table import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN = 12  # of its steps in a repr


class EventSequence(tuple[ThreadStreamEvent, ...]):
    """Events in order, as they came, with assertions over patterns.

    The text deltas of one content part count as one, also when events of other items, or of none, came between them:
    they stand where the first of them came. Slices and sums are sequences again; ``print`` lists the events.

    Example:
        ::

            turn.response.assert_in_order(
                progress("Looking…"), text("Added milk."), item_done("assistant_message")
            )
    """

    def __new__(cls, events: Iterable[ThreadStreamEvent] = ()) -> EventSequence:
        """Take the events in order."""
        return super().__new__(cls, events)

    @cached_property
    def steps(self) -> list[Step]:
        """The events with neighbouring text deltas read as one."""
        return coalesce(self)

    @cached_property
    def _seen(self) -> list[Step]:
        return merge_texts(self.steps)

    def assert_exactly(self, *patterns: Pattern) -> list[Found]:
        """Assert that these and no other events came, in this order.

        Returns:
            What matched each pattern: an event, or a ``TextRun`` for a text.

        Raises:
            AssertionError: With expected and actual side by side, and the first difference marked.
        """
        __tracebackhide__ = True
        _check("assert_exactly", patterns)
        steps = self._seen
        matching = 0
        while matching < min(len(steps), len(patterns)) and patterns[matching].matches(steps[matching]):
            matching += 1
        if matching < max(len(steps), len(patterns)):
            raise AssertionError(messages.not_exactly(patterns, steps, matching))
        return [found(step) for step in steps]

    def assert_in_order(self, *patterns: Pattern) -> list[Found]:
        """Assert that these events came in this order, whatever came between them.

        Returns:
            What matched each pattern: an event, or a ``TextRun`` for a text.

        Raises:
            AssertionError: With the pattern that was not found, and what came nearest to it.
        """
        __tracebackhide__ = True
        _check("assert_in_order", patterns)
        if not patterns:
            raise UsageError("assert_in_order without patterns cannot fail; say what should come.")
        steps = self._seen
        places: list[int] = []
        for place, step in enumerate(steps):
            if patterns[len(places)].matches(step):
                places.append(place)
                if len(places) == len(patterns):
                    return [found(steps[each]) for each in places]
        raise AssertionError(messages.not_in_order(patterns, steps, places))

    def assert_any(self, pattern: Pattern) -> Found:
        """Assert that an event like this came.

        Returns:
            The first: an event, or a ``TextRun`` for a text.

        Raises:
            AssertionError: With what came nearest to it.
        """
        __tracebackhide__ = True
        _check("assert_any", (pattern,))
        for step in self._seen:
            if pattern.matches(step):
                return found(step)
        raise AssertionError(messages.not_any(pattern, self._seen))

    def assert_never(self, pattern: Pattern) -> None:
        """Assert that no event like this came.

        Raises:
            AssertionError: With where it came.
        """
        __tracebackhide__ = True
        _check("assert_never", (pattern,))
        places = [place for place, step in enumerate(self._seen) if pattern.matches(step)]
        if places:
            raise AssertionError(messages.came_anyway(pattern, self._seen, places))

    @overload
    def __getitem__(self, index: SupportsIndex) -> ThreadStreamEvent: ...
    @overload
    def __getitem__(self, index: slice) -> EventSequence: ...
    def __getitem__(self, index: SupportsIndex | slice) -> ThreadStreamEvent | EventSequence:
        """One event, or a part as a sequence again."""
        if isinstance(index, slice):
            return EventSequence(super().__getitem__(index))
        return super().__getitem__(index)

    def __add__(self, other: tuple[ThreadStreamEvent, ...]) -> EventSequence:  # type: ignore[override]
        """Both, one after the other, as a sequence again."""
        return EventSequence(super().__add__(other))

    def __radd__(self, other: tuple[ThreadStreamEvent, ...]) -> EventSequence:
        """Both, one after the other, as a sequence again."""
        return EventSequence(other + tuple(self))

    def __repr__(self) -> str:
        shown = [written(step) for step in self._seen[:_SHOWN]]
        more = [f"… {len(self._seen) - _SHOWN:,} more"] if len(self._seen) > _SHOWN else []
        return f"EventSequence({', '.join([*shown, *more])})"

    def __str__(self) -> str:
        return "\n".join(messages.listing(self._seen)) or "no events"


def _check(assertion: str, patterns: Sequence[object]) -> None:
    __tracebackhide__ = True
    for pattern in patterns:
        if isinstance(pattern, Pattern):
            continue
        name = getattr(pattern, "__name__", None)
        hint = f"did you mean {name}()?" if callable(pattern) and name else 'write them as text("Added milk").'
        raise UsageError(f"{assertion} takes patterns of chatkit_sim.expect, not {cut(repr(pattern), 80)}; {hint}")
