"""A store that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chatkit.store import TContext

from ..errors import UsageError
from .delegating import DelegatingStore, StoreCall

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from chatkit.store import Store

When = Literal["before", "after"]


class StoreFault(ConnectionError):
    """What a ``FaultyStore`` raises when it was not told otherwise: a connection that broke."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at one call.

    Attributes:
        when: ``before`` the wrapped store is called, so that nothing is written; or ``after``, so that the write is
            done and its answer lost.
        error: What is raised: an exception, or a callable that makes it. ``None`` when the call is only late.
        delay: Seconds of waiting, at the same place and before the error.
        lost: The connection stays lost: this call and every later one fails, until ``restore()``.
    """

    when: When = "before"
    error: BaseException | Callable[[], BaseException] | None = StoreFault
    delay: float = 0.0
    lost: bool = False

    def __post_init__(self) -> None:
        if self.when not in ("before", "after"):
            raise UsageError(f'A fault happens when="before" or when="after" the call, not {self.when!r}')
        if self.delay < 0:
            raise UsageError(f"A fault cannot be delayed by {self.delay} seconds")
        if self.lost and self.error is None:
            raise UsageError("A lost connection needs an error to raise; leave error= out for the usual one")


Plan = int | Collection[int] | Mapping[int, Fault] | Callable[[StoreCall], Fault | None]


class FaultyStore(DelegatingStore[TContext]):
    """Wraps any store and makes chosen calls fail, wait, or lose the connection.

    It is a real ``Store``: a server takes it in place of its own. Calls count from 1; ``calls`` says what they were, so
    that a run without faults shows which can be made to fail.

    Args:
        store: The store that does the work.
        fail_at: Which calls: a number, several, a ``{number: Fault}`` plan, or a function from a ``StoreCall`` to its
            ``Fault`` or ``None``. Nothing fails when left out.
        when: ``before`` or ``after`` the wrapped store did its work; for numbers only, as are the following.
        error: The exception to raise, or what makes it; ``None`` only waits.
        delay: Seconds to wait there.
        lost: Whether all later calls fail too, until ``restore()``.

    Raises:
        UsageError: The fault cannot be.

    Example:
        >>> store = FaultyStore(MemoryStore(), fail_at=3, when="after")
        >>> store = FaultyStore(
        ...     MemoryStore(), lambda call: Fault(delay=0.1, error=None) if call.method == "save_item" else None
        ... )
    """

    def __init__(
        self,
        store: Store[TContext],
        fail_at: Plan = (),
        *,
        when: When = "before",
        error: BaseException | Callable[[], BaseException] | None = StoreFault,
        delay: float = 0.0,
        lost: bool = False,
    ) -> None:
        super().__init__(store)
        self._plan = _plan(fail_at, Fault(when, error, delay, lost))
        self._lost: Fault | None = None
        self._calls: list[StoreCall] = []
        self._faulted: list[StoreCall] = []

    @property
    def calls(self) -> tuple[StoreCall, ...]:
        """Every call so far, those that failed among them."""
        return tuple(self._calls)

    @property
    def faulted(self) -> tuple[StoreCall, ...]:
        """The calls that something was done to."""
        return tuple(self._faulted)

    def restore(self) -> None:
        """Get a lost connection back; the plan goes on."""
        self._lost = None

    async def around(self, call: StoreCall, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Do to one call what the plan says."""
        self._calls.append(call)
        fault = self._lost or self._plan(call)
        if fault is None:
            return await proceed()
        self._faulted.append(call)
        if fault.lost and self._lost is None:
            # Only the first call may have been written before the connection broke.
            self._lost = Fault(error=fault.error, lost=True)
        if fault.when == "before":
            await _strike(fault, call)
            return await proceed()
        result = await proceed()
        await _strike(fault, call)
        return result


async def _strike(fault: Fault, call: StoreCall) -> None:
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.error is StoreFault:
        raise StoreFault(f"The connection broke {fault.when} store call {call.number}, {call.method}, as planned")
    if fault.error is not None:
        raise fault.error if isinstance(fault.error, BaseException) else fault.error()


def _plan(fail_at: Plan, fault: Fault) -> Callable[[StoreCall], Fault | None]:
    if callable(fail_at):
        return fail_at
    if isinstance(fail_at, Mapping):
        faults = dict(fail_at)
        return lambda call: faults.get(call.number)
    numbers = frozenset([fail_at] if isinstance(fail_at, int) else fail_at)
    if any(number < 1 for number in numbers):
        raise UsageError(f"Calls count from 1; there is no call number {min(numbers)}")
    return lambda call: fault if call.number in numbers else None
