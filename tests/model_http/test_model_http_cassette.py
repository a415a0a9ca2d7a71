"""Real answers, recorded once over real HTTP and played again without a key."""

from __future__ import annotations

import asyncio
import json

import pytest
from agents import OpenAIResponsesModel
from either_model.server import TodoServer
from openai import AsyncOpenAI, OpenAI
from openai_clients import words_of
from stand_in import KEY, standing_in

from chatkit_sim import SimulatedClient, UsageError
from chatkit_sim.model import ModelScript
from chatkit_sim.model.http import AnswerFailed, Cassette, OpenAIAPI

ANYWHERE = "https://api.openai.com/v1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "test.json"


@pytest.fixture
def provider():
    with standing_in() as stand_in:
        yield stand_in


def converse(arrange, base_url, key):
    """A conversation with a client tool in it; gives the texts and the events of the turns."""

    def server(store):
        return TodoServer(store, OpenAIResponsesModel("gpt-5", AsyncOpenAI(api_key=key, base_url=base_url)))

    with SimulatedClient(server) as client, OpenAIAPI(client.model, client._core.bench.guard) as api:
        arrange(api)
        client.model.boundary = "http"
        client.client_tool(name="add_to_todo_list")(lambda item: {"added": item})
        turn = client.send("Put milk on my list")
    return turn, client.model


def ask(base_url, key, *, wire="responses", stream=True, sync=False, **options):
    shared = {"model": "gpt-5", "stream": stream, **options}
    given = {"input": "Hello"} if wire == "responses" else {"messages": [{"role": "user", "content": "Hello"}]}
    if sync:
        with OpenAI(api_key=key, base_url=base_url) as client:
            create = client.responses.create if wire == "responses" else client.chat.completions.create
            answer = create(**{**given, **shared})
            return words_of(list(answer) if stream else answer)

    async def work():
        async with AsyncOpenAI(api_key=key, base_url=base_url) as client:
            create = client.responses.create if wire == "responses" else client.chat.completions.create
            answer = await create(**{**given, **shared})
            return words_of([event async for event in answer] if stream else answer)

    return asyncio.run(work())


def recorded(path, base_url, **options):
    script = ModelScript()
    with OpenAIAPI(script) as api:
        api.record_to(Cassette(path))
        return ask(base_url, KEY, **options)


def replayed(path, script=None, ignore=(), **options):
    cassette = Cassette.load(path)
    cassette.ignore(*ignore)
    with OpenAIAPI(script or ModelScript()) as api:
        api.replay_from(cassette)
        return ask(ANYWHERE, "none", **options)


def test_a_conversation_is_recorded_and_replayed(path, provider):
    base_url, asked = provider

    live, _ = converse(lambda api: api.record_to(Cassette(path)), base_url, KEY)
    again, model = converse(lambda api: api.replay_from(Cassette.load(path)), ANYWHERE, "none")

    assert live.text == again.text == "All done."
    assert [call.arguments for call in again.client_tool_calls] == [{"item": "milk"}]
    assert [event.type for event in again.events] == [event.type for event in live.events]
    assert len(asked) == 2
    assert [(request.agent, request.number) for request in model.requests] == [("Assistant", 1), ("Assistant", 2)]
    assert again.timeline.model_calls[0].tools == ("add_to_todo_list", "count_words")


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("wire", ["responses", "chat"])
def test_every_way_to_ask_is_recorded_and_replayed(path, provider, wire, stream, sync):
    options = {"wire": wire, "stream": stream, "sync": sync}

    assert recorded(path, provider[0], **options) == "All done."
    assert len(Cassette.load(path).interactions) == 1
    assert replayed(path, **options) == "All done."


def test_a_cassette_holds_no_secrets_and_nothing_random(path, provider):
    recorded(path, provider[0], input="Tell the secret", instructions="Be brief.", user="ada", prompt_cache_key="k")
    first = path.read_text()
    recorded(path, provider[0], input="Tell the secret", instructions="Be brief.", user="bob", prompt_cache_key="l")

    assert path.read_text() == first
    assert KEY not in first
    assert "The key is [redacted]." in first
    for word in ("obfuscation", "1760000000", "prompt_cache_key", "service_tier", "authorization", "127.0.0.1"):
        assert word not in first
    assert '"id": "resp_1"' in first


def test_a_cassette_is_readable_json(path, provider):
    recorded(path, provider[0])

    data = json.loads(path.read_text())

    (interaction,) = data["interactions"]
    assert interaction["path"] == "/v1/responses"
    assert interaction["request"]["input"] == "Hello"
    assert interaction["events"][0]["type"] == "response.created"


def test_a_changed_request_is_told_with_both_values_and_what_to_do(path, provider):
    recorded(path, provider[0], instructions="It is Monday.")
    script = ModelScript()

    with pytest.raises(AnswerFailed) as caught:
        replayed(path, script, instructions="It is Tuesday.")

    said = str(caught.value)
    assert 'instructions: recorded "It is Monday.", now "It is Tuesday."' in said
    assert "pytest --chatkit-sim-record" in said
    assert 'cassette.ignore("instructions")' in said
    assert len(script.unscripted) == 1
    assert script.unused()[0].steps == ("answer 1 of test.json",)


@pytest.mark.parametrize(
    ("options", "place"),
    [({"temperature": 0.5}, "temperature: recorded nothing, now 0.5"), ({"input": "Bye"}, 'now "Bye"')],
)
def test_every_change_counts(path, provider, options, place):
    recorded(path, provider[0])

    with pytest.raises(AnswerFailed, match=place):
        replayed(path, **options)


def test_places_can_be_ignored(path, provider):
    given = [{"role": "user", "content": "It is nine"}]
    recorded(path, provider[0], instructions="It is Monday.", input=given)

    later = {"instructions": "It is Tuesday.", "input": [{"role": "user", "content": "It is ten"}]}
    assert replayed(path, ignore=["instructions", "input[*].content"], **later) == "All done."
    with pytest.raises(AnswerFailed, match=r"input\[0\]\.content"):
        replayed(path, ignore=["instructions"], **later)


def test_more_requests_than_were_recorded_are_told(path, provider):
    recorded(path, provider[0])
    with OpenAIAPI(ModelScript()) as api:
        api.replay_from(Cassette.load(path))
        assert ask(ANYWHERE, "none") == "All done."
        with pytest.raises(AnswerFailed, match="has 1 answers, and all were given"):
            ask(ANYWHERE, "none")


def test_answers_are_found_in_whatever_order_agents_ask(path, provider):
    with OpenAIAPI(ModelScript()) as api:
        api.record_to(Cassette(path))
        ask(provider[0], KEY, input="First")
        ask(provider[0], KEY, input="Second")
    script = ModelScript()

    with OpenAIAPI(script) as api:
        api.replay_from(Cassette.load(path))
        assert ask(ANYWHERE, "none", input="Second") == ask(ANYWHERE, "none", input="First") == "All done."
    assert not script.unused()


def test_a_refused_key_records_nothing(path, provider):
    with OpenAIAPI(ModelScript()) as api:
        api.record_to(Cassette(path))
        with pytest.raises(AnswerFailed, match="does not accept the key"):
            ask(provider[0], "sk-wrong")

    assert not path.exists()


def test_half_an_answer_is_not_kept(path, provider):
    async def leave():
        async with AsyncOpenAI(api_key=KEY, base_url=provider[0]) as client:
            async with await client.responses.create(model="gpt-5", input="Hello", stream=True) as stream:
                async for _ in stream:
                    break

    with OpenAIAPI(ModelScript()) as api:
        api.record_to(Cassette(path))
        asyncio.run(leave())
        assert ask(provider[0], KEY, input="Bye") == "All done."

    assert [interaction.request["input"] for interaction in Cassette.load(path).interactions] == ["Bye"]


def test_without_a_cassette_it_says_how_to_record_one(path):
    with pytest.raises(UsageError, match="pytest --chatkit-sim-record"):
        Cassette.load(path)


@pytest.mark.parametrize("text", ["no json", "[]", '{"version": 1}', '{"version": 7, "interactions": []}'])
def test_a_file_that_is_none_is_told(path, text):
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(UsageError, match=r"test\.json"):
        Cassette.load(path)
