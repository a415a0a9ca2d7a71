"""What is known of the server under test, as its runs revealed it: agents, their tools, the client tools."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AgentSeen:
    """An agent, as a model call showed it.

    Attributes:
        name: Its name.
        feeds_stream: Whether what it says becomes the stream; title and guardrail agents do not.
        tools: The JSON schema of each function tool, by name.
        handoffs: ``(agent, schema)`` of each handoff tool, by the tool's name.
        parallel: The model setting ``parallel_tool_calls``; ``None`` when the app leaves it to the provider.
        structured: Whether it answers with structured output.
    """

    name: str
    feeds_stream: bool
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    handoffs: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    parallel: bool | None = None
    structured: bool = False

    def schema(self, tool: str) -> Mapping[str, Any]:
        """The schema of a function tool or handoff tool."""
        return self.handoffs[tool][1] if tool in self.handoffs else self.tools[tool]


@dataclass(frozen=True)
class ToolSeen:
    """A server tool of an agent.

    Attributes:
        agent: The agent's name.
        tool: The tool's name.
    """

    agent: str
    tool: str

    def __str__(self) -> str:
        return f'{self.tool} (agent "{self.agent}")'


@dataclass(frozen=True)
class Asking:
    """A way to have the server ask for a client tool.

    Attributes:
        client_tool: The client tool.
        source: The server tool that asks for it when the model calls it; ``None`` when a message alone does.
        message: What the user writes.
    """

    client_tool: str
    source: ToolSeen | None
    message: str


@dataclass
class Cast:
    """Everything that runs have revealed so far; shared by the scenarios that play on one server.

    Attributes:
        agents: The agents, by name.
        opened_by: For an agent that a tool runs (``as_tool``): that tool.
        askings: The ways to client tools, by the client tool's name.
        tried: The server tools that have been called.
        booleans: What booleans an agent's structured output has, where it is not the default True: a guardrail that
            trips on True has to say False for anything else to be seen.
        announced: The server tools whose real bodies were announced.
        met: The scenario that first met a broken rule, by ``(rule, tool, agent, remedy)``.
        surveyed: Whether the agents are known.
        explored: Whether the client tools are known.
    """

    agents: dict[str, AgentSeen] = field(default_factory=dict)
    opened_by: dict[str, ToolSeen] = field(default_factory=dict)
    askings: dict[str, Asking] = field(default_factory=dict)
    tried: set[ToolSeen] = field(default_factory=set)
    booleans: dict[str, bool] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set)
    met: dict[tuple[str, str | None, str | None, str], str] = field(default_factory=dict)
    surveyed: bool = False
    explored: bool = False

    @property
    def tools(self) -> list[ToolSeen]:
        """Every server tool, by agent."""
        return [ToolSeen(agent.name, tool) for agent in self.agents.values() for tool in agent.tools]

    def asking_tools(self, agent: str) -> list[ToolSeen]:
        """The server tools of an agent that ask for a client tool."""
        sources = [asking.source for asking in self.askings.values()]
        return [source for source in sources if source is not None and source.agent == agent]

    def way(self, start: str, goal: str) -> str | None:
        """The tool with which ``start`` comes nearer to ``goal``: a handoff, or an agent used as a tool."""
        first: dict[str, str] = {}
        waiting = deque([start])
        while waiting:
            agent = waiting.popleft()
            for tool, after in self._leads_to(agent):
                if after in first or after == start:
                    continue
                first[after] = first.get(agent, tool)
                if after == goal:
                    return first[after]
                waiting.append(after)
        return None

    def _leads_to(self, agent: str) -> list[tuple[str, str]]:
        seen = self.agents.get(agent)
        handoffs = [(tool, target) for tool, (target, _) in seen.handoffs.items()] if seen else []
        return handoffs + [(opener.tool, name) for name, opener in self.opened_by.items() if opener.agent == agent]
