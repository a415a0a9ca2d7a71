"""The simulated client drives a server that knows nothing of any agent."""

import asyncio
from datetime import datetime

import pytest
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientEffectEvent,
    ClientToolCallItem,
    ErrorEvent,
    HiddenContextItem,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptions,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)

from chatkit_sim import (
    ClientToolError,
    Limits,
    MemoryStore,
    Policies,
    SimulatedClient,
    UsageError,
    ViolationError,
)
from chatkit_sim.errors import LimitError
from chatkit_sim.wire import FrameError


class Server(ChatKitServer):
    """Answers by the generator it is given; keeps the context of every request."""

    def __init__(self, respond, store=None, allow_cancel=True):
        super().__init__(store or MemoryStore())
        self._respond = respond
        self._allow_cancel = allow_cancel
        self.contexts = []

    async def respond(self, thread, input_user_message, context):
        self.contexts.append(context)
        async for event in self._respond(self, thread, input_user_message, context):
            yield event

    async def action(self, thread, action, sender, context):
        yield self.says(thread, f"{action.type} {action.payload}")

    def get_stream_options(self, thread, context):
        return StreamOptions(allow_cancel=self._allow_cancel)

    def base(self, thread, kind="message"):
        return {
            "id": self.store.generate_item_id(kind, thread, None),
            "thread_id": thread.id,
            "created_at": datetime.now(),
        }

    def says(self, thread, text):
        return ThreadItemDoneEvent(
            item=AssistantMessageItem(**self.base(thread), content=[AssistantMessageContent(text=text)])
        )

    def asks(self, thread, name, **arguments):
        base = self.base(thread, "tool_call")
        return ThreadItemDoneEvent(item=ClientToolCallItem(**base, call_id=base["id"], name=name, arguments=arguments))


async def echo(server, thread, message, context):
    yield server.says(thread, f"You said {message.content[0].text}.")


def asks_once(name="add", **arguments):
    async def respond(server, thread, message, context):
        if message is not None:
            yield server.asks(thread, name, **arguments)
            return
        page = await server.store.load_thread_items(thread.id, None, 1, "desc", context)
        yield server.says(thread, f"The client said {page.data[0].output}.")

    return respond


async def streams_slowly(server, thread, message, context):
    item = AssistantMessageItem(**server.base(thread), content=[AssistantMessageContent(text="")])
    yield ThreadItemAddedEvent(item=item)
    for word in ("one ", "two ", "three"):
        await asyncio.sleep(0)
        update = AssistantMessageContentPartTextDelta(content_index=0, delta=word)
        yield ThreadItemUpdatedEvent(item_id=item.id, update=update)
    done = item.model_copy(update={"content": [AssistantMessageContent(text="one two three")]})
    yield ThreadItemDoneEvent(item=done)


@pytest.fixture
def client_of():
    clients = []

    def make(respond, **options):
        server = Server(
            respond, allow_cancel=options.pop("allow_cancel", True), store=options.pop("server_store", None)
        )
        clients.append(SimulatedClient(server, **options))
        return clients[-1]

    yield make
    for client in clients:
        client._core.bench.close()


class TestSending:
    def test_a_message_makes_a_thread_and_a_turn(self, client_of):
        client = client_of(echo)
        turn = client.send("Hi")
        assert turn.text == "You said Hi."
        assert turn.number == 1
        assert turn.request.type == "threads.create"
        assert [event.type for event in turn.preamble] == ["thread.created", "thread.item.done", "stream_options"]
        assert [event.type for event in turn.response] == ["thread.item.done"]
        assert client.thread_id == client.view.thread.id

    def test_the_next_message_goes_on_in_the_thread(self, client_of):
        client = client_of(echo)
        client.send("one")
        turn = client.send("two")
        assert turn.request.type == "threads.add_user_message"
        assert [item.type for item in client.view.items] == ["user_message", "assistant_message"] * 2
        assert [item.type for item in turn.items] == ["assistant_message"]
        assert len(client.turns) == 2

    def test_new_thread_starts_over(self, client_of):
        client = client_of(echo)
        client.send("one")
        first = client.thread_id
        client.send("two", new_thread=True)
        assert client.thread_id != first
        assert len(client.view.items) == 2

    def test_the_composer_sends_tags_quotes_tools_and_models(self, client_of):
        seen = []

        async def respond(server, thread, message, context):
            seen.append(message)
            yield server.says(thread, "ok")

        tag = {"type": "input_tag", "id": "doc_1", "text": "report", "data": {"page": 3}}
        client_of(respond).send(["See ", tag], quoted_text="earlier", tool_choice="search", model="gpt-5")
        message = seen[0]
        assert [part.type for part in message.content] == ["input_text", "input_tag"]
        assert message.quoted_text == "earlier"
        assert message.inference_options.tool_choice.id == "search"
        assert message.inference_options.model == "gpt-5"

    def test_an_empty_message_is_not_sent(self, client_of):
        with pytest.raises(UsageError, match="no empty message"):
            client_of(echo).send("")

    def test_an_unknown_option_is_named(self, client_of):
        with pytest.raises(UsageError, match=r"no option 'thread'; it takes attachments"):
            client_of(echo).send("Hi", thread="thr_1")

    def test_what_the_user_sees_besides_messages(self, client_of):
        async def respond(server, thread, message, context):
            yield ProgressUpdateEvent(text="Looking")
            yield NoticeEvent(level="info", message="Careful")
            yield ClientEffectEvent(name="confetti", data={"n": 3})
            yield server.says(thread, "done")

        client = client_of(respond)
        seen = []
        client.on_effect(lambda event: seen.append(event.data))
        named = []

        @client.on_effect(name="fireworks")
        def fireworks(event):
            named.append(event)

        turn = client.send("Hi")
        assert [event.text for event in turn.progress] == ["Looking"]
        assert [event.message for event in turn.notices] == ["Careful"]
        assert [event.name for event in turn.effects] == ["confetti"]
        assert (seen, named) == ([{"n": 3}], [])
        assert client.view.progress is None

    def test_the_turn_reads_as_a_transcript(self, client_of):
        text = repr(client_of(echo).send("Hi"))
        assert "Hi" in text
        assert "You said Hi." in text


class TestClientTools:
    def test_the_turn_goes_on_until_the_client_is_idle(self, client_of):
        client = client_of(asks_once("add", item="milk"))

        @client.client_tool
        def add(item: str) -> dict:
            return {"added": item}

        turn = client.send("milk please")
        assert turn.text == "The client said {'added': 'milk'}."
        [call] = turn.client_tool_calls
        assert (call.name, call.arguments, call.output) == ("add", {"item": "milk"}, {"added": "milk"})
        assert [stream.request.type for stream in turn.streams] == ["threads.create", "threads.add_client_tool_output"]
        [item] = [item for item in turn.items if item.type == "client_tool_call"]
        assert (item.status, item.output) == ("completed", {"added": "milk"})

    def test_a_handler_may_be_async_and_have_another_name(self, client_of):
        client = client_of(asks_once("add"))

        @client.client_tool(name="add")
        async def whatever() -> str:
            await asyncio.sleep(0)
            return "slow"

        assert client.send("go").text == "The client said slow."

    def test_a_tool_that_fails_posts_its_payload(self, client_of):
        client = client_of(asks_once("add"))

        @client.client_tool
        def add():
            raise ClientToolError({"error": "denied"})

        turn = client.send("go")
        assert turn.client_tool_calls[0].outcome == "failed"
        assert turn.text == "The client said {'error': 'denied'}."

    def test_a_handler_that_raises_reaches_the_test_with_its_own_traceback(self, client_of):
        client = client_of(asks_once("add"))

        @client.client_tool
        def add():
            raise ZeroDivisionError("in the handler")

        with pytest.raises(ZeroDivisionError, match="in the handler") as caught:
            client.send("go")
        assert caught.traceback[-1].name == "add"
        assert client.turns[0].client_tool_calls[0].outcome == "withheld"

    def test_an_assertion_in_a_handler_reaches_the_test_whatever_the_policy(self, client_of):
        client = client_of(asks_once("add", item="milk"), policies=Policies(handler_error="post"))

        @client.client_tool
        def add(item):
            assert item == "eggs"

        with pytest.raises(AssertionError, match="eggs"):
            client.send("go")

    def test_by_policy_other_exceptions_are_posted(self, client_of):
        client = client_of(asks_once("add"), policies=Policies(handler_error="post"))

        @client.client_tool
        def add():
            raise RuntimeError("offline")

        assert client.send("go").text == "The client said {'error': 'offline'}."

    def test_an_unregistered_tool_is_a_violation_and_nothing_is_posted(self, client_of):
        client = client_of(asks_once("add_item"))
        client.client_tool(name="add_items")(lambda: None)
        with pytest.raises(ViolationError) as caught:
            client.send("go")
        [violation] = caught.value.violations
        assert violation.rule == "client-tool-registered"
        assert "add_items" in str(violation)
        assert len(caught.value.turn.streams) == 1

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"item": 5}, "item=5"),
            ({}, "'item' is missing"),
            ({"item": "milk", "shop": "corner"}, "'shop' is not a parameter"),
        ],
    )
    def test_arguments_that_do_not_fit_the_handler_are_a_violation(self, client_of, arguments, says):
        client = client_of(asks_once("add", **arguments))

        @client.client_tool
        def add(item: str) -> None: ...

        with pytest.raises(ViolationError, match="client-tool-arguments-valid") as caught:
            client.send("go")
        assert says in str(caught.value)

    def test_a_result_that_is_no_json_is_an_error_that_names_the_tool(self, client_of):
        client = client_of(asks_once("add"))
        client.client_tool(name="add")(lambda: {1, 2})
        with pytest.raises(UsageError, match=r"client tool 'add' gave \{1, 2\}, which is no JSON value"):
            client.send("go")

    def test_two_tools_of_one_name_are_refused_unless_one_replaces_the_other(self, client_of):
        client = client_of(asks_once("add"))

        @client.client_tool
        def add():
            return 1

        with pytest.raises(UsageError, match=r"'add' is registered already \(.*test_client_sync.py:\d+\)"):
            client.client_tool(name="add")(lambda: 2)
        client.client_tool(name="add", replace=True)(lambda: 2)
        assert client.send("go").client_tool_calls[0].output == 2

    def test_a_function_may_be_registered_under_another_name_at_once(self, client_of):
        client = client_of(asks_once("add"))
        client.client_tool(lambda: "added", name="add")
        assert client.send("go").text == "The client said added."

    def test_a_handler_that_cannot_take_names_is_refused(self, client_of):
        client = client_of(asks_once("add"))
        with pytest.raises(UsageError, match=r"has the parameter \*args"):
            client.client_tool(name="add")(lambda *args: None)

    def test_an_endless_loop_of_client_tools_ends_with_a_clear_error(self, client_of):
        async def respond(server, thread, message, context):
            yield server.asks(thread, "again")

        client = client_of(respond, limits=Limits(rounds=3))
        client.client_tool(name="again")(lambda: "more")
        with pytest.raises(LimitError, match=r"last for 'again'.*stopped at 3 rounds"):
            client.send("go")
        assert len(client.turns[0].streams) == 4


class TestStreaming:
    def test_events_come_one_by_one_and_the_view_grows(self, client_of):
        client = client_of(streams_slowly)
        texts = []
        with client.stream("go") as stream:
            for event in stream:
                if event.type == "thread.item.updated":
                    texts.append(client.view.items[-1].content[0].text)
        assert texts == ["one ", "one two ", "one two three"]
        assert stream.turn.text == "one two three"

    def test_a_block_left_early_is_seen_to_its_end(self, client_of):
        client = client_of(streams_slowly)
        with client.stream("go") as stream:
            for _event in stream:
                break
        assert stream.turn.text == "one two three"
        assert stream.turn.streams[0].ended == "complete"

    def test_cancel_reaches_the_server_as_the_real_one_does(self, client_of):
        client = client_of(streams_slowly)
        with client.stream("go") as stream:
            for event in stream:
                if event.type == "thread.item.updated":
                    stream.cancel()
        assert stream.turn.streams[0].ended == "cancelled"
        assert stream.turn.text == "one "
        reloaded = client.reload()
        assert [item.type for item in reloaded.items] == ["user_message", "assistant_message"]
        assert reloaded.items[1].content[0].text == "one "

    def test_cancel_is_refused_where_the_server_forbids_it_and_disconnect_is_not(self, client_of):
        client = client_of(streams_slowly, allow_cancel=False)
        with client.stream("go") as stream:
            for event in stream:
                if event.type == "thread.item.updated":
                    with pytest.raises(UsageError, match="allow_cancel=False"):
                        stream.cancel()
                    stream.disconnect()
        assert stream.turn.streams[0].ended == "disconnected"

    def test_a_cancel_at_the_last_event_leaves_the_client_usable(self, client_of):
        client = client_of(echo)
        with client.stream("go") as stream:
            for event in stream:
                if event.type == "thread.item.done" and event.item.type == "assistant_message":
                    stream.cancel()
        assert client.send("again").text == "You said again."

    def test_the_client_tools_of_a_stream_run_too(self, client_of):
        client = client_of(asks_once("add"))
        client.client_tool(name="add")(lambda: 1)
        with client.stream("go") as stream:
            kinds = [event.type for event in stream]
        assert kinds.count("stream_options") == 2
        assert stream.turn.text == "The client said 1."

    def test_an_exception_of_the_test_is_not_masked(self, client_of):
        client = client_of(asks_once("unregistered"))

        def fail_inside():
            with client.stream("go") as stream:
                next(iter(stream))
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_inside()

    def test_violations_are_raised_at_the_end_of_the_block(self, client_of):
        client = client_of(asks_once("unregistered"))

        def block():
            with client.stream("go") as stream:
                list(stream)

        with pytest.raises(ViolationError, match="client-tool-registered"):
            block()

    def test_another_turn_within_the_block_is_refused(self, client_of):
        client = client_of(echo)
        with client.stream("go"), pytest.raises(UsageError, match="middle of a turn"):
            client.send("again")


class TestOtherMoves:
    def test_retry_responds_to_the_last_message_again(self, client_of):
        client = client_of(echo)
        client.send("one")
        client.send("two")
        turn = client.retry()
        assert turn.request.type == "threads.retry_after_item"
        assert turn.text == "You said two."
        assert [item.type for item in client.view.items] == ["user_message", "assistant_message"] * 2
        assert client.reload().items == client.view.items

    def test_retry_of_an_earlier_message_drops_what_followed(self, client_of):
        client = client_of(echo)
        client.send("one")
        client.send("two")
        client.retry(client.view.items[0].id)
        assert len(client.view.items) == 2

    def test_an_action_is_a_turn(self, client_of):
        client = client_of(echo)
        client.send("one")
        assert client.action("open", {"id": 1}).text == "open {'id': 1}"

    @pytest.mark.parametrize("move", ["retry", "action", "reload"])
    def test_moves_that_need_a_thread_say_so(self, client_of, move):
        client = client_of(echo)
        arguments = ["open"] if move == "action" else []
        with pytest.raises(UsageError, match=r"send\(\)"):
            getattr(client, move)(*arguments)

    def test_reload_reads_every_page(self, client_of):
        client = client_of(echo)
        for number in range(15):
            client.send(str(number))
        live = client.view.items
        assert len(live) == 30
        assert client.reload().items == live

    def test_another_tab_and_another_user_share_the_server(self, client_of):
        client = client_of(echo, context={"user": "ada"})
        client.send("one")
        tab = client.another(thread_id=client.thread_id)
        user = client.another(context={"user": "bob"})
        tab.send("two")
        user.send("three")
        contexts = client._core.bench.server.contexts
        assert [context["user"] for context in contexts] == ["ada", "ada", "bob"]
        assert len(tab.reload().items) == 4
        assert user.thread_id != client.thread_id

    def test_any_request_can_be_sent_raw(self, client_of):
        client = client_of(echo)
        client.send("one")
        listed = client.request("threads.list", limit=9999, order="desc")
        assert [thread["id"] for thread in listed["data"]] == [client.thread_id]
        stream = client.request("threads.retry_after_item", thread_id=client.thread_id, item_id=client.view.items[0].id)
        assert [event.type for event in stream.events] == ["stream_options", "thread.item.done"]
        with pytest.raises(ValueError, match=r"threads\.explode"):
            client.request("threads.explode")


class TestContexts:
    def test_a_function_makes_the_context_of_each_request(self, client_of):
        made = []

        def context():
            made.append(len(made))
            return {"request": made[-1]}

        client = client_of(asks_once("add"), context=context, reload_check=False)
        client.client_tool(name="add")(lambda: 1)
        client.send("go")
        assert client._core.bench.server.contexts == [{"request": 0}, {"request": 1}]

    def test_it_may_be_a_coroutine_or_a_context_manager(self, client_of):
        log = []

        async def request_context():
            log.append("open")
            yield {"user": "ada"}
            log.append("close")

        client = client_of(echo, context=request_context, reload_check=False)
        client.send("go")
        assert log == ["open", "close"]
        assert client._core.bench.server.contexts == [{"user": "ada"}]

    def test_a_failure_that_touches_the_default_says_so(self, client_of):
        async def respond(server, thread, message, context):
            yield server.says(thread, context["user_id"])

        with pytest.raises(ViolationError, match="Define the fixture `chatkit_context`"):
            client_of(respond).send("go")


class TestServers:
    @pytest.mark.parametrize("kind", ["function", "class", "coroutine", "generator", "async generator"])
    def test_a_factory_of_any_kind_is_called_with_the_store(self, kind):
        log = []

        def function(store):
            return Server(echo, store)

        class Made(Server):
            def __init__(self, store):
                super().__init__(echo, store)

        async def coroutine(store):
            return Server(echo, store)

        def generator(store):
            yield Server(echo, store)
            log.append("left")

        async def async_generator(store):
            yield Server(echo, store)
            log.append("left")

        factories = [function, Made, coroutine, generator, async_generator]
        factory = dict(zip(["function", "class", "coroutine", "generator", "async generator"], factories, strict=True))
        store = MemoryStore()
        with SimulatedClient(factory[kind], store=store) as client:
            client.send("go")
            assert client._core.bench.server.store is store
        assert log == (["left"] if "generator" in kind else [])

    @pytest.mark.parametrize(
        ("source", "says"),
        [
            (42, r"42 \(int\), which is not a ChatKitServer"),
            (lambda: "nope", "gave something else"),
            (lambda store, settings: None, r"needs \(store, settings\)"),
        ],
    )
    def test_what_is_no_server_is_named(self, source, says):
        with SimulatedClient(source) as client, pytest.raises(UsageError, match=says):
            client.send("go")

    def test_a_closed_client_says_so(self):
        client = SimulatedClient(Server(echo))
        client.send("go")
        client.close()
        client.close()
        with pytest.raises(UsageError, match="This client is closed"):
            client.send("again")

    def test_inside_a_running_loop_the_async_client_is_recommended(self, client_of):
        client = client_of(echo)

        async def main():
            with pytest.raises(UsageError, match="async_chatkit_client"):
                client.send("go")

        asyncio.run(main())


class TestWhatGoesWrong:
    def test_an_exception_in_respond_is_shown_with_its_origin(self, client_of):
        async def respond(server, thread, message, context):
            yield ProgressUpdateEvent(text="…")
            raise ZeroDivisionError("in respond")

        with pytest.raises(ViolationError, match="no-unexpected-error") as caught:
            client_of(respond).send("go")
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert caught.value.__cause__.__traceback__ is not None
        assert "in respond" in str(caught.value)

    def test_an_exception_out_of_the_stream_is_shown_too(self, client_of):
        class Broken(MemoryStore):
            async def add_thread_item(self, thread_id, item, context):
                raise ConnectionError("the database is gone")

        with pytest.raises(ViolationError, match="stream-ends-cleanly") as caught:
            client_of(echo, server_store=Broken()).send("go")
        assert isinstance(caught.value.__cause__, ConnectionError)

    def test_a_responder_that_never_ends_meets_the_limit_of_events(self, client_of):
        async def respond(server, thread, message, context):
            while True:
                yield ProgressUpdateEvent(text="…")

        with pytest.raises(
            LimitError, match=r"sent more than 50 events(.|\n)*progress(.|\n)*Limits\(events="
        ) as caught:
            client_of(respond, limits=Limits(events=50)).send("go")
        assert "51 events" in str(caught.value)

    def test_a_responder_that_hangs_meets_the_limit_of_seconds(self, client_of):
        async def respond(server, thread, message, context):
            yield ProgressUpdateEvent(text="…")
            await asyncio.sleep(60)

        client = client_of(respond, limits=Limits(seconds=0.05))
        with pytest.raises(LimitError, match=r"still going after 0.05 seconds"):
            client.send("go")
        assert client.turns[0].streams[0].ended == "limit"

    def test_one_that_neither_ends_nor_awaits_meets_it_as_well(self, client_of):
        async def respond(server, thread, message, context):
            while True:
                yield ProgressUpdateEvent(text="…")

        with pytest.raises(LimitError, match=r"still going after"):
            client_of(respond, limits=Limits(seconds=0.2, events=10**9)).send("go")

    def test_a_frame_that_is_no_event_shows_its_bytes(self, client_of):
        class Odd(Server):
            async def _process_streaming(self, request, context):
                yield b'data: {"type":"odd"}\n\n'

        with SimulatedClient(Odd(echo)) as client, pytest.raises(FrameError, match="odd"):
            client.send("go")

    def test_limits_must_be_positive(self):
        with pytest.raises(UsageError, match=r"Limits\(rounds=\.\.\.\) must be positive, not 0"):
            Limits(rounds=0)


class TestExpecting:
    async def fails(self, thread, message, context):
        yield ErrorEvent(code="stream.error", message=None)

    def test_an_expected_violation_is_not_raised(self, client_of):
        client = client_of(asks_once("unregistered"))
        with client.expecting(violation="client-tool-registered") as caught:
            client.send("go")
        assert [violation.rule for violation in caught.violations] == ["client-tool-registered"]

    @pytest.mark.parametrize("error", [True, ValueError, "out of milk", "ValueError", "stream.error"])
    def test_an_expected_error_is_found_by_text_type_or_code(self, client_of, error):
        async def respond(server, thread, message, context):
            raise ValueError("out of milk")
            yield

        client = client_of(respond)
        with client.expecting(error=error) as caught:
            client.send("go")
        assert len(caught.errors) == 1

    def test_other_errors_are_still_raised(self, client_of):
        async def respond(server, thread, message, context):
            raise ValueError("out of milk")
            yield

        client = client_of(respond)

        def block():
            with client.expecting(error="out of eggs"):
                client.send("go")

        with pytest.raises(ViolationError, match="no-unexpected-error"):
            block()

    def test_what_does_not_happen_fails(self, client_of):
        client = client_of(echo)

        def block(**expected):
            with client.expecting(**expected):
                client.send("go")

        with pytest.raises(AssertionError, match="client-tool-registered"):
            block(violation="client-tool-registered")
        with pytest.raises(AssertionError, match=r"Expected an error \('quota'\)"):
            block(error="quota")

    def test_an_unknown_rule_is_refused(self, client_of):
        with pytest.raises(UsageError, match="'stop-at-tool', which is no rule"):
            client_of(echo).expecting(violation="stop-at-tool").__enter__()

    def test_hidden_items_after_a_pending_call_show_as_not_newest(self, client_of):
        async def respond(server, thread, message, context):
            if message is not None:
                yield server.asks(thread, "add")
                await server.store.add_thread_item(
                    thread.id, HiddenContextItem(**server.base(thread), content="secret"), context
                )

        client = client_of(respond)
        client.client_tool(name="add")(lambda: 1)
        with pytest.raises(ViolationError, match="client-tool-call-is-newest"):
            client.send("go")
