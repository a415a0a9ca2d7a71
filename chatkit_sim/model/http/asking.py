"""A request for a model's answer, read from what goes over the wire into what a script is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

import httpx
from agents import Agent, Handoff, ModelSettings, handoff
from agents.agent_output import AgentOutputSchemaBase
from agents.exceptions import ModelBehaviorError
from agents.models.interface import ModelTracing
from agents.testing import ModelCall

from .chat_input import as_items

Wire = Literal["responses", "chat"]

_ENDPOINTS: tuple[tuple[str, Wire, str], ...] = (
    ("/chat/completions", "chat", "messages"),
    ("/responses", "responses", "input"),
)
_SETTINGS = frozenset(field.name for field in fields(ModelSettings))


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        wire: Which of the two APIs.
        host: Who is asked.
        body: The JSON.
        retry: Which attempt of one call it is, 0 for the first, as the OpenAI client says.
        openai_client: Whether the OpenAI client sent it.
        sync: Whether nothing can be awaited.
    """

    wire: Wire
    host: str
    body: Mapping[str, Any]
    retry: int
    openai_client: bool
    sync: bool

    @property
    def streamed(self) -> bool:
        """Whether the answer is streamed."""
        return bool(self.body.get("stream"))

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return str(self.body.get("model") or "model")

    @property
    def key(self) -> str:
        """What is the same in all attempts of one call."""
        return json.dumps(self.body, sort_keys=True)


@dataclass(frozen=True)
class OfferedTool:
    """A tool as the model sees it.

    Attributes:
        name: Its name; for a tool of the provider's, its type.
        description: What it is for.
        params_json_schema: Its parameters.
        strict_json_schema: Whether the provider holds the model to the schema.
    """

    name: str
    description: str = ""
    params_json_schema: Mapping[str, Any] | None = None
    strict_json_schema: bool = False


@dataclass(frozen=True)
class OfferedSchema(AgentOutputSchemaBase):
    """The schema of a structured output, as the model sees it."""

    title: str
    schema: Mapping[str, Any]
    strict: bool = False

    def is_plain_text(self) -> bool:
        """See ``AgentOutputSchemaBase``."""
        return False

    def name(self) -> str:
        """See ``AgentOutputSchemaBase``."""
        return self.title

    def json_schema(self) -> dict[str, Any]:
        """See ``AgentOutputSchemaBase``."""
        return dict(self.schema)

    def is_strict_json_schema(self) -> bool:
        """See ``AgentOutputSchemaBase``."""
        return self.strict

    def validate_json(self, json_str: str) -> Any:
        """See ``AgentOutputSchemaBase``."""
        try:
            return json.loads(json_str)
        except ValueError as error:
            raise ModelBehaviorError(f"Invalid JSON for {self.title}: {json_str}") from error


def read(request: httpx.Request, *, sync: bool) -> Asked | None:
    """The request, if it asks for a model's answer, under whatever base URL; ``None`` when it does not."""
    path = request.url.path.rstrip("/")
    found = next((entry for entry in _ENDPOINTS if path.endswith(entry[0])), None)
    if found is None or request.method != "POST":
        return None
    _, wire, needed = found
    try:
        body = json.loads(request.content)
    except ValueError:
        return None
    # Another API may have a path that ends so; a prompt or a conversation may stand for the input.
    if not isinstance(body, dict) or not ({"model", "prompt"} & body.keys() or needed in body):
        return None
    attempt = request.headers.get("x-stainless-retry-count", "0")
    return Asked(
        wire=wire,
        host=request.url.host,
        body=body,
        retry=int(attempt) if attempt.isdigit() else 0,
        openai_client="x-stainless-lang" in request.headers,
        sync=sync,
    )


def as_call(asked: Asked, agent: Agent[Any] | None = None) -> ModelCall:
    """What a script is given.

    Args:
        asked: The request.
        agent: Who calls, if it is known: its own tools and handoffs stand for those that go over the wire, where
            nothing tells one kind from the other.
    """
    own_tools = {tool.name: tool for tool in agent.tools} if agent is not None else {}
    own_handoffs = {one.tool_name: one for one in map(_as_handoff, agent.handoffs)} if agent is not None else {}
    body = asked.body
    tools = [_tool(tool) for tool in body.get("tools") or ()]
    if asked.wire == "chat":
        instructions, given = as_items(body.get("messages") or ())
        format_ = body.get("response_format") or {}
        schema = format_.get("json_schema") if format_.get("type") == "json_schema" else None
    else:
        instructions, given = body.get("instructions"), body.get("input", [])
        format_ = (body.get("text") or {}).get("format") or {}
        schema = format_ if format_.get("type") == "json_schema" else None
    return ModelCall(
        system_instructions=instructions,
        input=given,
        model_settings=_settings(asked),
        tools=cast("Any", [own_tools.get(tool.name, tool) for tool in tools if tool.name not in own_handoffs]),
        output_schema=_schema(schema),
        handoffs=[own_handoffs[tool.name] for tool in tools if tool.name in own_handoffs],
        tracing=ModelTracing.DISABLED,
        previous_response_id=body.get("previous_response_id"),
        conversation_id=_id(body.get("conversation")),
        prompt=body.get("prompt"),
        streamed=asked.streamed,
    )


def _as_handoff(target: Agent[Any] | Handoff[Any, Any]) -> Handoff[Any, Any]:
    return target if isinstance(target, Handoff) else handoff(target)


def _settings(asked: Asked) -> ModelSettings:
    body = dict(asked.body)
    body["max_tokens"] = body.get("max_output_tokens") or body.get("max_completion_tokens") or body.get("max_tokens")
    plain = {
        name: body[name]
        for name in ("temperature", "top_p", "parallel_tool_calls", "max_tokens", "truncation", "metadata", "store")
        if body.get(name) is not None
    }
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        choice = choice.get("name") or (choice.get("function") or {}).get("name")
    return ModelSettings(tool_choice=choice, **{name: value for name, value in plain.items() if name in _SETTINGS})


def _tool(tool: Mapping[str, Any]) -> OfferedTool:
    function = tool.get("function", tool)
    return OfferedTool(
        name=str(function.get("name") or tool.get("type")),
        description=function.get("description") or "",
        params_json_schema=function.get("parameters"),
        strict_json_schema=bool(function.get("strict")),
    )


def _schema(schema: Mapping[str, Any] | None) -> OfferedSchema | None:
    if schema is None:
        return None
    return OfferedSchema(str(schema.get("name")), schema.get("schema") or {}, bool(schema.get("strict")))


def _id(conversation: Any) -> str | None:
    return conversation.get("id") if isinstance(conversation, dict) else conversation
