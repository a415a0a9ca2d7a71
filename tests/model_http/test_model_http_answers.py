"""One script, asked over both of OpenAI's APIs, by every kind of client."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import httpx2
import pytest
from agents import Usage
from agents.testing import ModelStep, assistant_message
from openai import AsyncAzureOpenAI, AsyncOpenAI, OpenAI
from openai_clients import EVERY_WAY, Asking, words_of

from chatkit_sim import calls, cites, draws, refuses, says, thinks
from chatkit_sim.model import UnscriptedModelCall
from chatkit_sim.model.http import AnswerFailed, UnmatchedRequest

RESPONSES = Asking("responses", sync=False, streamed=True)
CHAT = Asking("chat", sync=False, streamed=True)
CHAT_WHOLE = Asking("chat", sync=False, streamed=False)


@pytest.mark.parametrize("asking", EVERY_WAY, ids=str)
def test_says_what_the_script_says(api, script, asking):
    script.script(says("We open at nine."))

    assert asking.text() == "We open at nine."


@pytest.mark.parametrize("asking", EVERY_WAY, ids=str)
def test_calls_tools(api, script, asking):
    script.script(calls("opening_hours", day="Monday") & calls("closing_hours", day="Friday"))

    answer = asking.ask()

    if asking.wire == "responses":
        output = answer[-1].response.output if asking.streamed else answer.output
        made = [(item.name, item.arguments, item.call_id) for item in output]
    elif asking.streamed:
        deltas = [call for chunk in answer for call in chunk.choices[0].delta.tool_calls or ()]
        made = [
            (
                next(d.function.name for d in deltas if d.index == index and d.function.name),
                "".join(d.function.arguments or "" for d in deltas if d.index == index),
                next(d.id for d in deltas if d.index == index and d.id),
            )
            for index in (0, 1)
        ]
        assert answer[-1].choices[0].finish_reason == "tool_calls"
    else:
        made = [(c.function.name, c.function.arguments, c.id) for c in answer.choices[0].message.tool_calls]
    assert made == [
        ("opening_hours", '{"day": "Monday"}', "call_1"),
        ("closing_hours", '{"day": "Friday"}', "call_2"),
    ]


def test_the_responses_stream_has_the_events_of_the_real_one(api, script):
    script.script(thinks("Let me see.") & says("At nine.", chunks=["At ", "nine."]))

    events = RESPONSES.ask(instructions="Be brief.")

    types = [event.type.removeprefix("response.") for event in events]
    assert types == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(16))
    completed = events[-1].response
    assert (completed.model, completed.instructions, completed.status) == ("gpt-5", "Be brief.", "completed")


def test_images_and_citations_go_over_the_responses_wire(api, script):
    script.script(draws() & cites("It says so.", url="https://example.com", title="Page"))

    events = RESPONSES.ask()

    image, message = events[-1].response.output
    assert image.type == "image_generation_call"
    assert "response.image_generation_call.partial_image" in [event.type for event in events]
    assert message.content[0].annotations[0].url == "https://example.com"


def test_a_refusal_goes_over_both(api, script):
    script.script(refuses("I can't."), refuses("I won't."), refuses("I shan't."))

    assert RESPONSES.ask()[-1].response.output[0].content[0].refusal == "I can't."
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in CHAT.ask()) == "I won't."
    assert CHAT_WHOLE.ask().choices[0].message.refusal == "I shan't."


def test_chat_completions_say_reasoning_citations_and_usage(api, script):
    usage = Usage(requests=1, input_tokens=7, output_tokens=5, total_tokens=12)
    cited = cites("It says so.", url="https://example.com", title="Page")
    script.script(
        thinks("Hm.") & cited, thinks("Hm.") & cited, ModelStep(output=[assistant_message("Hi")], usage=usage)
    )

    chunks = CHAT.ask()
    whole = CHAT_WHOLE.ask().choices[0].message
    counted = CHAT.ask(stream_options={"include_usage": True})

    deltas = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Hm."
    assert [d["annotations"][0]["url_citation"]["title"] for d in deltas if "annotations" in d] == ["Page"]
    assert whole.annotations[0].url_citation.url == "https://example.com"
    assert whole.model_extra["reasoning_content"] == "Hm."
    assert (counted[-1].usage.prompt_tokens, counted[-1].usage.total_tokens) == (7, 12)


def test_an_image_does_not_fit_into_chat_completions(api, script):
    script.script(draws())

    with pytest.raises(AnswerFailed, match="cannot answer with 'image_generation_call'"):
        CHAT.ask()


def test_what_nobody_wrote_leaves_an_image_out_of_chat_completions(api, script):
    script.otherwise(lambda caller, call: draws() & says("A picture."))

    assert CHAT.text() == "A picture."


def test_an_answer_without_a_step_is_told_once_and_not_asked_for_again(api, script):
    with pytest.raises(AnswerFailed, match='Call 1 of agent "gpt-5" has no step') as caught:
        RESPONSES.ask()

    assert isinstance(caught.value.__cause__, UnscriptedModelCall)
    assert len(script.unscripted) == 1
    assert "When do you open?" in script.unscripted[0].given


def test_another_library_than_openais_meets_the_error_itself(api, script):
    with pytest.raises(UnscriptedModelCall):
        httpx2.post("https://api.openai.com/v1/responses", json={"model": "gpt-5", "input": "Hello"})


def test_a_function_in_the_script_is_given_what_went_over_the_wire(api, script):
    seen = []

    def answer(call):
        seen.append(call)
        return says("Yes.")

    tool = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": False}
    shape = {"type": "json_schema", "name": "answer", "schema": {"type": "object", "properties": {}}, "strict": False}
    script.script(answer, answer)

    RESPONSES.ask(instructions="Be kind.", tools=[tool], text={"format": shape}, temperature=0.5, max_output_tokens=9)
    CHAT.ask(
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Look it up"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ]
    )

    by_responses, by_chat = seen
    assert by_responses.system_instructions == by_chat.system_instructions == "Be kind."
    assert by_responses.tools[0].name == "look_up"
    assert by_responses.output_schema.name() == "answer"
    assert (by_responses.model_settings.temperature, by_responses.model_settings.max_tokens) == (0.5, 9)
    assert [item.get("type", item.get("role")) for item in by_chat.input] == [
        "user",
        "function_call",
        "function_call_output",
    ]


def test_a_client_without_agents_goes_by_the_name_of_its_model(api, script):
    script.agent("gpt-5-nano").script(says("A title"))
    script.script(says("An answer"))

    assert RESPONSES.text() == "An answer"
    assert RESPONSES.text(model="gpt-5-nano") == "A title"
    assert [request.agent for request in script.requests] == ["gpt-5", "gpt-5-nano"]


@pytest.mark.parametrize(
    "base_url",
    ["https://gateway.example.com", "https://corp.example.com/llm/openai/v1", "http://models.example.com:8080/v1/"],
)
@pytest.mark.parametrize("wire", ["responses", "chat"])
def test_any_base_url_is_served(api, script, base_url, wire):
    script.script(says("Hello."))

    assert Asking(wire, sync=False, streamed=True, base_url=base_url).text() == "Hello."


def test_azure_is_served(api, script):
    script.script(says("From Azure."))

    async def ask():
        client = AsyncAzureOpenAI(api_key="any", azure_endpoint="https://me.openai.azure.com", api_version="2025-03-01")
        async with client:
            answer = await client.chat.completions.create(
                model="gpt-5", messages=[{"role": "user", "content": "Hello"}], stream=True
            )
            return [chunk async for chunk in answer]

    assert words_of(asyncio.run(ask())) == "From Azure."


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_clients_of_both_libraries_are_served(api, script, library):
    script.script(says("One"), says("Two"), says("Three", chunks=2), says("Four", chunks=2))
    url, body = "https://api.openai.com/v1/responses", {"model": "gpt-5", "input": "Hello"}

    async def ask(**more):
        async with library.AsyncClient() as client:
            return await client.post(url, json={**body, **more})

    texts = [library.post(url, json=body), asyncio.run(ask())]
    streams = [library.post(url, json={**body, "stream": True}), asyncio.run(ask(stream=True))]

    assert [json.loads(r.content)["output"][0]["content"][0]["text"] for r in texts] == ["One", "Two"]
    assert all(stream.headers["content-type"].startswith("text/event-stream") for stream in streams)
    assert [stream.text.count("response.output_text.delta\n") for stream in streams] == [2, 2]


def test_a_stream_comes_event_by_event(api, script):
    script.script(says("one two three", chunks=3).slowly(seconds=0.02))
    arrived = []

    async def ask():
        async with AsyncOpenAI(api_key="any") as client:
            async for event in await client.responses.create(model="gpt-5", input="Hi", stream=True):
                arrived.append((event.type, time.perf_counter()))

    asyncio.run(ask())

    deltas = [at for kind, at in arrived if kind == "response.output_text.delta"]
    assert len(deltas) == 3
    assert deltas[-1] - deltas[0] > 0.03


def test_a_sync_stream_comes_event_by_event_and_may_be_left(api, script):
    script.script(says("one two three", chunks=3).slowly(seconds=0.02), says("next"))

    with OpenAI(api_key="any") as client:
        begun = time.perf_counter()
        stream = client.responses.create(model="gpt-5", input="Hi", stream=True)
        assert next(stream).type == "response.created"
        took = time.perf_counter() - begun
        stream.close()
        assert client.responses.create(model="gpt-5", input="Hi").output_text == "next"
    assert took < 0.15


def test_an_async_stream_may_be_left(api, script):
    script.script(says("one two three"), says("next"))

    async def ask():
        async with AsyncOpenAI(api_key="any") as client:
            async with await client.responses.create(model="gpt-5", input="Hi", stream=True) as stream:
                async for event in stream:
                    assert event.type == "response.created"
                    break
            return (await client.responses.create(model="gpt-5", input="Hi")).output_text

    assert asyncio.run(ask()) == "next"


def test_a_sync_client_inside_a_running_loop_is_served(api, script):
    async def answer(call):
        await asyncio.sleep(0)
        return says("Blocking.")

    script.script(answer)

    async def ask():
        with OpenAI(api_key="any") as client:
            return client.responses.create(model="gpt-5", input="Hi").output_text

    assert asyncio.run(ask()) == "Blocking."


def test_another_api_with_such_a_path_is_not_taken_for_openais(api, guard):
    api.post("https://survey.example.com/v1/responses").respond(json={"saved": True})

    assert httpx.post("https://survey.example.com/v1/responses", json={"score": 5}).json() == {"saved": True}
    with pytest.raises(RuntimeError, match="no route matches"):
        httpx.post("https://other.example.com/v1/responses", content=b"not json")


def test_a_model_that_is_let_through_goes_to_the_network(api, script, guard):
    script.passthrough()

    with pytest.raises(UnmatchedRequest, match=r"POST https://api\.openai\.com/v1/responses"):
        RESPONSES.ask()
    assert not script.unscripted
