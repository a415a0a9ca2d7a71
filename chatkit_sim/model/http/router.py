"""OpenAI's HTTP API as a respx router, served from a model script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Self

import httpx
import openai
from respx import MockRouter, Route
from respx.models import PassThrough, RouteList

from ...errors import UsageError
from ...recording import SERVING
from ...rules.base import BlockedCall
from ..network import NetworkGuard, app_frame
from ..script import ModelScript
from .answering import Answering
from .asking import Asked, read
from .bodies import run_apart
from .cassette import Cassette
from .errors import AnswerFailed, UnmatchedRequest
from .mocker import CAUSE, SYNC, Port, mockers
from .tape import FORWARDED, Player, Recorder

_OWN = ("responses", "chat_completions")


class OpenAIAPI(MockRouter):
    """OpenAI's API, for whatever client of httpx or httpx2 the app has, under any base URL.

    ``POST .../responses`` and ``POST .../chat/completions`` are answered from the script, streamed or not. Everything
    else about it is respx: add routes, side effects and assertions for what else the app calls, its own tools'
    requests among them. A route of yours comes before those of the script. What no route matches passes where the
    network guard lets it (loopback, private addresses), and fails the test elsewhere::

        with OpenAIAPI(script) as api:
            api.get("https://api.example.com/weather").respond(json={"celsius": 21})
            ...
            assert api["responses"].call_count == 2

    Args:
        script: What the model will say.
        guard: The network guard whose rules unmatched requests follow, and that is told of those it stops.

    Attributes:
        script: The script.
    """

    def __init__(self, script: ModelScript, guard: NetworkGuard | None = None) -> None:
        super().__init__(assert_all_called=False)
        self.script = script
        self.routes: RouteList = _Routes()
        self._guard = guard if guard is not None else NetworkGuard()
        self._answering: Answering | Player | Recorder = Answering(script)
        self._ports: list[Port] = []
        self.post(path__regex=r".*/responses/?$", name="responses").side_effect = self._answer
        self.post(path__regex=r".*/chat/completions/?$", name="chat_completions").side_effect = self._answer

    @property
    def embeddings(self) -> Route:
        """``POST .../embeddings``, for a test to set: ``api.embeddings.respond(json={...})``."""
        return self._extra("embeddings", "POST", r".*/embeddings/?$")

    @property
    def transcriptions(self) -> Route:
        """``POST .../audio/transcriptions``, for a test to set."""
        return self._extra("transcriptions", "POST", r".*/audio/transcriptions/?$")

    @property
    def images(self) -> Route:
        """``POST .../images/generations``, for a test to set."""
        return self._extra("images", "POST", r".*/images/generations/?$")

    @property
    def files(self) -> Route:
        """``POST .../files``, an upload, for a test to set."""
        return self._extra("files", "POST", r".*/files/?$")

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Begin to answer; ``with`` does it.

        Raises:
            UsageError: It answers already.
        """
        if self._ports:
            raise UsageError("This OpenAIAPI is started already; make another one for another simulation.")
        self.snapshot()
        self._ports = [Port(self, mocker, library) for mocker, library in mockers()]
        for port in self._ports:
            port.open()
        self.script.served_by.append(self)

    def stop(self, clear: bool = True, reset: bool = True, quiet: bool = False) -> None:
        """Stop to answer; what was set since ``start`` is forgotten.

        Args:
            clear: Forget the routes.
            reset: Forget the calls.
            quiet: Do not see whether all routes were called, where that was asked for.
        """
        ports, self._ports = self._ports, []
        for port in ports:
            port.close()
        if self in self.script.served_by:
            self.script.served_by.remove(self)
        try:
            if ports and not quiet and self._assert_all_called:
                self.assert_all_called()
        finally:
            if ports and clear:
                self.rollback()
            if reset:
                self.reset()

    def assert_all_called(self) -> None:
        """See that each route of the test's own was called.

        Raises:
            AssertionError: Some were not; it names them.
        """
        silent = [route for route in self.routes if not route.called and route.name not in _OWN]
        if silent:
            names = ", ".join(map(repr, silent))
            raise AssertionError(f"These routes were set and never called: {names}.")

    def unmatched(self, request: httpx.Request) -> Exception:
        """What becomes of a request that no route matches: it passes, or it is stopped and recorded."""
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        if FORWARDED in request.extensions or self._guard.lets_pass(url.host, port):
            return PassThrough(
                f"No route matches, and the network guard lets it pass: {request!r}",
                request=request,
                origin=self.routes["responses"],
            )
        asked = f"{request.method} {url.copy_with(query=None, userinfo=None)}"
        call = BlockedCall(url.host, port, app_frame(sys._getframe(1)), asked)
        self._guard.blocked.append(call)
        return UnmatchedRequest(call)

    def replay_from(self, cassette: Cassette) -> None:
        """Answer from a cassette instead of the script."""
        player = Player(cassette, self.script)
        self._answering = player
        self.script.tapes.append(player)

    def record_to(self, cassette: Cassette) -> None:
        """Let the model's provider itself answer, and keep its answers."""
        self._answering = Recorder(cassette, self._guard)

    def _answer(self, request: httpx.Request) -> Any:
        sync = SYNC in request.extensions
        asked = None if FORWARDED in request.extensions else read(request, sync=sync)
        if asked is None or self._is_of_another():
            return None
        return run_apart(lambda: self._answered(asked, request)) if sync else self._answered(asked, request)

    async def _answered(self, asked: Asked, request: httpx.Request) -> httpx.Response | None:
        try:
            return await self._answering.answer(asked, request)
        except (openai.OpenAIError, httpx.HTTPError) as error:
            setattr(error, CAUSE, error.__cause__)
            raise
        except Exception as error:
            if not asked.openai_client:
                raise
            failed = AnswerFailed(str(error))
            setattr(failed, CAUSE, error)
            raise failed from error

    def _is_of_another(self) -> bool:
        """Whether a simulation with another script asks."""
        exchange = SERVING.get()
        script = exchange.script if exchange is not None else None
        return isinstance(script, ModelScript) and script is not self.script

    def _extra(self, name: str, method: str, path: str) -> Route:
        return self.routes[name] if name in self.routes else self.request(method, path__regex=path, name=name)


class _Routes(RouteList):
    """Routes in the order in which they are asked: those of the test first, those of the script last."""

    def __iter__(self) -> Iterator[Route]:
        routes = list(super().__iter__())
        yield from (route for route in routes if route.name not in _OWN)
        yield from (route for route in routes if route.name in _OWN)
