"""Straight into ``ChatKitServer.process``: bytes in, server-sent events out, no HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult

from .base import Response


@dataclass(frozen=True)
class InProcess:
    """The transport of a server in this process.

    Attributes:
        server: The server under test.
    """

    server: ChatKitServer[Any]

    async def send(self, body: bytes, context: Any) -> Response:
        """See ``Transport``."""
        result = await self.server.process(body, context)
        if isinstance(result, StreamingResult):
            return Response(chunks=_chunks(result))
        return Response(body=result.json)


async def _chunks(result: StreamingResult) -> AsyncGenerator[bytes, None]:
    # Iterated directly and closed explicitly, so that leaving early reaches the responder at once.
    stream = result.json_events
    try:
        async for chunk in stream:
            yield chunk
    finally:
        await stream.aclose()
