"""Answers in the form of the Chat Completions API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agents.items import ModelResponse, TResponseStreamEvent

from ...errors import UsageError
from .responses_wire import frame, plain


class ChatWire:
    """Writes one answer.

    It has no room for all that a Responses stream says: summaries of reasoning go as ``reasoning_content``, as the
    providers that have it send it; of annotations only those of web pages exist; images do not.

    Args:
        body: The request.
        leave_out: Leave out what does not fit, instead of saying so.
    """

    def __init__(self, body: Mapping[str, Any], *, leave_out: bool = False) -> None:
        self._leave_out = leave_out
        self._model = body.get("model")
        self._wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._id = "chatcmpl"
        self._calls: dict[int, int] = {}

    def event(self, event: TResponseStreamEvent) -> Iterator[bytes]:
        """The frames of an event; most have none."""
        data = plain(event)
        match data["type"]:
            case "response.created":
                self._id = _chat_id(data["response"]["id"])
                yield self._chunk({"role": "assistant", "content": ""})
            case "response.output_text.delta":
                yield self._chunk({"content": data["delta"]})
            case "response.output_text.annotation.added":
                annotations = [*_annotations([data["annotation"]])]
                if annotations:
                    yield self._chunk({"annotations": annotations})
            case "response.refusal.delta":
                yield self._chunk({"refusal": data["delta"]})
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield self._chunk({"reasoning_content": data["delta"]})
            case "response.output_item.added":
                yield from self._item_added(data["output_index"], data["item"])
            case "response.function_call_arguments.delta":
                index = self._calls[data["output_index"]]
                yield self._chunk({"tool_calls": [{"index": index, "function": {"arguments": data["delta"]}}]})
            case "response.completed":
                yield self._chunk({}, "tool_calls" if self._calls else "stop")
                if self._wants_usage:
                    usage = _usage(data["response"].get("usage") or {})
                    yield frame({**self._head("chat.completion.chunk"), "choices": [], "usage": usage})
            case "response.incomplete":
                yield self._chunk({}, "length")
            case "response.failed" | "error":
                yield from self.failure(data)

    def failure(self, event: Mapping[str, Any]) -> Iterator[bytes]:
        """The frames of an event that ends a stream with a failure."""
        error = event.get("response", {}).get("error") or event
        yield frame({"error": {"message": error["message"], "type": "server_error", "param": None, "code": None}})

    def end(self) -> Iterator[bytes]:
        """The frames after the last event."""
        yield b"data: [DONE]\n\n"

    def whole(self, response: ModelResponse, status: str = "completed") -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        calls: list[dict[str, Any]] = []
        for item in map(plain, response.output):
            if item["type"] == "message":
                for part in item["content"]:
                    field = "refusal" if part["type"] == "refusal" else "content"
                    message[field] = (message[field] or "") + part["refusal" if field == "refusal" else "text"]
                    message["annotations"] += _annotations(part.get("annotations") or ())
            elif item["type"] == "function_call":
                function = {"name": item["name"], "arguments": item["arguments"]}
                calls.append({"id": item["call_id"], "type": "function", "function": function})
            elif item["type"] == "reasoning":
                message["reasoning_content"] = "\n".join(part["text"] for part in item["summary"])
            elif not self._leave_out:
                raise _unsayable(item["type"])
        if calls:
            message["tool_calls"] = calls
        reason = "length" if status == "incomplete" else "tool_calls" if calls else "stop"
        self._id = _chat_id(response.response_id)
        usage = {name: getattr(response.usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")}
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
            "usage": _usage(usage),
        }

    def _item_added(self, output_index: int, item: Mapping[str, Any]) -> Iterator[bytes]:
        if item["type"] == "function_call":
            index = self._calls[output_index] = len(self._calls)
            function = {"name": item["name"], "arguments": ""}
            call = {"index": index, "id": item["call_id"], "type": "function", "function": function}
            yield self._chunk({"tool_calls": [call]})
        elif item["type"] not in ("message", "reasoning") and not self._leave_out:
            raise _unsayable(item["type"])

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return frame({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": 0, "model": self._model}


def _chat_id(response_id: str | None) -> str:
    return f"chatcmpl-{response_id}" if response_id else "chatcmpl"


def _annotations(annotations: Any) -> Iterator[dict[str, Any]]:
    for annotation in annotations:
        if annotation["type"] == "url_citation":
            citation = {name: annotation[name] for name in ("url", "title", "start_index", "end_index")}
            yield {"type": "url_citation", "url_citation": citation}


def _usage(usage: Mapping[str, Any]) -> dict[str, int]:
    given, made = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _unsayable(kind: str) -> UsageError:
    return UsageError(
        f"A model behind the Chat Completions API cannot answer with {kind!r}: no step for it fits there."
    )
