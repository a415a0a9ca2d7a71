"""No rule speaks of a server that is right, whatever its users and its model do, and whichever store it has."""

import logging

import pytest
from desk.context import DeskContext
from desk.server import DeskServer
from handwritten.server import HandwrittenServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_conversations import (
    ByTheSecond,
    Conversation,
    agent_moves,
    desk_scripts,
    shop_moves,
    todo_scripts,
)
from rules_listening import listening
from todo.server import TodoServer

from chatkit_sim.client import Limits
from chatkit_sim.model import says
from chatkit_sim.stores import MemoryStore, SQLiteStore

# A script that was cut short by a stop button has steps left over: that is the test's doing.
OURS = {"script-used-up"}
STORES = {
    "memory": (MemoryStore, set()),
    "sqlite": (SQLiteStore, set()),
    "by-second": (ByTheSecond, {"reload-order-matches"}),
}

few = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=STORES)
def store(request):
    return STORES[request.param]


@pytest.fixture(autouse=True)
def quiet():
    # The shop's errors are part of what it does.
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def hold(server, moves, store, **page):
    """Nothing may be heard but what the store is to blame for."""
    make_store, allowed = store
    with listening(server, store=make_store(), limits=Limits(settle=0.05), **page) as (client, catalogue):
        conversation = Conversation(client, reload_after_retry=bool(allowed))
        for move in moves:
            conversation.make(*move)
    wrong = [violation for violation in catalogue.heard if violation.rule not in OURS | allowed]
    assert not wrong, "\n\n".join(map(str, wrong))
    assert all("reload-works" in verdict.checked for verdict in catalogue.verdicts[:-1] if verdict.checked)


def find_pickup_point(postcode: str, radius_km: int):
    return {"street": "Oudegracht 1", "km": 2, "note": None}


def add_to_todo_list(item: str):
    return {"added": item}


def confirm_create_document(title: str, body: str):
    return True


@few
@given(moves=st.lists(shop_moves, min_size=1, max_size=12))
def test_the_shop(moves, store):
    hold(HandwrittenServer, moves, store, client_tools=[find_pickup_point])


@few
@given(moves=st.lists(agent_moves(todo_scripts(), todo_scripts()), min_size=1, max_size=8))
def test_the_todo_list(moves, store):
    hold(TodoServer, moves, store, client_tools=[add_to_todo_list])


SIDE_AGENTS = [
    ("Title generator", says("A question for the desk")),
    ("Topic check", says('{"on_topic": true, "reason": "A question for the desk."}')),
]


@few
@given(moves=st.lists(agent_moves(desk_scripts(), desk_scripts(handoffs=False)), min_size=1, max_size=6))
def test_the_desk(moves, store):
    ada = DeskContext(user_id="ada")
    hold(DeskServer, moves, store, client_tools=[confirm_create_document], agents=SIDE_AGENTS, context=ada)
