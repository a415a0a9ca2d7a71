"""Switches the observing on for as long as a simulation is active, and everything back afterwards."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from agents import AgentBase, set_trace_provider
from agents import tool as agents_tool
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner
from agents.tracing import get_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from chatkit import server as chatkit_server
from chatkit.agents import AgentContext
from chatkit.server import ChatKitServer

from ..errors import UsageError
from ..recording import SERVING, ClientToolAssigned, Exchange
from .adapters import KeptAdapters
from .assignments import watched
from .cancelling import followed
from .patches import Patches
from .runner import ObservedRunner, UnattributedRun
from .runs import RUN, thread_id_of
from .script import ModelScript
from .tool_fakes import with_fakes

_SWITCHING = threading.Lock()  # simulations of several threads may begin and end at once


class Instrumentation:
    """Observes every run of the Agents SDK while it is active.

    Several may be active at once, in any order of entering and leaving: they share one watch over the SDKs, which
    the last to leave takes away. A run belongs to the request that ``chatkit_sim.recording.SERVING`` names, or to
    that of its thread::

        with Instrumentation.active() as instrumentation, instrumentation.attribute(exchange):
            ...

    Attributes:
        unattributed: Runs that belong to no request that is known; they were left alone.
    """

    def __init__(self) -> None:
        self.unattributed: list[UnattributedRun] = []
        self._exchanges: list[Exchange] = []
        self._watch: _Watch | None = None

    @classmethod
    def active(cls) -> Instrumentation:
        """For a ``with`` statement."""
        return cls()

    def enter(self) -> Instrumentation:
        """Begin to observe.

        Raises:
            UsageError: It is active already.
        """
        if self._watch is not None:
            raise UsageError("This Instrumentation is active already; make another one for another simulation.")
        with _SWITCHING:
            self._watch = _current_watch() or _Watch()
            self._watch.join(self)
        return self

    def exit(self) -> None:
        """Stop to observe; without effect when it is not active."""
        watch, self._watch = self._watch, None
        self._exchanges.clear()
        if watch is not None:
            with _SWITCHING:
                watch.leave(self)

    def __enter__(self) -> Instrumentation:
        return self.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.exit()

    @contextmanager
    def attribute(self, exchange: Exchange) -> Iterator[Exchange]:
        """While it lasts, runs of foreign threads and tasks are attributed to this request by their thread's id."""
        self._exchanges.append(exchange)
        try:
            yield exchange
        finally:
            # By identity, since requests of one thread may look the same; the latest leaves first.
            for index in range(len(self._exchanges) - 1, -1, -1):
                if self._exchanges[index] is exchange:
                    del self._exchanges[index]
                    break

    def find(self, thread_id: str) -> Exchange | None:
        """The latest request of a thread."""
        return next((known for known in reversed(self._exchanges) if known.thread_id == thread_id), None)


@dataclass
class _Watch:
    """What is shared by all that are active: one runner, one set of patches."""

    members: list[Instrumentation] = field(default_factory=list)
    patches: Patches = field(default_factory=Patches)
    runner: _WatchingRunner | None = None

    def join(self, member: Instrumentation) -> None:
        self.members.append(member)
        if len(self.members) == 1:
            self._install()

    def leave(self, member: Instrumentation) -> None:
        self.members.remove(member)
        if not self.members:
            self._remove()

    def find(self, thread_id: str | None) -> Exchange | None:
        if thread_id is None:
            return None
        found = (member.find(thread_id) for member in reversed(self.members))
        return next((exchange for exchange in found if exchange is not None), None)

    def report(self, run: UnattributedRun) -> None:
        for member in self.members:
            member.unattributed.append(run)

    def _install(self) -> None:
        self.runner = _WatchingRunner(get_default_agent_runner(), self.find, self.report, self)
        set_default_agent_runner(self.runner)
        self.patches.set(AgentContext, "__setattr__", watched(AgentContext.__setattr__, self._assigned))
        self.patches.set(AgentBase, "get_all_tools", _faking(AgentBase.get_all_tools))
        self.patches.set(chatkit_server, "TypeAdapter", KeptAdapters())
        self.patches.set(ChatKitServer, "_process_events", followed(ChatKitServer._process_events))
        self._watch_tool_errors()
        self._watch_chatkit_log()
        self._close_tracing()

    def _remove(self) -> None:
        if get_default_agent_runner() is self.runner and self.runner is not None:
            set_default_agent_runner(self.runner.inner)
        self.patches.undo()

    def _watch_tool_errors(self) -> None:
        # Failures of tools become texts for the model; this function makes them, and is given the original.
        name = "maybe_invoke_function_tool_failure_error_function"
        original: Callable[..., Any] = getattr(agents_tool, name)

        async def seen(*, function_tool: Any, context: Any, error: BaseException) -> Any:
            run = RUN.get()
            if run is not None:
                run.tool_failed(getattr(context, "tool_call_id", ""), error)
            return await original(function_tool=function_tool, context=context, error=error)

        self.patches.set(agents_tool, name, seen)

    def _watch_chatkit_log(self) -> None:
        # Not a handler: the level, logging.disable and LOG_LEVEL would hide from it what an error event stands for.
        logger = logging.getLogger("chatkit")
        original = logger.exception

        def exception(message: object, *args: Any, stacklevel: int = 1, **kwargs: Any) -> None:
            exchange, error = SERVING.get(), sys.exception()
            if exchange is not None and error is not None:
                exchange.swallowed.append(error)
                if isinstance(exchange.script, ModelScript):
                    exchange.script.claim(error, exchange)
            original(message, *args, stacklevel=stacklevel + 1, **kwargs)

        self.patches.set(logger, "exception", exception)

    def _close_tracing(self) -> None:
        # The default exporter posts to the network, 5 s after start and at exit.
        before, silent = get_trace_provider(), DefaultTraceProvider()

        def restore() -> None:
            if get_trace_provider() is silent:
                set_trace_provider(before)

        set_trace_provider(silent)
        self.patches.undone_by(restore)

    def _assigned(self, agent_context: AgentContext[Any], call: Any, tool: Any) -> None:
        run, exchange = RUN.get(), SERVING.get() or self.find(thread_id_of(agent_context))
        if run is None and exchange is not None and self.runner is not None:
            run = self.runner.run_of(exchange, agent_context)
        if run is not None:
            run.client_tool_assigned(call, tool)
            return
        if exchange is None:
            return
        recorder = exchange.recorder
        name, call_id = (tool.tool_name, tool.tool_call_id) if tool is not None else (None, None)
        entry = ClientToolAssigned(
            run=0,  # outside of any run
            agent=getattr(getattr(tool, "agent", None), "name", ""),
            after_event=recorder.events_sent(),
            name=call.name,
            arguments=dict(call.arguments),
            tool=name,
            call_id=call_id,
        )
        recorder.add(entry)


@dataclass
class _WatchingRunner(ObservedRunner):
    """The runner knows its watch, so that nothing else has to remember it."""

    watch: _Watch


def _current_watch() -> _Watch | None:
    runner: AgentRunner = get_default_agent_runner()
    return runner.watch if isinstance(runner, _WatchingRunner) and runner.watch.members else None


def _faking(original: Callable[..., Any]) -> Callable[..., Any]:
    async def get_all_tools(self: AgentBase[Any], run_context: Any) -> list[Any]:
        tools: list[Any] = await original(self, run_context)
        run = RUN.get()
        return tools if run is None else with_fakes(run, tools)

    return get_all_tools
