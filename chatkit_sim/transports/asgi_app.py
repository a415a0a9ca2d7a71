"""An ASGI app under test, with its lifespan: shared by the transports of all clients."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from ..errors import UsageError
from ..recording import SERVING
from .browser import origin_of
from .cycle import Cycle
from .lifespan import Application, Lifespan

SpecVersion = Literal["2.3", "2.4"]


class AsgiApp:
    """An ASGI app (FastAPI, Starlette, ...) that runs in this process, on the clients' own event loop.

    Its lifespan starts with the first request, or with ``start``, and ends with ``aclose``; once, however many clients
    share it. ``app.state`` and ``dependency_overrides`` work as ever, since the app is used as it is.

    Args:
        app: The app, a callable ``(scope, receive, send)``.
        base_url: The scheme and host that the app believes it is served at. Requests to that host go through the app.
        linger: Seconds that the app gets to finish a request whose client has everything it wanted or has left
            (background tasks, what it stores after a cancellation).

    Attributes:
        app: The app.
        base_url: See above.

    Example::

        async with AsgiApp(app) as served:
            ada = AsgiTransport(served, headers={"x-user-id": "ada"})
            bob = AsgiTransport(served, headers={"x-user-id": "bob"})
    """

    def __init__(self, app: Application, *, base_url: str = "http://testserver", linger: float = 5.0) -> None:
        if not callable(app):
            raise UsageError(
                f"The ASGI app is {app!r} ({type(app).__name__}), which cannot be called. "
                "Give the app itself, such as FastAPI(), not its name or module."
            )
        self.app = app
        self.base_url = origin_of(base_url)
        self._host = urlsplit(base_url).hostname
        self._linger = linger
        self._lifespan: Lifespan | None = None
        self._starting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def started(self) -> bool:
        """Whether its lifespan has been started."""
        return self._lifespan is not None

    async def start(self) -> None:
        """Start the app's lifespan on the running loop; once, further calls wait for it.

        Raises:
            LifespanError: The startup failed.
            UsageError: It was started on another event loop, or has been closed.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise UsageError("This AsgiApp has been closed, and its lifespan has ended: make a new one.")
        if self._lifespan is None or self._starting is None:
            self._loop = loop
            self._lifespan = Lifespan(self.app, self.base_url)
            self._starting = loop.create_task(self._lifespan.start())
        if loop is not self._loop:
            raise UsageError(
                "This AsgiApp runs on another event loop, where its lifespan was started. "
                "Make one AsgiApp for each event loop."
            )
        await asyncio.shield(self._starting)

    async def aclose(self) -> None:
        """End what still runs, and the lifespan. May be called twice.

        Raises:
            LifespanError: The shutdown failed.
        """
        if self._closed:
            return
        self._closed = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        if self._lifespan is not None:
            await self._lifespan.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def serves(self, host: str) -> bool:
        """Whether ``host`` is the app's own."""
        return host == self._host

    async def request(self, scope: dict[str, Any], body: bytes, spec_version: SpecVersion) -> Cycle:
        """Begin a request.

        Args:
            scope: The scope of the request; what is the app's own is filled in.
            body: The body.
            spec_version: How a disconnect reaches the app.
        """
        await self.start()
        if self._lifespan is not None:
            scope["state"] = self._lifespan.state.copy()
        scope["asgi"] = {"version": "3.0", "spec_version": spec_version}
        strict, exchange = spec_version == "2.4", SERVING.get()
        cycle = Cycle(self.app, scope, body, strict=strict, linger=self._linger, exchange=exchange)
        self._running.add(cycle.task)
        cycle.task.add_done_callback(self._running.discard)
        return cycle


def routes_of(app: Any) -> Sequence[str]:
    """The routes of a Starlette or FastAPI app, such as ``POST /chatkit``; empty where they cannot be seen.

    Middleware that wraps the app and keeps it as ``app`` is looked through.
    """
    for _ in range(20):
        if hasattr(app, "routes"):
            return list(dict.fromkeys(_listed(app.routes, "")))
        app = getattr(app, "app", None)
    return []


def _listed(routes: Any, prefix: str) -> list[str]:
    found: list[str] = []
    for route in routes or ():
        path = prefix + getattr(route, "path", "")
        methods = getattr(route, "methods", None)
        if methods:
            if getattr(route, "include_in_schema", True):
                found.append(f"{'|'.join(sorted(set(methods) - {'HEAD'}))} {path}")
        else:
            found += _listed(getattr(route, "routes", None), path)
    return found
