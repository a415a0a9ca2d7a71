"""Trying promises on a store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ChatKitSimError
from . import attachments, concurrency, copies, fidelity, isolation, items, pages, threads, whole
from .kit import EXAMPLES, Kit
from .opening import opened_context, opened_store
from .promise import Promise, PromiseBroken, PromiseNotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

PROMISES: tuple[Promise, ...] = (
    *threads.PROMISES,
    *items.PROMISES,
    *pages.PROMISES,
    *fidelity.PROMISES,
    *copies.PROMISES,
    *attachments.PROMISES,
    *isolation.PROMISES,
    *concurrency.PROMISES,
    *whole.PROMISES,
)
"""Every promise of a store; those that sum up come last."""

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
        try:
            async with asyncio.timeout(patience) as limit:
                await promise.check(kit)
        except ChatKitSimError:
            raise
        except Exception as error:
            if limit.expired():
                kit.broken(
                    stored="see the calls", came_back=f"nothing in {patience:g} s: a deadlock, or an endless wait"
                )
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
    """Try all promises on a store; one that sums up others is tried only when those hold.

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
    kept: list[Promise] = []
    broken: list[PromiseBroken] = []
    not_checked: list[tuple[Promise, str]] = []
    for promise in promises:
        if promise.sums_up and broken:
            not_checked.append((promise, "it sums up promises that are broken: mend those first"))
            continue
        try:
            await check_promise(promise, open_store, context, other_context, examples=examples, patience=patience)
        except PromiseBroken as error:
            broken.append(error)
        except PromiseNotChecked as reason:
            not_checked.append((promise, str(reason)))
        else:
            kept.append(promise)
    return StoreReport(tuple(kept), tuple(broken), tuple(not_checked))
