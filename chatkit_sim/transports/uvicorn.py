"""A real uvicorn server in a thread of this process, for an app that is to be tried over a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ..errors import UsageError
from .asgi_app import routes_of
from .browser import origin_of
from .endpoint import NO_DELAYS
from .errors import LifespanError
from .lifespan import Application
from .served import ServedTransport, Watch

if TYPE_CHECKING:
    import uvicorn


class UvicornServer:
    """Serves an ASGI app with uvicorn, on a free port of the loopback interface, in a thread of its own.

    The app lives on that thread's event loop, with its lifespan; so what the app and the test share (a store) is used
    from two threads. uvicorn speaks ASGI 2.3, and runs up to 64 KiB ahead of a client.

    Args:
        app: The app, a callable ``(scope, receive, send)``.
        base_url: The scheme and host that the app believes it is served at, as ``AsgiApp`` has it. The page's requests
            to that host, such as uploads, go to this server.
        linger: Seconds that a client waits, when it has all it wants or has left, for the app to finish its request.
        startup: Seconds that the app gets to start.

    Example::

        with UvicornServer(app) as server:
            ada = server.transport(headers={"x-user-id": "ada"})
    """

    def __init__(
        self,
        app: Application,
        *,
        base_url: str = "http://testserver",
        linger: float = 5.0,
        startup: float = 30.0,
    ) -> None:
        self.app = app
        self._known_as = urlsplit(origin_of(base_url)).hostname or ""
        self._watch = Watch(app, linger)
        self._startup = startup
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self._raised: BaseException | None = None

    @property
    def url(self) -> str:
        """The scheme, host and port.

        Raises:
            UsageError: The server does not run.
        """
        if self._socket is None:
            raise UsageError("This UvicornServer does not run: start() it, or use it in a with block.")
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def start(self) -> None:
        """Start to listen; returns when the app's startup is over.

        Raises:
            UsageError: uvicorn is not installed, or the server runs already.
            LifespanError: The app's startup failed.
        """
        if self._thread is not None:
            raise UsageError("This UvicornServer runs already.")
        self._server = _make_server(self._watch)
        # With the protocol named: asyncio switches Nagle's algorithm off only then, which costs 40 ms a request.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, name="chatkit-sim: uvicorn", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + self._startup
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        if not self._server.started:
            raise self._startup_error()

    def stop(self) -> None:
        """Stop listening, end the app's lifespan and the thread; streams that still run get a second.

        May be called twice.

        Raises:
            LifespanError: The app's shutdown failed.
        """
        thread, self._thread = self._thread, None
        if thread is None or self._server is None or self._socket is None:
            return
        self._server.should_exit = True
        thread.join()
        self._socket.close()
        self._socket = None
        if self._watch.lifespan_failure is not None:
            raise LifespanError("uvicorn", "shutdown", self._watch.lifespan_failure) from self._watch.lifespan_error

    def transport(
        self,
        path: str = "/chatkit",
        *,
        headers: Mapping[str, str] | None = None,
        retry_delays: Sequence[float] = NO_DELAYS,
    ) -> ServedTransport:
        """The transport of one client.

        Args:
            path: Where the app takes ChatKit's requests.
            headers: Sent with each of them; not with uploads.
            retry_delays: Seconds before each further post of a streaming request that opened no stream.
        """
        return ServedTransport(
            self._watch, self.url + path, headers or {}, retry_delays, lambda: routes_of(self.app), self._known_as
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        if self._server is None or self._socket is None:
            return
        try:
            self._server.run(sockets=[self._socket])
        except (Exception, SystemExit) as error:  # uvicorn exits when the app's startup fails; `start` tells of it
            self._raised = error

    def _startup_error(self) -> LifespanError:
        server, thread = self._server, self._thread
        if server is not None:
            server.should_exit = server.force_exit = True
        if thread is not None:
            thread.join(timeout=1.0)
        self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        why = self._watch.lifespan_failure or f"it was not up after {self._startup:g} seconds ({self._raised!r})"
        error = LifespanError("uvicorn", "startup", why)
        error.__cause__ = self._watch.lifespan_error or self._raised
        return error


def _make_server(app: Application) -> uvicorn.Server:
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError("A real HTTP server needs uvicorn: pip install uvicorn.") from error
    config = uvicorn.Config(
        app, loop="asyncio", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)
