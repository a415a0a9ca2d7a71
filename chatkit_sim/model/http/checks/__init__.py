"""Requests, checked as the provider checks them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)

from ..asking import Asked
from .items import check_items
from .messages import check_messages
from .refusal import Refusal
from .shapes import Shapes
from .tools import check_format, check_tools

__all__ = ["Refusal", "check"]

_PROVIDERS = ("openai.com", "azure.com")
_DECLARED = {
    ("responses", False): ResponseCreateParamsNonStreaming,
    ("responses", True): ResponseCreateParamsStreaming,
    ("chat", False): CompletionCreateParamsNonStreaming,
    ("chat", True): CompletionCreateParamsStreaming,
}


def check(asked: Asked, served: Collection[str]) -> Refusal | None:
    """Why the provider would refuse a request; ``None`` when it would not.

    Fields that the OpenAI client does not declare are refused where OpenAI or Azure is asked; other providers and
    proxies may well know them.

    Args:
        asked: The request.
        served: The ids that the app was given in earlier answers.
    """
    shapes = Shapes(closed=any(f".{asked.host}".endswith(f".{provider}") for provider in _PROVIDERS))
    problem = shapes.problem(dict(asked.body), _DECLARED[asked.wire, asked.streamed])
    found = problem or next(_sense(asked.wire, asked.body, served), None)
    return found.with_item(asked.body, asked.wire) if found is not None else None


def _sense(wire: str, body: Mapping[str, Any], served: Collection[str]) -> Iterator[Refusal]:
    if wire == "chat":
        yield from check_messages(body.get("messages"))
        yield from check_tools(body.get("tools"))
        format_ = body.get("response_format") or {}
        yield from check_format(format_.get("json_schema"), "response_format.json_schema", "response_format")
        return
    remembered = bool(body.get("previous_response_id") or body.get("conversation"))
    if not body.get("input") and not remembered and not body.get("prompt"):
        yield Refusal(
            "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided.",
            "input",
            "missing_required_parameter",
        )
    if not body.get("model") and not body.get("prompt"):
        yield Refusal("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    yield from check_items(body.get("input"), remembered=remembered, served=served)
    yield from check_tools(body.get("tools"))
    yield from check_format((body.get("text") or {}).get("format"), "text.format", "response_format")
