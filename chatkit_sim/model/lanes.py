"""A lane: the steps that wait for one agent, or for the run that feeds the stream."""

from __future__ import annotations

import functools
import inspect
import operator
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents import Agent
from agents.testing import ModelCall, ModelStep

from ..errors import UsageError
from ..rules.base import UnusedSteps
from .playing import as_model_step, check_step
from .steps import Calls, Says, Step, says

PLAIN_ANSWER = "This is the simulated answer."

WhichAgent = str | Callable[[Agent[Any]], bool]
"""An agent's name, or a predicate over the ``agents.Agent``."""


@dataclass
class Lane:
    """Steps in the order in which model calls take them.

    Attributes:
        which: Whose they are; ``None`` for the run that feeds the stream.
        steps: Those that wait.
        forever: What answers when none waits.
        exact: Whether each step has to be used, and answers its call as it stands.
        given: How many were ever given.
        taken: How many each agent took.
    """

    which: WhichAgent | None = None
    steps: deque[Any] = field(default_factory=deque)
    forever: Any = None
    exact: bool = True
    given: int = 0
    taken: Counter[str] = field(default_factory=Counter)

    def script(self, *steps: Any, exact: bool = True) -> None:
        """Add steps, one for each model call; see ``ModelScript.script``."""
        for step in steps:
            check_step(step)
        self.steps.extend(steps)
        self.given += len(steps)
        self.exact = exact
        if not exact and self.forever is None:
            self.forever = next((step for step in reversed(steps) if isinstance(step, Says)), says(PLAIN_ANSWER))

    def always(self, step: Any) -> None:
        """Answer every further call with this step; it is never unused."""
        check_step(step)
        self.forever = step

    @property
    def speaks(self) -> bool:
        """Whether it was given anything at all."""
        return self.given > 0 or self.forever is not None

    def matches(self, agent: Agent[Any]) -> bool:
        """Whether its steps are for this agent."""
        return self.which == agent.name if isinstance(self.which, str) else bool(self.which and self.which(agent))

    def take(self, agent: str) -> Any:
        """The step for the next call, or ``None``."""
        if not self.steps:
            return self.forever
        self.taken[agent] += 1
        return self.steps.popleft()

    def allowed(self, step: Any, call: ModelCall) -> Any:
        """A step as the call allows it: of calls at once the first only, where the agent forbids more."""
        if self.exact or not isinstance(step, Step) or call.model_settings.parallel_tool_calls is not False:
            return step
        calls = [index for index, part in enumerate(step.parts) if isinstance(part, Calls)]
        return functools.reduce(operator.and_, step.parts[: calls[1]]) if len(calls) > 1 else step

    @property
    def written(self) -> str:
        """How a test writes the lane."""
        if self.which is None:
            return "chatkit_model"
        name = f'"{self.which}"' if isinstance(self.which, str) else getattr(self.which, "__name__", "...")
        return f"chatkit_model.agent({name})"

    @property
    def used_up(self) -> str:
        """Says who took its steps."""
        steps = f"the {self.given} steps" if self.given != 1 else "the one step"
        took = " and ".join(f"{agent} ({count})" for agent, count in self.taken.items())
        return f"{steps} of {self.written}.script(...) went to {took}"

    def unused(self, agents_seen: list[str]) -> UnusedSteps:
        """What to say about the steps that wait."""
        agent = self.which if self.which is None or isinstance(self.which, str) else self.written
        return UnusedSteps(agent, tuple(map(written, self.steps)), self.taken.total(), tuple(agents_seen))


def written(step: Any) -> str:
    """A step as one would write it, in one line."""
    name = getattr(step, "__qualname__", None)
    return str(name) if callable(step) and name else repr(step)


async def resolve(step: Any, call: ModelCall) -> Any:
    """Ask functions and responders what to answer, until it is a step.

    Raises:
        UsageError: A function gave something else.
    """
    while not isinstance(step, Step):
        if isinstance(step, dict):
            step = as_model_step(step)
        if isinstance(step, ModelStep) and step.responder is not None:
            step = step.responder(call)
        elif callable(step):
            step = step(call)
        else:
            break
        if inspect.isawaitable(step):
            step = await step
        if step is None:
            raise UsageError("A function in the model script gave None; it must give a step, such as says(...).")
        check_step(step)
    return step
