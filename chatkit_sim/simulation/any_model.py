"""The simulated model: does what a scenario plans, and answers plainly where nothing is planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents import FunctionTool
from agents.testing import ModelCall

from ..model import Caller, Step, calls, says
from ..model.lanes import PLAIN_ANSWER
from .arguments import example
from .cast import AgentSeen, Cast, ToolSeen

_DETOURS = 8  # handoffs on the way to an agent before it counts as out of reach


@dataclass
class Plan:
    """What the model of one agent is to do in a turn; every other agent leads to it, or answers plainly.

    Attributes:
        agent: The agent's name; ``None`` for whichever feeds the stream.
        steps: Its steps, one for each of its model calls; it answers plainly afterwards.
        done: How many of them were taken.
        detours: How many handoffs were made on the way.
    """

    agent: str | None
    steps: Sequence[Step]
    done: int = 0
    detours: int = 0

    @property
    def finished(self) -> bool:
        """Whether all of it was done."""
        return self.done >= len(self.steps)


@dataclass
class AnyModel:
    """Answers the model calls that no script answers; for ``ModelScript.otherwise``.

    Attributes:
        cast: What is known of the agents; it learns with every call.
        plan: What is to be done in the present turn.
        said: What it answered in the present turn: the agent, and the step.
    """

    cast: Cast
    plan: Plan = field(default_factory=lambda: Plan(None, ()))
    said: list[tuple[str, Step]] = field(default_factory=list)

    def begin(self, plan: Plan | None) -> None:
        """Begin a turn."""
        self.plan = plan or Plan(None, ())
        self.said = []

    def __call__(self, caller: Caller, call: ModelCall) -> Step:
        """Answer a model call."""
        agent, feeds_stream = caller.agent.name, caller.feeds_stream
        self._meet(agent, call, feeds_stream)
        step = self._step(agent, call, feeds_stream)
        self.said.append((agent, step))
        return step

    def _step(self, agent: str, call: ModelCall, feeds_stream: bool) -> Step:
        plan = self.plan
        if not plan.finished:
            if plan.agent == agent or (plan.agent is None and feeds_stream):
                plan.done += 1
                return plan.steps[plan.done - 1]
            tool = self.cast.way(agent, plan.agent) if plan.agent is not None else None
            if tool is not None and plan.detours < _DETOURS:
                plan.detours += 1
                return calls(tool, example(self.cast.agents[agent].schema(tool)))
        schema = call.output_schema
        if schema is None or schema.is_plain_text():
            return says(PLAIN_ANSWER)
        value = example(schema.json_schema(), booleans=self.cast.booleans.get(agent, True))
        return says(json.dumps(value), chunks=1)

    def _meet(self, agent: str, call: ModelCall, feeds_stream: bool) -> None:
        known = self.cast.agents.get(agent)
        if known is None and not feeds_stream and self.said:
            self._opened(agent)
        schema = call.output_schema
        tools = {tool.name: dict(tool.params_json_schema) for tool in call.tools if isinstance(tool, FunctionTool)}
        handoffs = {one.tool_name: (one.agent_name, dict(one.input_json_schema or {})) for one in call.handoffs}
        self.cast.agents[agent] = AgentSeen(
            agent,
            feeds_stream or bool(known and known.feeds_stream),
            # What an agent offers may depend on the moment.
            {**known.tools, **tools} if known else tools,
            {**known.handoffs, **handoffs} if known else handoffs,
            call.model_settings.parallel_tool_calls,
            schema is not None and not schema.is_plain_text(),
        )

    def _opened(self, agent: str) -> None:
        # An agent that nobody met before, right after a planned tool call: the tool runs it.
        caller, step = self.said[-1]
        tool = getattr(step, "tool", None)
        if tool is not None and tool in self.cast.agents[caller].tools:
            self.cast.opened_by[agent] = ToolSeen(caller, tool)
