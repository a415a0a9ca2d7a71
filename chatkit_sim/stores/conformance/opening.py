"""From what a user has (a store, a factory, a context manager) to what it stands for."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from chatkit.store import AttachmentStore, Store

from ...errors import UsageError


@asynccontextmanager
async def opened_store(given: Any) -> AsyncIterator[Store[Any]]:
    """Open a store for one promise and close it again.

    Args:
        given: A store; a factory (sync, async, or a generator); or a sync or async context manager.

    Raises:
        UsageError: It is, or gives, no ``Store``.
    """
    async with AsyncExitStack() as stack:
        store = await _enter(given, stack, lambda value: isinstance(value, Store))
        if not isinstance(store, Store):
            raise UsageError(_no_store(store, "chatkit_store", "chatkit.store.Store"))
        yield store


@asynccontextmanager
async def opened_attachment_store(given: Any) -> AsyncIterator[AttachmentStore[Any]]:
    """Open an attachment store; as ``opened_store``."""
    async with AsyncExitStack() as stack:
        store = await _enter(given, stack, lambda value: isinstance(value, AttachmentStore))
        if not isinstance(store, AttachmentStore):
            raise UsageError(_no_store(store, "chatkit_attachment_store", "chatkit.store.AttachmentStore"))
        yield store


@asynccontextmanager
async def opened_context(given: Any) -> AsyncIterator[Any]:
    """Make a request's context: a value is taken as it is, a function or context manager makes it."""
    async with AsyncExitStack() as stack:
        yield await _enter(given, stack, lambda value: False)


async def _enter(given: Any, stack: AsyncExitStack, is_target: Callable[[Any], bool]) -> Any:
    """Call, await and enter until nothing is left to do."""
    value = given
    made_here = False
    # A class, or a function, makes what it stands for; what @contextmanager gives is callable too, as a decorator.
    if not is_target(value) and callable(value) and (isinstance(value, type) or not _opens(value)):
        value = value()
        made_here = True
    if inspect.isawaitable(value):
        value = await value
        made_here = True
    if inspect.isasyncgen(value):
        generator = value
        value = asynccontextmanager(lambda: generator)()
    elif inspect.isgenerator(value):
        value = _closing(value, stack)
    if hasattr(value, "__aenter__"):
        return await stack.enter_async_context(value)
    # A ready store that is a sync context manager was entered by the fixture that made it, where that was wanted.
    if hasattr(value, "__enter__") and (made_here or not is_target(value)):
        return stack.enter_context(value)
    return value


def _opens(value: Any) -> bool:
    return hasattr(value, "__aenter__") or hasattr(value, "__enter__")


def _closing(generator: Any, stack: AsyncExitStack) -> Any:
    value = next(generator)
    stack.callback(next, generator, None)
    return value


def _no_store(found: Any, name: str, wanted: str) -> str:
    return (
        f"{name} is {type(found).__name__!r}, not a {wanted}. Give a store, a function that makes one,"
        " or a context manager that yields one."
    )


@contextmanager
def named_widgets_allowed() -> Iterator[None]:
    """Let widgets be loaded where warnings are errors.

    ChatKit warns of its own widget classes whenever one is made, also by loading a stored widget; it means apps that
    write ``Card(...)`` in their code.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Direct usage of named widget classes", DeprecationWarning)
        yield
