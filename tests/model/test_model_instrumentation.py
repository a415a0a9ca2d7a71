"""Switching the observing on and off: everything is as it was before, whoever leaves last."""

import itertools
import logging
from typing import Any

import pytest
from agents import Agent, AgentBase, add_trace_processor
from agents import tool as agents_tool
from agents.run import get_default_agent_runner
from agents.tracing import TracingProcessor, get_trace_provider, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from chatkit import server as chatkit_server
from chatkit.agents import AgentContext
from model_harness import Simulation, answering

from chatkit_sim.errors import UsageError
from chatkit_sim.model import Instrumentation, ModelScript, fails, says
from chatkit_sim.recording import Exchange, TimelineRecorder

LOGGER = logging.getLogger("chatkit")


def state() -> list[Any]:
    return [
        get_default_agent_runner(),
        get_trace_provider(),
        "__setattr__" in vars(AgentContext),
        AgentContext.__setattr__,
        vars(AgentBase)["get_all_tools"],
        chatkit_server.TypeAdapter,
        agents_tool.maybe_invoke_function_tool_failure_error_function,
        "exception" in vars(LOGGER),
    ]


def test_everything_is_put_back():
    before = state()
    with Instrumentation.active():
        assert all(now != then for now, then in zip(state(), before, strict=True))
    assert state() == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_several_may_be_active_and_leave_in_any_order(order):
    before = state()
    active = [Instrumentation().enter() for _ in range(3)]
    during = state()
    for number in order[:-1]:
        active[number].exit()
        assert state() == during
    active[order[-1]].exit()
    assert state() == before


def test_leaving_twice_is_harmless_and_entering_twice_is_not():
    instrumentation = Instrumentation().enter()
    with pytest.raises(UsageError, match="active already"):
        instrumentation.enter()
    instrumentation.exit()
    instrumentation.exit()
    with instrumentation:
        assert get_default_agent_runner() is not None


def test_what_another_has_put_on_top_is_left_alone():
    def theirs(self: Any, name: str, value: Any) -> None: ...

    with Instrumentation.active():
        AgentContext.__setattr__ = theirs
    try:
        assert AgentContext.__setattr__ is theirs
    finally:
        del AgentContext.__setattr__


def test_no_trace_leaves_the_process(instrumentation, simulate, script):
    class Recording(TracingProcessor):
        def __init__(self) -> None:
            self.ended: list[Any] = []

        def on_trace_start(self, trace: Any) -> None: ...

        def on_trace_end(self, trace: Any) -> None:
            self.ended.append(trace)

        def on_span_start(self, span: Any) -> None: ...

        def on_span_end(self, span: Any) -> None: ...

        def shutdown(self) -> None: ...

        def force_flush(self) -> None: ...

    mine, exporter = Recording(), Recording()
    instrumentation.exit()
    provider, own = get_trace_provider(), DefaultTraceProvider()
    own.register_processor(exporter)
    set_trace_provider(own)
    try:
        with instrumentation:
            add_trace_processor(mine)
            script.script(says("Hi"))
            simulate(Agent(name="A", model="gpt-5")).send()
        assert get_trace_provider() is own
    finally:
        set_trace_provider(provider)
    assert (len(mine.ended), len(exporter.ended)) == (1, 0)


@pytest.fixture
def level():
    before, propagate, disabled = LOGGER.level, LOGGER.propagate, LOGGER.disabled
    yield LOGGER
    LOGGER.setLevel(before)
    LOGGER.propagate, LOGGER.disabled = propagate, disabled
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("hidden", ["not", "by level", "by propagate", "by disabled", "by logging.disable"])
def test_what_an_error_event_stands_for_is_kept_whatever_is_logged(simulate, script, level, hidden):
    match hidden:
        case "by level":
            level.setLevel(logging.CRITICAL)
        case "by propagate":
            level.propagate = False
        case "by disabled":
            level.disabled = True
        case "by logging.disable":
            logging.disable(logging.CRITICAL)
    script.script(fails(TimeoutError("slow")))
    stream = simulate(Agent(name="A", model="gpt-5")).send()
    assert [str(error) for error in stream.exchange.swallowed] == ["slow"]
    assert stream.exchange.swallowed[0].__traceback__ is not None


def test_the_log_still_names_the_line_that_logged(simulate, script, caplog):
    script.script(fails())
    simulate(Agent(name="A", model="gpt-5")).send()
    [record] = [record for record in caplog.records if record.name == "chatkit" and record.exc_info]
    assert record.pathname.endswith("chatkit/server.py")


def test_simulations_that_are_active_at_once_do_not_see_each_other(loop):
    scripts = [ModelScript(), ModelScript()]
    first, second = Instrumentation().enter(), Instrumentation().enter()
    try:
        for script in scripts:
            script.script(fails())
        streams = [Simulation(answering(Agent(name="A", model="gpt-5")), loop, s).send() for s in scripts]
        first.exit()
        scripts[1].script(says("Still here"))
        later = Simulation(answering(Agent(name="A", model="gpt-5")), loop, scripts[1]).send()
    finally:
        second.exit()
    assert later.text == "Still here"
    assert [len(stream.exchange.swallowed) for stream in streams] == [1, 1]


def test_the_latest_request_of_a_thread_is_found():
    instrumentation = Instrumentation()
    older, newer = (Exchange(TimelineRecorder(), thread_id="thr_1") for _ in range(2))
    with instrumentation.attribute(older):
        with instrumentation.attribute(newer):
            assert instrumentation.find("thr_1") is newer
            assert instrumentation.find("thr_2") is None
        assert instrumentation.find("thr_1") is older
    assert instrumentation.find("thr_1") is None
