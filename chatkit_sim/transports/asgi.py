"""An ASGI app in this process, spoken to through HTTP's forms: headers, cookies, status codes, disconnects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx2

from ..errors import UsageError
from .asgi_app import AsgiApp, SpecVersion, routes_of
from .base import Response
from .browser import DIRECT, Browser
from .cycle import Cycle
from .elsewhere import Elsewhere
from .endpoint import NO_DELAYS, Endpoint
from .lifespan import Application


class AsgiTransport:
    """The transport of one client of an ASGI app: no socket, but all the rest of HTTP.

    What the app raises comes out as it is, be it before the answer, in the middle of a stream or after it (a
    background task), and is not posted again; answers are handled as the web client handles them.

    Args:
        app: The app, or an ``AsgiApp`` that several clients share. An app that is given as it is gets a lifespan of
            its own, which ``aclose`` ends.
        path: Where the app takes ChatKit's requests.
        headers: Sent with each of them, such as ``{"authorization": "Bearer ..."}``; not with uploads.
        spec_version: How a disconnect reaches the app. ``2.3``, as uvicorn does it: ``receive()`` answers
            ``http.disconnect``, and Starlette cancels what it streams. ``2.4``: ``send()`` raises ``OSError``.
        retry_delays: Seconds before each further post of a streaming request that opened no stream.
    """

    def __init__(
        self,
        app: AsgiApp | Application,
        path: str = "/chatkit",
        *,
        headers: Mapping[str, str] | None = None,
        spec_version: SpecVersion = "2.3",
        retry_delays: Sequence[float] = NO_DELAYS,
    ) -> None:
        if not path.startswith("/"):
            raise UsageError(f"The path of the ChatKit endpoint begins with a slash, as in '/chatkit', not {path!r}.")
        if spec_version not in ("2.3", "2.4"):
            raise UsageError(f"spec_version is '2.3' (as uvicorn) or '2.4', not {spec_version!r}.")
        self.app = app if isinstance(app, AsgiApp) else AsgiApp(app)
        self._owns_app = self.app is not app
        self._browser = Browser(_IntoApp(self.app, spec_version), self.app.base_url)
        url = self.app.base_url + path
        self._endpoint = Endpoint(self._browser, url, headers or {}, retry_delays, lambda: routes_of(self.app.app))

    @property
    def url(self) -> str:
        """The URL of the endpoint, as the app sees it."""
        return self._endpoint.url

    async def send(self, body: bytes, context: Any) -> Response:
        """See ``Transport``; ``context`` is not used, since the app builds its own."""
        return await self._endpoint.post(body)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport``: URLs of the app's host go through the app, all others over the network."""
        return await self._browser.request(method, url, headers=headers, content=content)

    async def aclose(self) -> None:
        """See ``Transport``; ends the app's lifespan, unless the app is shared.

        Raises:
            LifespanError: The shutdown failed.
        """
        await self._browser.aclose()
        if self._owns_app:
            await self.app.aclose()


class _IntoApp(httpx2.AsyncBaseTransport):
    """Hands requests for the app's host to the app, and all others to the network."""

    def __init__(self, app: AsgiApp, spec_version: SpecVersion) -> None:
        self._app = app
        self._spec_version = spec_version
        self._elsewhere = Elsewhere()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if not self._app.serves(url.host):
            return await self._elsewhere.handle_async_request(request)
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.split(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50000),
            "server": (url.host, url.port or (443 if url.scheme == "https" else 80)),
        }
        cycle = await self._app.request(scope, await request.aread(), self._spec_version)
        status, headers = await cycle.open()
        body = _Body(cycle)
        return httpx2.Response(status, headers=headers, stream=body, extensions={DIRECT: body.__aiter__})

    async def aclose(self) -> None:
        await self._elsewhere.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._cycle.chunks()

    async def aclose(self) -> None:
        await self._cycle.leave()
