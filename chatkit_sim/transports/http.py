"""A server at a URL, over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .base import Response
from .browser import Browser, origin_of, real_http
from .endpoint import NO_DELAYS, Endpoint


class HttpTransport:
    """The transport of one client of a server that runs elsewhere.

    What happens inside of the server cannot be seen from here: no run timeline, no original exceptions. For a server
    in this process, ``UvicornServer.transport`` gives one that sees both.

    Args:
        url: The endpoint, such as ``http://127.0.0.1:8000/chatkit``.
        headers: Sent with each ChatKit request, such as ``{"authorization": "Bearer ..."}``; not with uploads.
        retry_delays: Seconds before each further post of a streaming request that opened no stream.

    Raises:
        UsageError: ``url`` is no absolute URL of HTTP.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_delays: Sequence[float] = NO_DELAYS,
    ) -> None:
        self.url = url
        self._browser = Browser(real_http(url), origin_of(url))
        self._endpoint = Endpoint(self._browser, url, headers or {}, retry_delays)

    async def send(self, body: bytes, context: Any) -> Response:
        """See ``Transport``; ``context`` is not used, since the app builds its own."""
        return await self._endpoint.post(body)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport``."""
        return await self._browser.request(method, url, headers=headers, content=content)

    async def aclose(self) -> None:
        """See ``Transport``."""
        await self._browser.aclose()
