"""What is refused while a client is busy, stopping while a handler runs, and tabs that run at the same time."""

import asyncio

import pytest
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)
from client_pages import PageServer

from chatkit_sim import AsyncSimulatedClient, MemoryStore, SimulatedClient, UsageError


async def streams(server, thread, message, context):
    """Word by word, with a pause before each; ``wait`` is a word that takes as long as the test wants."""
    item = AssistantMessageItem(**server.base(thread), content=[AssistantMessageContent(text="")])
    yield ThreadItemAddedEvent(item=item)
    said = ""
    for word in message.content[0].text.split():
        await asyncio.sleep(0.001)
        if word == "wait":
            server.waiting.set()
            await server.go_on.wait()
        said += f"{word} "
        update = AssistantMessageContentPartTextDelta(content_index=0, delta=f"{word} ")
        yield ThreadItemUpdatedEvent(item_id=item.id, update=update)
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [AssistantMessageContent(text=said)]}))


async def asks(server, thread, message, context):
    if message is not None:
        head = server.base(thread, "tool_call")
        yield ThreadItemDoneEvent(item=ClientToolCallItem(**head, call_id=head["id"], name="confirm", arguments={}))
        return
    yield server.says(thread, "Thanks.")


def run(test):
    return asyncio.run(test())


def make(respond=streams, **options):
    server = PageServer(respond, store=options.pop("store", None))
    server.waiting, server.go_on = asyncio.Event(), asyncio.Event()
    return server, AsyncSimulatedClient(server, **options)


class TestBusy:
    @pytest.mark.parametrize(
        ("move", "arguments"),
        [
            ("send", ("again",)),
            ("action", ("go",)),
            ("retry", ()),
            ("open", ("thr_1",)),
            ("delete", ()),
            ("answer", ({"a": "b"},)),
            ("skip", ()),
        ],
    )
    def test_while_a_response_streams(self, move, arguments):
        async def test():
            server, client = make()
            async with client:
                await client.send("one")
                sending = asyncio.create_task(client.send("please wait"))
                await server.waiting.wait()
                with pytest.raises(UsageError, match=rf"A response is being streamed, so {move}\(\) is refused"):
                    await getattr(client, move)(*arguments)
                with pytest.raises(UsageError, match=r"new_thread\(\) is refused"):
                    client.new_thread()
                server.go_on.set()
                return (await sending).text

        assert run(test) == "please wait "

    def test_reading_is_not_refused(self):
        async def test():
            server, client = make()
            async with client:
                first = await client.send("one")
                sending = asyncio.create_task(client.send("please wait"))
                await server.waiting.wait()
                listed = await client.threads()
                await client.feedback("positive", first)
                await client.rename("Title")
                server.go_on.set()
                await sending
                return len(listed), server.feedback[0][2]

        assert run(test) == (1, "positive")

    def test_of_two_messages_at_once_one_is_refused(self):
        async def test():
            _, client = make()
            async with client:
                outcomes = await asyncio.gather(client.send("one"), client.send("two"), return_exceptions=True)
            return [type(outcome).__name__ for outcome in outcomes]

        assert sorted(run(test)) == ["Turn", "UsageError"]

    def test_while_a_thread_is_loaded(self):
        class Slow(MemoryStore):
            async def load_thread_items(self, *arguments, **named):
                await asyncio.sleep(0.01)
                return await super().load_thread_items(*arguments, **named)

        async def test():
            _, client = make(store=Slow())
            async with client:
                await client.send("one")
                loading = asyncio.create_task(client.open(client.thread_id))
                await asyncio.sleep(0.001)
                with pytest.raises(UsageError, match=r"A thread is being loaded, so send\(\) is refused"):
                    await client.send("two")
                await loading
                return (await client.send("three")).text

        assert run(test) == "three "

    def test_while_a_handler_has_not_settled(self):
        async def test():
            server, client = make(asks)

            @client.client_tool
            async def confirm():
                server.waiting.set()
                await server.go_on.wait()
                return "yes"

            async with client:
                sending = asyncio.create_task(client.send("go"))
                await server.waiting.wait()
                with pytest.raises(
                    UsageError, match=r"handler of the client tool 'confirm' has not settled, so send\(\)"
                ):
                    await client.send("two")
                server.go_on.set()
                return (await sending).text

        assert run(test) == "Thanks."


class TestStoppingInAHandler:
    def test_another_task_presses_stop(self):
        async def test():
            server, client = make(asks)
            log = []

            @client.client_tool
            async def confirm():
                server.waiting.set()
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    log.append("cancelled")
                    raise

            async with client, client.stream("go") as stream:

                async def read():
                    return [event.type async for event in stream]

                reading = asyncio.create_task(read())
                await server.waiting.wait()
                await stream.cancel()
                kinds = await reading
            return log, kinds[-1], stream.turn, await client_items(client)

        log, last, turn, kinds = run(test)
        assert (log, last) == (["cancelled"], "thread.item.done")
        [call] = turn.client_tool_calls
        assert (call.outcome, call.problem) == (
            "withheld",
            "the user pressed stop while the handler of 'confirm' ran",
        )
        assert [note.kind for note in turn.notes] == ["cancelled"]
        assert kinds == ["user_message", "client_tool_call"]

    def test_the_handler_presses_stop_itself(self):
        client = SimulatedClient(PageServer(asks))
        streams = []

        @client.client_tool
        def confirm():
            streams[0].cancel()
            return "never posted"

        with client, client.stream("go") as stream:
            streams.append(stream)
            list(stream)
        assert stream.turn.client_tool_calls[0].outcome == "withheld"
        assert len(stream.turn.streams) == 1

    def test_not_where_the_server_forbids_it(self):
        class Strict(PageServer):
            def get_stream_options(self, thread, context):
                options = super().get_stream_options(thread, context)
                options.allow_cancel = False
                return options

        client = SimulatedClient(Strict(asks))
        streams = []

        @client.client_tool
        def confirm():
            with pytest.raises(UsageError, match="allow_cancel=False"):
                streams[0].cancel()
            return "posted"

        with client, client.stream("go") as stream:
            streams.append(stream)
            list(stream)
        assert stream.turn.text == "Thanks."


async def client_items(client):
    return [item.type for item in client.view.items]


class TestAtTheSameTime:
    def test_two_tabs_on_two_threads(self):
        async def test():
            server, client = make()
            async with client:
                first = asyncio.create_task(client.send("a wait b"))
                await server.waiting.wait()
                tab = client.another()
                second = await tab.send("c d")
                server.go_on.set()
                return (await first).text, second.text, client.thread_id != tab.thread_id, len(client.turns)

        assert run(test) == ("a wait b ", "c d ", True, 1)

    def test_many_users_interleave(self):
        async def test():
            _, client = make()
            async with client:
                users = [client.another(context={"user": number}) for number in range(5)]
                turns = await asyncio.gather(*(user.send(f"{n} x y z") for n, user in enumerate(users)))
                views = await asyncio.gather(*(user.reload() for user in users))
            return [turn.text for turn in turns], [len(view.items) for view in views]

        assert run(test) == ([f"{n} x y z " for n in range(5)], [2] * 5)

    def test_two_tabs_on_one_thread(self):
        async def test():
            _, client = make()
            async with client:
                await client.send("hello")
                tab = client.another()
                await tab.open(client.thread_id)
                turns = await asyncio.gather(client.send("a b c"), tab.send("d e f"))
                views = [await client.reload(), await tab.reload()]
            return [turn.text for turn in turns], views

        texts, (one, other) = run(test)
        assert texts == ["a b c ", "d e f "]
        assert one.items == other.items
        assert [item.type for item in one.items].count("assistant_message") == 3

    def test_tabs_one_after_the_other_on_one_thread(self):
        with SimulatedClient(PageServer()) as client:
            client.send("one")
            tab = client.another(thread_id=client.thread_id)
            tab.send("two")
            client.send("three")
            assert len(tab.reload().items) == 6

    def test_another_tab_reloads_in_the_middle_of_a_stream(self):
        async def test():
            server, client = make()
            async with client:
                await client.send("hello")
                sending = asyncio.create_task(client.send("a wait b"))
                await server.waiting.wait()
                tab = client.another()
                middle = await tab.open(client.thread_id)
                server.go_on.set()
                turn = await sending
                return [item.type for item in middle.items], turn.text, await tab.reload() == client.view

        assert run(test) == (["user_message", "assistant_message", "user_message"], "a wait b ", True)

    @pytest.mark.parametrize("first", [True, False])
    def test_the_page_itself_is_reloaded_in_the_middle_of_a_stream(self, first):
        with SimulatedClient(PageServer(streams)) as client:
            if not first:
                client.send("hello")
            with client.stream("a b c") as stream:
                for event in stream:
                    if event.type == "thread.item.updated":
                        view = client.reload()
            assert stream.turn.streams[-1].ended == "disconnected"
            assert view.items[-1].content[0].text == "a "
            assert client.view == view
            assert client.send("d").text == "d "

    def test_or_while_a_task_awaits_the_turn(self):
        async def test():
            server, client = make()
            async with client:
                await client.send("hello")
                sending = asyncio.create_task(client.send("a wait b"))
                await server.waiting.wait()
                view = await client.reload()
                turn = await sending
                return turn.streams[0].ended, [item.type for item in view.items], client.view == view

        assert run(test) == ("disconnected", ["user_message", "assistant_message"] * 2, True)
