"""What happened inside the run that fed a stream: model calls, tools, handoffs, client tools asked for.

The event stream alone cannot decide some rules; the run can. ``RunObserver`` is the door: the Agents SDK feeds it by
itself, an adapter for another engine calls it through ``current_observer()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from .surroundings import LateWork, LostCancellation


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """Something a run did.

    Attributes:
        run: The run, numbered from 1 within its stream. Nested runs (an agent as a tool) have their own number.
        agent: The agent's name.
        after_event: How many events the stream had sent by then, the preamble included.
    """

    run: int
    agent: str
    after_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(RunEntry):
    """A run began.

    Attributes:
        feeds_stream: Whether its events become the stream; side runs (titles, guardrails, agents as tools) do not.
        remembered_elsewhere: Whether the provider or a session holds the history (``previous_response_id``,
            ``conversation_id``, ``session``), so that the input need not be complete.
    """

    feeds_stream: bool
    remembered_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCalled(RunEntry):
    """The model was called.

    Attributes:
        input: What it was given: a list of input items, or the text.
        instructions: The system prompt.
        tools: The names of the tools it was offered.
        handoffs: The names of the handoff tools it was offered.
        output: What it answered, as plain output items; empty while it runs or when it failed.
        error: What it raised instead.
        scripted: False when an app's own model answered.
        parallel_tool_calls: The model setting; ``None`` when the app leaves it to the provider.
        stops_at: The names of the tools whose output ends the run (``tool_use_behavior``); ``None`` when a function
            decides, or nobody said.
    """

    input: str | Sequence[Any]
    instructions: str | None = None
    tools: tuple[str, ...] = ()
    handoffs: tuple[str, ...] = ()
    output: tuple[Any, ...] = ()
    error: BaseException | None = None
    scripted: bool = True
    parallel_tool_calls: bool | None = None
    stops_at: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(RunEntry):
    """A server tool began.

    Attributes:
        tool: Its name.
        call_id: The model's id of the call; it decides identity, never the name.
        arguments: The raw JSON that the model wrote.
    """

    tool: str
    call_id: str
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded(RunEntry):
    """A server tool ended.

    Attributes:
        tool: Its name.
        call_id: The model's id of the call.
        output: What it returned, or the text that the model is told instead.
        error: What it raised; such errors are invisible in the stream by default.
    """

    tool: str
    call_id: str
    output: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOff(RunEntry):
    """The run went on with another agent.

    Attributes:
        to: The agent's name.
    """

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientToolAssigned(RunEntry):
    """A tool asked for a client tool (an assignment to ``AgentContext.client_tool_call``).

    Attributes:
        name: The client tool.
        arguments: Its arguments.
        tool: The server tool that made the assignment; ``None`` when that could not be seen.
        call_id: The model's id of that tool's call.
    """

    name: str
    arguments: dict[str, Any]
    tool: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(RunEntry):
    """A run ended.

    Attributes:
        error: What it raised, if it failed.
        stopped_by: The tool whose output ended the run (``tool_use_behavior``), if one did.
        guardrail: The input guardrail that stopped it, if one did. It races with the model, which may have said
            something by then.
    """

    error: BaseException | None = None
    stopped_by: str | None = None
    guardrail: str | None = None


EntryT = TypeVar("EntryT", bound=RunEntry)


@dataclass(frozen=True)
class RunTimeline:
    """What the runs behind one stream (or one turn) did, in order.

    Attributes:
        entries: Everything observed.
        observed: Whether anyone observed at all; if not, rules that need it say "not checked".
    """

    entries: tuple[RunEntry, ...] = ()
    observed: bool = False

    def of(self, kind: type[EntryT]) -> list[EntryT]:
        """The entries of one kind, in order."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    @property
    def model_calls(self) -> list[ModelCalled]:
        """Every model call."""
        return self.of(ModelCalled)

    @property
    def main_runs(self) -> frozenset[int]:
        """The numbers of the runs that feed the stream."""
        return frozenset(entry.run for entry in self.of(RunStarted) if entry.feeds_stream)


@runtime_checkable
class RunObserver(Protocol):
    """What an engine tells about its runs. Every method takes keywords only and returns at once.

    An adapter for an engine other than the Agents SDK calls ``current_observer()`` within ``respond`` and reports to
    it. What is not reported is "not checked", never "passed".
    """

    def model_called(self, *, agent: str, input: str | Sequence[Any], **facts: Any) -> None:
        """The model is called with ``input``; ``facts`` are further fields of ``ModelCalled``."""
        ...

    def tool_started(self, *, agent: str, tool: str, call_id: str, arguments: str = "") -> None:
        """A server tool begins."""
        ...

    def tool_ended(
        self, *, agent: str, tool: str, call_id: str, output: Any = None, error: BaseException | None = None
    ) -> None:
        """A server tool has ended."""
        ...

    def client_tool_assigned(
        self, *, agent: str, name: str, arguments: dict[str, Any], tool: str | None = None, call_id: str | None = None
    ) -> None:
        """A client tool was asked for, by the call ``call_id`` of ``tool``."""
        ...


@dataclass
class TimelineRecorder:
    """Collects the entries of one stream; the mutable side of ``RunTimeline``.

    Attributes:
        events_sent: Says how many events the stream has sent so far.
        entries: What was observed, in order.
        runs: How many runs have begun.
    """

    events_sent: Callable[[], int] = lambda: 0
    entries: list[RunEntry] = field(default_factory=list)
    runs: int = 0

    def timeline(self) -> RunTimeline:
        """What was observed until now."""
        return RunTimeline(tuple(self.entries), observed=bool(self.entries))

    def start_run(self, *, agent: str, feeds_stream: bool, remembered_elsewhere: bool = False) -> int:
        """Note that a run begins; returns its number."""
        self.runs += 1
        self.add(
            RunStarted(
                run=self.runs,
                agent=agent,
                after_event=self.events_sent(),
                feeds_stream=feeds_stream,
                remembered_elsewhere=remembered_elsewhere,
            )
        )
        return self.runs

    def add(self, entry: RunEntry) -> int:
        """Append an entry; returns its index, for ``replace``."""
        self.entries.append(entry)
        return len(self.entries) - 1

    def replace(self, index: int, entry: RunEntry) -> None:
        """Complete an entry, such as a model call with its output."""
        self.entries[index] = entry

    def observer(self, run: int) -> ScopedObserver:
        """The observer of one run."""
        return ScopedObserver(self, run)


@dataclass(frozen=True)
class ScopedObserver:
    """A ``RunObserver`` that writes the entries of one run into a recorder."""

    recorder: TimelineRecorder
    run: int

    def model_called(self, *, agent: str, input: str | Sequence[Any], **facts: Any) -> None:
        """See ``RunObserver``."""
        self._add(ModelCalled(**self._where(agent), input=input, **facts))

    def tool_started(self, *, agent: str, tool: str, call_id: str, arguments: str = "") -> None:
        """See ``RunObserver``."""
        self._add(ToolStarted(**self._where(agent), tool=tool, call_id=call_id, arguments=arguments))

    def tool_ended(
        self, *, agent: str, tool: str, call_id: str, output: Any = None, error: BaseException | None = None
    ) -> None:
        """See ``RunObserver``."""
        self._add(ToolEnded(**self._where(agent), tool=tool, call_id=call_id, output=output, error=error))

    def client_tool_assigned(
        self, *, agent: str, name: str, arguments: dict[str, Any], tool: str | None = None, call_id: str | None = None
    ) -> None:
        """See ``RunObserver``."""
        where = self._where(agent)
        self._add(ClientToolAssigned(**where, name=name, arguments=arguments, tool=tool, call_id=call_id))

    def _where(self, agent: str) -> dict[str, Any]:
        return {"run": self.run, "agent": agent, "after_event": self.recorder.events_sent()}

    def _add(self, entry: RunEntry) -> None:
        self.recorder.add(entry)


@dataclass
class Exchange:
    """One request while it is being served: whom the runs behind it report to, and which script answers them.

    Attributes:
        recorder: Collects the timeline of the stream.
        script: The model script of the simulation that serves the request; the model package knows its type.
        thread_id: The thread, as soon as it is known; runs from foreign threads and tasks are attributed by it.
        swallowed: Exceptions that the server turned into an error event, as its log showed them.
        task: The task that consumes the response.
        left: Whether the client has left: the user pressed stop, or the page went away.
        late_work: Store writes that began after that.
        lost_cancellation: The cancellation that the responder was given then, and swallowed.
        stepped: Whether the server may go on only when the client has looked at an event. Otherwise an app may be a few
            events ahead of its client, as it is behind every real server.
    """

    recorder: TimelineRecorder
    script: Any = None
    thread_id: str | None = None
    swallowed: list[BaseException] = field(default_factory=list)
    task: Any = None
    left: bool = False
    late_work: list[LateWork] = field(default_factory=list)
    lost_cancellation: LostCancellation | None = None
    stepped: bool = True


SERVING: ContextVar[Exchange | None] = ContextVar("chatkit_sim_serving", default=None)
"""The request that the current code serves."""


def current_observer() -> RunObserver | None:
    """The observer of the request being served; ``None`` outside of a simulation.

    For adapters of engines that the Agents SDK does not run::

        observer = current_observer()
        if observer is not None:
            observer.model_called(agent="assistant", input=messages)
    """
    exchange = SERVING.get()
    if exchange is None:
        return None
    recorder = exchange.recorder
    run = next((e.run for e in recorder.entries if isinstance(e, RunStarted) and e.agent == "adapter"), None)
    return recorder.observer(run or recorder.start_run(agent="adapter", feeds_stream=True))


def merge_timelines(timelines: Iterable[RunTimeline]) -> RunTimeline:
    """The timelines of a turn's streams as one."""
    parts = list(timelines)
    return RunTimeline(
        tuple(entry for part in parts for entry in part.entries), observed=any(part.observed for part in parts)
    )
