"""Sees every assignment of ``AgentContext.client_tool_call``, and the tool that makes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from agents.tool_context import ToolContext
from chatkit.agents import AgentContext

_FIELD = "client_tool_call"


def watched(original: Callable[[Any, str, Any], None], assigned: Callable[..., None]) -> Callable[..., None]:
    """A ``__setattr__`` that does what the original does, and tells of client tools.

    Args:
        original: The ``__setattr__`` that the class has.
        assigned: Is called as ``assigned(agent_context, client_tool_call, tool_context)``.
    """

    def __setattr__(self: AgentContext[Any], name: str, value: Any) -> None:
        original(self, name, value)
        if name == _FIELD and value is not None:
            assigned(self, value, calling_tool(self))

    return __setattr__


def calling_tool(agent_context: AgentContext[Any]) -> ToolContext[Any] | None:
    """The context of the tool that runs on the current stack; the innermost that carries this ``AgentContext``."""
    innermost = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, ToolContext):
                if value.context is agent_context:
                    return value
                innermost = innermost or value
        frame = frame.f_back
    return innermost
