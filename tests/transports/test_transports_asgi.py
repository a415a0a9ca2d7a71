"""An ASGI app in this process: its lifespan, its state, what it raises, and how it learns that a client has left."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import asynccontextmanager

import pytest
from chatkit.server import StreamingResult
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from transports_world import Client, EchoServer, echo_app, run, shapes

from chatkit_sim import UsageError
from chatkit_sim.transports import AsgiApp, AsgiTransport, LifespanError
from chatkit_sim.transports.asgi_app import routes_of

ADA = {"x-user-id": "ada"}
HELLO = [
    "thread.created",
    "thread.item.done",
    "stream_options",
    "thread.item.added",
    "thread.item.updated hello",
    "thread.item.done",
]


def test_the_lifespan_runs_once_for_all_clients_on_their_loop():
    calls: list[object] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        calls.append(asyncio.get_running_loop())
        app.state.user = "from the app"
        yield {"user": "from the lifespan"}
        calls.append("ended")

    app = FastAPI(lifespan=lifespan)
    server = EchoServer()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), {"user": f"{request.app.state.user}, {request.state.user}"})
        return StreamingResponse(result, media_type="text/event-stream")

    async def test() -> None:
        shared = AsgiApp(app)
        first, second = AsgiTransport(shared), AsgiTransport(shared)
        lives = await asyncio.gather(Client(first).say("whoami"), Client(second).say("whoami"))
        for live in lives:
            assert live.events[-1].item.content[0].text == "from the app, from the lifespan"
        await first.aclose()
        assert calls == [asyncio.get_running_loop()]
        await second.aclose()
        await shared.aclose()
        await shared.aclose()
        assert calls[1:] == ["ended"]

    run(test)


def test_dependency_overrides_work():
    async def who() -> str:
        raise RuntimeError("the real database")

    app = FastAPI()

    @app.post("/api/chat")
    async def chatkit(request: Request, user: str = Depends(who)) -> Response:
        result = await EchoServer().process(await request.body(), {"user": user})
        return StreamingResponse(result, media_type="text/event-stream")

    app.dependency_overrides[who] = lambda: "overridden"

    async def test() -> None:
        transport = AsgiTransport(app, "/api/chat")
        assert "thread.item.updated overridde" in shapes(await Client(transport).say("whoami"))
        await transport.aclose()

    run(test)


def test_a_failing_startup_is_told_with_its_cause():
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        raise KeyError("DATABASE_URL")
        yield

    async def test() -> None:
        shared = AsgiApp(FastAPI(lifespan=lifespan))
        with pytest.raises(LifespanError, match=r"startup of the ASGI app failed.*KeyError: 'DATABASE_URL'") as caught:
            await shared.start()
        assert isinstance(caught.value.__cause__, KeyError)
        await shared.aclose()

    run(test)


def test_a_failing_shutdown_is_told_with_its_cause():
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        raise ZeroDivisionError("at the end")

    async def test() -> None:
        shared = AsgiApp(FastAPI(lifespan=lifespan))
        await shared.start()
        with pytest.raises(LifespanError, match="at the end") as caught:
            await shared.aclose()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    run(test)


def test_an_app_without_a_lifespan_is_served_without():
    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def test() -> None:
        transport = AsgiTransport(app)
        assert (await transport.send(b'{"type":"threads.list"}', None)).body == b"{}"
        await transport.aclose()

    run(test)


def test_one_app_on_two_loops_is_refused():
    shared = AsgiApp(echo_app(EchoServer()))

    async def start() -> None:
        await shared.start()

    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    runner.run(start())
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as other, pytest.raises(UsageError, match="event loop"):
        other.run(start())
    runner.run(shared.aclose())
    runner.close()
    with pytest.raises(UsageError, match="closed"):
        asyncio.run(shared.start())


def test_what_is_no_app_is_refused():
    with pytest.raises(UsageError, match="cannot be called"):
        AsgiApp("main:app")
    with pytest.raises(UsageError, match="begins with a slash"):
        AsgiTransport(echo_app(EchoServer()), "chatkit")
    with pytest.raises(UsageError, match=r"2\.3"):
        AsgiTransport(echo_app(EchoServer()), spec_version="3.0")


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_what_the_app_raises_comes_out_as_it_is(spec_version):
    calls: list[str] = []

    async def before(request):
        calls.append("before")
        raise ZeroDivisionError("before the answer")

    async def midway(request):
        async def body():
            yield b'data: {"type":"progress_update","text":"so far"}\n\n'
            raise ZeroDivisionError("in the middle")

        return StreamingResponse(body(), media_type="text/event-stream")

    async def afterwards(request):
        async def task() -> None:
            raise ZeroDivisionError("afterwards")

        async def body():
            yield b'data: {"type":"progress_update","text":"so far"}\n\n'

        return StreamingResponse(body(), media_type="text/event-stream", background=BackgroundTask(task))

    places = (before, midway, afterwards)
    app = Starlette(routes=[Route(f"/{place.__name__}", place, methods=["POST"]) for place in places])

    async def test() -> None:
        shared = AsgiApp(app)
        for path, message, events in [
            ("/before", "before the answer", 0),
            ("/midway", "in the middle", 1),
            ("/afterwards", "afterwards", 1),
        ]:
            transport = AsgiTransport(shared, path, spec_version=spec_version)
            live = await Client(transport).say("hello")
            assert live.ended == "raised"
            assert repr(live.raised) == repr(ZeroDivisionError(message))
            assert "AppRaised" not in "".join(traceback.format_exception(live.raised))
            assert len(live.events) == events
        assert calls == ["before"]
        await shared.aclose()

    run(test)


def test_an_error_of_httpx2_in_the_app_is_not_taken_for_one_of_the_transport():
    import httpx2

    async def endpoint(request):
        raise httpx2.ConnectError("the app's own upstream")

    async def test() -> None:
        transport = AsgiTransport(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]))
        with pytest.raises(httpx2.ConnectError, match="own upstream"):
            await transport.send(b"{}", None)
        await transport.aclose()

    run(test)


def test_cookies_are_kept_for_each_client():
    async def endpoint(request):
        response = Response(f'{{"seen":"{request.cookies.get("session", "")}"}}', media_type="application/json")
        response.set_cookie("session", request.headers["x-user-id"])
        return response

    async def test() -> None:
        shared = AsgiApp(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]))
        ada = AsgiTransport(shared, headers={"x-user-id": "ada"})
        bob = AsgiTransport(shared, headers={"x-user-id": "bob"})
        bodies = [(await client.send(b"{}", None)).body for client in (ada, bob, ada, bob)]
        assert bodies == [b'{"seen":""}', b'{"seen":""}', b'{"seen":"ada"}', b'{"seen":"bob"}']
        await shared.aclose()

    run(test)


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("stop_after", [None, 4, 5])
def test_middleware_of_starlette_between_the_two(spec_version, stop_after):
    async def passes(request, call_next):
        return await call_next(request)

    server = EchoServer()
    app = echo_app(server)
    app.add_middleware(BaseHTTPMiddleware, dispatch=passes)
    app.add_middleware(GZipMiddleware, minimum_size=1)

    async def test() -> None:
        transport = AsgiTransport(app, headers=ADA, spec_version=spec_version)
        words = "hello" if stop_after is None else "hello pause pause pause"
        live = await Client(transport).say(words, stop_after=stop_after)
        assert shapes(live) == HELLO[:stop_after]
        assert (live.ended, live.raised) == ("complete" if stop_after is None else "cancelled", None)
        assert stop_after is None or server.log[-1].startswith("left by")
        await transport.aclose()

    run(test)


def test_leaving_before_the_answer_begins_reaches_the_app():
    log: list[str] = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await receive()
        log.append((await receive())["type"])

    async def test() -> None:
        transport = AsgiTransport(app)
        task = asyncio.create_task(transport.send(b"{}", None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log == ["http.disconnect"]
        await transport.aclose()

    run(test)


def test_an_app_that_sends_for_ever_and_never_waits_can_be_left():
    async def endpoint(request):
        async def body():
            while True:
                yield b'data: {"type":"progress_update","text":"on and on"}\n\n'

        return StreamingResponse(body(), media_type="text/event-stream")

    async def test() -> None:
        transport = AsgiTransport(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]))
        live = await Client(transport).say("hello", stop_after=3)
        assert live.ended == "cancelled"
        await transport.aclose()

    run(test)


def test_under_2_4_an_app_that_waits_learns_of_it_only_when_it_sends():
    async def test() -> None:
        server = EchoServer()
        shared = AsgiApp(echo_app(server), linger=0.01)
        live = await Client(AsgiTransport(shared, headers=ADA, spec_version="2.4")).say("some wait", stop_after=5)
        assert live.ended == "cancelled"
        assert server.log == ["said some", "waiting"]
        await shared.aclose()
        assert server.log[-1] == "left by CancelledError"

    run(test)


def test_what_an_app_raises_while_it_is_cancelled_is_not_lost():
    class Failing(EchoServer):
        async def handle_stream_cancelled(self, thread, pending_items, context):
            raise ZeroDivisionError("cannot save")

    async def test() -> None:
        transport = AsgiTransport(echo_app(Failing()), headers=ADA)
        live = await Client(transport).say("some wait", stop_after=5)
        assert repr(live.raised) == repr(ZeroDivisionError("cannot save"))
        await transport.aclose()

    run(test)


def test_the_app_finishes_its_request_before_the_client_goes_on():
    log: list[str] = []

    async def endpoint(request):
        async def task() -> None:
            await asyncio.sleep(0.02)
            log.append("background task")

        return Response("{}", media_type="application/json", background=BackgroundTask(task))

    async def test() -> None:
        transport = AsgiTransport(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]))
        await transport.send(b"{}", None)
        assert log == ["background task"]
        await transport.aclose()

    run(test)


def test_an_app_that_lingers_is_ended_with_the_lifespan():
    log: list[str] = []

    async def endpoint(request):
        async def task() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                log.append("ended")

        return Response("{}", media_type="application/json", background=BackgroundTask(task))

    async def test() -> None:
        shared = AsgiApp(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]), linger=0.01)
        await AsgiTransport(shared).send(b"{}", None)
        assert log == []
        await shared.aclose()
        assert log == ["ended"]

    run(test)


def test_routes_are_listed_through_mounts_and_middleware():
    async def endpoint(request):
        return Response()

    inner = Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"]), Route("/", endpoint)])
    outer = Starlette(routes=[Mount("/api", inner)])
    assert routes_of(GZipMiddleware(outer)) == ["POST /api/chatkit", "GET /api/"]
    assert routes_of(echo_app(EchoServer())) == ["POST /chatkit"]
    assert routes_of(lambda scope, receive, send: None) == []


def test_a_starlette_app_works_as_well():
    server = EchoServer()

    async def endpoint(request):
        result = await server.process(await request.body(), {"user": "ada"})
        assert isinstance(result, StreamingResult)
        return StreamingResponse(result, media_type="text/event-stream; charset=utf-8")

    async def test() -> None:
        transport = AsgiTransport(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])]))
        assert shapes(await Client(transport).say("hello")) == HELLO
        await transport.aclose()

    run(test)
