"""A ChatKit endpoint behind HTTP, posted to as the web client posts: what opens a stream, what is posted again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx2

from ..wire.requests import STREAMING
from .base import Attempt, Response
from .browser import Browser
from .errors import ContentTypeError, StatusError, remedy_for_content, remedy_for_status

_START = 500  # bytes of a body that are kept for messages
NO_DELAYS = (0.0,) * 5


class Endpoint:
    """Posts requests to one URL and reads the answers as the web client does.

    A stream opens on 2xx with ``text/event-stream`` only. 4xx is final; 5xx, and 2xx with another content type, to a
    streaming request is posted again.

    Args:
        browser: What makes the requests.
        url: The endpoint.
        headers: Sent with each request.
        retry_delays: Seconds to wait before each further post of a streaming request that opened no stream; as many
            posts as there are delays. The web client's five, without waiting, by default.
        routes: Gives the routes of the app, where they are known.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        headers: Mapping[str, str],
        retry_delays: Sequence[float],
        routes: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.url = url
        self._browser = browser
        self._headers = {"content-type": "application/json", "accept": "text/event-stream"}
        self._headers |= {name.lower(): value for name, value in headers.items()}
        self._delays = tuple(retry_delays)
        self._routes = routes

    async def post(self, body: bytes, extra: Mapping[str, str] | None = None) -> Response:
        """Post ``body`` until it is answered as the web client wants it, or refused for good.

        Raises:
            TransportError: It was refused, or not answered at all.
        """
        headers = self._headers | dict(extra or {})
        streaming = _is_streaming(body)
        refused: list[Attempt] = []
        while True:
            answer = await self._browser.open("POST", self.url, headers, body)
            if not streaming:
                return await self._read_json(answer)
            content_type = _content_type(answer)
            if answer.is_success and content_type.lower().startswith("text/event-stream"):
                chunks = self._browser.read(answer)
                return Response(b"", chunks, answer.status_code, dict(answer.headers), tuple(refused))
            attempt = await self._read_start(answer)
            if not (answer.is_success or answer.status_code >= 500) or len(refused) == len(self._delays):
                raise self._error(answer, attempt, refused, streaming)
            if self._delays[len(refused)]:
                await asyncio.sleep(self._delays[len(refused)])
            refused.append(attempt)

    async def _read_json(self, answer: httpx2.Response) -> Response:
        content_type = _content_type(answer)
        if answer.is_success and not content_type.lower().startswith("text/event-stream"):
            body = b"".join([chunk async for chunk in self._browser.read(answer)])
            if _is_json(body, content_type):
                return Response(body, None, answer.status_code, dict(answer.headers))
            attempt = Attempt(answer.status_code, content_type, body[:_START])
        else:
            attempt = await self._read_start(answer)
        raise self._error(answer, attempt, (), streaming=False)

    async def _read_start(self, answer: httpx2.Response) -> Attempt:
        start = b""
        async with aclosing(self._browser.read(answer)) as chunks:
            async for chunk in chunks:
                start += chunk[: _START - len(start)]
                # The end of a 5xx is worth waiting for: in this process it brings what the app raised.
                if len(start) >= _START and answer.status_code < 500:
                    break
        return Attempt(answer.status_code, _content_type(answer), start)

    def _error(
        self, answer: httpx2.Response, attempt: Attempt, refused: Sequence[Attempt], streaming: bool
    ) -> StatusError | ContentTypeError:
        where = f"POST {self.url}"
        if answer.history:
            hops = ", ".join(str(hop.status_code) for hop in answer.history)
            where += f" was redirected ({hops}) to {answer.request.method} {answer.url}, which"
        redirected = bool(answer.history)
        if answer.is_success:
            wanted = "a stream of events (text/event-stream)" if streaming else "JSON"
            remedy = remedy_for_content(attempt, redirected, streaming)
            message = f"{where} answered with success, but not with {wanted}."
            return ContentTypeError(self.url, message, remedy, attempt, refused)
        remedy = remedy_for_status(attempt.status, self._routes(), redirected)
        return StatusError(self.url, f"{where} answered with status {attempt.status}.", remedy, attempt, refused)


def _content_type(answer: httpx2.Response) -> str:
    content_type: str = answer.headers.get("content-type", "")
    return content_type


def _is_streaming(body: bytes) -> bool:
    try:
        request: Any = json.loads(body)
    except ValueError:
        return False  # no request of the web client; the server will say what it thinks of it
    return isinstance(request, dict) and request.get("type") in STREAMING


def _is_json(body: bytes, content_type: str) -> bool:
    # The web client reads JSON whatever the content type; bytes that are no UTF-8 are no JSON.
    try:
        if "json" in content_type:
            body.decode()
        else:
            json.loads(body)
    except ValueError:
        return False
    return True
