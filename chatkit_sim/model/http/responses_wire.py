"""Answers in the form of the Responses API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agents.items import ModelResponse, TResponseStreamEvent

_ECHOED = ("instructions", "metadata", "parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p", "text")
_DEFAULTS = {"metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


class ResponsesWire:
    """Writes one answer.

    Args:
        body: The request, some of which the provider repeats in the response.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def event(self, event: TResponseStreamEvent) -> Iterator[bytes]:
        """The frames of an event."""
        data = plain(event)
        if "response" in data:
            data["response"] = self._completed(data["response"])
        yield frame(data, data["type"])

    def failure(self, event: Mapping[str, Any]) -> Iterator[bytes]:
        """The frames of an event that ends a stream with a failure."""
        yield frame(event, event["type"])

    def end(self) -> Iterator[bytes]:
        """The frames after the last event: none."""
        yield from ()

    def whole(self, response: ModelResponse, status: str = "completed") -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        usage = response.usage
        body = {
            "id": response.response_id,
            "object": "response",
            "created_at": 0,
            "status": status,
            "output": [plain(item) for item in response.output],
            "usage": {
                "input_tokens": usage.input_tokens,
                "input_tokens_details": plain(usage.input_tokens_details),
                "output_tokens": usage.output_tokens,
                "output_tokens_details": plain(usage.output_tokens_details),
                "total_tokens": usage.total_tokens,
            },
        }
        if status == "incomplete":
            body["incomplete_details"] = {"reason": "max_output_tokens"}
        if status == "failed":
            body["error"] = {"code": "server_error", "message": "The server had an error."}
        return self._completed(body)

    def _completed(self, response: dict[str, Any]) -> dict[str, Any]:
        echoed = {name: self._body.get(name) for name in _ECHOED}
        known = {name: _DEFAULTS.get(name) if value is None else value for name, value in echoed.items()}
        return {"error": None, "incomplete_details": None, **response, **known, "model": self._body.get("model")}


def plain(value: Any) -> dict[str, Any]:
    """An event or item of the SDK as the JSON that goes over the wire."""
    if isinstance(value, Mapping):
        return dict(value)
    data: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    return data


def frame(data: Mapping[str, Any], event: str | None = None) -> bytes:
    """A server-sent event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
