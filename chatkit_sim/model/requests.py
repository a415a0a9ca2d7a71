"""What the model was given: snapshots that nothing changes any more."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from agents import ModelSettings
from agents.testing import ModelCall
from pydantic import BaseModel

_SHORT = 120


@dataclass(frozen=True)
class ModelRequest:
    """One model call, as the model got it.

    Attributes:
        agent: The agent's name.
        number: Which call of that agent it was, from 1.
        input: The input items, or the text.
        instructions: The system prompt.
        tools: The names of the tools on offer.
        handoffs: The names of the handoff tools on offer.
        feeds_stream: Whether the run feeds the stream.
        streamed: Whether the answer was streamed.
        model_settings: The settings, as the agent and the run configure them.
        output_type: The name of the structured output, if there is one.
        previous_response_id: The response that the provider continues from.
        conversation_id: The conversation that the provider keeps.
        prompt: The stored prompt.
    """

    agent: str
    number: int
    input: str | Sequence[Any]
    instructions: str | None
    tools: tuple[str, ...]
    handoffs: tuple[str, ...]
    feeds_stream: bool
    streamed: bool
    model_settings: ModelSettings
    output_type: str | None = None
    previous_response_id: str | None = None
    conversation_id: str | None = None
    prompt: Mapping[str, Any] | None = None


def snapshot(call: ModelCall, *, agent: str, number: int, feeds_stream: bool) -> ModelRequest:
    """Freeze a model call."""
    schema = call.output_schema
    return ModelRequest(
        agent=agent,
        number=number,
        input=freeze(call.input),
        instructions=call.system_instructions,
        tools=tuple(tool.name for tool in call.tools),
        handoffs=tuple(handoff.tool_name for handoff in call.handoffs),
        feeds_stream=feeds_stream,
        streamed=call.streamed,
        model_settings=copy.deepcopy(call.model_settings),
        output_type=None if schema is None or schema.is_plain_text() else schema.name(),
        previous_response_id=call.previous_response_id,
        conversation_id=call.conversation_id,
        prompt=freeze(call.prompt),
    )


def summary(request: ModelRequest) -> str:
    """What a model was given, in one line: what came last, and the tools on offer."""
    offered = ", ".join((*request.tools, *request.handoffs)) or "none"
    return f"{_last(request.input)}; tools: {offered}"


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change; it equals, prints and serialises like any other."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("This is a record of what happened; copy it to change it.")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # copies can be changed


class FrozenList(list[Any]):
    """A list that refuses to change; it equals, prints and serialises like any other."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("This is a record of what happened; copy it to change it.")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # copies can be changed


def freeze(value: Any) -> Any:
    """A deep copy that refuses to change; models become the plain data that goes over the wire."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([freeze(item) for item in value])
    return copy.deepcopy(value)


def _last(given: str | Sequence[Any]) -> str:
    if isinstance(given, str):
        return f"user: {_shorten(given)!r}"
    for item in reversed(given):
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "function_call_output":
            return f"output of {item.get('call_id')}: {_shorten(_text(item.get('output')))!r}"
        if item.get("role") == "user":
            return f"user: {_shorten(_text(item.get('content')))!r}"
    return f"{len(given)} input items without a user message"


def _shorten(text: str) -> str:
    return text if len(text) <= _SHORT else text[:_SHORT] + "..."


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        if texts:
            return " ".join(texts)
    return json.dumps(content, ensure_ascii=False, default=str)
