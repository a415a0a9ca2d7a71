"""A search through the orders in which tasks may run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .ordered_loop import Order, OrderedLoop


def find_order(
    run: Callable[[Order], Coroutine[Any, Any, BaseException | None]], loop: OrderedLoop, *, examples: int
) -> tuple[Order, BaseException] | None:
    """Search for an order in which something fails; called from another thread than the loop's.

    Args:
        run: Tries one order on the loop and gives what failed.
        loop: The loop.
        examples: How many orders to try.

    Returns:
        The least order that was found, and its failure.
    """
    failures: list[tuple[Order, BaseException]] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )
    @given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=5))
    def try_order(changes: list[tuple[int, int]]) -> None:
        order = dict(changes)
        failure = asyncio.run_coroutine_threadsafe(run(order), loop).result()
        if failure is not None:
            failures.append((order, failure))
            raise _FailedError

    try:
        try_order()
    except Exception:
        if not failures:
            raise
        return failures[-1]
    return None


class _FailedError(Exception):
    """One order failed."""
