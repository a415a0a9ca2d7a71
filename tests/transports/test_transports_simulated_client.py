"""The simulated client over every transport: client tools, the run timeline, the rules, two users."""

from __future__ import annotations

from pathlib import Path

import pytest
from chatkit.server import StreamingResult
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from transports_world import KINDS

from chatkit_sim import MemoryStore, ModelScript, SimulatedClient, calls, says
from chatkit_sim.client import Bench
from chatkit_sim.recording import ModelCalled
from chatkit_sim.transports import AsgiApp, AsgiTransport, InProcess, StatusError, Transport, UvicornServer

RESPONDERS = Path(__file__).parents[2] / "fixtures" / "responders"


class OverTransport(Bench):
    """A bench whose clients reach the server over one given transport."""

    def __init__(self, given: Transport, **options) -> None:
        super().__init__(None, **options)
        self._given = given

    async def transport(self) -> Transport:
        return self._given


def app_of(server):
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), {})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app


@pytest.fixture
def todo(monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    from todo.server import TodoServer

    return TodoServer(MemoryStore())


@pytest.fixture(params=KINDS)
def transport(request, todo):
    if request.param == "in process":
        yield InProcess(todo)
    elif request.param == "uvicorn":
        with UvicornServer(app_of(todo)) as server:
            yield server.transport()
    else:
        yield AsgiTransport(app_of(todo), spec_version=request.param.removeprefix("asgi "))


def test_a_client_tool_and_the_rules(transport):
    model = ModelScript()
    model.script(calls("add_to_todo_list", item="milk"), says("Added milk."))
    client = SimulatedClient(OverTransport(transport, model=model))

    @client.client_tool
    def add_to_todo_list(item: str) -> dict:
        return {"added": item}

    turn = client.send("Put milk on my list")
    assert turn.text == "Added milk."
    assert turn.client_tool_calls[0].output == {"added": "milk"}
    assert len([entry for entry in turn.timeline.entries if isinstance(entry, ModelCalled)]) == 2
    assert [item.type for item in client.reload().items] == ["user_message", "client_tool_call", "assistant_message"]
    client._core.bench.run(transport.aclose)
    client.close()


def test_stop_between_two_events(transport):
    model = ModelScript()
    model.script(says("One two three four five six seven."))
    client = SimulatedClient(OverTransport(transport, model=model))
    with client.stream("Count") as stream:
        for event in stream:
            if event.type == "thread.item.updated":
                stream.cancel()
    assert stream.turn.streams[0].ended == "cancelled"
    client._core.bench.run(transport.aclose)
    client.close()


def test_two_users_of_a_real_app(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    from desk.app import create_app
    from desk.server import DeskServer
    from desk.store import SQLiteStore

    model = ModelScript()
    model.agent("Title generator").always(says("An invoice"))
    model.agent("Topic check").always(says('{"on_topic": true, "reason": "fine"}'))
    model.script(calls("transfer_to_billing"), calls("lookup_invoice", invoice_id="INV-1001"), says("It is paid."))
    app = AsgiApp(create_app(DeskServer(SQLiteStore(tmp_path / "desk.sqlite3"))))
    ada_there, grace_there = (AsgiTransport(app, headers={"x-user-id": name}) for name in ("ada", "grace"))
    nobody_there = AsgiTransport(app)
    ada = SimulatedClient(OverTransport(ada_there, model=model))

    turn = ada.send("Is INV-1001 paid?")
    assert turn.text == "It is paid."
    assert turn.timeline.observed

    async def the_others() -> None:
        listing = b'{"type":"threads.list","params":{}}'
        assert (await ada_there.send(listing, None)).body.count(b"An invoice") == 1
        assert b'"data":[]' in (await grace_there.send(listing, None)).body
        with pytest.raises(StatusError, match=r"401(.|\n)*chatkit_headers(.|\n)*The header x-user-id is missing"):
            await nobody_there.send(listing, None)
        await app.aclose()

    ada._core.bench.run(the_others)
    ada.close()
