"""How a request reaches a server, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Attempt:
    """An answer that opened no stream.

    Attributes:
        status: The HTTP status.
        content_type: The content type as the server wrote it; empty when it wrote none.
        start: The first bytes of the body.
    """

    status: int
    content_type: str = ""
    start: bytes = b""

    def __str__(self) -> str:
        start = self.start if len(self.start) <= 200 else self.start[:200] + b"..."
        return f"{self.status}, content type {self.content_type or 'not given'}, body {start!r}"


@dataclass(frozen=True)
class Response:
    """What a server answered.

    Attributes:
        body: The JSON bytes of a response that is no stream.
        chunks: The bytes of a stream, in chunks of any size; ``None`` for the others.
        status: The HTTP status.
        headers: The HTTP headers, names in lower case; empty in process.
        refused: The answers that opened no stream, before this one did: how often the request was posted again.
    """

    body: bytes = b""
    chunks: AsyncGenerator[bytes, None] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[Attempt, ...] = ()


class Transport(Protocol):
    """Carries the bytes of requests to a server; one for each client, since it holds the client's cookies."""

    async def send(self, body: bytes, context: Any) -> Response:
        """Post ``body``.

        In this process, exceptions of the server come out as they are; over HTTP they show as HTTP shows them.
        Leaving ``chunks`` early (a cancellation while it is awaited, or ``aclose()``) reaches the server.

        Args:
            body: The JSON request.
            context: The request context, where the transport hands it on itself. Only in process: behind HTTP the
                app builds its own from the request, so that headers say who is asking.

        Raises:
            TransportError: The server cannot be reached, or its answer is not that of a ChatKit endpoint.
        """
        ...

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """Make any other request the page makes, such as an upload; every status is returned.

        Args:
            method: The HTTP method.
            url: Where to; URLs of an ASGI app's own host, and relative ones, go through the app.
            headers: Nothing is added to them but what HTTP needs, and the client's cookies.
            content: The body.

        Raises:
            TransportError: Nothing answers there, or the answer is cut.
        """
        ...

    async def aclose(self) -> None:
        """Close connections. The transport is not used afterwards; closing twice does no harm."""
        ...
