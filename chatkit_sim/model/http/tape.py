"""Real answers, recorded once and played again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import httpx2

from ...errors import UsageError
from ...rules.base import UnscriptedCall, UnusedSteps
from ...wire import FrameDecoder
from ..network import NetworkGuard
from ..requests import summary
from ..script import ModelScript, UnscriptedModelCall
from .asking import Asked, as_call
from .bodies import StreamedBody
from .callers import caller_of, calling_run
from .cassette import Cassette, Interaction
from .cleaning import Cleaner
from .responses_wire import frame

FORWARDED = "chatkit_sim.forwarded"
"""The request extension of a request that is on its way to the real provider."""

_NOT_FORWARDED = frozenset({"host", "content-length", "accept-encoding", "connection", "transfer-encoding"})
_KEY_HEADERS = ("authorization", "api-key", "x-api-key")


class Recorder:
    """Lets requests go to the real provider, and keeps what it answers.

    Args:
        cassette: Where to.
        guard: The network guard; it lets the provider be reached from then on.
    """

    def __init__(self, cassette: Cassette, guard: NetworkGuard) -> None:
        self._cassette = cassette
        self._guard = guard
        self._cleaner = Cleaner()
        cassette.interactions.clear()

    async def answer(self, asked: Asked, request: httpx.Request) -> httpx.Response:
        """The provider's own response.

        Raises:
            UsageError: The provider does not accept the key.
        """
        self._guard.allow(request.url.host)
        self._cleaner.secrets |= {
            value.removeprefix("Bearer ") for name in _KEY_HEADERS if (value := request.headers.get(name))
        }
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _NOT_FORWARDED]
        cleaned = self._cleaner.request(asked.body)
        client = httpx2.AsyncClient(timeout=None)
        forwarded = client.build_request(
            request.method, str(request.url), headers=headers, content=request.content, extensions={FORWARDED: True}
        )
        response = await client.send(forwarded, stream=True)
        if response.status_code == 401:
            await response.aclose()
            await client.aclose()
            raise UsageError(
                f"{request.url.host} does not accept the key, so there is nothing to record. Set a real one for the "
                "app's OpenAI client, such as OPENAI_API_KEY."
            )
        sse = response.headers.get("content-type", "").startswith("text/event-stream")
        kept = {"content-type": response.headers.get("content-type", "application/json")}
        if sse and not asked.sync:
            body = StreamedBody(lambda: self._copied(asked, request.url.path, cleaned, client, response))
            return httpx.Response(response.status_code, headers=kept, stream=body)
        content = b"".join([chunk async for chunk in response.aiter_bytes()])
        await client.aclose()
        self._keep(request.url.path, cleaned, response.status_code, content, sse=sse)
        return httpx.Response(response.status_code, headers=kept, content=content)

    async def _copied(
        self, asked: Asked, path: str, cleaned: dict[str, Any], client: httpx2.AsyncClient, response: httpx2.Response
    ) -> AsyncGenerator[bytes, None]:
        chunks: list[bytes] = []
        try:
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                yield chunk
        except GeneratorExit:
            # Clients of Chat Completions leave at [DONE], before the body's end; others leave half an answer.
            if b"data: [DONE]" not in b"".join(chunks):
                raise
        finally:
            await response.aclose()
            await client.aclose()
        self._keep(path, cleaned, response.status_code, b"".join(chunks), sse=True)

    def _keep(self, path: str, request: dict[str, Any], status: int, content: bytes, *, sse: bool) -> None:
        if sse:
            events = [json.loads(payload) for payload in FrameDecoder().feed(content) if payload != b"[DONE]"]
            cleaned = [self._cleaner.response(event) for event in events]
            self._cassette.interactions.append(Interaction(path, request, status, events=cleaned))
        else:
            body = self._cleaner.response(json.loads(content or b"null"))
            self._cassette.interactions.append(Interaction(path, request, status, body=body))
        self._cassette.save()


class Player:
    """Answers from a cassette.

    Args:
        cassette: The cassette.
        script: Is told what the model was given, and of requests that the cassette does not have.
    """

    def __init__(self, cassette: Cassette, script: ModelScript) -> None:
        self._cassette = cassette
        self._script = script
        self._cleaner = Cleaner()
        self._waiting = list(enumerate(cassette.interactions, 1))

    async def answer(self, asked: Asked, request: httpx.Request) -> httpx.Response:
        """What the provider answered to this request.

        Raises:
            UnscriptedModelCall: The cassette has no such request.
        """
        run = calling_run()
        call = as_call(asked, run.agent if run is not None else None)
        if run is not None:
            run.model_given(call)
        given = self._script.given(caller_of(asked, run), call, attempt=asked.retry)
        body = self._cleaner.request(asked.body)
        # Several agents may ask at once, in whatever order.
        nearest: tuple[int, list[str]] | None = None
        for place, (number, interaction) in enumerate(self._waiting):
            changes = self._cassette.changes(interaction, request.url.path, body)
            if not changes:
                del self._waiting[place]
                return self._played(interaction, asked)
            if nearest is None or len(changes) < len(nearest[1]):
                nearest = number, changes
        number, changes = nearest or (0, [])
        why = f"{self._cassette.no_answer(number, changes)}."
        unscripted = UnscriptedCall(given.agent, given.number, summary(given), why)
        self._script.unscripted.append(unscripted)
        raise UnscriptedModelCall(unscripted)

    def unused(self) -> list[UnusedSteps]:
        """The answers that were not asked for."""
        if not self._waiting:
            return []
        steps = tuple(f"answer {number} of {self._cassette.path.name}" for number, _ in self._waiting)
        played = len(self._cassette.interactions) - len(self._waiting)
        return [UnusedSteps(None, steps, played, self._script.agents_seen)]

    def _played(self, interaction: Interaction, asked: Asked) -> httpx.Response:
        if interaction.events is None:
            headers = {"retry-after-ms": "1"}
            return httpx.Response(interaction.status, json=interaction.body, headers=headers)
        headers = {"content-type": "text/event-stream; charset=utf-8"}
        events = interaction.events

        async def frames() -> AsyncGenerator[bytes, None]:
            for event in events:
                yield frame(event, event.get("type") if asked.wire == "responses" else None)
            if asked.wire == "chat":
                yield b"data: [DONE]\n\n"

        return httpx.Response(interaction.status, headers=headers, stream=StreamedBody(frames))
