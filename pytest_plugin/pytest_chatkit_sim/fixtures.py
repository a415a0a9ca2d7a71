"""The fixtures. Nothing heavy is imported before a test uses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from .options import SETTINGS
from .servers import filled_from_fixtures, load, named_server
from .stage import Stage, stage_of

if TYPE_CHECKING:
    from chatkit_sim import AsyncSimulatedClient, MemoryStore, ModelScript, SimulatedClient


@pytest.fixture
def _chatkit_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    item: pytest.Item = request.node
    stage = stage_of(item)
    yield stage
    stage.bench.close()


@pytest.fixture
def chatkit_server(request: pytest.FixtureRequest) -> Any:
    """The server under test: a ChatKitServer, or a factory `(store) -> server` or `() -> server`.

    Override it in a conftest.py or a test module, with any scope, or name it by --chatkit-server MODULE:ATTR.
    """
    reached_over_http = any(request.getfixturevalue(name) is not None for name in ("chatkit_app", "chatkit_url"))
    settings = request.config.stash[SETTINGS]
    return None if reached_over_http and not settings.servers else named_server(settings, request)


@pytest.fixture
def chatkit_store(_chatkit_stage: Stage) -> MemoryStore[Any]:
    """The store that a server factory is given: a fresh MemoryStore."""
    from chatkit_sim import MemoryStore

    return MemoryStore()


@pytest.fixture
def chatkit_context(request: pytest.FixtureRequest) -> Any:
    """The request context: a value, or a function that makes it for each request. By default an empty dict.

    Override it with what your endpoint passes to `process()`, or name it by --chatkit-context MODULE:ATTR.
    """
    config = request.config
    name = config.stash[SETTINGS].context
    if not name:
        return None  # the client's default, which explains itself when something is missing in it
    what = "--chatkit-context" if config.getoption("chatkit_context") else "The ini option chatkit_context"
    return filled_from_fixtures(load(name, config.rootpath, what), request)


@pytest.fixture
def chatkit_other_context() -> Any:
    """The request context of a second user; override it to test what users see of each other."""
    pytest.fail(
        "There is no second user: override the fixture `chatkit_other_context` with a request context that your "
        "server takes for somebody else than `chatkit_context`.",
        pytrace=False,
    )


@pytest.fixture
def chatkit_tools() -> Mapping[str, Any]:
    """What runs in place of a server tool, by the tool's name: "real", a function, or a constant. By default nothing.

    Override it to keep tools from what they must not touch in a test.
    """
    return {}


@pytest.fixture
def chatkit_model(_chatkit_stage: Stage) -> ModelScript:
    """What the model will say in this test: `chatkit_model.script(says("Hello!"))`."""
    return _chatkit_stage.bench.model


@pytest.fixture
def chatkit_client(
    _chatkit_page: Stage,
    chatkit_server: Any,
    chatkit_store: Any,
    chatkit_context: Any,
    chatkit_tools: Mapping[str, Any],
    chatkit_model: ModelScript,
) -> SimulatedClient:
    """A simulated ChatKit web client that talks to `chatkit_server`."""
    from chatkit_sim import SimulatedClient

    set_scene(_chatkit_page, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
    client = SimulatedClient(_chatkit_page.bench, context=chatkit_context)
    _chatkit_page.clients.append(client)
    return client


@pytest.fixture
def async_chatkit_client(
    _chatkit_page: Stage,
    chatkit_server: Any,
    chatkit_store: Any,
    chatkit_context: Any,
    chatkit_tools: Mapping[str, Any],
    chatkit_model: ModelScript,
) -> AsyncSimulatedClient:
    """The same for async tests: `await async_chatkit_client.send("Hi")`. Nothing has to be closed."""
    from chatkit_sim import AsyncSimulatedClient

    set_scene(_chatkit_page, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
    client = AsyncSimulatedClient(_chatkit_page.bench, context=chatkit_context)
    _chatkit_page.clients.append(client)
    return client


def set_scene(stage: Stage, server: Any, store: Any, tools: Mapping[str, Any], model: ModelScript) -> None:
    """Give the stage what the fixtures of a test came to."""
    from chatkit_sim import UsageError

    if not isinstance(tools, Mapping):
        raise UsageError(f"The fixture `chatkit_tools` maps names of server tools to what runs; it is {tools!r}.")
    stage.set_server(server, store)
    stage.bench.model = model  # the fixture may have been overridden with a script of its own
    model.tools.update(tools)
