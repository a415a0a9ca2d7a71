"""The model as OpenAI's HTTP API, in a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim import ModelScript
    from chatkit_sim.model.http import OpenAIAPI


@pytest.fixture
def chatkit_openai_api(_chatkit_stage: Stage, chatkit_model: ModelScript) -> Iterator[OpenAIAPI]:
    """OpenAI's HTTP API, answered from `chatkit_model`: a respx router, for httpx and httpx2.

    Add routes for what else the app calls: `chatkit_openai_api.get("https://...").respond(json={...})`.
    """
    from chatkit_sim.model.http import OpenAIAPI

    with OpenAIAPI(chatkit_model, _chatkit_stage.bench.guard) as api:
        yield api


def add_http_options(parser: pytest.Parser) -> None:
    """Declare the options of the boundary."""
    parser.addini(
        "chatkit_boundary",
        "Where chatkit_model answers: in place of the `model`, or as OpenAI's `http` API, which the app's model asks",
        default="model",
    )


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
    marked = [marker.kwargs["boundary"] for marker in item.iter_markers("chatkit") if "boundary" in marker.kwargs]
    wanted = marked[0] if marked else item.config.getini("chatkit_boundary")
    if marked or wanted != "model":
        model.boundary = wanted
