"""What is known of an app that a server runs in a thread of this process: who is served, and what was raised."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..recording import SERVING, Exchange
from .base import Response
from .browser import Browser, origin_of, real_http
from .counting import SentEvents
from .endpoint import Endpoint
from .errors import TransportError
from .lifespan import Application, Message, Receive, Send

_HEADER = "x-chatkit-sim-post"


@dataclass
class Post:
    """One post of a client, as the server's side sees it.

    Attributes:
        exchange: What is being served, as the model and the timeline know it.
        runs: The app's calls for it; several when it was posted again or redirected.
        raised: What the app raised last.
    """

    exchange: Exchange | None
    runs: list[Future[None]] = field(default_factory=list)
    raised: BaseException | None = None


class Watch:
    """An ASGI app around the app under test: it carries the exchange into the server's thread, and errors out of it.

    Args:
        app: The app.
        linger: Seconds that ``finished`` waits.
    """

    def __init__(self, app: Application, linger: float) -> None:
        self.lifespan_failure: str | None = None
        self.lifespan_error: BaseException | None = None
        self._app = app
        self._linger = linger
        self._posts: dict[str, Post] = {}
        self._numbers = itertools.count(1)

    def expect(self, exchange: Exchange | None) -> tuple[str, Post]:
        """Announce a post; returns the header's value that names it."""
        name = str(next(self._numbers))
        self._posts[name] = Post(exchange)
        return name, self._posts[name]

    async def finished(self, name: str) -> None:
        """Wait until the app has no more to do for a post, or for as long as it may linger."""
        post = self._posts.pop(name, None)
        if post is not None and post.runs:
            await asyncio.wait([asyncio.wrap_future(run) for run in post.runs], timeout=self._linger)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            return await self._live(scope, receive, send)
        post = self._posts.get(_taken(scope))
        if post is None:
            return await self._app(scope, receive, send)
        run: Future[None] = Future()
        run.set_running_or_notify_cancel()  # so that a client that stops waiting cannot cancel it
        post.runs.append(run)
        SERVING.set(post.exchange)  # uvicorn runs each request in a task of its own
        sent = SentEvents(post.exchange)

        async def counted(message: Message) -> None:
            sent.see(message)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except BaseException as error:
            post.raised = error
            raise
        finally:
            run.set_result(None)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"].endswith(".failed"):
                self.lifespan_failure = message.get("message", "") or "it gave no reason"
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception as error:
            self.lifespan_error = error
            raise


class ServedTransport:
    """The transport of one client of a server in this process; see ``UvicornServer.transport``.

    Over HTTP an exception of the app shows as HTTP shows it; the original is its ``__cause__``.
    """

    def __init__(
        self,
        watch: Watch,
        url: str,
        headers: Mapping[str, str],
        retry_delays: Sequence[float],
        routes: Callable[[], Sequence[str]],
        known_as: str = "",
    ) -> None:
        self.url = url
        self._watch = watch
        self._browser = Browser(real_http(url, known_as), origin_of(url))
        self._endpoint = Endpoint(self._browser, url, headers, retry_delays, routes)

    async def send(self, body: bytes, context: Any) -> Response:
        """See ``Transport``; ``context`` is not used, since the app builds its own."""
        name, post = self._watch.expect(SERVING.get())
        streams = False
        try:
            response = await self._endpoint.post(body, {_HEADER: name})
            if response.chunks is None:
                return response
            streams = True
            chunks = self._watched(response.chunks, name, post)
            return Response(b"", chunks, response.status, response.headers, response.refused)
        except TransportError as error:
            # The app may raise only after its answer was sent: wait for its end before asking.
            await self._watch.finished(name)
            error.__cause__ = post.raised or error.__cause__
            raise
        finally:
            if not streams:
                await self._watch.finished(name)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport``."""
        return await self._browser.request(method, url, headers=headers, content=content)

    async def aclose(self) -> None:
        """See ``Transport``."""
        await self._browser.aclose()

    async def _watched(self, chunks: AsyncGenerator[bytes, None], name: str, post: Post) -> AsyncGenerator[bytes, None]:
        try:
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                await chunks.aclose()
                await self._watch.finished(name)
        except TransportError as error:
            error.__cause__ = post.raised or error.__cause__
            raise


def _taken(scope: Message) -> str:
    # Taken out, so that the app sees what a browser sends.
    wanted = _HEADER.encode()
    values = [value for name, value in scope["headers"] if name == wanted]
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != wanted]
    return values[0].decode("latin-1") if values else ""
