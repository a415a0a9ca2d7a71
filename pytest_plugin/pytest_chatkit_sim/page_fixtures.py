"""The fixtures that say how the server is reached over HTTP, and what the web page brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim import Frontend


@pytest.fixture
def chatkit_app() -> Any:
    """The ASGI app that serves the endpoint; with it, requests go through the app. By default none."""
    return None


@pytest.fixture
def chatkit_path() -> str:
    """The path of the app's ChatKit endpoint: /chatkit by default."""
    return "/chatkit"


@pytest.fixture
def chatkit_headers() -> Mapping[str, str]:
    """The headers of every request over HTTP, such as an authorization. By default none."""
    return {}


@pytest.fixture
def chatkit_other_headers() -> Mapping[str, str] | None:
    """The headers of a second user over HTTP; override it to test what users see of each other. By default none."""
    return None


@pytest.fixture
def chatkit_url() -> str | None:
    """The URL of an endpoint that runs elsewhere. By default none."""
    return None


@pytest.fixture
def chatkit_transport() -> str | None:
    """Which way to take where several are possible: "in-process", "asgi", "asgi-2.4", or "http" (a real server).

    "asgi-2.4" differs in how the app learns that a client has left: `send()` raises, as under newer servers.
    """
    return None


@pytest.fixture
def chatkit_frontend() -> Frontend | None:
    """What the web page registers and offers, as a `Frontend`. By default nothing is declared, and all is allowed."""
    return None


@pytest.fixture
def _chatkit_page(
    _chatkit_stage: Stage,
    chatkit_app: Any,
    chatkit_path: str,
    chatkit_headers: Mapping[str, str],
    chatkit_url: str | None,
    chatkit_transport: Any,
    chatkit_frontend: Frontend | None,
) -> Stage:
    from chatkit_sim.client.doors import Door

    way = {"app": chatkit_app, "path": chatkit_path, "headers": chatkit_headers, "url": chatkit_url}
    _chatkit_stage.reach = lambda server: Door(server=server, transport=chatkit_transport, **way)
    _chatkit_stage.bench.frontend = chatkit_frontend
    return _chatkit_stage
