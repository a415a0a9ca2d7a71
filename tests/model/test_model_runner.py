"""Every way into the Agents SDK's runner is observed, and the app's own arguments survive it."""

import asyncio
import inspect
import threading
from contextlib import closing
from typing import Any

import pytest
from agents import Agent, ModelSettings, RunConfig, RunHooks, Runner, SQLiteSession, function_tool
from agents.lifecycle import RunHooksBase
from agents.run import AgentRunner, get_default_agent_runner, set_default_agent_runner
from agents.testing import ScriptedModel, assistant_message
from chatkit.agents import AgentContext, stream_agent_response
from model_harness import Server, Simulation, answering

from chatkit_sim.model import Instrumentation, ModelScript, calls, says
from chatkit_sim.model.runs import ObservingHooks
from chatkit_sim.recording import SERVING, Exchange, RunEnded, RunStarted, TimelineRecorder

# Taken before anything is installed, as an app's `from ... import` takes it.
CAPTURED = Runner.run_streamed


class Counting(RunHooks[Any]):
    """Hooks of the app's own."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_llm_start(self, *args: Any) -> None:
        self.seen.append("llm_start")

    async def on_llm_end(self, *args: Any) -> None:
        self.seen.append("llm_end")

    async def on_agent_start(self, *args: Any) -> None:
        self.seen.append("agent_start")

    async def on_agent_end(self, *args: Any) -> None:
        self.seen.append("agent_end")

    async def on_handoff(self, *args: Any) -> None:
        self.seen.append("handoff")

    async def on_tool_start(self, *args: Any) -> None:
        self.seen.append("tool_start")

    async def on_tool_end(self, *args: Any) -> None:
        self.seen.append("tool_end")


@function_tool
def ping() -> str:
    """Answer."""
    return "pong"


def agent(name: str = "Assistant", **options: Any) -> Agent[Any]:
    return Agent(name=name, model="gpt-5", tools=[ping], **options)


def streaming(start: Any) -> Server:
    """A server whose `respond` starts its run with `start(context, items)`."""

    async def respond(context, items):
        async for event in stream_agent_response(context, start(context, items)):
            yield event

    return Server(respond)


def working(work: Any) -> Server:
    """A server whose `respond` awaits `work(context)` and streams nothing."""

    async def respond(context, items):
        await work(context)
        return
        yield

    return Server(respond)


WAYS = {
    "run_streamed": lambda c, i: Runner.run_streamed(agent(), i, context=c),
    "captured before": lambda c, i: CAPTURED(agent(), i, context=c),
    "positional hooks and run_config": lambda c, i: Runner.run_streamed(agent(), i, c, 10, Counting(), RunConfig()),
    "run_config as a dict": lambda c, i: Runner.run_streamed(agent(), i, context=c, run_config={"workflow_name": "w"}),
    "run_config with a model name": lambda c, i: Runner.run_streamed(
        agent(), i, context=c, run_config=RunConfig(model="gpt-4.1")
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_streamed_way_in_is_scripted_and_observed(simulate, script, way):
    script.script(says("Hi"))
    stream = simulate(streaming(WAYS[way])).send()
    assert stream.text == "Hi"
    assert [started.feeds_stream for started in stream.of(RunStarted)] == [True]
    assert len(stream.of(RunEnded)) == 1


@pytest.mark.parametrize("way", ["run", "run_sync in a thread"])
def test_runs_that_do_not_stream_are_side_runs(simulate, script, way):
    async def work(context):
        if way == "run":
            result = await Runner.run(agent("Side"), "Hi")
        else:
            loop = asyncio.new_event_loop()
            result = await asyncio.to_thread(run_sync, loop)
            loop.close()
        assert result.final_output == "Aside"

    def run_sync(loop):
        asyncio.set_event_loop(loop)
        return Runner.run_sync(agent("Side"), "Hi")

    script.agent("Side").script(says("Aside"))
    stream = simulate(working(work)).send()
    assert not stream.errors
    assert [started.feeds_stream for started in stream.of(RunStarted)] == [False]
    assert [ended.error for ended in stream.of(RunEnded)] == [None]


@pytest.mark.parametrize("streams", [False, True])
def test_an_agent_as_a_tool_is_a_run_inside_the_run(simulate, script, streams):
    async def ignore(event):
        pass

    helper = agent("Helper").as_tool("ask_helper", "Ask.", on_stream=ignore if streams else None)
    main = Agent(name="Main", model="gpt-5", tools=[helper])
    script.script(calls("ask_helper", input="help"), says("Done"))
    script.agent("Helper").script(calls("ping"), says("Helped"))
    stream = simulate(main, run_config=RunConfig(model="gpt-4.1")).send()
    assert stream.text == "Done"
    assert [(run.agent, run.feeds_stream) for run in stream.of(RunStarted)] == [("Main", True), ("Helper", False)]
    assert [(call.run, call.agent) for call in stream.timeline.model_calls] == [
        (1, "Main"),
        (2, "Helper"),
        (2, "Helper"),
        (1, "Main"),
    ]


def test_an_agent_as_a_tool_without_steps_says_that_it_runs_inside_another_run(simulate, script):
    main = Agent(name="Main", model="gpt-5", tools=[agent("Helper").as_tool("ask_helper", "Ask.")])
    script.script(calls("ask_helper", input="help"), says("Done"))
    simulate(main).send()
    assert script.unscripted[0].why.startswith('Agent "Helper" runs inside another run')


def test_the_hooks_of_the_app_are_called(simulate, script):
    hooks = Counting()
    script.script(calls("ping"), calls("transfer_to_other"), says("Hi"))
    simulate(agent(handoffs=[agent("Other")]), hooks=hooks).send()
    assert set(hooks.seen) == {"llm_start", "llm_end", "agent_start", "agent_end", "handoff", "tool_start", "tool_end"}


def test_hooks_that_fail_fail_the_run(simulate, script):
    class Failing(RunHooks[Any]):
        async def on_tool_start(self, *args: Any) -> None:
            raise LookupError("hook")

    script.script(calls("ping"), says("Hi"))
    stream = simulate(agent(), hooks=Failing()).send()
    assert "hook" in str(stream.exchange.swallowed[0])


def test_hooks_of_the_wrong_kind_are_refused_by_the_sdk(simulate, script):
    stream = simulate(agent(), hooks=object()).send()
    assert "Run hooks must be instances of RunHooks" in str(stream.exchange.swallowed[0])


def test_the_run_config_of_the_app_survives(simulate, script):
    texts = []

    def formatter(args):
        texts.append(args.kind)
        return "No such tool here."

    config = RunConfig(
        model_settings=ModelSettings(temperature=0.2),
        tool_error_formatter=formatter,
        tool_not_found_behavior="return_error_to_model",
    )
    script.script(calls("nowhere"), says("Ok"))
    stream = simulate(agent(), run_config=config).send()
    assert stream.text == "Ok"
    assert texts == ["tool_not_found"]
    assert script.requests[0].model_settings.temperature == 0.2
    assert config.model is None


def test_a_model_in_the_run_config_of_the_app_is_kept_observed(simulate, script):
    fake = ScriptedModel([[assistant_message("Own")]])
    stream = simulate(agent(), run_config=RunConfig(model=fake)).send()
    assert stream.text == "Own"
    assert not stream.timeline.model_calls[0].scripted


def test_a_model_name_is_resolved_by_the_provider_of_the_app(simulate):
    asked = []

    class Provider:
        def get_model(self, name):
            asked.append(name)
            return ScriptedModel([[assistant_message("Provided")]])

    config = RunConfig(model_provider=Provider())
    stream = simulate(agent(), script=None, run_config=config).send()
    assert stream.text == "Provided"
    assert asked == ["gpt-5"]
    assert not stream.timeline.model_calls[0].scripted


def test_a_kept_model_gets_the_settings_that_it_would_have_got():
    """The SDK has default settings for gpt-5, and drops them for a `Model` instance."""
    given = []

    class Keeping(ScriptedModel):
        def stream_response(self, system, input, model_settings, *args, **kwargs):
            given.append(model_settings)
            return super().stream_response(system, input, model_settings, *args, **kwargs)

    class Provider:
        def get_model(self, name):
            return Keeping([[assistant_message("Hi")]])

    async def run():
        config = RunConfig(model_provider=Provider(), tracing_disabled=True)
        async for _ in Runner.run_streamed(agent(), "Hi", run_config=config).stream_events():
            pass

    asyncio.run(run())
    with Instrumentation.active():
        token = SERVING.set(Exchange(TimelineRecorder()))
        try:
            asyncio.run(run())
        finally:
            SERVING.reset(token)
    assert given[0].reasoning is not None
    assert given[1] == given[0]


@pytest.mark.parametrize("option", ["session", "previous_response_id", "conversation_id"])
def test_memory_elsewhere_is_noted(simulate, script, option):
    with closing(SQLiteSession("s")) as session:
        value = session if option == "session" else "resp_0"
        script.script(says("Hi"))
        server = streaming(lambda c, i: Runner.run_streamed(agent(), "Hi", context=c, **{option: value}))
        stream = simulate(server).send()
    assert stream.text == "Hi"
    assert stream.of(RunStarted)[0].remembered_elsewhere


def test_a_run_in_a_foreign_thread_is_attributed_by_its_thread_id(simulate, script, instrumentation):
    stream = simulate(agent())
    script.script(says("First"))
    stream.send()
    exchange = Exchange(TimelineRecorder(), script, stream.thread_id)
    script.script(says("From a foreign thread"))
    said = []

    def work():
        server = stream.server

        async def main():
            thread = await server.store.load_thread(stream.thread_id, {})
            context = AgentContext(thread=thread, store=server.store, request_context={})
            result = Runner.run_streamed(agent(), "Hi", context=context)
            async for _ in result.stream_events():
                pass
            said.append(result.final_output)

        asyncio.run(main())

    with instrumentation.attribute(exchange):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert said == ["From a foreign thread"]
    assert len(exchange.recorder.timeline().model_calls) == 1


def test_a_run_that_belongs_to_no_request_is_reported_and_left_alone(instrumentation):
    fake = ScriptedModel([[assistant_message("Own")]])
    result = asyncio.run(Runner.run(Agent(name="Stray", model=fake), "Hi"))
    assert result.final_output == "Own"
    [stray] = instrumentation.unattributed
    assert stray.agent == "Stray"
    assert "its context names no thread" in stray.why


def test_two_simulations_at_once_keep_their_scripts_apart(instrumentation, loop):
    scripts = [ModelScript(), ModelScript()]
    simulations = [Simulation(answering(agent()), loop, script) for script in scripts]
    for name, script in zip("AB", scripts, strict=True):
        script.script(calls("ping"), says(f"I am {name}"))

    async def both():
        return await asyncio.gather(*(simulation.sending() for simulation in simulations))

    streams = loop.run(both())
    assert [stream.text for stream in streams] == ["I am A", "I am B"]
    assert [len(stream.timeline.model_calls) for stream in streams] == [2, 2]


def test_the_door_that_this_rests_on_is_still_there():
    """A canary: the default runner of the SDK is marked as not public."""
    before = get_default_agent_runner()
    seen = []

    class Door(AgentRunner):
        def run_streamed(self, starting_agent, input, **kwargs):
            seen.append(set(kwargs))
            return before.run_streamed(starting_agent, input, **kwargs)

    async def run():
        agent = Agent(name="A", model=ScriptedModel([[assistant_message("Hi")]]))
        async for _ in CAPTURED(agent, "Hi", run_config=RunConfig(tracing_disabled=True)).stream_events():
            pass

    set_default_agent_runner(Door())
    try:
        asyncio.run(run())
    finally:
        set_default_agent_runner(before)
    assert {"context", "hooks", "run_config", "session", "previous_response_id", "conversation_id"} <= seen[0]


def test_every_hook_of_the_sdk_is_handed_on():
    """A canary: a hook that a later SDK adds must reach the hooks of the app."""
    names = {name for name, _ in inspect.getmembers(RunHooksBase) if name.startswith("on_")}
    assert names == {name for name in vars(ObservingHooks) if name.startswith("on_")}
