"""The model as OpenAI's HTTP API, in a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .boundaries import add_boundary_options, boundary_of, register_comparison
from .stage import Stage

__all__ = ["add_http_options", "chatkit_cassette", "chatkit_openai_api", "register_comparison", "set_boundary"]

if TYPE_CHECKING:
    from chatkit_sim import ModelScript
    from chatkit_sim.model.http import Cassette, OpenAIAPI


@pytest.fixture
def chatkit_openai_api(_chatkit_stage: Stage, chatkit_model: ModelScript) -> Iterator[OpenAIAPI]:
    """OpenAI's HTTP API, answered from `chatkit_model`: a respx router, for httpx and httpx2.

    Add routes for what else the app calls: `chatkit_openai_api.get("https://...").respond(json={...})`.
    """
    from chatkit_sim.model.http import OpenAIAPI

    with OpenAIAPI(chatkit_model, _chatkit_stage.bench.guard) as api:
        yield api


@pytest.fixture
def chatkit_cassette(
    request: pytest.FixtureRequest, chatkit_openai_api: OpenAIAPI, chatkit_model: ModelScript
) -> Cassette:
    """Real answers of the model, kept beside the test: recorded by --chatkit-sim-record with a key, replayed without.

    A request that has changed since fails the test and says where; `chatkit_cassette.ignore("instructions")` allows it.
    """
    from chatkit_sim.model.http import Cassette

    path = _cassette_path(request.node)
    if request.config.getoption("chatkit_sim_record"):
        cassette = Cassette(path)
        chatkit_openai_api.record_to(cassette)
    else:
        cassette = Cassette.load(path)
        chatkit_openai_api.replay_from(cassette)
    chatkit_model.boundary = "http"
    return cassette


def _cassette_path(item: pytest.Item) -> Path:
    """``cassettes/MODULE/TEST.json`` beside the test module."""
    test = re.sub(r"[^A-Za-z0-9_.-]+", "-", item.nodeid.partition("::")[2]).strip("-")
    return item.path.parent / "cassettes" / item.path.stem / f"{test}.json"


def add_http_options(parser: pytest.Parser) -> None:
    """Declare the options of the boundary and of cassettes."""
    parser.getgroup("chatkit-sim").addoption(
        "--chatkit-sim-record",
        action="store_true",
        help="Let the real model answer the tests that use the fixture `chatkit_cassette`, and keep what it says "
        "beside them. Needs a key, and the network.",
    )
    add_boundary_options(parser)


def set_boundary(item: pytest.Item) -> None:
    """Let the model script answer where the marker or the ini file says; serve the API as soon as it is asked for.

    Raises:
        UsageError: There is no such boundary.
    """
    model: ModelScript | None = getattr(item, "funcargs", {}).get("chatkit_model")
    if model is None or not isinstance(item, pytest.Function):
        return
    request = item._request
    model.serve = lambda: request.getfixturevalue("chatkit_openai_api")
    wanted = boundary_of(item)
    if wanted is not None:
        model.boundary = wanted  # type: ignore[assignment]  # which says what is wrong
