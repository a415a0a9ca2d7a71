"""The model script: who is answered by what, and what is said when nothing answers."""

import asyncio
from typing import Any

import pytest
from agents import (
    Agent,
    AgentOutputSchema,
    GuardrailFunctionOutput,
    ModelSettings,
    Runner,
    function_tool,
    input_guardrail,
)
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from chatkit.agents import stream_agent_response
from model_harness import Server
from pydantic import BaseModel

from chatkit_sim.errors import UsageError
from chatkit_sim.model import UnscriptedModelCall, calls, draws, fails, says, thinks
from chatkit_sim.recording import ToolEnded
from chatkit_sim.rules.base import UnusedSteps


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word}: a word"


def agent(name: str = "Assistant", **options: Any) -> Agent[Any]:
    return Agent(name=name, model="gpt-5", tools=[look_up], **options)


def with_title(main: Agent[Any], title: Agent[Any]) -> Server:
    """A server that names the thread in a background task, while it answers."""

    async def respond(context, items):
        naming = asyncio.create_task(Runner.run(title, "Name it"))
        result = Runner.run_streamed(main, items, context=context)
        async for event in stream_agent_response(context, result):
            yield event
        context.thread.title = (await naming).final_output

    return Server(respond)


def test_answers_each_call_with_the_next_step(simulate, script):
    script.script(calls("look_up", word="cat"), says("A cat is a word."))
    stream = simulate(agent()).send("What is a cat?")
    assert stream.text == "A cat is a word."
    assert script.requests[1].input[-1]["output"] == "cat: a word"


def test_the_steps_last_over_several_turns(simulate, script):
    simulation = simulate(agent())
    script.script(says("One"))
    assert simulation.send().text == "One"
    script.script(says("Two"))
    assert simulation.send().text == "Two"


def test_every_kind_of_answer_reaches_the_page(simulate, script):
    script.script(thinks("Looking", "Drawing") & draws(partial=2) & says("There you are."))
    stream = simulate(agent()).send()
    done = {item.type: item for item in stream.done}
    assert set(done) == {"workflow", "generated_image", "assistant_message"}
    assert done["generated_image"].image.url.startswith("data:image/png;base64,")
    assert [task.content for task in done["workflow"].workflow.tasks] == ["Looking", "Drawing"]


def test_a_failure_in_the_middle_of_an_answer_leaves_the_message_open(simulate, script):
    script.script(fails(after=says("Half an ans")))
    stream = simulate(agent()).send()
    assert stream.text == "Half an ans"
    assert stream.done == []
    assert script.is_injected(stream.exchange.swallowed[0])


def test_follows_a_handoff(simulate, script):
    refunds = agent("Refunds")
    script.script(calls("transfer_to_refunds"), says("Refunded."))
    stream = simulate(agent(handoffs=[refunds])).send()
    assert stream.text == "Refunded."
    assert [request.agent for request in script.requests] == ["Assistant", "Refunds"]


def test_an_agent_with_steps_of_its_own_is_answered_from_them_after_a_handoff(simulate, script):
    script.script(calls("transfer_to_refunds"))
    script.agent("Refunds").script(says("From my own lane."))
    assert simulate(agent(handoffs=[agent("Refunds")])).send().text == "From my own lane."
    assert script.unused() == []


def test_a_title_agent_in_the_background_has_its_own_answers(simulate, script):
    script.agent("Title").always(says("Shopping"))
    script.script(calls("look_up", word="milk"), says("Milk it is."))
    stream = simulate(with_title(agent(), agent("Title"))).send()
    assert stream.text == "Milk it is."
    assert stream.events[-1].thread.title == "Shopping"
    assert not script.unscripted


def test_a_side_agent_without_steps_is_told_how_to_script_it(simulate, script):
    class Title(BaseModel):
        title: str

    script.script(says("Hi"))
    title = agent("Title", output_type=AgentOutputSchema(Title))
    stream = simulate(with_title(agent(), title)).send()
    [call] = script.unscripted
    assert (call.agent, call.number) == ("Title", 1)
    assert "started by Runner.run" in call.why
    assert """chatkit_model.agent("Title").script(says('{"title": ...}'))""" in call.why
    assert call.given == "user: 'Name it'; tools: look_up"
    assert isinstance(stream.exchange.swallowed[0], UnscriptedModelCall)


def test_a_guardrail_agent_runs_beside_the_stream(simulate, script):
    checker = agent("Checker")

    @input_guardrail
    async def check(context, _agent, items):
        result = await Runner.run(checker, items, context=context.context)
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=result.final_output == "bad")

    script.script(says("Fine."))
    script.agent("Checker").always(says("good"))
    stream = simulate(agent(input_guardrails=[check])).send()
    assert stream.text == "Fine."
    assert {request.agent: request.feeds_stream for request in script.requests} == {"Assistant": True, "Checker": False}


def test_used_up_steps_say_who_took_them(simulate, script):
    script.script(calls("look_up", word="x"))
    stream = simulate(agent()).send("Hello there")
    [call] = script.unscripted
    assert call.number == 2
    assert call.why == (
        "The one step of chatkit_model.script(...) went to Assistant (1). "
        'Add a step: chatkit_model.script(..., says("...")).'
    )
    assert call.given == "output of call_1: 'x: a word'; tools: look_up"
    assert len(stream.errors) == 1


def test_no_steps_at_all(simulate, script):
    simulate(agent()).send()
    assert script.unscripted[0].why == 'The script has no steps. Write chatkit_model.script(says("...")).'


def test_steps_of_an_agent_that_are_used_up_are_not_taken_from_the_main_script(simulate, script):
    script.script(says("Not for Assistant"))
    script.agent("Assistant").script(says("One"))
    simulation = simulate(agent())
    assert simulation.send().text == "One"
    simulation.send()
    assert 'The one step of chatkit_model.agent("Assistant").script(...) went to' in script.unscripted[0].why


def test_unused_steps_are_listed_as_written(simulate, script):
    script.script(says("One"), calls("look_up", word="x"), lambda call: says("dynamic"))
    script.agent("Ghost").script(says("Boo"))
    script.agent("Anyone").always(says("Never unused"))
    simulate(agent()).send()
    main, ghost = script.unused()
    assert main.steps[0] == 'calls("look_up", word="x")'
    assert "lambda" in main.steps[1]
    assert (main.agent, main.calls) == (None, 1)
    assert ghost == UnusedSteps("Ghost", ('says("Boo")',), 0, ("Assistant",))


def test_always_answers_when_no_step_waits(simulate, script):
    script.always(says("Again."))
    script.script(says("First."))
    simulation = simulate(agent())
    assert [simulation.send().text for _ in range(3)] == ["First.", "Again.", "Again."]
    assert script.unused() == []


def test_a_step_may_be_a_function_of_the_call(simulate, script):
    script.script(lambda call: calls(call.tools[0].name, word="dog"), lambda call: says(call.input[-1]["output"]))
    assert simulate(agent()).send().text == "dog: a word"


def test_an_agent_is_found_by_a_predicate(simulate, script):
    script.agent(lambda agent: agent.name.startswith("Assist")).script(says("Found."))
    assert simulate(agent()).send().text == "Found."


@pytest.mark.parametrize(
    "step",
    [
        [assistant_message("Hi")],
        {"output": [assistant_message("Hi")]},
        ModelStep(output=[assistant_message("Hi")]),
        ModelStep.respond(lambda call: [assistant_message("Hi")]),
    ],
    ids=["output", "dict", "ModelStep", "responder"],
)
def test_takes_the_steps_of_agents_testing(simulate, script, step):
    script.script(step)
    stream = simulate(agent()).send()
    assert stream.text == "Hi"
    assert stream.done[0].id == "msg_1"


def test_takes_tool_calls_of_agents_testing(simulate, script):
    script.script([function_call("look_up", {"word": "x"}, call_id="my_call")], says("Ok"))
    simulate(agent()).send()
    assert script.requests[1].input[-1]["call_id"] == "my_call"


@pytest.mark.parametrize("wrong", ["Hello", 5, {"text": "Hello"}, None])
def test_refuses_what_is_not_a_step(script, wrong):
    with pytest.raises(UsageError, match="is not a step of a model script"):
        script.script(wrong)


def test_says_how_to_write_text(script):
    with pytest.raises(UsageError, match=r"Write says\('Hello'\)"):
        script.script("Hello")


def test_an_app_that_brings_a_fake_model_keeps_it_observed(simulate, script):
    fake = ScriptedModel([[assistant_message("From the app's fake", item_id="own")]])
    stream = simulate(Agent(name="Faked", model=fake)).send()
    assert stream.text == "From the app's fake"
    [called] = stream.timeline.model_calls
    assert not called.scripted
    assert called.output[0]["id"] == "own"
    assert script.requests[0].agent == "Faked"


def test_steps_win_over_the_fake_of_the_app(simulate, script):
    script.script(says("From the script"))
    assert simulate(Agent(name="Faked", model=ScriptedModel([]))).send().text == "From the script"


def test_passthrough_keeps_every_model_but_those_of_agents_with_steps(simulate, script):
    script.passthrough()
    script.script(says("Not taken"))
    script.agent("Title").script(says("A title"))
    fake = ScriptedModel([[assistant_message("Own")]])
    stream = simulate(with_title(Agent(name="Main", model=fake), agent("Title"))).send()
    assert stream.text == "Own"
    assert stream.events[-1].thread.title == "A title"


def test_a_last_resort_answers_everyone_else(simulate, script):
    asked = []

    def respond(caller, call):
        asked.append((caller.agent.name, caller.feeds_stream))
        return says(f"I am {caller.agent.name}") if caller.agent.name != "Mute" else None

    script.otherwise(respond)
    stream = simulate(with_title(agent(), agent("Title"))).send()
    assert stream.text == "I am Assistant"
    assert sorted(asked) == [("Assistant", True), ("Title", False)]
    simulate(agent("Mute")).send()
    assert [call.agent for call in script.unscripted] == ["Mute"]


def test_injected_failures_are_known_by_their_cause(simulate, script):
    script.script(fails(TimeoutError("slow")))
    stream = simulate(agent()).send()
    assert script.is_injected(stream.exchange.swallowed[0])
    assert not script.is_injected(TimeoutError("slow"))
    wrapped = RuntimeError("wrapped")
    wrapped.__context__ = script.injected[0]
    assert script.is_injected(wrapped)
    assert script.is_injected(ExceptionGroup("several", [ValueError(), wrapped]))


def test_requests_never_change(simulate, script):
    script.script(says("Hi"))
    simulate(agent(instructions="Be kind.")).send("Hello")
    [request] = script.requests
    assert request.input == [{"role": "user", "type": "message", "content": [{"type": "input_text", "text": "Hello"}]}]
    assert (request.instructions, request.tools, request.streamed) == ("Be kind.", ("look_up",), True)
    with pytest.raises(TypeError, match="record"):
        request.input.append("more")
    with pytest.raises(TypeError, match="record"):
        request.input[0]["role"] = "system"


def test_clear_forgets_everything(simulate, script):
    script.script(says("One"), says("Two"))
    script.agent("Title").always(says("T"))
    simulate(agent()).send()
    script.clear()
    assert (script.requests, script.unused(), script.unscripted) == ((), [], [])
    script.script(says("Fresh"))
    stream = simulate(agent()).send()
    assert stream.done[0].id == "msg_1"


def test_a_script_that_is_not_exact_outlives_a_change_of_the_app(simulate, script):
    script.script(calls("look_up", word="cat") & calls("look_up", word="dog"), says("Bye."), exact=False)
    simulation = simulate(agent(model_settings=ModelSettings(parallel_tool_calls=False)))
    stream = simulation.send()
    assert [entry.output for entry in stream.of(ToolEnded)] == ["cat: a word"]
    assert simulation.send().text == "Bye."  # once more, where no step is left
    script.script(says("Never said."), exact=False)
    assert script.unused() == []
