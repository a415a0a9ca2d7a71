"""One request through an ASGI app: its answer chunk by chunk, and what the app learns when the client leaves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import httpx2

from ..recording import Exchange
from .counting import SentEvents
from .lifespan import Application, Message

Headers = list[tuple[bytes, bytes]]
_PIECE = 65_536  # bytes of a request body in one message, about as servers cut it
_PATIENCE = 1_000  # messages that an app may send to nobody before it must let others run
_AHEAD = 64  # pieces of an answer that an app may have sent before the client has read the first of them
_CLOSING = 10  # turns of the event loop, in which it closes the (nested) generators that an app has dropped


class AppRaised(Exception):
    """Carries what the app raised past the HTTP client, which must not take it for an error of its own."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(error)


class ClientGoneError(OSError):
    """What ``send()`` raises under ASGI 2.4 once the client has left."""


class Cycle:
    """Runs the app for one request, in a task of its own.

    A client that looks at each event holds the app: it goes on when the client asks for more. So while the client
    waits, the app waits in its own code and not in ``send()``, and a client that leaves then reaches it there, as under
    a real server. For any other client the app may send a little ahead, which saves a turn of the event loop for each
    event.

    Args:
        app: The ASGI app.
        scope: The request's scope.
        body: The request's body.
        strict: Whether ``send()`` raises once the client has left (ASGI 2.4) or does nothing (2.3, as uvicorn).
        linger: Seconds to wait, when the client has all it wants or leaves, for the app to come to its end.
        exchange: What is being served, if that is known.
    """

    def __init__(
        self,
        app: Application,
        scope: Message,
        body: bytes,
        *,
        strict: bool,
        linger: float,
        exchange: Exchange | None = None,
    ) -> None:
        self._app = app
        self._scope = scope
        self._pieces = deque(body[i : i + _PIECE] for i in range(0, len(body) or 1, _PIECE))
        self._strict = strict
        self._linger = linger
        self._ahead = 0 if exchange is None or exchange.stepped else _AHEAD
        self._sent = SentEvents(exchange)
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._answer: tuple[int, Headers] | None = None
        self._chunks: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []
        self._nothing_more = asyncio.Event()
        self._complete = self._gone = self._ended = self._left = False
        self._sent_to_nobody = 0
        self._error: BaseException | None = None
        self.task: asyncio.Task[None] = self._loop.create_task(self._serve(), name=f"chatkit-sim: {scope['path']}")

    async def open(self) -> tuple[int, Headers]:
        """Wait for the status and the headers.

        Raises:
            AppRaised: The app raised instead of answering.
        """
        try:
            await self._opened
        except asyncio.CancelledError:
            await self.leave()
            raise
        if self._answer is None:
            raise AppRaised(self._error or RuntimeError("The ASGI app returned without starting a response."))
        return self._answer

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body, until the app has ended it and returned.

        Raises:
            AppRaised: The app raised, if only after the end of the body (a background task).
            RemoteProtocolError: The app returned in the middle of the body.
        """
        while True:
            while self._chunks:
                yield self._chunks.popleft()
            self._release()
            if self._complete or self._ended:
                break
            self._reader = self._loop.create_future()
            await self._reader
        await self._finish()

    async def leave(self) -> None:
        """Go away; the app is told as ASGI tells it, and gets time to react.

        Raises:
            AppRaised: The app raised something else than that the client has left.
        """
        if self._left:
            return
        self._left = self._gone = True
        # In this order: the app goes on from send() to where it next waits, and there learns that nobody is left.
        self._release()
        self._nothing_more.set()
        await asyncio.wait([self.task], timeout=self._linger)
        if self._error is not None and not _tells_of_leaving(self._error):
            raise AppRaised(self._error)
        self._error = None  # its traceback keeps what the app streamed from being closed
        for _ in range(_CLOSING):
            await asyncio.sleep(0)

    async def _finish(self) -> None:
        self._left = True
        self._nothing_more.set()
        await asyncio.wait([self.task], timeout=self._linger)
        if self._error is not None:
            raise AppRaised(self._error)
        if not self._complete:
            raise httpx2.RemoteProtocolError("the ASGI app returned before it had sent the last part of the body")

    async def _serve(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except (KeyboardInterrupt, SystemExit) as error:
            self._error = error
            raise
        except asyncio.CancelledError:
            self._error = None if self._gone else RuntimeError("The ASGI app was cancelled in the middle of a request.")
        except BaseException as error:
            self._error = _single(error)
        finally:
            self._ended = True
            _resolve(self._opened)
            self._wake_reader()

    async def _receive(self) -> Message:
        if self._pieces and not self._gone:
            piece = self._pieces.popleft()
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._nothing_more.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone:
            await self._send_to_nobody()
            return
        if message["type"] != "http.response.body":
            if message["type"] == "http.response.start":
                self._answer = (message["status"], list(message.get("headers", ())))
                self._sent.see(message)
                _resolve(self._opened)
            return
        if self._answer is None or self._complete:
            state = "before the response was started" if self._answer is None else "after the last part of the body"
            raise RuntimeError(f"The ASGI app sent http.response.body {state}.")
        body, more = message.get("body"), message.get("more_body", False)
        if body:
            self._sent.see(message)
            self._chunks.append(bytes(body))
        if not more:
            self._complete = True
            self._nothing_more.set()
        self._wake_reader()
        # What cannot be counted must not be ahead: the run's doings would stand in the wrong place.
        if more and body and len(self._chunks) > (self._ahead if self._sent.exact else 0):
            writer = self._loop.create_future()
            self._writers.append(writer)
            await writer

    async def _send_to_nobody(self) -> None:
        if self._strict:
            raise ClientGoneError("The client has closed the connection.")
        # An app that never awaits anything else could not be cancelled.
        self._sent_to_nobody += 1
        if self._sent_to_nobody > _PATIENCE:
            await asyncio.sleep(0)

    def _release(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            _resolve(writer)

    def _wake_reader(self) -> None:
        if self._reader is not None:
            _resolve(self._reader)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _single(error: BaseException) -> BaseException:
    # Starlette streams in a task group, which wraps what its one task raised.
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _tells_of_leaving(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        # Starlette raises ClientDisconnect for either; it is known by name, since Starlette need not be installed.
        if isinstance(seen, ClientGoneError) or type(seen).__name__ == "ClientDisconnect":
            return True
        seen = seen.__cause__ or seen.__context__
    return False
