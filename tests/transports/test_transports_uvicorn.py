"""A real server in a thread: what is known of it all the same, since it runs in this process."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.routing import Route
from transports_world import Client, EchoServer, echo_app, run, shapes

from chatkit_sim import UsageError, current_observer
from chatkit_sim.recording import ModelCalled
from chatkit_sim.transports import HttpTransport, LifespanError, StatusError, UvicornServer

ADA = {"x-user-id": "ada"}


def test_it_starts_and_stops():
    server = UvicornServer(echo_app(EchoServer()))
    with pytest.raises(UsageError, match="does not run"):
        server.transport()
    server.start()
    with pytest.raises(UsageError, match="runs already"):
        server.start()
    host, port = server.url.removeprefix("http://").split(":")
    socket.create_connection((host, int(port))).close()
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert [thread for thread in threading.enumerate() if "uvicorn" in thread.name] == []


def test_a_url_is_enough():
    async def test() -> None:
        transport = HttpTransport(f"{server.url}/chatkit", headers=ADA)
        assert "thread.item.updated ada" in shapes(await Client(transport).say("whoami"))
        await transport.aclose()

    with UvicornServer(echo_app(EchoServer())) as server:
        run(test)


def test_leaving_reaches_a_server_known_by_its_url_only():
    async def test() -> None:
        transport = HttpTransport(f"{server.url}/chatkit", headers=ADA)
        live = await Client(transport).say("some wait", stop_after=5)
        assert live.ended == "cancelled"
        for _ in range(200):
            if echo.log[-1].startswith("left by"):
                break
            await asyncio.sleep(0.01)
        assert echo.log[-1] == "left by CancelledError"
        await transport.aclose()

    echo = EchoServer()
    with UvicornServer(echo_app(echo)) as server:
        run(test)


def test_the_timeline_reaches_into_the_servers_thread():
    class Engine(EchoServer):
        async def respond(self, thread, input_user_message, context):
            current_observer().model_called(agent="engine", input="what it was given")
            async for event in super().respond(thread, input_user_message, context):
                yield event

    async def test() -> None:
        transport = server.transport(headers=ADA)
        live = await Client(transport).say("hello")
        entries = live.recorded().timeline.entries
        assert [entry.input for entry in entries if isinstance(entry, ModelCalled)] == ["what it was given"]
        await transport.aclose()

    with UvicornServer(echo_app(Engine())) as server:
        run(test)


def test_the_original_exception_is_the_cause_of_what_http_shows():
    async def endpoint(request):
        raise ZeroDivisionError("in the endpoint")

    async def test() -> None:
        transport = server.transport()
        with pytest.raises(StatusError, match="500") as caught:
            await transport.send(b"{}", None)
        assert repr(caught.value.__cause__) == repr(ZeroDivisionError("in the endpoint"))
        live = await Client(transport).say("hello")
        assert isinstance(live.failure, StatusError)
        assert repr(live.failure.__cause__) == repr(ZeroDivisionError("in the endpoint"))
        await transport.aclose()

    with UvicornServer(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])])) as server:
        run(test)


def test_the_app_finishes_its_request_before_the_client_goes_on():
    log: list[str] = []

    async def endpoint(request):
        async def task() -> None:
            await asyncio.sleep(0.05)
            log.append("background task")

        return Response("{}", media_type="application/json", background=BackgroundTask(task))

    async def test() -> None:
        transport = server.transport()
        await transport.send(b"{}", None)
        assert log == ["background task"]
        await transport.aclose()

    with UvicornServer(Starlette(routes=[Route("/chatkit", endpoint, methods=["POST"])])) as server:
        run(test)


def test_the_lifespan_runs_in_the_thread_and_a_failing_one_is_told():
    phases: list[str] = []

    @asynccontextmanager
    async def lifespan(app):
        phases.append(threading.current_thread().name)
        if app.state.fails == "startup":
            raise KeyError("DATABASE_URL")
        yield
        phases.append("ended")
        if app.state.fails == "shutdown":
            raise ZeroDivisionError("at the end")

    app = FastAPI(lifespan=lifespan)
    app.state.fails = ""
    with UvicornServer(app):
        pass
    assert phases == ["chatkit-sim: uvicorn", "ended"]

    app.state.fails = "startup"
    with pytest.raises(LifespanError, match=r"startup(.|\n)*DATABASE_URL") as caught:
        UvicornServer(app).start()
    assert isinstance(caught.value.__cause__, KeyError)

    app.state.fails = "shutdown"
    server = UvicornServer(app)
    server.start()
    with pytest.raises(LifespanError, match="at the end") as caught:
        server.stop()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_without_uvicorn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(UsageError, match="pip install uvicorn"):
        UvicornServer(echo_app(EchoServer())).start()
