"""What opens a stream, what is posted again, and what each wrong answer is told as."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from transports_world import Client, EchoServer, echo_app, run, shapes

from chatkit_sim import UsageError
from chatkit_sim.transports import (
    AsgiApp,
    AsgiTransport,
    ContentTypeError,
    CutBodyError,
    HttpTransport,
    InProcess,
    RedirectError,
    StatusError,
    UnreachableError,
    UploadError,
    UvicornServer,
    upload,
)
from chatkit_sim.wire import FrameDecoder, FrameError
from chatkit_sim.wire.requests import create_thread, user_input

STREAMING = create_thread(user_input([{"type": "input_text", "text": "hello"}])).body()
LISTING = b'{"type":"threads.list","params":{}}'
FRAME = b'data: {"type":"progress_update","text":"so far"}\n\n'
BOTH = pytest.mark.parametrize("over", ["asgi", "uvicorn"])


def over_transport(over, app, test, **options):
    """Run ``test(transport)`` with a transport to the app."""

    async def in_process() -> None:
        transport = AsgiTransport(app, **options)
        try:
            await test(transport)
        finally:
            await transport.aclose()

    async def over_http() -> None:
        transport = server.transport(**options)
        try:
            await test(transport)
        finally:
            await transport.aclose()

    if over == "asgi":
        run(in_process)
    else:
        with UvicornServer(app) as server:
            run(over_http)


def endpoint(*answers):
    """An app whose endpoint gives these answers, the last one for ever, and counts its posts."""
    left = list(answers)

    async def post(request):
        app.state.posts.append(dict(request.headers))
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer if isinstance(answer, Response) else answer()

    app = Starlette(routes=[Route("/chatkit", post, methods=["POST"])])
    app.state.posts = []
    return app


def stream():
    return Response(FRAME, media_type="text/event-stream")


def raw(*messages, status=200, content_type=b"text/event-stream"):
    """An app that sends these pieces of a body; bytes end in the middle, unless the last one is ``None``."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
        for message in messages:
            more = message is not None
            await send({"type": "http.response.body", "body": message or b"", "more_body": more})

    return app


async def read(transport, body=STREAMING):
    response = await transport.send(body, None)
    decoder = FrameDecoder()
    return response, [payload async for chunk in response.chunks for payload in decoder.feed(chunk)]


def test_posts_look_like_the_web_clients():
    app = endpoint(stream)

    async def test(transport) -> None:
        await read(transport)
        assert (
            app.state.posts[0].items()
            >= {
                "content-type": "application/json",
                "accept": "text/event-stream",
                "authorization": "Bearer ada",
                "host": "testserver",
            }.items()
        )

    over_transport("asgi", app, test, headers={"Authorization": "Bearer ada"})


@BOTH
def test_what_opens_no_stream_is_posted_again(over):
    app = endpoint(Response(status_code=503), HTMLResponse("<h1>starting</h1>"), stream)

    async def test(transport) -> None:
        response, frames = await read(transport)
        assert frames == [FRAME[6:-2]]
        assert [attempt.status for attempt in response.refused] == [503, 200]
        assert len(app.state.posts) == 3
        assert "x-chatkit-sim-post" not in app.state.posts[0]

    over_transport(over, app, test)


@BOTH
def test_after_five_more_posts_it_gives_up(over):
    app = endpoint(PlainTextResponse("overloaded", 503))

    async def test(transport) -> None:
        with pytest.raises(StatusError, match=r"status 503(.|\n)*overloaded(.|\n)*posted 6 times") as caught:
            await transport.send(STREAMING, None)
        assert len(app.state.posts) == 6
        assert len(caught.value.refused) == 5
        assert caught.value.answer.start == b"overloaded"

    over_transport(over, app, test)


def test_delays_between_posts_can_be_given():
    app = endpoint(Response(status_code=500))

    async def test(transport) -> None:
        began = asyncio.get_running_loop().time()
        with pytest.raises(StatusError, match="posted 3 times"):
            await transport.send(STREAMING, None)
        assert asyncio.get_running_loop().time() - began >= 0.03

    over_transport("asgi", app, test, retry_delays=(0.01, 0.02))


@BOTH
@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "chatkit_headers"), (404, "POST /chatkit"), (418, "why the app refuses"), (422, "request.body")],
)
def test_a_refusal_is_final(over, status, remedy):
    app = endpoint(JSONResponse({"detail": "no, thank you"}, status))

    async def test(transport) -> None:
        with pytest.raises(StatusError, match=f"{status}(.|\n)*no, thank you(.|\n)*{remedy}"):
            await transport.send(STREAMING, None)
        assert len(app.state.posts) == 1

    over_transport(over, app, test)


def test_what_is_no_stream_is_not_posted_again():
    app = endpoint(Response(status_code=503))

    async def test(transport) -> None:
        with pytest.raises(StatusError, match="status 503"):
            await transport.send(LISTING, None)
        with pytest.raises(StatusError, match="status 503"):
            await transport.send(b"no request at all", None)
        assert len(app.state.posts) == 2

    over_transport("asgi", app, test)


@BOTH
def test_a_path_that_is_not_there_names_those_that_are(over):
    async def test(transport) -> None:
        with pytest.raises(StatusError, match=r"status 404(.|\n)*The app has: POST /chatkit\."):
            await transport.send(STREAMING, None)

    over_transport(over, echo_app(EchoServer()), test, path="/chat")


@pytest.mark.parametrize("body", [STREAMING, LISTING])
def test_html_is_shown(body):
    async def test(transport) -> None:
        with pytest.raises(ContentTypeError, match=r"text/html(.|\n)*<h1>Sign in</h1>(.|\n)*web page"):
            await transport.send(body, None)

    over_transport("asgi", endpoint(HTMLResponse("<h1>Sign in</h1>")), test)


def test_a_stream_without_its_content_type_is_told_so():
    async def test(transport) -> None:
        with pytest.raises(ContentTypeError, match=r'not given(.|\n)*media_type="text/event-stream"'):
            await transport.send(STREAMING, None)

    over_transport("asgi", endpoint(Response(FRAME)), test)


def test_a_stream_where_json_is_wanted():
    async def test(transport) -> None:
        with pytest.raises(ContentTypeError, match=r"result\.json"):
            await transport.send(LISTING, None)

    over_transport("asgi", endpoint(stream), test)


def test_json_without_a_content_type_is_read_as_the_client_reads_it():
    async def test(transport) -> None:
        assert (await transport.send(LISTING, None)).body == b'{"data":[]}'

    over_transport("asgi", endpoint(Response(b'{"data":[]}')), test)


def test_json_that_is_no_utf_8():
    async def test(transport) -> None:
        with pytest.raises(ContentTypeError, match=r"xff"):
            await transport.send(LISTING, None)

    over_transport("asgi", endpoint(Response(b'"\xff"', media_type="application/json")), test)


def test_a_frame_that_is_no_utf_8():
    async def test(transport) -> None:
        live = await Client(transport).say("hello")
        assert isinstance(live.failure, FrameError)
        assert r"\xff" in str(live.failure)

    over_transport("asgi", raw(b'data: {"type":"notice","title":"\xff"}\n\n', None), test)


@BOTH
def test_a_body_that_is_cut_in_the_middle(over):
    async def test(transport) -> None:
        live = await Client(transport).say("hello")
        assert len(live.events) == 1
        assert isinstance(live.raised, CutBodyError)
        assert f"cut after {len(FRAME) + 9} bytes" in str(live.raised)
        assert 'data: {"ty' in str(live.raised)

    over_transport(over, raw(FRAME + b'data: {"t'), test)


@BOTH
def test_chunks_may_be_cut_anywhere(over):
    pieces = [bytes([byte]) for byte in FRAME * 3]

    async def test(transport) -> None:
        _, frames = await read(transport)
        assert frames == [FRAME[6:-2]] * 3

    over_transport(over, raw(*pieces, None), test)


@BOTH
def test_a_slow_reader_gets_everything(over):
    async def test(transport) -> None:
        response = await transport.send(STREAMING, None)
        size = 0
        async for chunk in response.chunks:
            size += len(chunk)
            await asyncio.sleep(0.001)
        assert size == 40 * len(FRAME * 500)

    over_transport(over, raw(*[FRAME * 500] * 40, None), test)


@BOTH
def test_redirects_that_keep_the_post_are_followed(over):
    app = echo_app(EchoServer())

    @app.post("/old")
    async def old():
        return RedirectResponse("/chatkit", 307)

    async def test(transport) -> None:
        assert shapes(await Client(transport).say("hello"))[-1] == "thread.item.done"

    over_transport(over, app, test, path="/old", headers={"x-user-id": "ada"})


def test_a_redirect_that_turns_the_post_into_a_get():
    app = echo_app(EchoServer())

    @app.post("/old")
    async def old():
        return RedirectResponse("/chatkit", 302)

    async def test(transport) -> None:
        with pytest.raises(StatusError, match=r"redirected \(302\) to GET http://testserver/chatkit(.|\n)*307 or 308"):
            await transport.send(STREAMING, None)

    over_transport("asgi", app, test, path="/old")


def test_a_redirect_to_a_sign_in_page():
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit():
        return RedirectResponse("/login", 303)

    @app.get("/login")
    async def login():
        return HTMLResponse("<h1>Sign in</h1>")

    async def test(transport) -> None:
        with pytest.raises(ContentTypeError, match=r"redirected \(303\) to GET http://testserver/login(.|\n)*headers"):
            await transport.send(STREAMING, None)

    over_transport("asgi", app, test)


def test_redirects_without_end():
    async def test(transport) -> None:
        with pytest.raises(RedirectError, match="redirected more than 20 times"):
            await transport.send(STREAMING, None)

    over_transport("asgi", endpoint(RedirectResponse("/chatkit", 307)), test)


def test_a_url_that_refuses():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/chatkit"

    async def test() -> None:
        transport = HttpTransport(url)
        with pytest.raises(UnreachableError, match=f"answers at {url}(.|\n)*start the server"):
            await transport.send(STREAMING, None)
        await transport.aclose()

    run(test)


@pytest.mark.parametrize("url", ["localhost:8000/chatkit", "/chatkit", "ftp://localhost/chatkit"])
def test_a_url_that_is_none(url):
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:8000/chatkit"):
        HttpTransport(url)


def uploads():
    app = FastAPI()
    app.state.taken = {}

    @app.put("/files/{name}")
    async def put(name: str, request: Request):
        if request.headers.get("x-signature") != "right":
            return JSONResponse({"detail": "wrong signature"}, 403)
        app.state.taken[name] = (await request.body(), request.headers.get("authorization"))
        return JSONResponse({}, 201)

    return app


@BOTH
def test_uploads_to_the_apps_own_host_go_through_the_app(over):
    app = uploads()
    file = bytes(range(256)) * 1000

    async def test(transport) -> None:
        absolute = transport.url.replace("/chatkit", "/files/a")
        response = await upload(transport, "PUT", absolute, headers={"x-signature": "right"}, content=file)
        assert response.status == 201
        await upload(transport, "PUT", "/files/b", headers={"x-signature": "right"}, content=file)
        assert app.state.taken == {"a": (file, None), "b": (file, None)}

    over_transport(over, app, test, headers={"authorization": "Bearer ada"})


@BOTH
def test_an_upload_that_is_refused(over):
    async def test(transport) -> None:
        with pytest.raises(UploadError, match=r"403(.|\n)*wrong signature(.|\n)*upload descriptor"):
            await upload(transport, "PUT", "/files/a", headers={"x-signature": "none"}, content=b"file")

    over_transport(over, uploads(), test)


def test_uploads_to_other_hosts_go_over_the_network():
    app = uploads()

    async def test() -> None:
        headers = {"x-signature": "right"}
        for transport in (InProcess(EchoServer()), AsgiTransport(AsgiApp(echo_app(EchoServer())))):
            response = await transport.request("PUT", f"{server.url}/files/a", headers=headers, content=b"file")
            assert response.status == 201
            await transport.aclose()

    with UvicornServer(app) as server:
        run(test)
    assert json.dumps(sorted(app.state.taken)) == '["a"]'
