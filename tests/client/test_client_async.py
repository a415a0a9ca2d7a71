"""The async client is the same client, on the test's own event loop."""

import asyncio
from datetime import datetime

import pytest
from chatkit.server import ChatKitServer
from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadItemDoneEvent

from chatkit_sim import AsyncSimulatedClient, MemoryStore, SimulatedClient, ViolationError
from chatkit_sim.client import AsyncTurnStream, TurnStream


class Echo(ChatKitServer):
    async def respond(self, thread, input_user_message, context):
        await asyncio.sleep(0)
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text=f"{context['user']}: {input_user_message.content[0].text}")],
        )
        yield ThreadItemDoneEvent(item=item)


class Crash(Echo):
    async def respond(self, thread, input_user_message, context):
        raise ZeroDivisionError("in respond")
        yield


def run(test):
    return asyncio.run(test())


def test_send_stream_and_reload_are_awaited():
    async def test():
        async with AsyncSimulatedClient(Echo(MemoryStore()), context={"user": "ada"}) as client:
            turn = await client.send("one")
            async with client.stream("two") as stream:
                kinds = [event.type async for event in stream]
            view = await client.reload()
            return turn.text, stream.turn.text, kinds[-1], len(view.items)

    assert run(test) == ("ada: one", "ada: two", "thread.item.done", 4)


def test_violations_are_raised_at_the_await():
    async def test():
        client = AsyncSimulatedClient(Crash(MemoryStore()))
        with pytest.raises(ViolationError) as caught:
            await client.send("go")
        await client.close()
        return caught

    caught = run(test)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_two_users_run_at_the_same_time():
    async def test():
        async with AsyncSimulatedClient(Echo(MemoryStore()), context={"user": "ada"}) as ada:
            bob = ada.another(context={"user": "bob"})
            turns = await asyncio.gather(*(client.send(str(n)) for n in range(1) for client in (ada, bob)))
            return [turn.text for turn in turns]

    assert run(test) == ["ada: 0", "bob: 0"]


def test_a_context_manager_as_server_is_left_on_close():
    log = []

    async def make(store):
        log.append(asyncio.get_running_loop())
        yield Echo(store)
        log.append(asyncio.get_running_loop())

    async def test():
        async with AsyncSimulatedClient(make, context={"user": "ada"}) as client:
            await client.send("go")
        return asyncio.get_running_loop()

    loop = run(test)
    assert log == [loop, loop]


@pytest.mark.parametrize(
    ("sync", "other"),
    [(SimulatedClient, AsyncSimulatedClient), (TurnStream, AsyncTurnStream)],
    ids=["client", "stream"],
)
def test_both_faces_have_the_same_names(sync, other):
    def names(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert names(sync) == names(other)
