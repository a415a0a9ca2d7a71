"""The router: respx's own, for httpx and httpx2, beside other plugins, within the network guard."""

from __future__ import annotations

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator

import httpcore2
import httpx
import httpx2
import pytest
import respx
from openai import OpenAI
from openai_clients import Asking

from chatkit_sim import UsageError, says
from chatkit_sim.model import ModelScript, NetworkGuard
from chatkit_sim.model.http import OpenAIAPI, UnmatchedRequest
from chatkit_sim.recording import SERVING, Exchange, TimelineRecorder

LIBRARIES = [httpx, httpx2]
WEATHER = "https://weather.example.com/now"


def get(library, url: str, *, sync: bool):
    if sync:
        with library.Client() as client:
            return client.get(url)

    async def ask():
        async with library.AsyncClient() as client:
            return await client.get(url)

    return asyncio.run(ask())


@pytest.fixture
def served_here() -> Iterator[str]:
    """A real server on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(201)
            self.send_header("x-seen", self.headers.get("x-sent", ""))
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[::-1])

        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"real")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("sync", [True, False])
def test_a_route_of_the_test_answers(api, library, sync):
    route = api.get(WEATHER).respond(json={"celsius": 21})

    assert get(library, WEATHER, sync=sync).json() == {"celsius": 21}
    assert route.call_count == 1
    assert api.calls.last.request.url == WEATHER


@pytest.mark.parametrize("library", LIBRARIES)
def test_side_effects_are_respxs(api, library):
    api.get(WEATHER).mock(side_effect=[httpx.Response(503), httpx.Response(200, text="Sunny")])
    api.get("https://slow.example.com").mock(side_effect=httpx.ConnectTimeout)

    assert [get(library, WEATHER, sync=True).status_code, get(library, WEATHER, sync=False).text] == [503, "Sunny"]
    for sync in (True, False):
        with pytest.raises(library.ConnectTimeout):
            get(library, "https://slow.example.com", sync=sync)


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), httpcore2.ConnectError("refused")])
def test_an_exception_of_one_library_is_translated_to_the_other(api, error):
    api.get(WEATHER).mock(side_effect=error)

    for library in LIBRARIES:
        with pytest.raises(library.ConnectError, match="refused"):
            get(library, WEATHER, sync=True)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("sync", [True, False])
def test_an_unmatched_request_is_stopped_and_named(api, guard, library, sync):
    with pytest.raises(UnmatchedRequest, match=r"GET https://weather\.example\.com/now, which no route") as caught:
        get(library, WEATHER + "?key=secret", sync=sync)

    assert "secret" not in str(caught.value)
    assert [(call.host, call.port, call.request) for call in guard.blocked] == [
        ("weather.example.com", 443, f"GET {WEATHER}")
    ]
    assert "test_model_http_router.py" in guard.blocked[0].frame


def test_the_openai_client_does_not_repeat_an_unmatched_request(api, guard):
    with OpenAI(api_key="any") as client, pytest.raises(UnmatchedRequest):
        client.models.list()

    assert [call.request for call in guard.blocked] == ["GET https://api.openai.com/v1/models"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_loopback_passes_unchanged(api, served_here, library):
    response = library.post(served_here, content=b"abc", headers={"x-sent": "yes"})

    assert (response.status_code, response.content, response.headers["x-seen"]) == (201, b"cba", "yes")
    assert get(library, served_here, sync=False).text == "real"
    assert not api.calls


def test_a_route_for_this_machine_goes_before_the_real_server(api, served_here):
    api.get(served_here).respond(text="mocked")

    assert httpx2.get(served_here).text == "mocked"


def test_what_the_guard_allows_passes(script):
    with NetworkGuard(allow=["allowed.invalid"]) as guard, OpenAIAPI(script, guard), pytest.raises(httpx2.ConnectError):
        httpx2.get("https://allowed.invalid")

    assert not guard.blocked


def test_mocked_requests_never_reach_a_socket(api, script, guard):
    script.script(says("Hello."))

    assert Asking("responses", sync=False, streamed=True).text() == "Hello."
    assert not guard.blocked
    with pytest.raises(RuntimeError, match=r"api\.openai\.com"):
        socket.getaddrinfo("api.openai.com", 443)


def test_a_route_of_the_test_goes_before_the_script(api, script):
    api.post("https://api.openai.com/v1/responses").respond(418, json={"error": {"message": "A teapot"}})

    with pytest.raises(Exception, match="A teapot"):
        Asking("responses", sync=True, streamed=False).ask()
    assert not script.requests


def test_the_routes_of_the_script_can_be_asserted_on(api, script):
    script.script(says("One"), says("Two"))
    Asking("responses", sync=True, streamed=True).ask()
    Asking("chat", sync=True, streamed=True).ask()

    assert api["responses"].call_count == 1
    assert api["chat_completions"].called


def test_what_else_openai_does_is_a_plain_route(api):
    api.embeddings.respond(json={"object": "list", "data": [{"embedding": [0.5], "index": 0}], "model": "m"})
    api.transcriptions.respond(json={"text": "Hello"})
    api.images.respond(json={"created": 0, "data": [{"b64_json": "aGk="}]})
    api.files.respond(json={"id": "file-1", "filename": "a.txt"})

    with OpenAI(api_key="any") as client:
        assert client.embeddings.create(model="m", input="x", encoding_format="float").data[0].embedding == [0.5]
        assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"sound")).text == "Hello"
        assert client.images.generate(prompt="A cat").data[0].b64_json == "aGk="
        assert client.files.create(file=("a.txt", b"text"), purpose="assistants").id == "file-1"
    assert api.embeddings.call_count == 1


def test_routes_that_were_not_called_are_named(api):
    api.get(WEATHER)
    api.get("https://rates.example.com", name="rates")

    with pytest.raises(AssertionError, match=r"never called: .*weather.example.com.*rates"):
        api.assert_all_called()


@pytest.mark.parametrize(("library", "using"), [(httpx, "httpcore"), (httpx2, "httpcore2")])
def test_a_router_of_respx_beside_it_keeps_its_routes(api, script, library, using):
    """Registered afterwards, as the fixtures of respx and of pytest-httpx2 are."""
    script.script(says("Hello."))
    with respx.mock(using=using) as beside:
        beside.get(WEATHER).respond(text="beside")

        assert get(library, WEATHER, sync=True).text == "beside"
        assert get(library, WEATHER, sync=False).text == "beside"
        assert Asking("responses", sync=False, streamed=True).text() == "Hello."


def test_a_router_of_respx_that_was_there_first_keeps_its_routes(script, guard):
    with respx.mock(using="httpcore2") as first:
        first.get(WEATHER).respond(text="first")
        with OpenAIAPI(script, guard):
            script.script(says("Hello."))
            assert httpx2.get(WEATHER).text == "first"
            assert Asking("chat", sync=True, streamed=True).text() == "Hello."


def test_everything_is_as_before_afterwards(script, served_here):
    before = httpcore2.ConnectionPool.handle_request, httpcore2.AsyncConnectionPool.handle_async_request
    with OpenAIAPI(script) as api:
        assert httpcore2.ConnectionPool.handle_request is not before[0]

    assert (httpcore2.ConnectionPool.handle_request, httpcore2.AsyncConnectionPool.handle_async_request) == before
    assert not script.served_by
    assert httpx2.get(served_here).text == "real"
    api.start()
    with pytest.raises(UsageError, match="started already"):
        api.start()
    api.stop()


def test_two_simulations_at_once_are_answered_each_by_its_own_script(guard):
    first, second = ModelScript(), ModelScript()
    first.script(says("First."))
    second.script(says("Second."))
    asking = Asking("responses", sync=True, streamed=True)

    with OpenAIAPI(first, guard), OpenAIAPI(second, guard):
        for script, words in ((second, "Second."), (first, "First.")):
            token = SERVING.set(Exchange(TimelineRecorder(), script))
            try:
                assert asking.text() == words
            finally:
                SERVING.reset(token)
