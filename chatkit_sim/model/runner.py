"""The runner that observes: every way into the Agents SDK passes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from agents import RunConfig, RunResult, RunResultStreaming
from agents.lifecycle import RunHooksBase
from agents.run import DEFAULT_MAX_TURNS, AgentRunner

from ..errors import UsageError
from ..recording import SERVING, Exchange
from .routing import RoutingModel
from .runs import RUN, ObservedRun, ObservingHooks, is_agent_context, thread_id_of


@dataclass(frozen=True)
class UnattributedRun:
    """A run that no simulated request can be made out for; it was left alone.

    Attributes:
        agent: The agent that it started with.
        why: What is missing.
    """

    agent: str
    why: str


@dataclass
class ObservedRunner(AgentRunner):
    """Stands in for the SDK's default runner and hands every run on to it.

    Attributes:
        inner: The runner that it stands in for.
        find: Says which request a thread's run serves; ``None`` when no request is known for the thread.
        report: Is told of runs without a request.
        runs: Those under way.
    """

    inner: AgentRunner
    find: Callable[[str | None], Exchange | None]
    report: Callable[[UnattributedRun], None]
    runs: list[ObservedRun] = field(default_factory=list, kw_only=True)

    async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        """See ``agents.Runner.run``."""
        run, kwargs = self._observe(starting_agent, input, kwargs, beside="is started by Runner.run")
        if run is None:
            return await self.inner.run(starting_agent, input, **kwargs)
        token = RUN.set(run)
        try:
            result = await self.inner.run(starting_agent, input, **kwargs)
        except BaseException as error:
            run.end(error)
            raise
        finally:
            RUN.reset(token)
        run.end()
        return result

    def run_sync(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResult:
        """See ``agents.Runner.run_sync``."""
        run, kwargs = self._observe(starting_agent, input, kwargs, beside="is started by Runner.run_sync")
        if run is None:
            return self.inner.run_sync(starting_agent, input, **kwargs)
        token = RUN.set(run)
        try:
            result = self.inner.run_sync(starting_agent, input, **kwargs)
        except BaseException as error:
            run.end(error)
            raise
        finally:
            RUN.reset(token)
        run.end()
        return result

    def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> RunResultStreaming:
        """See ``agents.Runner.run_streamed``."""
        run, kwargs = self._observe(starting_agent, input, kwargs)
        if run is None:
            return self.inner.run_streamed(starting_agent, input, **kwargs)
        token = RUN.set(run)  # the run's task inherits it
        try:
            result = self.inner.run_streamed(starting_agent, input, **kwargs)
        except BaseException as error:
            run.end(error)
            raise
        finally:
            RUN.reset(token)
        if result.run_loop_task is None:
            run.end()
        else:
            result.run_loop_task.add_done_callback(lambda task: run.end(_error_of(task), _guardrail_of(result)))
        return result

    def run_of(self, exchange: Exchange, context: Any) -> ObservedRun | None:
        """The only run of a request that is under way with this context, as seen from outside of any run."""
        runs = [run for run in self.runs if run.exchange is exchange and run.context is context and not run.ended]
        return runs[0] if len(runs) == 1 else None

    def _observe(
        self, agent: Any, input: Any, kwargs: dict[str, Any], beside: str = ""
    ) -> tuple[ObservedRun | None, dict[str, Any]]:
        context = kwargs.get("context")
        parent = RUN.get()
        exchange = self._attribute(context, agent, parent)
        hooks = kwargs.get("hooks")
        # Hooks of the wrong kind are the SDK's to refuse.
        if exchange is None or not (hooks is None or isinstance(hooks, RunHooksBase)):
            return None, kwargs
        if parent is not None:
            beside = "runs inside another run (as a tool or a guardrail)"
        turns = kwargs.get("max_turns", DEFAULT_MAX_TURNS)
        run = ObservedRun(exchange, agent, context, feeds_stream=not beside, max_turns=turns)
        if run.feeds_stream and not is_agent_context(context) and run.script and run.script.has_steps_for(agent):
            run.feeds_stream, beside = False, "has steps of its own and no AgentContext"
        run.beside = beside and f'Agent "{agent.name}" {beside}'
        run.begin(remembered_elsewhere=_is_remembered(kwargs))
        self.runs = [other for other in self.runs if not other.ended] + [run]
        observed = {**kwargs, "hooks": ObservingHooks(run, hooks)}
        if run.asks_over_http:
            _require_api(run)
            return run, {**observed, "run_config": _unrouted(kwargs)}
        return run, {**observed, "run_config": _routed(run, kwargs)}

    def _attribute(self, context: Any, agent: Any, parent: ObservedRun | None) -> Exchange | None:
        if parent is not None:
            return parent.exchange
        serving, thread_id = SERVING.get(), thread_id_of(context)
        # A worker task that outlived its request still carries that request; the thread it works for knows better.
        stale = serving is not None and serving.thread_id is not None and thread_id not in (None, serving.thread_id)
        found = self.find(thread_id) if serving is None or stale else None
        exchange = found or serving
        if exchange is None:
            name = getattr(agent, "name", repr(agent))
            where = f"its thread {thread_id} has no request under way" if thread_id else "its context names no thread"
            self.report(UnattributedRun(name, f"It was started outside of a simulated request, and {where}."))
        elif exchange.thread_id is None:
            exchange.thread_id = thread_id
        return exchange


def _routed(run: ObservedRun, kwargs: dict[str, Any]) -> Any:
    """The app's run config with the routing model; what the app left to the SDK stays with the SDK."""
    config = _unrouted(kwargs)
    if isinstance(config, RunConfig):
        return replace(config, model=RoutingModel(run, config.model, config.model_provider))
    given = dict(config or {})
    return {**given, "model": RoutingModel(run, given.get("model"), given.get("model_provider"))}


def _unrouted(kwargs: dict[str, Any]) -> Any:
    """The app's own run config: an agent as a tool inherits that of the run around it, with its routing model."""
    config = kwargs.get("run_config")
    own = config.model if isinstance(config, RunConfig) else None
    while isinstance(own, RoutingModel):
        own = own.own
    return replace(config, model=own) if isinstance(config, RunConfig) and own is not config.model else config


def _require_api(run: ObservedRun) -> None:
    script = run.script
    if script is not None and not script.served_by:
        raise UsageError(
            'The boundary of the model script is "http", and nothing serves the API. Take the fixture '
            "`chatkit_openai_api`, or enter chatkit_sim.model.http.OpenAIAPI(script) around the test."
        )


def _is_remembered(kwargs: dict[str, Any]) -> bool:
    return (
        any(kwargs.get(name) for name in ("previous_response_id", "auto_previous_response_id", "conversation_id"))
        or kwargs.get("session") is not None
    )


def _guardrail_of(result: RunResultStreaming) -> str | None:
    """The input guardrail that stopped a run, if one did."""
    tripped = [each.guardrail for each in result.input_guardrail_results if each.output.tripwire_triggered]
    return str(tripped[0].get_name()) if tripped else None


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
