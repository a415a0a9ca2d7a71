"""Where respx meets httpx and httpx2: one router, reached from both libraries."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any, Protocol

import httpcore
import httpx
from respx.mocks import HTTPCoreMocker, Mocker
from respx.models import AllMockedAssertionError, SideEffectError

SYNC = "chatkit_sim.sync"
"""The request extension that says that nothing can be awaited."""

CAUSE = "chatkit_sim_cause"
"""Where an exception keeps its cause while it passes respx, which puts one of its own in its place."""

_LIBRARIES = ("httpx", "httpx2", "httpcore", "httpcore2")
_SWITCHING = threading.Lock()  # simulations of several threads may begin and end at once


class Routing(Protocol):
    """What a port asks: a respx router that also knows what to do with what no route matches."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise ``AllMockedAssertionError``."""
        ...

    def async_handler(self, request: httpx.Request) -> Awaitable[httpx.Response]:
        """The same for async clients."""
        ...

    def unmatched(self, request: httpx.Request) -> Exception:
        """What to raise for a request that no router answers."""
        ...


def mockers() -> tuple[tuple[type[Mocker], ModuleType], ...]:
    """The mocker of httpx and that of httpx2, each with the library whose exceptions it has to raise.

    respx has none for httpx2. It is made when it is first needed, and one that another plugin has made is shared: of
    two mockers over the same methods, the second would be without effect.
    """
    import httpcore2

    other = Mocker.registry.get("httpcore2") or _make_httpcore2_mocker()
    return (HTTPCoreMocker, httpcore), (other, httpcore2)


def _make_httpcore2_mocker() -> type[Mocker]:
    class HTTPCore2Mocker(HTTPCoreMocker):
        name = "httpcore2"
        targets = [target.replace("httpcore.", "httpcore2.", 1) for target in HTTPCoreMocker.targets]  # noqa: RUF012

    return HTTPCore2Mocker


class Port:
    """Stands for a router among the routers of one mocker, and speaks the library's exceptions."""

    def __init__(self, routing: Routing, mocker: type[Mocker], library: ModuleType) -> None:
        self._routing = routing
        self._mocker = mocker
        self._library = library

    def open(self) -> None:
        """Let requests in."""
        with _SWITCHING:
            self._mocker.register(self)  # type: ignore[arg-type]  # a mocker asks for no more than the two handlers
            self._mocker.start()

    def close(self) -> None:
        """Let none in any more; without effect when it is closed."""
        with _SWITCHING:
            self._mocker.unregister(self)  # type: ignore[arg-type]
            self._mocker.stop()

    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        request.extensions = {**request.extensions, SYNC: True}
        try:
            for routing in (self._routing, *self._later()):
                try:
                    return self._carried(routing.handler(request))
                except AllMockedAssertionError:
                    continue
            raise self._routing.unmatched(request)
        except Exception as error:
            self._translate(error)
            raise

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        try:
            for routing in (self._routing, *self._later()):
                try:
                    return self._carried(await routing.async_handler(request))
                except AllMockedAssertionError:
                    continue
            raise self._routing.unmatched(request)
        except Exception as error:
            self._translate(error)
            raise

    def _later(self) -> tuple[Any, ...]:
        # Routers of the test's own that were registered afterwards have a say before a request goes out.
        routers: list[Any] = list(self._mocker.routers)
        return tuple(routers[routers.index(self) + 1 :]) if self in routers else ()

    def _carried(self, response: httpx.Response) -> httpx.Response:
        if not isinstance(response.stream, httpx.ByteStream):
            response.stream = _Carried(response.stream, self._translate)
        return response

    def _translate(self, error: Exception) -> None:
        """Raise the library's counterpart of another library's exception; return when there is none."""
        if isinstance(error.__cause__, SideEffectError):
            error.__cause__ = getattr(error, CAUSE, None)
        for kind in type(error).__mro__:
            origin = kind.__module__.partition(".")[0]
            if origin == self._library.__name__:
                return
            counterpart = getattr(self._library, kind.__name__, None) if origin in _LIBRARIES else None
            if counterpart is not None:
                raise counterpart(str(error)) from error


class _Carried(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body on its way to another library."""

    def __init__(self, body: Any, translate: Callable[[Exception], None]) -> None:
        self._body = body
        self._translate = translate

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except Exception as error:
            self._translate(error)
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                yield chunk
        except Exception as error:
            self._translate(error)
            raise

    def close(self) -> None:
        if hasattr(self._body, "close"):
            self._body.close()

    async def aclose(self) -> None:
        if hasattr(self._body, "aclose"):
            await self._body.aclose()
