"""One behaviour over every transport; what differs is named where it differs."""

from __future__ import annotations

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
        import asyncio

        async with a_world(kind, EchoServer()) as world:
            clients = [world.client(f"user{number}") for number in range(5)]
            lives = await asyncio.gather(*(client.say("whoami pause whoami") for client in clients))
            assert [shapes(live)[4:7] for live in lives] == [
                [f"thread.item.updated user{n}", "thread.item.updated pause", f"thread.item.updated user{n}"]
                for n in range(5)
            ]

    run(test)


@pytest.mark.parametrize("store", ["plain", "awaiting"])
def test_stop_while_the_responder_waits(kind, store):
    async def test() -> None:
        server = EchoServer(AwaitingStore() if store == "awaiting" else None)
        async with a_world(kind, server) as world:
            client = world.client()
            live = await client.say("some pause pause pause pause", stop_after=5)
            assert live.ended == "cancelled"
            assert len(live.events) == 5
            thread = json.loads(await client.ask("threads.get_by_id", thread_id=live.events[0].thread.id))
            kept = [item["type"] for item in thread["items"]["data"]]
            print(kind, store, kept, server.log)

    run(test)
