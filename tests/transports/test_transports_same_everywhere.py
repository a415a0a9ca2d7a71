"""One behaviour over every transport; what differs is named where it differs."""

from __future__ import annotations

import asyncio
import json

import pytest
from transports_world import KINDS, AwaitingStore, EchoServer, a_world, run, shapes

pytestmark = pytest.mark.parametrize("kind", KINDS)


def test_the_same_events_arrive(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            live = await world.client().say("good morning")
            assert (live.ended, live.raised, live.failure) == ("complete", None, None)
            assert shapes(live) == [
                "thread.created",
                "thread.item.done",
                "stream_options",
                "thread.item.added",
                "thread.item.updated good",
                "thread.item.updated morning",
                "thread.item.done",
            ]

    run(test)


def test_what_is_no_stream_is_json(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            client = world.client()
            live = await client.say("hello")
            thread = json.loads(await client.ask("threads.get_by_id", thread_id=live.events[0].thread.id))
            assert [item["type"] for item in thread["items"]["data"]] == ["user_message", "assistant_message"]

    run(test)


def test_two_users_are_two_clients(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            ada, bob = world.client("ada"), world.client("bob")
            assert "thread.item.updated ada" in shapes(await ada.say("whoami"))
            assert "thread.item.updated bob" in shapes(await bob.say("whoami"))

    run(test)


def test_an_event_of_10_mb_arrives_whole(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            live = await world.client().say("long")
            assert live.ended == "complete"
            assert [len(frame) > 10_000_000 for frame in live.frames[4:]] == [True, True]

    run(test)


def test_a_responder_that_dies_sends_an_error_event_and_its_exception_is_seen(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            live = await world.client().say("hello die")
            assert live.ended == "complete"
            assert shapes(live)[-1] == "error"

    run(test)


def test_many_clients_at_once(kind):
    async def test() -> None:
        async with a_world(kind, EchoServer()) as world:
            clients = [world.client(f"user{number}") for number in range(5)]
            lives = await asyncio.gather(*(client.say("whoami pause whoami") for client in clients))
            assert [shapes(live)[4:7] for live in lives] == [
                [f"thread.item.updated user{n}", "thread.item.updated pause", f"thread.item.updated user{n}"]
                for n in range(5)
            ]

    run(test)


@pytest.mark.parametrize("store", ["at once", "awaiting"])
def test_what_stop_keeps_is_what_that_server_keeps(kind, store):
    """A single cancellation reaches the responder in process; behind 2.3 it is delivered again at each await, so that
    a store that awaits keeps nothing; behind 2.4 the responder goes on to its next event, and is then dropped.
    """

    async def test() -> None:
        server = EchoServer(AwaitingStore() if store == "awaiting" else None)
        async with a_world(kind, server) as world:
            client = world.client()
            live = await client.say("some pause" if kind == "asgi 2.4" else "some wait", stop_after=5)
            assert (live.ended, live.raised, len(live.events)) == ("cancelled", None, 5)
            thread = json.loads(await client.ask("threads.get_by_id", thread_id=live.events[0].thread.id))
            kept = [item["type"] for item in thread["items"]["data"]]
            saved = kind == "in process" or (kind != "asgi 2.4" and store == "at once")
            assert kept == ["user_message", *(["assistant_message"] if saved else [])]
            assert server.log[-1] == ("left by GeneratorExit" if kind == "asgi 2.4" else "left by CancelledError")
            assert server.log[:-1] == ["said some", "said pause" if kind == "asgi 2.4" else "waiting"]

    run(test)


def test_a_responder_that_never_waits_has_said_it_all_before_stop_arrives(kind):
    if kind == "uvicorn":
        pytest.skip("it runs ahead of the client for as far as its buffer goes")

    async def test() -> None:
        server = EchoServer()
        async with a_world(kind, server) as world:
            live = await world.client().say("one two three four", stop_after=5)
            assert len(live.events) == 5
            assert ("said two" in server.log, "said four" in server.log) == (True, kind != "asgi 2.4")

    run(test)
