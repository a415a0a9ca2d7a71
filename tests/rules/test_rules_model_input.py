"""What the model is told, over several turns, and where the provider or a session remembers for it."""

import json
from typing import Any

import pytest
from agents import Agent, RunConfig, RunContextWrapper, Runner, SQLiteSession, StopAtTools, function_tool
from broken.servers import Assisted, assisted
from chatkit.agents import AgentContext, ClientToolCall, ThreadItemConverter, stream_agent_response
from chatkit.types import AssistantMessageItem, ThreadItemDoneEvent
from rules_listening import listening, violations_of

from chatkit_sim.client import ClientToolError
from chatkit_sim.model import calls, says


@function_tool
def measure(ctx: RunContextWrapper[AgentContext[Any]], room: str) -> None:
    """Ask the page to measure."""
    ctx.context.client_tool_call = ClientToolCall(name="measure", arguments={"room": room})


@function_tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


agent = Agent(
    name="Caretaker",
    model="gpt-5",
    tools=[measure, add],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["measure"]),
)
ASKS = calls("measure", room="hall")


def measure_in_page(room: str) -> dict:
    return {"room": room, "degrees": 19.5}


measure_in_page.__name__ = "measure"


def heard(server, script, *, user=("Hello",), tool=measure_in_page):
    return [violation.rule for violation in violations_of(server, user=user, script=script, client_tools=[tool])]


class Told(ThreadItemConverter):
    """Tells the model of client tools in words."""

    async def client_tool_call_to_input(self, item):
        return {"role": "user", "content": f"The page says: {json.dumps(item.output)}"}


class Other(ThreadItemConverter):
    """Tells the model something else."""

    async def client_tool_call_to_input(self, item):
        call, output = await super().client_tool_call_to_input(item)
        return [call, {**output, "output": "done"}]


class Forgets(Assisted):
    """Gives the model what was said, and nothing else."""

    def history(self, items):
        return [item for item in items if item.type.endswith("_message")]


def test_a_converter_that_tells_it_in_words_is_as_good():
    assert not heard(lambda store: Assisted(store, agent, Told()), [ASKS, says("It is warm.")])


def test_the_model_is_told_something_else_than_was_posted():
    found = violations_of(
        lambda store: Assisted(store, agent, Other()), script=[ASKS, says("Ok.")], client_tools=[measure_in_page]
    )

    (violation,) = found
    assert violation.rule == "client-tool-output-reaches-model"
    assert "something else than it posted" in violation.reason
    assert 'told: "done"' in violation.details
    assert violation.subjects["client_tool"] == "measure"


@pytest.mark.parametrize("value", [None, True, 0, "", [], "19,5 °C", {"note": None}, 'a "quoted" word'])
def test_any_value_reaches_the_model(value):
    def tool(room: str):
        return value

    tool.__name__ = "measure"
    assert not heard(assisted(agent), [ASKS, says("Thanks.")], tool=tool)


def test_what_a_failing_tool_posts_reaches_the_model_too():
    def tool(room: str):
        raise ClientToolError({"error": "no sensor"})

    tool.__name__ = "measure"
    assert not heard(assisted(agent), [ASKS, says("Sorry.")], tool=tool)
    assert heard(lambda store: Forgets(store, agent), [ASKS, says("?")], tool=tool) == [
        "client-tool-output-reaches-model"
    ]


def test_a_chain_of_tools_and_turns_is_balanced():
    script = [
        ASKS,
        calls("add", a=1, b=2) & calls("add", a=3, b=4),
        ASKS,
        says("Warm."),
        calls("add", a=1, b=1),
        says("2"),
    ]

    assert not heard(assisted(agent), script, user=["One", "Two"])


class AnswersByItself(Forgets):
    """Thanks for an output without a model; the model hears of it in the next turn, or never."""

    def __init__(self, store, agent, remembers):
        super().__init__(store, agent)
        self.remembers = remembers

    def history(self, items):
        return items if self.remembers else super().history(items)

    async def respond(self, thread, input_user_message, context):
        if input_user_message is not None:
            async for event in super().respond(thread, input_user_message, context):
                yield event
            return
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=thread.created_at,
                content=[{"text": "Thank you.", "annotations": []}],
            )
        )


@pytest.mark.parametrize("remembers", [True, False])
def test_an_output_may_wait_for_the_next_model_call(remembers):
    def server(store):
        return AnswersByItself(store, agent, remembers)

    with listening(server, script=[ASKS, says("Ok.")], client_tools=[measure_in_page]) as (client, catalogue):
        client.send("Measure")
        assert not catalogue.heard
        client.send("And?")
    found = [(violation.rule, violation.place.turn) for violation in catalogue.heard]
    assert found == ([] if remembers else [("client-tool-output-reaches-model", 2)])


def test_it_is_told_once():
    script = [ASKS, says("Ok."), says("Yes."), says("Sure.")]

    assert heard(lambda store: Forgets(store, agent), script, user=["One", "Two", "Three"]) == [
        "client-tool-output-reaches-model"
    ]


# --- where the history is elsewhere


class Remembered(Assisted):
    """Sends only what is new: the provider, or a session, holds the rest."""

    def __init__(self, store, agent, **run):
        super().__init__(store, agent)
        self.run = run

    async def respond(self, thread, input_user_message, context):
        page = await self.store.load_thread_items(thread.id, None, 1, "desc", context)
        new = await self.converter.to_agent_input(page.data)
        if page.data[0].type == "client_tool_call":
            new = new[1:]  # the call is known, its output is not
        agent_context = AgentContext[Any](thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(self.agent, new, context=agent_context, **self.run)
        async for event in stream_agent_response(agent_context, result):
            yield event


def test_a_provider_that_remembers_needs_the_output_only():
    def server(store):
        return Remembered(store, agent, previous_response_id="resp_1")

    assert not heard(server, [ASKS, says("Warm.")])


def test_a_provider_that_remembers_still_needs_the_output():
    class Silent(Remembered):
        async def respond(self, thread, input_user_message, context):
            agent_context = AgentContext[Any](thread=thread, store=self.store, request_context=context)
            result = Runner.run_streamed(self.agent, "Go on", context=agent_context, **self.run)
            async for event in stream_agent_response(agent_context, result):
                yield event

    def server(store):
        return Silent(store, agent, previous_response_id="resp_1")

    found = violations_of(server, script=[ASKS, says("Warm.")], client_tools=[measure_in_page])

    (violation,) = found
    assert violation.rule == "client-tool-output-reaches-model"
    assert '"type": "function_call_output"' in violation.remedy


def test_a_session_remembers():
    def server(store):
        return Remembered(store, agent, session=SQLiteSession("s"), run_config=RunConfig())

    assert not heard(server, [ASKS, says("Warm."), says("Yes.")], user=["One", "Two"])


# --- balance


class Cuts(Assisted):
    def __init__(self, store, agent, cut):
        super().__init__(store, agent)
        self.cut = cut


def test_a_call_without_its_output():
    def without_outputs(entries):
        return [entry for entry in entries if entry.get("type") != "function_call_output"]

    def server(store):
        made = Cuts(store, agent, lambda entries: entries)
        return made

    with listening(server, script=[ASKS, says("Warm."), says("Yes.")], client_tools=[measure_in_page]) as (
        client,
        catalogue,
    ):
        client.send("One")
        client.client._core.bench.server.cut = without_outputs
        client.send("Two")
    (violation,) = catalogue.heard
    assert violation.rule == "balanced-function-calls"
    assert "without an output" in violation.reason
    assert violation.subjects["tool"] == "measure"


def test_fields_that_only_answers_have():
    def with_field(entries):
        return [
            {**entry, "parsed_arguments": {}} if entry.get("type") == "function_call" else entry for entry in entries
        ]

    found = violations_of(
        lambda store: Cuts(store, agent, with_field), script=[ASKS, says("Warm.")], client_tools=[measure_in_page]
    )

    (violation,) = [violation for violation in found if violation.rule == "balanced-function-calls"]
    assert "`parsed_arguments`" in violation.reason
