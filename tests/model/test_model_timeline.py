"""The timeline of a run: model calls, tools, handoffs, client tools asked for, and how it ended."""

import asyncio
import time
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    ModelSettings,
    RunContextWrapper,
    Runner,
    StopAtTools,
    ToolsToFinalOutputResult,
    function_tool,
    input_guardrail,
)
from agents.testing import ScriptedModel, function_call
from agents.tool_context import ToolContext
from chatkit.agents import AgentContext, ClientToolCall, stream_agent_response
from model_harness import Server
from pydantic import PrivateAttr

from chatkit_sim.model import calls, fails, refuses, says
from chatkit_sim.recording import (
    ClientToolAssigned,
    HandedOff,
    ModelCalled,
    RunEnded,
    RunStarted,
    ToolEnded,
    ToolStarted,
)

Context = RunContextWrapper[AgentContext[Any]]


def ask(context: AgentContext[Any], name: str, **arguments: Any) -> None:
    """Ask for a client tool, a few calls away from the tool."""
    context.client_tool_call = ClientToolCall(name=name, arguments=arguments)


@function_tool
async def add(ctx: Context, item: str) -> str:
    """Add an item."""
    ask(ctx.context, "confirm_add", item=item)
    return "asked"


@function_tool
async def add_slowly(ctx: Context, item: str) -> str:
    """Add an item, after a while."""
    await asyncio.sleep(0.02)
    ctx.context.client_tool_call = ClientToolCall(name="confirm_add", arguments={"item": item})
    return "asked"


@function_tool
def add_in_thread(ctx: Context, item: str) -> str:
    """Add an item, from the thread that sync tools run in."""
    time.sleep(0.005)
    ask(ctx.context, "confirm_add", item=item)
    return "asked"


@function_tool
async def add_in_task(ctx: Context, item: str) -> str:
    """Add an item, from a task that knows nothing of the tool."""
    await asyncio.create_task(assign_later(ctx.context, item))
    return "asked"


async def assign_later(context: AgentContext[Any], item: str) -> None:
    ask(context, "confirm_add", item=item)


@function_tool
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word}!"


@function_tool
def breaks(x: int) -> str:
    """Break."""
    raise ZeroDivisionError(f"broke on {x}")


@function_tool(failure_error_function=lambda ctx, error: "handled by the app")
def breaks_handled(x: int) -> str:
    """Break, with a text of the app's own."""
    raise ZeroDivisionError(f"broke on {x}")


@function_tool(failure_error_function=None)
def breaks_through(x: int) -> str:
    """Break the run."""
    raise ZeroDivisionError(f"broke on {x}")


async def _raise(context: ToolContext[Any], arguments: str) -> str:
    raise ZeroDivisionError("raw")


SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
raw = FunctionTool(name="raw", description="Break.", params_json_schema=SCHEMA, on_invoke_tool=_raise)

TOOLS = [add, add_slowly, add_in_thread, add_in_task, look_up, breaks, breaks_handled, breaks_through, raw]


def agent(**options: Any) -> Agent[Any]:
    return Agent(name="Assistant", model="gpt-5", tools=list(TOOLS), **options)


def assigned(stream: Any) -> list[tuple[str, Any, str | None, str | None]]:
    return [(entry.name, entry.arguments["item"], entry.tool, entry.call_id) for entry in stream.of(ClientToolAssigned)]


def test_a_run_from_its_start_to_its_end(simulate, script):
    script.script(calls("look_up", word="cat"), says("Meow"))
    stream = simulate(agent(instructions="Purr.")).send("Cat?")
    kinds = [RunStarted, ModelCalled, ToolStarted, ToolEnded, ModelCalled, RunEnded]
    assert [type(entry) for entry in stream.timeline.entries] == kinds
    _, first, started, ended, second, _ = stream.timeline.entries
    assert (first.instructions, "look_up" in first.tools, first.scripted) == ("Purr.", True, True)
    assert first.output[0]["name"] == "look_up"
    assert (started.tool, started.call_id, started.arguments) == ("look_up", "call_1", '{"word": "cat"}')
    assert (ended.output, ended.error) == ("cat!", None)
    assert second.input[-1] == {"type": "function_call_output", "call_id": "call_1", "output": "cat!"}
    assert first.after_event == 3


def test_the_setting_for_parallel_calls_is_noted(simulate, script):
    script.always(says("Hi"))
    loose = simulate(agent()).send()
    strict = simulate(agent(model_settings=ModelSettings(parallel_tool_calls=False))).send()
    assert loose.timeline.model_calls[0].parallel_tool_calls is None
    assert strict.timeline.model_calls[0].parallel_tool_calls is False


@pytest.mark.parametrize(
    ("behavior", "stops_at"),
    [
        ("run_llm_again", ()),
        ("stop_on_first_tool", ("look_up",)),
        (StopAtTools(stop_at_tool_names=["look_up", "other"]), ("look_up",)),
        (lambda context, results: ToolsToFinalOutputResult(is_final_output=False), None),
    ],
)
def test_what_the_agent_stops_at_is_noted(simulate, script, behavior, stops_at):
    script.always(says("Hi"))
    stream = simulate(agent(tool_use_behavior=behavior).clone(tools=[look_up])).send()
    assert stream.timeline.model_calls[0].stops_at == stops_at


def test_a_handoff(simulate, script):
    other = Agent(name="Other", model="gpt-5")
    script.script(calls("transfer_to_other"), says("Here"))
    stream = simulate(agent(handoffs=[other])).send()
    [handed] = stream.of(HandedOff)
    assert (handed.agent, handed.to) == ("Assistant", "Other")
    assert stream.timeline.model_calls[0].handoffs == ("transfer_to_other",)
    assert stream.timeline.model_calls[1].agent == "Other"


@pytest.mark.parametrize("tool", ["add", "add_slowly", "add_in_thread", "add_in_task"])
def test_sees_which_tool_asked_for_a_client_tool(simulate, script, tool):
    script.script(calls(tool, item="milk"), says("Added"))
    stream = simulate(agent()).send()
    assert assigned(stream) == [("confirm_add", "milk", tool, "call_1")]


def test_sees_both_of_two_parallel_requests_for_client_tools(simulate, script):
    behavior = StopAtTools(stop_at_tool_names=["add_slowly", "add", "add_in_thread"])
    script.script(calls("add_slowly", item="milk") & calls("add", item="eggs") & calls("add_in_thread", item="tea"))
    stream = simulate(agent(tool_use_behavior=behavior)).send()
    assert sorted(assigned(stream)) == [
        ("confirm_add", "eggs", "add", "call_2"),
        ("confirm_add", "milk", "add_slowly", "call_1"),
        ("confirm_add", "tea", "add_in_thread", "call_3"),
    ]
    assert [item.type for item in stream.done] == ["client_tool_call"]


def test_a_client_tool_beside_a_server_tool(simulate, script):
    script.script(calls("add", item="milk") & calls("look_up", word="milk"))
    stream = simulate(agent(tool_use_behavior=StopAtTools(stop_at_tool_names=["add"]))).send()
    assert assigned(stream) == [("confirm_add", "milk", "add", "call_1")]
    assert stream.done[0].call_id == "call_2"  # the SDK gives it the ids of the server tool
    assert stream.of(RunEnded)[0].stopped_by == "add"


def test_a_task_that_could_be_of_either_running_tool_names_none(simulate, script):
    started = asyncio.Event()

    @function_tool
    async def waits() -> str:
        """Wait for the other."""
        await started.wait()
        return "waited"

    @function_tool
    async def spawns(ctx: Context) -> str:
        """Assign in a task, while the other tool runs."""
        await asyncio.create_task(assign_later(ctx.context, "milk"))
        started.set()
        return "spawned"

    script.script(calls("waits") & calls("spawns"), says("Done"))
    stream = simulate(Agent(name="A", model="gpt-5", tools=[waits, spawns])).send()
    assert assigned(stream) == [("confirm_add", "milk", None, None)]


def test_only_assignments_of_a_call_count(simulate, script):
    @function_tool
    async def harmless(ctx: Context) -> str:
        """Make another context, and clear the slot."""
        own = ctx.context
        AgentContext(
            thread=own.thread,
            store=own.store,
            request_context={},
            client_tool_call=ClientToolCall(name="x", arguments={}),
        )
        own.client_tool_call = None
        own.previous_response_id = "resp_0"
        return "fine"

    script.script(calls("harmless"), says("Done"))
    stream = simulate(Agent(name="A", model="gpt-5", tools=[harmless])).send()
    assert assigned(stream) == []


def test_a_context_with_a_setattr_of_its_own(simulate, script):
    class Counted(AgentContext[Any]):
        _count: int = PrivateAttr(default=0)

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "client_tool_call":
                self._count += 1

    counts = []

    async def respond(context, items):
        async for event in stream_agent_response(context, Runner.run_streamed(agent(), items, context=context)):
            yield event
        counts.append(context._count)

    script.script(calls("add", item="milk"), says("Added"))
    stream = simulate(Server(respond, Counted)).send()
    assert assigned(stream) == [("confirm_add", "milk", "add", "call_1")]
    assert counts == [1]


def test_the_context_of_a_run_may_hold_the_agent_context(simulate, script):
    class Holder:
        def __init__(self, inner: AgentContext[Any]) -> None:
            self.inner = inner

    @function_tool
    async def add_inside(ctx: RunContextWrapper[Holder], item: str) -> str:
        """Add an item."""
        ctx.context.inner.client_tool_call = ClientToolCall(name="confirm_add", arguments={"item": item})
        return "asked"

    async def respond(context, items):
        holding = Agent(name="A", model="gpt-5", tools=[add_inside])
        result = Runner.run_streamed(holding, items, context=Holder(context))
        async for event in stream_agent_response(context, result):
            yield event

    script.script(calls("add_inside", item="milk"), says("Added"))
    stream = simulate(Server(respond)).send()
    assert assigned(stream) == [("confirm_add", "milk", "add_inside", "call_1")]


def test_an_assignment_from_a_thread_that_knows_nothing_of_the_run(simulate, script, instrumentation):
    @function_tool
    async def add_in_pool(ctx: Context, item: str) -> str:
        """Add an item, from a thread of the app's own pool."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, lambda context=ctx.context: ask(context, "confirm_add", item=item))
        return "asked"

    simulation = simulate(Agent(name="A", model="gpt-5", tools=[add_in_pool]))
    script.script(says("Hi"), calls("add_in_pool", item="milk"), says("Added"))
    simulation.send()
    exchange = simulation.exchange()
    with instrumentation.attribute(exchange):
        stream = simulation.send(exchange=exchange)
    assert assigned(stream) == [("confirm_add", "milk", "add_in_pool", "call_1")]
    assert stream.of(ClientToolAssigned)[0].run == 1


def test_an_assignment_outside_of_any_run(simulate):
    async def respond(context, items):
        ask(context, "confirm_add", item="milk")
        return
        yield

    stream = simulate(Server(respond)).send()
    assert assigned(stream) == [("confirm_add", "milk", None, None)]


@pytest.mark.parametrize("tool", ["breaks", "breaks_handled"])
def test_a_tool_that_fails_without_a_word_shows_what_it_raised(simulate, script, tool):
    script.script(calls(tool, x=3), says("Sorry"))
    stream = simulate(agent()).send()
    [ended] = stream.of(ToolEnded)
    assert not stream.errors
    assert isinstance(ended.error, ZeroDivisionError)
    assert isinstance(ended.output, str)


@pytest.mark.parametrize(("tool", "arguments"), [("breaks_through", {"x": 3}), ("raw", {})])
def test_a_tool_that_fails_the_run_shows_what_it_raised(simulate, script, tool, arguments):
    script.script(calls(tool, arguments))
    stream = simulate(agent()).send()
    [ended] = stream.of(ToolEnded)
    assert (ended.tool, ended.call_id) == (tool, "call_1")
    assert isinstance(ended.error, ZeroDivisionError)
    assert stream.of(RunEnded)[0].error is not None
    assert len(stream.errors) == 1


def test_arguments_that_are_no_json(simulate, script):
    script.script(calls("look_up", '{"word": '), says("Sorry"))
    stream = simulate(agent()).send()
    assert "Invalid JSON" in str(stream.of(ToolEnded)[0].error)


def test_a_model_that_fails(simulate, script):
    script.script(fails(TimeoutError("slow")))
    stream = simulate(agent()).send()
    [called] = stream.timeline.model_calls
    assert (called.output, str(called.error)) == ((), "slow")
    assert isinstance(stream.of(RunEnded)[0].error, TimeoutError)


def test_a_refusal_is_an_answer_of_the_model(simulate, script):
    script.script(refuses("No."))
    stream = simulate(agent()).send()
    assert stream.timeline.model_calls[0].output[0]["content"][0]["refusal"] == "No."


@pytest.mark.parametrize(
    ("behavior", "stopped_by"),
    [
        ("run_llm_again", None),
        ("stop_on_first_tool", "look_up"),
        (StopAtTools(stop_at_tool_names=["breaks"]), "breaks"),
        (StopAtTools(stop_at_tool_names=["add"]), None),
        (lambda context, results: ToolsToFinalOutputResult(is_final_output=True, final_output="x"), None),
    ],
    ids=["never", "first", "at breaks", "at another", "a function of two"],
)
def test_which_tool_stopped_the_run(simulate, script, behavior, stopped_by):
    script.script(calls("look_up", word="x") & calls("breaks", x=1))
    script.always(says("Done"))
    stream = simulate(agent(tool_use_behavior=behavior)).send()
    assert stream.of(RunEnded)[0].stopped_by == stopped_by


def test_a_function_that_stops_the_run_at_its_only_tool(simulate, script):
    def behavior(context, results):
        return ToolsToFinalOutputResult(is_final_output=True, final_output="x")

    script.script(calls("look_up", word="x"))
    stream = simulate(agent(tool_use_behavior=behavior)).send()
    assert stream.of(RunEnded)[0].stopped_by == "look_up"


def test_a_run_without_a_script_is_observed_all_the_same(simulate):
    fake = ScriptedModel([[function_call("add", {"item": "milk"}, call_id="c1")]])
    own = Agent(name="Own", model=fake, tools=[add], tool_use_behavior=StopAtTools(stop_at_tool_names=["add"]))
    stream = simulate(own, script=None).send()
    assert assigned(stream) == [("confirm_add", "milk", "add", "c1")]
    assert stream.of(RunEnded)[0].stopped_by == "add"


def test_a_guardrail_that_stops_the_run(simulate, script):
    @input_guardrail
    async def refuse(context, _agent, items):
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    script.always(says("Never mind"))
    stream = simulate(agent(input_guardrails=[refuse])).send()
    assert isinstance(stream.of(RunEnded)[0].error, InputGuardrailTripwireTriggered)
