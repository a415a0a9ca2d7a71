"""Requests of the page to other hosts than the app's own, such as uploads to a bucket."""

from __future__ import annotations

import httpx
import httpx2


class Elsewhere(httpx2.AsyncBaseTransport):
    """The network, reached through httpx: there respx, and so a test, can answer in its place."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry a request out, and its answer back.

        Raises:
            HTTPError: As httpx2 has it: nothing answers there.
        """
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=10.0))
        carried = httpx.Request(
            request.method, str(request.url), headers=request.headers.raw, content=await request.aread()
        )
        try:
            answer = await self._client.send(carried)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _as_of_httpx2(error) from None
        # What it says of the body's form is true no more: the body is decoded.
        kept = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_FORM]
        return httpx2.Response(answer.status_code, headers=kept, stream=httpx2.ByteStream(answer.content))

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class ByHost(httpx2.AsyncBaseTransport):
    """The way to one server, and another one to all other hosts.

    Args:
        origin: The server's URL.
        own: How it is reached.
        known_as: The host under which the app believes to be served, as behind a proxy; such requests are the
            server's too, and keep that host in their headers.
    """

    def __init__(self, origin: str, own: httpx2.AsyncBaseTransport, known_as: str = "") -> None:
        self._origin = httpx2.URL(origin)
        self._own = own
        self._known_as = known_as
        self._elsewhere = Elsewhere()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Choose the way."""
        url, origin = request.url, self._origin
        if url.host == origin.host:
            return await self._own.handle_async_request(request)
        if url.host != self._known_as:
            return await self._elsewhere.handle_async_request(request)
        there = url.copy_with(scheme=origin.scheme, host=origin.host, port=origin.port)
        body = await request.aread()
        moved = httpx2.Request(
            request.method, there, headers=request.headers, content=body, extensions=request.extensions
        )
        return await self._own.handle_async_request(moved)

    async def aclose(self) -> None:
        """Close both."""
        await self._own.aclose()
        await self._elsewhere.aclose()


_OF_THE_FORM = (b"content-encoding", b"content-length", b"transfer-encoding")


def _as_of_httpx2(error: Exception) -> Exception:
    if isinstance(error, httpx.InvalidURL):
        return httpx2.InvalidURL(str(error))
    same: type[Exception] = getattr(httpx2, type(error).__name__, httpx2.ConnectError)
    return same(str(error))
