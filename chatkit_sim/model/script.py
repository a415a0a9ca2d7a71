"""The model script: which step answers which model call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import httpx2
import openai
from agents import Agent
from agents.exceptions import AgentsException
from agents.testing import ModelCall

from ..errors import ChatKitSimError, UsageError
from ..recording import Exchange
from ..rules.base import RefusedRequest, UnscriptedCall, UnusedSteps
from .ids import Ids
from .lanes import Lane, WhichAgent, resolve
from .playing import Delivery, check_step, deliver
from .requests import ModelRequest, snapshot, summary
from .steps import Fails

Boundary = Literal["model", "http"]
"""Where the script answers: in place of the model, or as the HTTP API that the app's own model talks to."""


class UnscriptedModelCall(ChatKitSimError):
    """The model was called and no step of the script answers.

    Attributes:
        call: Which call, and what it was given.
    """

    def __init__(self, call: UnscriptedCall) -> None:
        self.call = call
        super().__init__(
            f'Call {call.number} of agent "{call.agent}" has no step in the model script. {call.why}\n'
            f"It was given: {call.given}"
        )


@dataclass(frozen=True)
class Caller:
    """Who calls the model.

    Attributes:
        agent: The agent.
        feeds_stream: Whether its run feeds the stream.
        beside: Why not.
        own_model: Whether the app gave it a ``Model`` instance.
        last_turn: Whether this is the last of its run's ``max_turns``: a tool called now leads nowhere.
    """

    agent: Agent[Any]
    feeds_stream: bool
    beside: str = ""
    own_model: bool = False
    last_turn: bool = False


Responder = Callable[[Caller, ModelCall], Any]
"""``(caller, call) -> step``, or ``None`` for no answer."""


class ModelScript:
    """What the model will say.

    ``script(...)`` answers the run that feeds the stream, with its handoffs; ``agent("Title")`` answers an agent
    wherever it runs::

        model = ModelScript()
        model.script(calls("add_to_todo_list", item="milk"), says("Added milk."))
        model.agent("Title").always(says("Shopping"))

    Args:
        id_prefix: Put into every id (``msg_<prefix>1``), for stores that outlive the script.

    Attributes:
        tools: What runs in place of a server tool's body, by the tool's name: ``"real"``, ``"stub"`` (answers "ok"),
            a function that is called with the arguments as keywords, or any other value to return.
        other_tools: The same for the tools that ``tools`` does not name.
        unscripted: The calls that nothing answered.
        refused: The requests over HTTP that the provider would refuse.
        injected: The errors that ``fails()`` raised.
        served_by: The mocked HTTP APIs that answer from it.
        tapes: What answers from a cassette in its place.
        serve: Begins to serve the HTTP API when the boundary becomes ``http``; set by who can end it again.
    """

    def __init__(self, *, id_prefix: str = "") -> None:
        self.tools: dict[str, Any] = {}
        self.other_tools: Literal["real", "stub"] = "real"
        self.unscripted: list[UnscriptedCall] = []
        self.refused: list[RefusedRequest] = []
        self.injected: list[BaseException] = []
        self.served_by: list[Any] = []
        self.tapes: list[Any] = []
        self.serve: Callable[[], Any] | None = None
        self._boundary: Boundary = "model"
        self._broken: list[Exchange] = []
        self._ids = Ids(id_prefix)
        self._state = _State()

    def __repr__(self) -> str:
        left = sum(len(unused.steps) for unused in self.unused())
        return f"<ModelScript, {len(self.requests)} requests, {left} steps left>"

    @property
    def boundary(self) -> Boundary:
        """Where the runs of the Agents SDK meet the script: ``model``, the default, or ``http``.

        At ``http`` the app's own model class sends its requests to the mocked API (``chatkit_openai_api``). A client
        that the app uses without the Agents SDK meets the script there in any case.

        Raises:
            UsageError: It is set to something else.
        """
        return self._boundary

    @boundary.setter
    def boundary(self, boundary: Boundary) -> None:
        if boundary not in get_args(Boundary):
            raise UsageError(f"The boundary of a model script is 'model' or 'http'; {boundary!r} is neither.")
        self._boundary = boundary
        if boundary == "http" and not self.served_by and self.serve is not None:
            self.serve()

    def script(self, *steps: Any, exact: bool = True) -> None:
        """Add steps for the run that feeds the stream, one for each of its model calls.

        Args:
            steps: ``says``, ``calls``, ...; what ``agents.testing.ScriptedModel`` takes; or functions
                ``(call: agents.testing.ModelCall) -> step``.
            exact: Whether each of them has to be used, and answers its call as it stands. ``False`` is for tests that
                outlive a bug: steps may be left over, a further call gets the last ``says`` once more, and of calls
                at once only the first is made where ``parallel_tool_calls=False`` forbids more.

        Raises:
            UsageError: Something is not a step.
        """
        self._state.main.script(*steps, exact=exact)

    def always(self, step: Any) -> None:
        """Answer the run that feeds the stream with this step whenever no other waits; it is never unused."""
        self._state.main.always(step)

    def agent(self, which: WhichAgent) -> Lane:
        """The steps of an agent, wherever it runs: a title or guardrail agent, or one that is handed off to.

        Args:
            which: Its name, or a predicate over the ``agents.Agent``.

        Returns:
            A lane with ``script(*steps)`` and ``always(step)``.
        """
        if not isinstance(which, str) and not callable(which):
            raise UsageError(f"agent() takes an agent's name or a predicate; {which!r} is neither.")
        for lane in self._state.agents:
            if lane.which == which:
                return lane
        self._state.agents.append(Lane(which))
        return self._state.agents[-1]

    def otherwise(self, responder: Responder) -> None:
        """Let a function answer every call that no step answers; ``None`` from it leaves the call unanswered."""
        self._state.otherwise = responder

    def passthrough(self) -> None:
        """Let every agent without steps of its own keep the app's model; it is observed only."""
        self._state.passthrough = True

    @property
    def requests(self) -> tuple[ModelRequest, ...]:
        """What the model was given, over all agents, in order."""
        return tuple(self._state.requests)

    def unused(self) -> list[UnusedSteps]:
        """Steps that no call took."""
        lanes = (self._state.main, *self._state.agents)
        left = [lane.unused(self.agents_seen) for lane in lanes if lane.steps and lane.exact]
        return [*left, *(steps for tape in self.tapes for steps in tape.unused())]

    @property
    def agents_seen(self) -> list[str]:
        """The agents that called the model, in the order of their first calls."""
        return list(dict.fromkeys(request.agent for request in self._state.requests))

    def is_injected(self, error: BaseException | None) -> bool:
        """Whether an error is one that ``fails()`` raised, or was raised because of it."""
        seen: set[int] = set()
        waiting = [error]
        while waiting:
            error = waiting.pop()
            if error is None or id(error) in seen:
                continue
            if any(error is injected for injected in self.injected):
                return True
            seen.add(id(error))
            waiting += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
        return False

    def broke(self, exchange: Exchange) -> None:
        """Note that the provider failed, as the script says, while this request was served."""
        self._broken.append(exchange)

    def claim(self, error: BaseException, exchange: Exchange) -> None:
        """Mark an exception that a client of the provider made of such a failure, so that no rule blames the app."""
        if any(exchange is broken for broken in self._broken) and _is_of_a_client(error):
            error.chatkit_sim_injected = True  # type: ignore[attr-defined]

    def clear(self) -> None:
        """Forget every step, answer and record; the boundary and the fakes of tools stay."""
        self.unscripted.clear()
        self.refused.clear()
        self.injected.clear()
        self._broken.clear()
        self._ids.clear()
        self._state = _State()

    def forget(self) -> None:
        """Forget what the model was given and what went wrong; steps and answers stay."""
        self.unscripted.clear()
        self.refused.clear()
        self.injected.clear()
        self._broken.clear()
        self._state.requests.clear()

    def has_steps_for(self, agent: Agent[Any]) -> bool:
        """Whether an agent has steps of its own."""
        return any(lane.speaks and lane.matches(agent) for lane in self._state.agents)

    async def answer(self, caller: Caller, call: ModelCall, *, attempt: int | None = None) -> Delivery | None:
        """Find the step for a model call.

        Args:
            caller: Who calls.
            call: What the model is given.
            attempt: Which attempt of the call it is, from 0; ``None`` where there is no client that tries again.

        Returns:
            What to deliver; ``None`` when the agent keeps the app's model.

        Raises:
            UnscriptedModelCall: Nothing answers.
        """
        state, name = self._state, caller.agent.name
        request = self.given(caller, call, attempt=attempt)
        lanes = [lane for lane in state.agents if lane.speaks and lane.matches(caller.agent)]
        main = not lanes and not state.passthrough and caller.feeds_stream and state.main.speaks
        for lane in [state.main] if main else lanes:
            step = lane.take(name)
            while attempt is None and _is_retried(step):
                step = lane.take(name)
            if step is not None:
                step = lane.allowed(await resolve(step, call), call)
                return deliver(step, self._ids.lane(None if main else name))
        if not lanes and state.passthrough:
            return None
        if state.otherwise is not None:
            step = state.otherwise(caller, call)
            if step is not None:
                check_step(step)
                return replace(deliver(await resolve(step, call), self._ids.lane(name)), improvised=True)
        if caller.own_model and not lanes and not main:
            return None
        raise self._unscripted(caller, call, request, lanes or ([state.main] if main else []))

    def given(self, caller: Caller, call: ModelCall, *, attempt: int | None = None) -> ModelRequest:
        """Record what the model was given; another attempt of a call is not another call."""
        state, name = self._state, caller.agent.name
        if not attempt:
            state.calls[name] += 1
        request = snapshot(call, agent=name, number=state.calls[name], feeds_stream=caller.feeds_stream)
        if not attempt:
            state.requests.append(request)
        return request

    def _unscripted(
        self, caller: Caller, call: ModelCall, request: ModelRequest, lanes: list[Lane]
    ) -> UnscriptedModelCall:
        name = caller.agent.name
        scripted = f'chatkit_model.agent("{name}").script({_example(call)})'
        if lanes:
            why = f"{_sentence(lanes[0].used_up)}. Add a step: {lanes[0].written}.script(..., {_example(call)})"
        elif caller.feeds_stream:
            why = f"The script has no steps. Write chatkit_model.script({_example(call)})"
        else:
            why = (
                f"{caller.beside}, so the steps of chatkit_model.script(...) are not for it. Write {scripted}, "
                "or .always(...) in a conftest"
            )
        unscripted = UnscriptedCall(name, request.number, summary(request), f"{why}.")
        self.unscripted.append(unscripted)
        return UnscriptedModelCall(unscripted)


@dataclass
class _State:
    main: Lane = field(default_factory=Lane)
    agents: list[Lane] = field(default_factory=list)
    otherwise: Responder | None = None
    passthrough: bool = False
    requests: list[ModelRequest] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)


def _is_retried(step: Any) -> bool:
    return isinstance(step, Fails) and step.provider is not None and step.provider.times is not None


def _is_of_a_client(error: BaseException) -> bool:
    kinds = (openai.OpenAIError, AgentsException, httpx2.HTTPError)
    while not isinstance(error, kinds):
        if error.__cause__ is None:
            # A client of httpx, which need not be loaded.
            return type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "httpcore2")
        error = error.__cause__
    return True


def _example(call: ModelCall) -> str:
    schema = call.output_schema
    if schema is None or schema.is_plain_text():
        return 'says("...")'
    fields = ", ".join(f'"{name}": ...' for name in schema.json_schema().get("properties", {}))
    return f"says('{{{fields}}}')"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
