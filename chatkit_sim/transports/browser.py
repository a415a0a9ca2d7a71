"""What a browser does about any request: cookies, redirects, decoding; and its errors, in this tree's terms."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from urllib.parse import urlsplit

import httpx2

from ..errors import UsageError
from .base import Attempt, Response, Transport
from .cycle import AppRaised
from .elsewhere import ByHost
from .errors import CutBodyError, RedirectError, TransportError, UnreachableError, UploadError

DIRECT = "chatkit_sim.chunks"  # the extension of an answer under which its bytes are, past httpx2's own layers

# A server closes the connection when an app raises, also after a complete answer; a kept one may die while it is
# used anew, which a browser mends by itself.
_LIMITS = httpx2.Limits(max_keepalive_connections=0)


class Browser:
    """One browser: it keeps its cookies and follows redirects as ``fetch`` does (301, 302 and 303 make a POST a GET).

    Args:
        transport: What carries the requests; real HTTP by default.
        origin: The scheme and host that relative URLs are relative to.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None, origin: str = "") -> None:
        self._transport = transport
        self._origin = origin
        self._client: httpx2.AsyncClient | None = None

    async def open(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> httpx2.Response:
        """Make a request and return its answer, the body unread: ``read`` it, to its end or not.

        Raises:
            TransportError: Nothing answers.
        """
        client = self._opened_client()
        raised: BaseException
        try:
            return await client.send(client.build_request(method, url, headers=headers, content=content), stream=True)
        except AppRaised as carried:
            raised = carried.error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raised = _translated(error, url)
        raise raised

    async def read(self, answer: httpx2.Response) -> AsyncGenerator[bytes, None]:
        """The body of an answer, chunk by chunk; closed when the reader leaves.

        Raises:
            CutBodyError: It ended too early.
        """
        received, last = 0, b""
        raised: BaseException | None = None
        try:
            try:
                async with aclosing(_chunks_of(answer)) as chunks:
                    async for chunk in chunks:
                        received += len(chunk)
                        last = chunk
                        yield chunk
            finally:
                await answer.aclose()
        except AppRaised as carried:
            raised = carried.error
        except httpx2.HTTPError as error:
            raised = CutBodyError(str(answer.url), received, last, error)
        if raised is not None:
            raise raised

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Response:
        """See ``Transport.request``."""
        answer = await self.open(method, url, headers or {}, content)
        body = b"".join([chunk async for chunk in self.read(answer)])
        return Response(body, None, answer.status_code, dict(answer.headers))

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened_client(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(
                transport=self._transport,
                base_url=self._origin,
                follow_redirects=True,
                timeout=httpx2.Timeout(None, connect=10.0),  # a responder may take its time: the client has a limit
                limits=_LIMITS,
            )
        return self._client


def origin_of(url: str) -> str:
    """The scheme and host of a URL.

    Raises:
        UsageError: It is no absolute URL of HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"The URL of a server looks like 'http://127.0.0.1:8000/chatkit', not {url!r}.")
    return f"{parts.scheme}://{parts.netloc}"


def real_http(url: str, known_as: str = "") -> httpx2.AsyncBaseTransport | None:
    """What carries requests to ``url``: straight there on this machine, else as the environment says (proxies).

    Args:
        url: The URL of the server, absolute.
        known_as: A host that is this server's as well.
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname and _is_this_machine(parts.hostname):
        # Without certificates, which take 50 ms to load.
        direct = httpx2.AsyncHTTPTransport(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, limits=_LIMITS
        )
        return ByHost(url, direct, known_as)
    return None


async def upload(
    transport: Transport, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
) -> Response:
    """Upload a file as the web client does, and see that it was taken.

    Args:
        transport: The client's transport.
        method: The method that the upload descriptor names.
        url: The URL that the upload descriptor names.
        headers: The headers that the upload descriptor names.
        content: The file.

    Raises:
        UploadError: The answer is no success.
        TransportError: Nothing answers there.
    """
    response = await transport.request(method, url, headers=headers, content=content)
    if 200 <= response.status < 300:
        return response
    names = ", ".join(headers or {}) or "none"
    raise UploadError(
        url,
        f"The upload of {len(content):,} bytes was refused: {method} {url} answered with status {response.status}.\n"
        f"  headers sent: {names}",
        _remedy_for_upload(response.status),
        Attempt(response.status, response.headers.get("content-type", ""), response.body[:500]),
    )


def _chunks_of(answer: httpx2.Response) -> AsyncGenerator[bytes, None]:
    if "content-encoding" in answer.headers:
        return answer.aiter_bytes()
    direct: Callable[[], AsyncGenerator[bytes, None]] = answer.extensions.get(DIRECT, answer.aiter_raw)
    return direct()


def _remedy_for_upload(status: int) -> str:
    if status in (413, 415):
        return (
            "let the page refuse such a file, and declare it: Frontend(attachments=AttachmentLimits(max_size=..., "
            "accept=...)); or let this place take it."
        )
    return (
        "the upload descriptor (attachments.create) must name the URL, the method and every header that this place "
        "wants."
    )


def _translated(error: Exception, url: str) -> TransportError:
    if isinstance(error, httpx2.TooManyRedirects):
        message = (
            f"The request to {url} was redirected more than 20 times.\n  Remedy: give the URL of the endpoint itself."
        )
        translated: TransportError = RedirectError(url, message)
    elif isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
        translated = RedirectError(url, f"The request to {url} leads to no place that HTTP reaches: {error}")
    else:
        what = str(error) or type(error).__name__
        translated = UnreachableError(
            url,
            f"Nothing that speaks HTTP answers at {url}: {type(error).__name__}: {what}\n"
            "  Remedy: start the server before the test, and check host and port. An ASGI app that was meant to "
            "serve this host itself says so: AsgiApp(app, base_url=...).",
        )
    return translated  # without its cause, which is long and says no more


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
