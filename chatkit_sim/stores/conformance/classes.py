"""The promises as test classes, one test for each. The one module of the kit that needs pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from ..memory import MemoryStore
from .attachment_stores import ATTACHMENT_PROMISES, check_attachment_promise
from .checking import PATIENCE, PROMISES, check_promise
from .kit import EXAMPLES
from .ordered_loop import OrderedLoop
from .promise import Promise, PromiseBroken, PromiseNotChecked, held_back

_BROKEN = pytest.StashKey[list[Promise]]()
_Class = TypeVar("_Class", bound=type)


def _with_tests(promises: Sequence[Promise]) -> Callable[[_Class], _Class]:
    """Give a class one test method for each promise, named after it."""

    def add(cls: _Class) -> _Class:
        for promise in promises:
            setattr(cls, f"test_{promise.slug.replace('-', '_')}", _test_of(promise, cls))
        return cls

    return add


def _test_of(promise: Promise, cls: type) -> Callable[..., None]:
    def test(self: Any, request: pytest.FixtureRequest) -> None:
        earlier = request.node.parent.stash.setdefault(_BROKEN, [])
        if reason := held_back(promise, earlier):
            pytest.skip(reason)
        outcome = self._chatkit_try(promise, request)
        if isinstance(outcome, PromiseNotChecked):
            pytest.skip(str(outcome))
        if isinstance(outcome, PromiseBroken):
            earlier.append(promise)
            pytest.fail(str(outcome), pytrace=False)

    name = f"test_{promise.slug.replace('-', '_')}"
    test.__name__ = name
    test.__qualname__ = f"{cls.__qualname__}.{name}"
    test.__doc__ = promise.must_hold
    return test


class _Conformance:
    """What both classes do with a promise."""

    def _chatkit_check(self, promise: Promise, request: pytest.FixtureRequest) -> Coroutine[Any, Any, None]:
        raise NotImplementedError

    def _chatkit_try(
        self, promise: Promise, request: pytest.FixtureRequest
    ) -> PromiseBroken | PromiseNotChecked | None:
        """Try a promise on an event loop of its own. What came of it is given, so that it is told without a chain."""
        try:
            with asyncio.Runner(loop_factory=OrderedLoop) as runner:
                runner.run(self._chatkit_check(promise, request))
        except (PromiseBroken, PromiseNotChecked) as outcome:
            return outcome
        return None


@_with_tests(PROMISES)
class StoreConformance(_Conformance):
    """What every ChatKit store must do, one test for each promise.

    Subclass it in a test module and give it the store by a fixture ``chatkit_store``: the store itself, a function that
    makes it (sync or async), or a context manager (sync or async) that yields it and cleans up. It is opened for each
    test, on that test's own event loop; a store that is used by other loops too, such as one with a connection pool, is
    best given as a function. It may hold other data.

    Further fixtures, where they are wanted: ``chatkit_context``, the request context (``{}`` without it), and
    ``chatkit_other_context``, that of another user, without which the tests about users are skipped. Both may be values
    or functions and context managers that make them. A test that does not apply is switched off as in every class:
    ``test_attachment_loads_as_saved = None``.

    The tests are plain functions that run an event loop of their own; they need no pytest plugin for asyncio, and live
    with any.

    Attributes:
        chatkit_examples: How many sequences of calls and orders of tasks to try where a test searches.
        chatkit_patience: Seconds after which the store counts as stuck.

    Example:
        >>> class TestMyStore(StoreConformance):
        ...     @pytest.fixture
        ...     def chatkit_store(self, tmp_path):
        ...         return lambda: MyStore(tmp_path / "chats.db")
    """

    chatkit_examples: int = EXAMPLES
    chatkit_patience: float = PATIENCE

    def _chatkit_check(self, promise: Promise, request: pytest.FixtureRequest) -> Coroutine[Any, Any, None]:
        return check_promise(
            promise,
            request.getfixturevalue("chatkit_store"),
            optional_fixture(request, "chatkit_context"),
            optional_fixture(request, "chatkit_other_context") if promise.two_users else None,
            examples=self.chatkit_examples,
            patience=self.chatkit_patience,
        )


@_with_tests(ATTACHMENT_PROMISES)
class AttachmentStoreConformance(_Conformance):
    """What every attachment store must do, one test for each promise.

    Subclass it as ``StoreConformance``, with a fixture ``chatkit_attachment_store``. Further fixtures, where they are
    wanted: ``chatkit_store``, the server's store; ``chatkit_upload``, the app's direct upload as a function
    ``(attachment_store, context) -> Attachment``; ``chatkit_context`` and ``chatkit_other_context``.
    """

    def _chatkit_check(self, promise: Promise, request: pytest.FixtureRequest) -> Coroutine[Any, Any, None]:
        return check_attachment_promise(
            promise,
            request.getfixturevalue("chatkit_attachment_store"),
            optional_fixture(request, "chatkit_context"),
            optional_fixture(request, "chatkit_other_context") if promise.two_users else None,
            open_store=optional_fixture(request, "chatkit_store") or MemoryStore,
            upload=optional_fixture(request, "chatkit_upload"),
        )


def optional_fixture(request: pytest.FixtureRequest, name: str) -> Any:
    """The value of a fixture; ``None`` where there is none of that name, or only one that says that it is missing."""
    try:
        return request.getfixturevalue(name)
    except pytest.fail.Exception:
        return None
    except pytest.FixtureLookupError as error:
        if error.argname != name:
            raise
        return None
