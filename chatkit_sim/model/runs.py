"""One run of the Agents SDK while it is observed: what it does goes into the timeline of its request."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from agents import Agent, ModelResponse, RunHooks, StopAtTools
from agents.lifecycle import RunHooksBase
from agents.testing import ModelCall
from agents.tool_context import ToolContext
from chatkit.agents import AgentContext

from ..recording import (
    ClientToolAssigned,
    Exchange,
    HandedOff,
    ModelCalled,
    RunEnded,
    ToolEnded,
    ToolStarted,
)
from .requests import freeze
from .script import Caller, ModelScript


@dataclass
class ObservedRun:
    """A run, attributed to the request it serves.

    Attributes:
        exchange: The request.
        agent: The agent at work.
        context: What the app passed as the run's context.
        feeds_stream: Whether its events become the stream.
        beside: Why not, as a sentence about the agent.
        max_turns: How often it may call the model; ``None`` for as often as it likes.
        number: Its number in the timeline.
        model_calls: How often it has called the model, the call under way included.
        calling: The place of the model call that is under way, when hooks tell of it.
        fakes: Copies of the agent's tools with another body, by the original's id.
    """

    exchange: Exchange
    agent: Agent[Any]
    context: Any
    feeds_stream: bool
    beside: str = ""
    max_turns: int | None = None
    number: int = 0
    model_calls: int = 0
    calling: int | None = None
    fakes: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    running: dict[str, ToolStarted] = field(default_factory=dict)
    failed: dict[str, BaseException] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    finished: list[ToolEnded] = field(default_factory=list)
    stopped_by: str | None = None
    ended: bool = False

    def begin(self, *, remembered_elsewhere: bool) -> None:
        """Note that it begins."""
        self.number = self.exchange.recorder.start_run(
            agent=self.agent.name, feeds_stream=self.feeds_stream, remembered_elsewhere=remembered_elsewhere
        )

    @property
    def script(self) -> ModelScript | None:
        """The script that answers it."""
        script = self.exchange.script
        return script if isinstance(script, ModelScript) else None

    def caller(self, *, own_model: bool = False) -> Caller:
        """Who calls the model, for the script.

        Args:
            own_model: Whether the app gave the agent a ``Model`` instance.
        """
        last = self.max_turns is not None and self.model_calls >= self.max_turns
        return Caller(self.agent, self.feeds_stream, self.beside, own_model, last)

    def model_called(self, call: ModelCall) -> int:
        """Note a model call; returns its place, for ``model_answered``."""
        self._begin_call()
        entry = ModelCalled(
            **self._where(),
            input=freeze(call.input),
            instructions=call.system_instructions,
            tools=tuple(tool.name for tool in call.tools),
            handoffs=tuple(handoff.tool_name for handoff in call.handoffs),
            parallel_tool_calls=call.model_settings.parallel_tool_calls,
            stops_at=_stops_at(self.agent),
        )
        return self.exchange.recorder.add(entry)

    def _begin_call(self) -> None:
        self.model_calls += 1
        self.started.clear()
        self.finished.clear()

    def model_answered(
        self, place: int, *, scripted: bool, output: Sequence[Any] = (), error: BaseException | None = None
    ) -> None:
        """Complete a model call."""
        entry = self.exchange.recorder.entries[place]
        if isinstance(entry, ModelCalled):
            items = tuple(freeze(item) for item in output)
            self.exchange.recorder.replace(place, replace(entry, output=items, error=error, scripted=scripted))

    @property
    def asks_over_http(self) -> bool:
        """Whether the app's own model asks the mocked API."""
        return self.script is not None and self.script.boundary == "http"

    def asked(self, instructions: str | None, given: Any) -> None:
        """Note a model call that only hooks tell of; ``model_given`` completes it."""
        self._begin_call()
        entry = ModelCalled(
            **self._where(), input=freeze(given), instructions=instructions, stops_at=_stops_at(self.agent)
        )
        self.calling = self.exchange.recorder.add(entry)

    def model_given(self, call: ModelCall) -> None:
        """Add what the request over HTTP says of the call."""
        entry = self.exchange.recorder.entries[self.calling] if self.calling is not None else None
        if self.calling is not None and isinstance(entry, ModelCalled):
            given = replace(
                entry,
                tools=tuple(tool.name for tool in call.tools),
                handoffs=tuple(handoff.tool_name for handoff in call.handoffs),
                parallel_tool_calls=call.model_settings.parallel_tool_calls,
            )
            self.exchange.recorder.replace(self.calling, given)

    def answered(self, output: Sequence[Any] = (), error: BaseException | None = None) -> None:
        """Complete the call that hooks told of, if one is under way."""
        place, self.calling = self.calling, None
        if place is not None:
            self.model_answered(place, scripted=True, output=output, error=error)

    def tool_started(self, context: Any, agent: Any, tool: Any) -> None:
        """Note that a server tool begins."""
        call_id, arguments = _call(context)
        entry = ToolStarted(**self._where(agent), tool=tool.name, call_id=call_id, arguments=arguments)
        self.running[call_id] = entry
        self.started.append(call_id)
        self.exchange.recorder.add(entry)

    def tool_failed(self, call_id: str, error: BaseException) -> None:
        """Note what a tool raised, before the SDK makes a text of it."""
        self.failed[call_id] = error

    def tool_ended(self, call_id: str, output: Any = None) -> None:
        """Note that a server tool has ended."""
        started = self.running.pop(call_id, None)
        if started is None:
            return
        where = {**self._where(), "agent": started.agent}
        entry = ToolEnded(
            **where, tool=started.tool, call_id=call_id, output=output, error=self.failed.pop(call_id, None)
        )
        self.finished.append(entry)
        self.exchange.recorder.add(entry)

    def client_tool_assigned(self, call: Any, by: ToolContext[Any] | None) -> None:
        """Note that a client tool was asked for, by the tool whose context this is."""
        tool, call_id = (by.tool_name, by.tool_call_id) if by is not None else (None, None)
        if by is None and len(self.running) == 1:
            only = next(iter(self.running.values()))
            tool, call_id = only.tool, only.call_id
        where = self._where(by.agent if by is not None and by.agent is not None else None)
        arguments = freeze(call.arguments)
        entry = ClientToolAssigned(**where, name=call.name, arguments=arguments, tool=tool, call_id=call_id)
        self.exchange.recorder.add(entry)

    def handed_off(self, from_agent: Any, to_agent: Any) -> None:
        """Note a handoff."""
        self.agent = to_agent
        self.exchange.recorder.add(HandedOff(**self._where(from_agent), to=to_agent.name))

    def agent_ended(self, agent: Any) -> None:
        """The agent has its final output: find out whether a tool gave it."""
        tools = sorted(self.finished, key=lambda entry: self.started.index(entry.call_id))
        self.stopped_by = _stopping_tool(agent.tool_use_behavior, tools)

    def end(self, error: BaseException | None = None, guardrail: str | None = None) -> None:
        """Note that it ended, and which input guardrail stopped it."""
        if self.ended:
            return
        self.ended = True
        if error is not None and self.script is not None:
            self.script.claim(error, self.exchange)
        self.answered(error=error)
        failed = [call_id for call_id in self.running if call_id in self.failed]
        if error is not None and not failed and len(self.running) == 1:
            failed = list(self.running)  # a tool without any handling of failures: its error is the run's
            self.failed[failed[0]] = _root(error)
        for call_id in failed:
            self.tool_ended(call_id)
        ended = RunEnded(**self._where(), error=error, stopped_by=self.stopped_by, guardrail=guardrail)
        self.exchange.recorder.add(ended)

    def _where(self, agent: Any = None) -> dict[str, Any]:
        name = (agent or self.agent).name
        return {"run": self.number, "agent": name, "after_event": self.exchange.recorder.events_sent()}


RUN: ContextVar[ObservedRun | None] = ContextVar("chatkit_sim_run", default=None)
"""The observed run that the current code works for."""


class ObservingHooks(RunHooks[Any]):
    """Tells an ``ObservedRun`` what happens, then the app's own hooks."""

    def __init__(self, run: ObservedRun, own: RunHooksBase[Any, Any] | None) -> None:
        self._run = run
        self._own: RunHooksBase[Any, Any] = own if own is not None else RunHooks()

    async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
        """See ``RunHooks``."""
        self._run.agent = agent
        if self._run.asks_over_http:
            self._run.asked(system_prompt, input_items)
        await self._own.on_llm_start(context, agent, system_prompt, input_items)

    async def on_llm_end(self, context: Any, agent: Any, response: ModelResponse) -> None:
        """See ``RunHooks``."""
        self._run.answered(response.output)
        await self._own.on_llm_end(context, agent, response)

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        """See ``RunHooks``."""
        await self._own.on_agent_start(context, agent)

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        """See ``RunHooks``."""
        self._run.agent_ended(agent)
        await self._own.on_agent_end(context, agent, output)

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        """See ``RunHooks``."""
        self._run.handed_off(from_agent, to_agent)
        await self._own.on_handoff(context, from_agent, to_agent)

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """See ``RunHooks``."""
        self._run.tool_started(context, agent, tool)
        await self._own.on_tool_start(context, agent, tool)

    async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
        """See ``RunHooks``."""
        self._run.tool_ended(_call(context)[0], result)
        await self._own.on_tool_end(context, agent, tool, result)


def thread_id_of(context: Any) -> str | None:
    """The thread that a run's context, or an ``AgentContext``, belongs to."""
    thread_id = getattr(getattr(context, "thread", None), "id", None)
    return thread_id if isinstance(thread_id, str) else None


def is_agent_context(context: Any) -> bool:
    """Whether a run was given what streams into a thread."""
    return isinstance(context, AgentContext)


def _call(context: Any) -> tuple[str, str]:
    if isinstance(context, ToolContext):
        return context.tool_call_id, context.tool_arguments
    return "", ""  # shells and computers get no ToolContext


def _stopping_tool(behavior: Any, finished: Sequence[ToolEnded]) -> str | None:
    if behavior == "run_llm_again" or not finished:
        return None
    if isinstance(behavior, dict):
        stops: StopAtTools = behavior  # type: ignore[assignment]
        names = stops.get("stop_at_tool_names", [])
        return next((entry.tool for entry in finished if entry.tool in names), None)
    return finished[0].tool if behavior == "stop_on_first_tool" or len(finished) == 1 else None


def _stops_at(agent: Agent[Any]) -> tuple[str, ...] | None:
    behavior: Any = agent.tool_use_behavior
    if callable(behavior):
        return None
    if behavior == "run_llm_again":
        return ()
    named = behavior.get("stop_at_tool_names", ()) if isinstance(behavior, dict) else None
    return tuple(
        tool.name
        for tool in agent.tools
        if named is None or tool.name in named or getattr(tool, "qualified_name", tool.name) in named
    )


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
