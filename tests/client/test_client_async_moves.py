"""Every move of the async client: the same names and arguments, awaited."""

import asyncio
import inspect
import typing

import pytest
from chatkit.types import TranscriptionResult
from client_pages import PageServer, button, card, showing
from test_client_attachments import World
from test_client_everywhere import app_of
from test_client_structured_input import asks

from chatkit_sim import AsyncSimulatedClient, SimulatedClient

MOVES = (
    "send stream client_tool on_effect on_action expecting action sync_action click answer skip retry feedback upload "
    "remove transcribe threads open new_thread rename delete reload another request view turns thread_id"
).split()


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def test_both_clients_have_the_same_names():
    assert set(MOVES) <= public(SimulatedClient)
    assert public(SimulatedClient) == public(AsyncSimulatedClient)


@pytest.mark.parametrize("name", [name for name in MOVES if callable(getattr(SimulatedClient, name))])
def test_with_the_same_arguments(name):
    def parameters(kind):
        return inspect.signature(getattr(kind, name)).parameters

    assert parameters(SimulatedClient) == parameters(AsyncSimulatedClient)


def test_results_are_typed_alike():
    for name in ("send", "click", "answer", "threads", "upload"):
        sync, awaited = (typing.get_type_hints(getattr(kind, name)) for kind in (SimulatedClient, AsyncSimulatedClient))
        assert sync == awaited


def test_widgets_questions_and_history():
    async def test():
        buttons = card(
            button("Go"),
            button("Flag", "flag", action={"streaming": False}),
            button("Open", "open", action={"handler": "client"}),
        )
        heard = []
        async with AsyncSimulatedClient(PageServer(showing(buttons))) as client:

            @client.on_action
            async def opened(action, item):
                await asyncio.sleep(0)
                turn = await client.action("opened", item=item)
                heard.append(turn.text)

            await client.send("show")
            await client.click("Open")
            assert heard[0].startswith("opened null on ")
            assert (await client.click("Go")).text.startswith("go ")
            assert (await client.sync_action("page")).items == ()
            assert (await client.click("Flag")).widgets[0].widget.children[0].value == "flag done"
            await client.feedback("positive")
            await client.rename("Widgets")
            [thread] = await client.threads()
            assert thread.title == "Widgets"
            client.new_thread()
            assert len((await client.open(thread)).items) == 4
            await client.delete()
            assert await client.threads() == ()

    asyncio.run(test())


def test_answers_and_dictation():
    class Server(PageServer):
        async def transcribe(self, audio_input, context):
            return TranscriptionResult(text="heard")

    async def test():
        async with AsyncSimulatedClient(Server(asks)) as client:
            await client.send("ask")
            assert (await client.answer({"day": "Friday"})).text == "Noted."
            await client.send("ask")
            assert (await client.skip()).text == "Noted."
            assert (await client.retry()).items[0].status == "pending"
            assert await client.transcribe(b"...") == "heard"

    asyncio.run(test())


def test_uploads():
    async def test():
        world = World()
        async with AsyncSimulatedClient(app=world.app) as client:
            attachment = await client.upload(b"x", name="a.txt")
            await client.remove(attachment)
        return world

    world = asyncio.run(test())
    assert len(world.received) == len(world.uploads.deleted) == 1


@pytest.mark.parametrize("transport", ["asgi", "http"])
def test_what_is_not_closed_on_its_loop_can_be_closed_afterwards(transport):
    client = AsyncSimulatedClient(app=app_of(PageServer()), transport=transport)

    async def test():
        return (await client.send("Hi")).text

    assert asyncio.run(test()) == "ok"
    client._core.bench.close()
