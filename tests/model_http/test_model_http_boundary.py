"""The two boundaries: the same script, and the same events in the thread."""

from __future__ import annotations

import logging
import re
import warnings
from typing import Any

import pytest
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel
from direct_openai.server import ShopServer
from either_model.server import TodoServer
from openai import AsyncOpenAI
from outside_api.server import TravelServer

from chatkit_sim import SimulatedClient, UsageError, calls, cites, draws, fails, refuses, says, thinks
from chatkit_sim.model import ModelScript
from chatkit_sim.model.http import OpenAIAPI

STORE_IDS = re.compile(r"\b(thr|msg|wf|tc|cit|task|atc|item)_[0-9a-f]{8}\b")


@pytest.fixture(autouse=True)
def _key(monkeypatch, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    caplog.set_level(logging.CRITICAL)


def responses_model() -> OpenAIResponsesModel:
    return OpenAIResponsesModel("gpt-5", AsyncOpenAI(api_key="any"))


def chat_model() -> OpenAIChatCompletionsModel:
    return OpenAIChatCompletionsModel("gpt-5", AsyncOpenAI(api_key="any"))


class Played:
    """What a conversation came to."""

    def __init__(self, server: Any, boundary: str, steps: list[Any], messages: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with SimulatedClient(server) as client:
                client.client_tool(name="add_to_todo_list")(lambda item: {"added": item})
                client.client_tool(name="show_product")(lambda sku: {"shown": sku})
                with OpenAIAPI(client.model, client._core.bench.guard) as api:
                    client.model.boundary = boundary
                    client.model.script(*steps)
                    self.turns = [client.send(f"Message {number}") for number in range(1, messages + 1)]
                    self.asked = len(api.calls)
                self.requests = client.model.requests

    @property
    def events(self) -> list[list[Any]]:
        """The events of each turn, with the store's own ids by their order and without times."""
        return [without_chance([event.model_dump(mode="json") for event in turn.events]) for turn in self.turns]

    @property
    def entries(self) -> list[str]:
        kinds = [(type(entry).__name__, entry.agent) for turn in self.turns for entry in turn.timeline.entries]
        return [f"{kind} {agent}" for kind, agent in kinds]


def without_chance(value: Any, names: dict[str, str] | None = None) -> Any:
    names = {} if names is None else names
    if isinstance(value, dict):
        return {
            key: without_chance(inner, names) for key, inner in value.items() if key not in ("created_at", "duration")
        }
    if isinstance(value, list):
        return [without_chance(inner, names) for inner in value]
    if isinstance(value, str):
        return STORE_IDS.sub(lambda found: names.setdefault(found[0], f"{found[1]}#{len(names)}"), value)
    return value


CONVERSATIONS = {
    "a reply": [says("Hello there."), says("Again.")],
    "a client tool": [calls("add_to_todo_list", item="milk"), says("Added milk."), says("Bye.")],
    "text before a client tool": [
        says("One moment.") & calls("add_to_todo_list", item="milk"),
        says("Done."),
        says("Bye."),
    ],
    "reasoning": [thinks("Let me see.", "And now.") & says("So."), says("Bye.")],
    "server tools": [
        calls("count_words", text="a b") & calls("count_words", text="c"),
        says("Two and one."),
        says("Bye."),
    ],
    "a broken call": [calls("count_words", '{"text": '), says("Sorry."), says("Bye.")],
    "an image": [draws(partial=2) & says("A picture."), says("Bye.")],
    "a citation": [cites("It says so.", filename="report.pdf"), says("Bye.")],
    "a refusal": [refuses("I can't."), says("Bye.")],
    "a failure": [fails(), says("Bye.")],
    "a status": [fails(429), says("Bye.")],
    "a timeout": [fails("timeout"), says("Bye.")],
    "a stream that is cut": [fails("cut", after=says("one two three")), says("Bye.")],
    "an error event": [fails("error", after=says("one two three")), says("Bye.")],
    "a failed response": [fails("failed"), says("Bye.")],
    "an incomplete response": [fails("incomplete", after=says("one two three")), says("Bye.")],
    "a failure that a retry outlives": [fails(503, times=1), says("Hello."), says("Bye.")],
    "a slow answer": [says("one two").slowly(seconds=0.005), says("Bye.")],
}


@pytest.mark.parametrize("steps", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_script_brings_the_same_events_at_both_boundaries(steps):
    known_defect = any(isinstance(step, type(cites("x", url="y"))) or "refuses" in repr(step) for step in steps)

    def play(boundary):
        return Played(lambda store: TodoServer(store, responses_model()), boundary, steps, messages=2)

    if known_defect:  # of the SDKs, told as an upstream violation at either boundary
        outcomes = []
        for boundary in ("model", "http"):
            try:
                outcomes.append(play(boundary).events)
            except AssertionError as error:
                outcomes.append([type(error).__name__, [violation.rule for violation in error.violations]])
        assert outcomes[0] == outcomes[1]
        return
    at_model, at_http = play("model"), play("http")

    assert at_http.events == at_model.events
    assert [(r.agent, r.number, r.input, r.tools) for r in at_http.requests] == [
        (r.agent, r.number, r.input, r.tools) for r in at_model.requests
    ]
    assert at_http.entries == at_model.entries
    assert at_model.asked == 0
    assert at_http.asked >= len(at_http.requests)


def test_the_names_of_models_meet_the_api_as_well():
    at_model, at_http = (
        Played(TravelServer, boundary, [calls("get_weather", '{"city": 5}'), says("No idea.")], 1)
        for boundary in ("model", "http")
    )

    assert at_http.events == at_model.events
    assert (at_model.asked, at_http.asked) == (0, 2)


@pytest.mark.parametrize("name", ["a reply", "a client tool", "server tools", "a broken call"])
def test_the_chat_completions_model_brings_the_same_words_and_tools(name):
    """Its ids are others: the API gives none, so the responder does."""
    steps = CONVERSATIONS[name]
    at_model, at_http = (
        Played(lambda store: TodoServer(store, chat_model()), boundary, steps, messages=2)
        for boundary in ("model", "http")
    )

    assert [turn.text for turn in at_http.turns] == [turn.text for turn in at_model.turns]
    assert [[(c.name, c.arguments, c.output, c.call_id) for c in turn.client_tool_calls] for turn in at_http.turns] == [
        [(c.name, c.arguments, c.output, c.call_id) for c in turn.client_tool_calls] for turn in at_model.turns
    ]
    assert [[item.type for item in turn.items] for turn in at_http.turns] == [
        [item.type for item in turn.items] for turn in at_model.turns
    ]
    assert at_http.entries == at_model.entries


@pytest.mark.parametrize("wire", ["responses", "chat"])
@pytest.mark.parametrize("boundary", ["model", "http"])
def test_a_client_without_agents_meets_the_script_at_either_boundary(wire, boundary):
    def server(store):
        return ShopServer(store, AsyncOpenAI(api_key="any"), wire)

    steps = [calls("show_product", sku="lamp-1"), says("This lamp is new."), says("Good bye.")]
    played = Played(server, boundary, steps, messages=2)

    assert [turn.text for turn in played.turns] == ["This lamp is new.", "Good bye."]
    assert played.turns[0].client_tool_calls[0].arguments == {"sku": "lamp-1"}
    assert played.asked == 3


def test_both_apis_bring_a_client_without_agents_the_same_events():
    steps = [says("Look.") & calls("show_product", sku="lamp-1"), says("This lamp is new."), fails(500)]

    responses, chat = (
        Played(lambda store, wire=wire: ShopServer(store, AsyncOpenAI(api_key="any"), wire), "http", steps, messages=2)
        for wire in ("responses", "chat")
    )

    assert responses.events == chat.events


def test_the_scripts_of_agents_are_told_apart_over_http(chatty):
    main, title = chatty

    assert main == "The answer."
    assert title == "A title"


@pytest.fixture
def chatty():
    """A run that feeds the stream, and a side agent inside one of its tools."""
    from agents import Runner, function_tool
    from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
    from chatkit.server import ChatKitServer

    titles: list[str] = []

    @function_tool
    async def find_title() -> str:
        """Ask another agent."""
        result = await Runner.run(Agent(name="Title", model="gpt-5-nano"), "A title, please")
        titles.append(str(result.final_output))
        return titles[-1]

    class Server(ChatKitServer[Any]):
        async def respond(self, thread, item, context):
            agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
            agent = Agent(name="Main", model="gpt-5", tools=[find_title])
            result = Runner.run_streamed(agent, await simple_to_agent_input(item), context=agent_context)
            async for event in stream_agent_response(agent_context, result):
                yield event

    with SimulatedClient(Server) as client, OpenAIAPI(client.model, client._core.bench.guard):
        client.model.boundary = "http"
        client.model.agent("Title").script(says("A title"))
        client.model.script(calls("find_title"), says("The answer."))
        turn = client.send("Hello")
        assert [(r.agent, r.feeds_stream) for r in client.model.requests] == [
            ("Main", True),
            ("Title", False),
            ("Main", True),
        ]
    return turn.text, titles[0]


def test_an_openai_client_inside_a_tool_is_no_call_of_its_run():
    """It goes by its model's name, also while its run stands at the HTTP boundary."""
    from agents import Runner, function_tool
    from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
    from chatkit.server import ChatKitServer

    @function_tool
    async def summarise() -> str:
        """Ask a model directly."""
        async with AsyncOpenAI(api_key="any") as client:
            return (await client.responses.create(model="gpt-5-nano", input="Sum it up")).output_text

    class Server(ChatKitServer[Any]):
        async def respond(self, thread, item, context):
            agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
            agent = Agent(name="Main", model="gpt-5", tools=[summarise])
            result = Runner.run_streamed(agent, await simple_to_agent_input(item), context=agent_context)
            async for event in stream_agent_response(agent_context, result):
                yield event

    with SimulatedClient(Server) as client, OpenAIAPI(client.model, client._core.bench.guard):
        client.model.boundary = "http"
        client.model.agent("gpt-5-nano").script(says("In short."))
        client.model.script(calls("summarise"), says("Done."))

        assert client.send("Hello").text == "Done."
        assert [request.agent for request in client.model.requests] == ["Main", "gpt-5-nano", "Main"]
        assert "In short." in str(client.model.requests[-1].input)


def test_without_the_api_a_run_at_the_http_boundary_says_what_is_missing():
    with SimulatedClient(TravelServer) as client:
        client.model.boundary = "http"
        client.model.script(says("Hello."))
        with client.expecting(error="UsageError"):
            turn = client.send("Hello")
        client.model.clear()

    assert "chatkit_openai_api" in str(turn.streams[0].swallowed[0])


def test_there_are_two_boundaries():
    with pytest.raises(UsageError, match="'model' or 'http'; 'wire' is neither"):
        ModelScript().boundary = "wire"


def test_setting_the_boundary_serves_the_api_once():
    script, served = ModelScript(), []
    script.serve = lambda: served.append("api")

    script.boundary = "model"
    assert not served
    script.boundary = "http"
    assert served == ["api"]
