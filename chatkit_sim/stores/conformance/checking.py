"""Trying promises on a store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ChatKitSimError
from . import attachments, concurrency, copies, fidelity, isolation, items, pages, threads, whole
from .kit import EXAMPLES, Kit
from .opening import named_widgets_allowed, opened_context, opened_store
from .promise import Promise, PromiseBroken, PromiseNotChecked, held_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_RANKS = ("first", "", "last")
_ALL = (threads, items, pages, fidelity, copies, attachments, isolation, concurrency, whole)

PROMISES: tuple[Promise, ...] = tuple(
    promise for rank in _RANKS for module in _ALL for promise in module.PROMISES if promise.rank == rank
)
"""Every promise of a store: first those that the others rest on, last those that sum them up."""

PATIENCE = 60.0
"""Seconds after which a promise counts as stuck."""


async def check_promise(
    promise: Promise,
    open_store: Any,
    context: Any = None,
    other_context: Any = None,
    *,
    examples: int = EXAMPLES,
    patience: float = PATIENCE,
) -> None:
    """Try one promise on a store.

    Args:
        promise: One of ``PROMISES``.
        open_store: The store; or what makes it: a function, sync or async, or a context manager. It is opened for this
            promise and closed after it. A store that holds other threads will do.
        context: The request context, or what makes it; ``{}`` when left out.
        other_context: The request context of a second user; promises about users are not checked without it.
        examples: How many sequences of calls, and orders of tasks, to try where a promise searches.
        patience: Seconds after which the store counts as stuck.

    Raises:
        PromiseBroken: The store does not keep it.
        PromiseNotChecked: It could not be tried, and why.
        UsageError: ``open_store`` is, or gives, no store.
    """
    async with (
        opened_context({} if context is None else context) as user,
        opened_context(other_context) as other,
        opened_store(open_store) as store,
    ):
        kit = Kit(promise, store, user, other, examples=examples)
        await try_promise(kit, patience)


async def try_promise(kit: Kit, patience: float) -> None:
    """Try a kit's promise, and tell every way in which a store can fail it as that promise broken."""
    try:
        with named_widgets_allowed():
            async with asyncio.timeout(patience) as limit:
                await kit.promise.check(kit)
    except ChatKitSimError:
        raise
    except Exception as error:
        if limit.expired():
            what = f"nothing in {patience:g} s: a deadlock, or an endless wait"
            kit.broken(stored="see the calls", came_back=what)
        raise kit.failed(error) from error


@dataclass(frozen=True)
class StoreReport:
    """What came of trying all promises on a store; ``str()`` is for people.

    Attributes:
        kept: The promises it keeps.
        broken: Those it breaks.
        not_checked: Those that could not be tried, with the reason.
    """

    kept: Sequence[Promise]
    broken: Sequence[PromiseBroken]
    not_checked: Sequence[tuple[Promise, str]]

    def __str__(self) -> str:
        head = f"{len(self.kept)} promises kept, {len(self.broken)} broken, {len(self.not_checked)} not checked"
        reasons: dict[str, list[str]] = {}
        for promise, reason in self.not_checked:
            reasons.setdefault(reason, []).append(promise.slug)
        unchecked = [f"not checked: {', '.join(slugs)}\n  {reason}" for reason, slugs in reasons.items()]
        return "\n\n".join([head, *(str(error) for error in self.broken), *unchecked])


async def check_store(
    open_store: Any,
    context: Any = None,
    other_context: Any = None,
    *,
    promises: Sequence[Promise] = PROMISES,
    examples: int = EXAMPLES,
    patience: float = PATIENCE,
) -> StoreReport:
    """Try all promises on a store. What rests on a broken promise, or sums it up, is not tried.

    Args:
        open_store: As for ``check_promise``; opened anew for each promise.
        context: As for ``check_promise``.
        other_context: As for ``check_promise``.
        promises: Which ones.
        examples: As for ``check_promise``.
        patience: As for ``check_promise``, for each promise.

    Example:
        >>> print(asyncio.run(check_store(MyStore)))  # doctest: +SKIP
    """

    async def check(promise: Promise) -> None:
        await check_promise(promise, open_store, context, other_context, examples=examples, patience=patience)

    return await report(promises, check)


async def report(promises: Sequence[Promise], check: Callable[[Promise], Awaitable[None]]) -> StoreReport:
    """Try promises one after the other, and say what came of each."""
    kept: list[Promise] = []
    broken: list[PromiseBroken] = []
    not_checked: list[tuple[Promise, str]] = []
    for promise in promises:
        if reason := held_back(promise, [error.promise for error in broken]):
            not_checked.append((promise, reason))
            continue
        try:
            await check(promise)
        except PromiseBroken as error:
            broken.append(error)
        except PromiseNotChecked as error:
            not_checked.append((promise, str(error)))
        else:
            kept.append(promise)
    return StoreReport(tuple(kept), tuple(broken), tuple(not_checked))
