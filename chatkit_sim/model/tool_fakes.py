"""Server tools with another body: what the model sees of them stays, what runs is the test's."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from agents import FunctionTool, ModelBehaviorError, default_tool_error_function
from agents.tool_context import ToolContext

from .runs import ObservedRun

Invoke = Callable[[ToolContext[Any], str], Awaitable[Any]]


def with_fakes(run: ObservedRun, tools: list[Any]) -> list[Any]:
    """The tools, with those replaced that the script names. The app's tool objects stay as they are."""
    script = run.script
    if script is None or not (script.tools or script.other_tools == "stub"):
        return tools
    return [_replaced(run, tool, script.tools.get(tool.name, script.other_tools)) for tool in tools]


def _replaced(run: ObservedRun, tool: Any, body: Any) -> Any:
    if not isinstance(tool, FunctionTool) or (isinstance(body, str) and body == "real"):
        return tool
    # The SDK asks for the tools several times in a turn, and compares them: one copy for the whole run.
    known = run.fakes.get(id(tool))
    if known is None:
        fake = copy.copy(tool)
        fake.on_invoke_tool = _invoke(run, tool.name, body)
        known = run.fakes[id(tool)] = (tool, fake)
    return known[1]


def _invoke(run: ObservedRun, name: str, body: Any) -> Invoke:
    async def on_invoke_tool(context: ToolContext[Any], arguments: str) -> Any:
        try:
            return await _answer(name, body, arguments)
        except AssertionError:
            raise  # the test's own
        except Exception as error:
            run.tool_failed(context.tool_call_id, error)
            return default_tool_error_function(context, error)

    return on_invoke_tool


async def _answer(name: str, body: Any, arguments: str) -> Any:
    if not callable(body):
        return "ok" if isinstance(body, str) and body == "stub" else body
    try:
        named = json.loads(arguments or "{}")
    except ValueError as error:
        raise ModelBehaviorError(f"Invalid JSON input for tool {name}: {arguments}") from error
    answer = body(**named)
    return await answer if inspect.isawaitable(answer) else answer
