"""The doors to the server under test: itself in this process, an ASGI app, a real HTTP server, a URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from chatkit.server import ChatKitServer

from ..errors import UsageError
from ..transports import AsgiApp, AsgiTransport, HttpTransport, InProcess, Response, Transport, UvicornServer
from ..transports.asgi_app import SpecVersion
from .serving import open_server

TransportKind = Literal["in-process", "asgi", "asgi-2.4", "http"]


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where the server under test is, and how it is reached.

    Attributes:
        server: A ``ChatKitServer``, or a factory of one.
        app: The ASGI app that serves it; as ``AsgiApp(app, base_url=...)`` where it believes to be served at another
            host than ``http://testserver``.
        path: The path of the app's ChatKit endpoint.
        headers: Sent with each request, such as ``{"authorization": "Bearer ..."}``; a client may have its own.
        url: The URL of an endpoint that runs elsewhere.
        transport: Which way to take: ``in-process`` (``server``), ``asgi`` (``app``, without a socket; the app learns
            of a disconnect as under uvicorn, ASGI 2.3), ``asgi-2.4`` (the same, but ``send()`` raises then, as under
            newer servers), ``http`` (``url``, or ``app`` behind a real HTTP server in a thread). By default ``http``
            with a URL, else ``asgi`` with an app, else ``in-process``.
    """

    server: Any = None
    app: Any = None
    path: str = "/chatkit"
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    transport: TransportKind | None = None

    @property
    def takes_uploads(self) -> bool:
        """Whether there is an app that files may be uploaded to, and not the server alone."""
        return self.app is not None or self.url is not None

    @property
    def knows_users_by(self) -> Literal["context", "headers"]:
        """What tells a second user from the first: behind HTTP the app builds its own context, from the headers."""
        return "context" if self.kind == "in-process" else "headers"

    @property
    def kind(self) -> TransportKind:
        """The way that is taken.

        Raises:
            UsageError: It does not fit what was given.
        """
        given = {"server": self.server is not None, "app": self.app is not None, "url": self.url is not None}
        if given["url"] and given["app"]:
            raise UsageError("Give a URL or an app, not both: a URL is of a server that runs elsewhere.")
        kind = self.transport or ("http" if given["url"] else "asgi" if given["app"] else "in-process")
        if kind not in get_args(TransportKind):
            raise UsageError(f"The transport is one of {', '.join(get_args(TransportKind))}, not {kind!r}.")
        needed = ("server",) if kind == "in-process" else ("url", "app") if kind == "http" else ("app",)
        if not any(given[name] for name in needed):
            has = ", ".join(name for name, there in given.items() if there) or "nothing"
            raise UsageError(
                f"The transport {kind!r} needs {' or '.join(needed)}, and was given {has}. "
                "(Fixtures: chatkit_server, chatkit_app, chatkit_url; chatkit_transport decides between them.)"
            )
        return kind


class Doorway:
    """A door in use: what stands behind it is opened once, when the first client comes.

    Args:
        door: The door.
        make_store: Gives the store to a factory of a server.
        resources: Where all that is opened is closed.
    """

    def __init__(self, door: Door, make_store: Callable[[], Any], resources: AsyncExitStack) -> None:
        self.door = door
        self.server: ChatKitServer[Any] | None = None
        self._make_store = make_store
        self._resources = resources
        self._opening: asyncio.Lock | None = None
        self._app: AsgiApp | None = None
        self._http: UvicornServer | None = None

    async def transport(self, headers: Mapping[str, str] | None = None) -> Transport:
        """The transport of one client.

        Args:
            headers: The client's own headers, in place of the door's.
        """
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            return await self._connect(self.door.headers if headers is None else headers)

    async def _connect(self, headers: Mapping[str, str]) -> Transport:
        door, kind = self.door, self.door.kind
        transport: Transport
        if kind == "http" and door.url is not None:
            transport = HttpTransport(door.url, headers=headers)
        elif kind == "http":
            if self._http is None:
                app = door.app
                served = (
                    UvicornServer(app.app, base_url=app.base_url) if isinstance(app, AsgiApp) else UvicornServer(app)
                )
                self._http = await self._resources.enter_async_context(_served(served))
            transport = self._http.transport(door.path, headers=headers)
        elif kind in ("asgi", "asgi-2.4"):
            version: SpecVersion = "2.4" if kind == "asgi-2.4" else "2.3"
            transport = AsgiTransport(await self._opened_app(), door.path, headers=headers, spec_version=version)
        else:
            if self.server is None:
                self.server = await open_server(door.server, self._make_store, self._resources)
            transport = InProcess(self.server)
            if door.app is not None:
                transport = _BesideApp(transport, AsgiTransport(await self._opened_app(), door.path))
        self._resources.push_async_callback(_on_its_loop, transport.aclose, asyncio.get_running_loop())
        return transport

    async def _opened_app(self) -> AsgiApp:
        if self._app is None:
            self._app = self.door.app if isinstance(self.door.app, AsgiApp) else AsgiApp(self.door.app)
            if not self._app.started:  # whoever starts an app ends it
                self._resources.push_async_callback(_on_its_loop, self._app.aclose, asyncio.get_running_loop())
        return self._app


class _BesideApp:
    """Straight into the server, while uploads and the like go to the app beside it."""

    def __init__(self, server: InProcess, app: AsgiTransport) -> None:
        self._server = server
        self._app = app

    async def send(self, body: bytes, context: Any) -> Response:
        return await self._server.send(body, context)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        return await self._app.request(method, url, headers=headers, content=content)

    async def aclose(self) -> None:
        await self._app.aclose()


@asynccontextmanager
async def _served(server: UvicornServer) -> AsyncGenerator[UvicornServer, None]:
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def _on_its_loop(close: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
    # A test's own loop may be gone by now, and with it whatever ran there.
    if asyncio.get_running_loop() is loop:
        await close()
