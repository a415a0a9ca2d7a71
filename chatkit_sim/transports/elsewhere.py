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
            raise _as_of_httpx2(error) from error
        # What it says of the body's form is true no more: the body is decoded.
        kept = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_FORM]
        return httpx2.Response(answer.status_code, headers=kept, stream=httpx2.ByteStream(answer.content))

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class ByHost(httpx2.AsyncBaseTransport):
    """The way to one host, and another one to all others.

    Args:
        host: The host.
        own: How it is reached.
    """

    def __init__(self, host: str, own: httpx2.AsyncBaseTransport) -> None:
        self._host = host
        self._own = own
        self._elsewhere = Elsewhere()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Choose the way."""
        way = self._own if request.url.host == self._host else self._elsewhere
        return await way.handle_async_request(request)

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
