"""Straight into ``ChatKitServer.process``: bytes in, server-sent events out, no HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult

from .base import Response
from .browser import Browser
from .elsewhere import Elsewhere


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

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport``: there is no app, so it goes over the network (or to what a test puts in its place)."""
        browser = Browser(Elsewhere())
        try:
            return await browser.request(method, url, headers=headers, content=content)
        finally:
            await browser.aclose()

    async def aclose(self) -> None:
        """See ``Transport``."""


async def _chunks(result: StreamingResult) -> AsyncGenerator[bytes, None]:
    # Iterated directly and closed explicitly, so that leaving early reaches the responder at once.
    stream = result.json_events
    try:
        async for chunk in stream:
            yield chunk
    finally:
        await stream.aclose()
