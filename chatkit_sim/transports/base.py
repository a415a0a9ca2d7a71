"""How a request reaches a server, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Response:
    """What a server answered.

    Attributes:
        body: The JSON bytes of a response that is no stream.
        chunks: The bytes of a stream, in chunks of any size; ``None`` for the others.
    """

    body: bytes = b""
    chunks: AsyncGenerator[bytes, None] | None = None


class Transport(Protocol):
    """Carries the bytes of one request to a server."""

    async def send(self, body: bytes, context: Any) -> Response:
        """Post ``body``; exceptions of the server come out as they are.

        Args:
            body: The JSON request.
            context: The request context, where the transport hands it on itself.
        """
        ...
