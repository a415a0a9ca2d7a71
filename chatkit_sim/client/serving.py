"""The server under test and its request context: values, factories and context managers alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from chatkit.server import ChatKitServer

from ..errors import UsageError

if TYPE_CHECKING:
    from starlette.requests import Request as StarletteRequest


class DefaultContext(dict[str, Any]):
    """The request context when none was given: an empty dict that says so when the app misses something in it."""

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"{key!r} is not in the request context, which is chatkit-sim's default {{}}. {_CONTEXT_HINT}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"The request context has no {name!r}: it is chatkit-sim's default {{}}. {_CONTEXT_HINT}")


_CONTEXT_HINT = (
    "Define the fixture `chatkit_context` (or pass context=...) with what your endpoint passes to process()."
)


async def enter(stack: AsyncExitStack, value: Any) -> Any:
    """Resolve an awaitable or enter a (sync or async) context manager; other values are returned as they are."""
    if inspect.isawaitable(value):
        value = await value
    if hasattr(value, "__aenter__") and hasattr(value, "__aexit__"):
        return await stack.enter_async_context(value)
    if hasattr(value, "__enter__") and hasattr(value, "__exit__"):
        return stack.enter_context(value)
    return value


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a factory; a generator function counts as the body of a context manager."""
    if inspect.isasyncgenfunction(function):
        function = asynccontextmanager(function)
    elif inspect.isgeneratorfunction(function):
        function = contextmanager(function)
    return function(*arguments)


async def open_server(source: Any, make_store: Callable[[], Any], stack: AsyncExitStack) -> ChatKitServer[Any]:
    """Turn what the user gave as the server into a server.

    Args:
        source: A ``ChatKitServer``, or a factory ``() -> server`` or ``(store) -> server``: a function, a class, a
            coroutine function, or one that gives a (sync or async) context manager.
        make_store: Gives the store for a factory that wants one.
        stack: Where context managers are entered.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(source, ChatKitServer):
        return source
    if not callable(source):
        raise UsageError(_not_a_server(source))
    server = await enter(stack, call(source, *_factory_arguments(source, make_store)))
    if not isinstance(server, ChatKitServer):
        raise UsageError(f"The factory {_name(source)} gave something else. {_not_a_server(server)}")
    return server


async def open_context(source: Any, stack: AsyncExitStack) -> Any:
    """The context of one request: a value, or what a function (sync, async, context manager) gives for it."""
    if inspect.isroutine(source) or isinstance(source, partial):
        return await enter(stack, call(source))
    return source


def fake_request(
    app: Any = None, headers: Mapping[str, str] | None = None, *, path: str = "/chatkit", method: str = "POST"
) -> StarletteRequest:
    """A Starlette request as the ChatKit endpoint would get it, for building a request context.

    Args:
        app: The ASGI app, reachable as ``request.app`` (and so ``request.app.state``).
        headers: The headers, such as ``{"authorization": "Bearer ..."}``; names in any case.
        path: The path of the endpoint.
        method: The HTTP method.

    Example::

        @pytest.fixture
        def chatkit_context():
            return lambda: RequestContext.from_request(fake_request(app, {"x-user-id": "ada"}))
    """
    from starlette.requests import Request

    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    if app is not None:
        scope["app"] = app
    return Request(scope)


def takes_store(factory: Callable[..., Any]) -> bool:
    """Whether a factory of servers wants to be given the store."""
    return bool(_factory_arguments(factory, object))


def _factory_arguments(factory: Callable[..., Any], make_store: Callable[[], Any]) -> list[Any]:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError) as error:
        raise UsageError(f"The signature of the server factory {_name(factory)} cannot be read: {error}.") from error
    required = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(required) > 1 or any(p.kind is p.KEYWORD_ONLY for p in required):
        names = ", ".join(p.name for p in required)
        raise UsageError(
            f"The server factory {_name(factory)} needs ({names}); a factory takes nothing or the store. "
            "Wrap it: a fixture `chatkit_server` that returns the finished server."
        )
    takes_store = bool(required) or any(p.name in ("store", "chatkit_store", "data_store") for p in parameters)
    return [make_store()] if takes_store else []


def _not_a_server(value: Any) -> str:
    what = _name(value) if callable(value) else f"{value!r} ({type(value).__name__})"
    return (
        f"The server under test is {what}, which is not a ChatKitServer. Give a ChatKitServer instance, "
        "or a factory that returns one: () -> server or (store) -> server."
    )


def _name(value: Any) -> str:
    return getattr(value, "__qualname__", None) or repr(value)
