"""The simulated client over every transport: client tools, the run timeline, the rules, two users."""

from __future__ import annotations

from pathlib import Path

import pytest
from chatkit_app import app_of

from chatkit_sim import MemoryStore, ModelScript, SimulatedClient, calls, says
from chatkit_sim.recording import ModelCalled
from chatkit_sim.transports import StatusError

RESPONDERS = Path(__file__).parents[2] / "fixtures" / "responders"


@pytest.fixture
def todo(monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    from todo.server import TodoServer

    return TodoServer(MemoryStore())


@pytest.fixture(params=["in-process", "asgi", "http"])
def door(request, todo):
    """The options of a client that reaches the server in this way."""
    return {"app": app_of(todo), "transport": request.param} if request.param != "in-process" else {"server": todo}


def client_at(door, model):
    options = {name: value for name, value in door.items() if name != "server"}
    return SimulatedClient(door.get("server"), model=model, **options)


def test_a_client_tool_and_the_rules(door):
    model = ModelScript()
    model.script(calls("add_to_todo_list", item="milk"), says("Added milk."))
    client = client_at(door, model)

    @client.client_tool
    def add_to_todo_list(item: str) -> dict:
        return {"added": item}

    turn = client.send("Put milk on my list")
    assert turn.text == "Added milk."
    assert turn.client_tool_calls[0].output == {"added": "milk"}
    assert len([entry for entry in turn.timeline.entries if isinstance(entry, ModelCalled)]) == 2
    assert [item.type for item in client.reload().items] == ["user_message", "client_tool_call", "assistant_message"]
    client.close()


def test_stop_between_two_events(door):
    model = ModelScript()
    model.script(says("One two three four five six seven."))
    client = client_at(door, model)
    with client.stream("Count") as stream:
        for event in stream:
            if event.type == "thread.item.updated":
                stream.cancel()
    assert stream.turn.streams[0].ended == "cancelled"
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
    app = create_app(DeskServer(SQLiteStore(tmp_path / "desk.sqlite3")))
    ada = SimulatedClient(app=app, model=model, headers={"x-user-id": "ada"})

    turn = ada.send("Is INV-1001 paid?")
    assert turn.text == "It is paid."
    assert turn.timeline.observed

    assert [thread["title"] for thread in ada.request("threads.list")["data"]] == ["An invoice"]
    assert ada.another(headers={"x-user-id": "grace"}).request("threads.list")["data"] == []
    with pytest.raises(StatusError, match=r"401(.|\n)*The header x-user-id is missing(.|\n)*chatkit_headers"):
        ada.another(headers={}).request("threads.list")
    ada.close()
