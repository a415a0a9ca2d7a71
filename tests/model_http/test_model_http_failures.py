"""Provider failures, as steps: what the app's client makes of each, and how quickly."""

from __future__ import annotations

import time

import httpx
import httpx2
import openai
import pytest
from openai import OpenAI
from openai_clients import EVERY_WAY, Asking, words_of

from chatkit_sim import UsageError, fails, says

STREAMED = Asking("responses", sync=False, streamed=True)
CHAT = Asking("chat", sync=False, streamed=True)


@pytest.fixture(autouse=True)
def quickly():
    """No failure may cost the delays of real retries."""
    begun = time.perf_counter()
    yield
    assert time.perf_counter() - begun < 1.5


@pytest.mark.parametrize("asking", EVERY_WAY, ids=str)
@pytest.mark.parametrize(
    ("step", "error"),
    [
        (fails(401), openai.AuthenticationError),
        (fails(403), openai.PermissionDeniedError),
        (fails(404), openai.NotFoundError),
        (fails(429, retry_after=20), openai.RateLimitError),
        (fails(500), openai.InternalServerError),
        (fails(503), openai.InternalServerError),
        (fails("timeout"), openai.APITimeoutError),
        (fails("reset"), openai.APIConnectionError),
        (fails("cut"), openai.APIConnectionError),
        (fails(), openai.InternalServerError),
        (fails(RuntimeError("Out of order")), openai.InternalServerError),
    ],
    ids=repr,
)
def test_raises_what_the_client_raises(api, script, asking, step, error):
    script.script(step)

    with pytest.raises(openai.OpenAIError) as caught:
        asking.ask()

    assert type(caught.value) is error
    assert script.injected
    assert not script.unused()


@pytest.mark.parametrize("asking", [STREAMED, CHAT], ids=str)
@pytest.mark.parametrize("kind", ["cut", "reset", "timeout"])
def test_in_the_middle_of_a_stream(api, script, asking, kind):
    script.script(fails(kind, after=says("one two three", chunks=3)))
    arrived = []

    with OpenAI(api_key="any") as client:
        ask = client.responses if asking.wire == "responses" else client.chat.completions
        given = {"input": "Hi"} if asking.wire == "responses" else {"messages": [{"role": "user", "content": "Hi"}]}
        stream = ask.create(model="gpt-5", stream=True, **given)
        with pytest.raises(openai.APIConnectionError):
            arrived.extend(stream)

    assert words_of(arrived) == "one two three"


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_client_of_http_alone_meets_the_librarys_exceptions(api, script, library):
    script.script(fails("timeout"), fails("reset"), fails("cut", after=says("one two")))
    url, body = "https://api.openai.com/v1/responses", {"model": "gpt-5", "input": "Hi"}

    with pytest.raises(library.ReadTimeout):
        library.post(url, json=body)
    with pytest.raises(library.ReadError):
        library.post(url, json=body)
    with library.stream("POST", url, json={**body, "stream": True}) as response:
        arrived = []
        with pytest.raises(library.RemoteProtocolError, match="without sending complete message body"):
            arrived.extend(response.iter_text())
    assert "".join(arrived).count("event: response.output_text.delta") == 2


@pytest.mark.parametrize(
    ("kind", "last"), [("error", "error"), ("failed", "response.failed"), ("incomplete", "response.incomplete")]
)
def test_the_stream_tells_of_it(api, script, kind, last):
    script.script(fails(kind), fails(kind, after=says("Half an answer")))

    short, long = STREAMED.ask(), STREAMED.ask()

    assert [event.type for event in short] == ["response.created", "response.in_progress", last]
    assert words_of(long) == "Half an answer"
    assert long[-1].type == last
    if kind == "failed":
        assert (long[-1].response.status, long[-1].response.error.code) == ("failed", "server_error")
    if kind == "incomplete":
        assert long[-1].response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("kind", ["failed", "incomplete"])
def test_a_response_that_is_not_streamed_has_the_status(api, script, kind):
    script.script(fails(kind, after=says("Half an answer")))

    response = Asking("responses", sync=True, streamed=False).ask()

    assert response.status == kind
    assert response.output_text == ("Half an answer" if kind == "incomplete" else "")


def test_chat_completions_tell_of_it_in_their_own_way(api, script):
    script.script(fails("failed"), fails("incomplete", after=says("Half")), fails("incomplete", after=says("Half")))

    with pytest.raises(openai.APIError, match="had an error"):
        CHAT.ask()
    chunks = CHAT.ask()
    assert words_of(chunks) == "Half"
    assert chunks[-1].choices[0].finish_reason == "length"
    assert Asking("chat", sync=True, streamed=False).ask().choices[0].finish_reason == "length"


@pytest.mark.parametrize("asking", EVERY_WAY, ids=str)
def test_a_retry_finds_the_provider_recovered(api, script, asking):
    script.script(fails(429, retry_after=20, times=2), says("Now it works."))

    assert asking.text() == "Now it works."
    assert len(api.calls) == 3
    assert [(request.agent, request.number) for request in script.requests] == [("gpt-5", 1)]


def test_a_timeout_can_be_recovered_from_too(api, script):
    script.script(fails("timeout", times=1), says("Now it works."))

    assert STREAMED.text() == "Now it works."


def test_the_header_tells_the_delay_that_was_asked_for(api, script):
    script.script(fails(429, retry_after=20))

    with pytest.raises(openai.RateLimitError, match="Rate limit reached") as caught:
        STREAMED.ask()

    assert caught.value.response.headers["retry-after"] == "20"
    assert len(api.calls) == 3  # the client's own two retries


def test_an_error_of_the_openai_client_goes_over_the_wire_as_what_it_stands_for(api, script):
    response = httpx2.Response(429, request=httpx2.Request("POST", "https://x"), headers={"retry-after": "7"})
    script.script(
        fails(openai.RateLimitError("Slow down", response=response, body={"message": "Slow down"})),
        fails(openai.APITimeoutError(httpx2.Request("POST", "https://x"))),
        fails(ConnectionResetError()),
    )

    with pytest.raises(openai.RateLimitError, match="Slow down") as caught:
        STREAMED.ask()
    assert caught.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.APITimeoutError):
        STREAMED.ask()
    with pytest.raises(openai.APIConnectionError):
        STREAMED.ask()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: fails(200), "HTTP status of an error"),
        (lambda: fails("explodes"), "'timeout', 'reset', 'cut'"),
        (lambda: fails(500, after=says("Hi")), "a status comes before any event"),
        (lambda: fails("cut", retry_after=3), "only a status has a retry-after"),
        (lambda: fails(times=1), "fails\\(429, times=1\\)"),
        (lambda: fails(429, times=0), "at least one attempt"),
        (lambda: says("Hi").slowly(seconds=-1), "cannot come before"),
        (lambda: says("Hi").slowly() & says("you"), "one pace"),
    ],
)
def test_says_what_is_wrong(write, message):
    with pytest.raises(UsageError, match=message):
        write()


@pytest.mark.parametrize(
    "step",
    ["fails(429, retry_after=2.5, times=1)", 'fails("cut", after=says("Half"))', 'says("Hi").slowly(seconds=0.1)'],
)
def test_reads_as_it_is_written(step):
    assert repr(eval(step, {"fails": fails, "says": says})) == step
