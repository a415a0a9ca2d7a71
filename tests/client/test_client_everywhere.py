"""One behaviour of the client over every way to a server: in process, an ASGI app, real HTTP; a hand-written shop."""

import asyncio
import socket
import zlib
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import respx
from chatkit.server import StreamingResult
from chatkit.store import AttachmentStore
from chatkit.types import (
    AttachmentUploadDescriptor,
    FileAttachment,
    LockedStatus,
    ProgressUpdateEvent,
    TranscriptionResult,
)
from client_pages import PageServer, card, showing
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from chatkit_sim import AsyncSimulatedClient, MemoryStore, SimulatedClient, UsageError, ViolationError
from chatkit_sim.client import Bench, ComposerModel, Door, Entity, Frontend
from chatkit_sim.recording import ToolStarted, current_observer
from chatkit_sim.transports import (
    AsgiApp,
    ContentTypeError,
    RedirectError,
    StatusError,
    UnreachableError,
    UvicornServer,
)
from chatkit_sim.wire import FrameError

RESPONDERS = Path(__file__).parents[2] / "fixtures" / "responders"
WAYS = ("in-process", "asgi", "http", "url")


def app_of(server):
    """The app of ChatKit's README, with the user's name from a header as the context."""
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), {"user": request.headers.get("x-user", "nobody")})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app


class Bucket(AttachmentStore):
    """Names a place that is neither the server's nor the app's."""

    async def create_attachment(self, input, context):
        place = AttachmentUploadDescriptor(url="https://bucket.example.com/1", method="PUT")
        return FileAttachment(id="atc_1", name=input.name, mime_type=input.mime_type, upload_descriptor=place)

    async def delete_attachment(self, attachment_id, context):
        pass


class Listening(PageServer):
    """Takes dictation, and locks the thread after its first answer."""

    async def respond(self, thread, input_user_message, context):
        async for event in super().respond(thread, input_user_message, context):
            yield event
        thread.status = LockedStatus()

    async def transcribe(self, audio_input, context):
        return TranscriptionResult(text=audio_input.data.decode())


PAGE = Frontend(
    tools=["search"],
    models=[ComposerModel(id="big", default=True)],
    entities=[Entity(id="doc_1", title="Report")],
    feedback=True,
    dictation=True,
)


async def counting(server, thread, message, context):
    """It never waits, so an app is ahead of its client for as far as it may."""
    observer = current_observer()
    for number in range(200):
        if observer is not None:
            observer.tool_started(agent="A", tool="count", call_id=str(number))
        yield ProgressUpdateEvent(text=str(number))
    yield server.says(thread, "Done.")


def places_of_tools(turn):
    return [entry.after_event for entry in turn.timeline.of(ToolStarted)]


@pytest.fixture
def options_of():
    """Makes the options of a client that reaches a server in one of the ways."""
    running = []

    def make(way, server):
        if way == "in-process":
            return {"server": server}
        if way != "url":
            return {"app": app_of(server), "transport": way}
        running.append(UvicornServer(app_of(server)))
        running[-1].start()
        return {"url": f"{running[-1].url}/chatkit"}

    yield make
    for server in running:
        server.stop()


@pytest.fixture
def client_of(options_of):
    clients = []

    def make(way, server, **more):
        options = {**options_of(way, server), **more}
        clients.append(SimulatedClient(options.pop("server", None), **options))
        return clients[-1]

    yield make
    for client in clients:
        client._core.bench.close()


class Shrinking:
    """Compresses streams event by event, which Starlette's own middleware leaves alone."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        packer = zlib.compressobj(wbits=31)

        async def packed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-encoding", b"gzip")]
            elif scope["type"] == "http":
                body = packer.compress(message.get("body", b"")) + packer.flush(zlib.Z_SYNC_FLUSH)
                message["body"] = body if message.get("more_body") else body + packer.flush()
            await send(message)

        await self.app(scope, receive, packed)


@pytest.fixture
def shop(monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    from handwritten.server import HandwrittenServer

    return HandwrittenServer(MemoryStore())


@pytest.mark.parametrize("way", WAYS)
class TestEverywhere:
    def test_widgets_of_every_kind_of_action(self, client_of, shop, way):
        client = client_of(way, shop)
        client.send("widget please")
        heard = []
        client.on_action(lambda action, item: heard.append(action.payload))
        assert client.click("Open").request.type == "widgets.onAction"
        assert heard == [{"order": 17}]
        flagged = client.click("Flag")
        assert flagged.widgets[0].widget.children[1].color == "warning"
        turn = client.click("Track")
        assert turn.text == "Your parcel is in Utrecht."
        assert turn.widgets[0].widget.children[1].label == "In Utrecht"
        assert client.reload() == client.view

    def test_questions_client_tools_and_effects(self, client_of, shop, way):
        client = client_of(way, shop)
        client.client_tool(name="find_pickup_point")(lambda postcode, radius_km: {"shop": postcode})
        turn = client.send("structured input, effect and client tool")
        assert [effect.name for effect in turn.effects] == ["open_order"]
        assert "The page found" in turn.text
        client.send("structured input")
        assert client.answer({"day": ["Friday"], "note": "Twice"}).text == "You said: Friday; Twice."
        client.send("structured input")
        assert client.skip().text == "Then I choose for you."

    def test_a_response_is_stopped(self, client_of, shop, way):
        client = client_of(way, shop)
        with client.stream("message") as stream:
            for event in stream:
                if event.type == "thread.item.updated":
                    stream.cancel()
        assert stream.turn.streams[0].ended == "cancelled"
        assert client.send("and now a message").text.startswith("Your order left")

    def test_history(self, client_of, shop, way):
        client = client_of(way, shop)
        client.send("message")
        first = client.thread_id
        client.send("message", new_thread=True)
        client.rename("Second")
        assert [thread.title for thread in client.threads()] == ["Second", None]
        client.delete(first)
        assert len(client.threads(limit=1)) == 1

    def test_forms(self, client_of, way):
        size = {"type": "Select", "name": "size", "options": [{"value": "l", "label": "Large"}]}
        fields = [{"type": "Input", "name": "title", "defaultValue": "Milk"}, size, {"type": "Checkbox", "name": "now"}]
        save = {"type": "save", "payload": {"id": 3}}
        children = [*fields, {"type": "Button", "label": "Save", "submit": True}]
        server = PageServer(showing(card({"type": "Form", "onSubmitAction": save, "children": children})))
        client = client_of(way, server)
        client.send("show")
        assert client.click("Save", form={"size": "Large"}).text.startswith("save {")
        assert server.actions == [("save", {"id": 3, "title": "Milk", "size": "l", "now": False})]

    def test_a_file_is_uploaded_sent_and_shown(self, client_of, way):
        server = PageServer(attachment_store=Bucket())
        client = client_of(way, server)
        with respx.mock as bucket:
            route = bucket.put("https://bucket.example.com/1").respond(200)
            photo = client.upload(b"PNG", name="photo.png")
        client.send("Look!", attachments=[photo])
        assert route.calls.last.request.content == b"PNG"
        assert [each.name for each in server.messages[0].attachments] == ["photo.png"]
        assert client.reload().items[0].attachments[0].name == "photo.png"

    def test_what_is_around_a_conversation(self, client_of, way):
        server = Listening()
        client = client_of(way, server, frontend=PAGE)
        client.send(["Summarize ", Entity(id="doc_1", title="Report")], tool_choice="search", quoted_text="you said")
        message = server.messages[0]
        assert (message.content[1].id, message.quoted_text) == ("doc_1", "you said")
        assert (message.inference_options.tool_choice.id, message.inference_options.model) == ("search", "big")
        client.feedback("positive")
        assert [(kind, len(items)) for _, items, kind in server.feedback] == [("positive", 1)]
        assert client.transcribe(b"hello") == "hello"
        with pytest.raises(UsageError, match="is locked"):
            client.send("and more")

    def test_an_error_is_an_event(self, client_of, shop, way):
        client = client_of(way, shop)
        with client.expecting(error="warehouse") as caught:
            client.send("error")
        assert caught.errors[0].allow_retry
        assert client.send("message").text

    def test_who_is_asking(self, client_of, way):
        async def whoami(server, thread, message, context):
            yield server.says(thread, context["user"])

        ada = {"context": {"user": "ada"}} if way == "in-process" else {"headers": {"x-user": "ada"}}
        bob = {"context": {"user": "bob"}} if way == "in-process" else {"headers": {"x-user": "bob"}}
        client = client_of(way, PageServer(whoami), **ada)
        assert client.send("who am I?").text == "ada"
        assert client.another(**bob).send("and I?").text == "bob"
        assert client.another().send("and I?").text == "ada"

    def test_what_the_run_did_stands_where_it_was_done(self, client_of, way):
        turn = client_of(way, PageServer(counting)).send("count")
        assert len(turn.response) == 201
        assert turn.timeline.observed == (way != "url")
        assert places_of_tools(turn) == (list(range(3, 203)) if way != "url" else [])

    def test_tabs_at_the_same_time(self, options_of, way):
        async def slowly(server, thread, message, context):
            await asyncio.sleep(0.01)
            yield server.says(thread, message.content[0].text)

        async def test():
            options = options_of(way, PageServer(slowly))
            async with AsyncSimulatedClient(options.pop("server", None), **options) as client:
                tabs = [client.another() for _ in range(3)]
                return [turn.text for turn in await asyncio.gather(*(tab.send(str(n)) for n, tab in enumerate(tabs)))]

        assert asyncio.run(test()) == ["0", "1", "2"]


class TestDoors:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({}, r"transport 'in-process' needs server, and was given nothing"),
            ({"transport": "asgi"}, r"'asgi' needs app, and was given nothing(.|\n)*chatkit_app"),
            ({"transport": "http", "server": 1}, r"'http' needs url or app, and was given server"),
            ({"app": 1, "url": "http://x"}, "Give a URL or an app, not both"),
            (
                {"app": 1, "transport": "carrier pigeon"},
                "one of in-process, asgi, asgi-2.4, http, not 'carrier pigeon'",
            ),
            ({"app": 1}, r"The ASGI app is 1 \(int\), which cannot be called"),
            ({"url": "chatkit"}, "looks like 'http://127.0.0.1:8000/chatkit', not 'chatkit'"),
        ],
    )
    def test_what_does_not_fit_is_named(self, options, says):
        client = SimulatedClient(options.pop("server", None), **options)
        with pytest.raises(UsageError, match=says):
            client.send("Hi")
        client._core.bench.close()

    @pytest.mark.parametrize(("transport", "learnt"), [("asgi", "CancelledError"), ("asgi-2.4", "GeneratorExit")])
    def test_an_app_learns_of_a_client_that_left_as_its_asgi_version_has_it(self, transport, learnt):
        log = []

        async def slowly(server, thread, message, context):
            try:
                for number in range(3):
                    yield ProgressUpdateEvent(text=f"{number}")
                    await asyncio.sleep(0.02)
            except BaseException as error:
                log.append(type(error).__name__)
                raise

        with SimulatedClient(app=app_of(PageServer(slowly)), transport=transport) as client:
            with client.stream("Hi") as stream:
                next(event for event in stream if event.type == "progress_update")
                stream.disconnect()
            assert stream.turn.streams[0].ended == "disconnected"
            assert log == [learnt]

    def test_a_compressed_stream_is_read_and_its_run_stands_in_place(self):
        app = app_of(PageServer(counting))
        app.add_middleware(Shrinking)
        with SimulatedClient(app=app, headers={"accept-encoding": "gzip"}) as client:
            assert places_of_tools(client.send("count")) == list(range(3, 203))

    def test_a_bench_takes_its_door_late(self):
        bench = Bench()
        bench.door = Door(app=app_of(PageServer()), headers={"x-user": "ada"})
        with SimulatedClient(bench) as client:
            assert client.send("Hi").text == "ok"

    def test_the_lifespan_runs_once_for_all_clients(self):
        log = []

        async def lifespan(app):
            log.append("up")
            yield
            log.append("down")

        server = PageServer()
        app = FastAPI(lifespan=asynccontextmanager(lifespan))
        app.mount("/api", app_of(server))
        for served in (app, AsgiApp(app)):
            with SimulatedClient(app=served, path="/api/chatkit") as client:
                client.send("Hi")
                client.another().send("Hi")
                assert log == ["up"]
            assert log == ["up", "down"]
            log.clear()

    def test_an_app_that_was_started_before_is_not_ended(self):
        log = []

        async def lifespan(app):
            yield
            log.append("down")

        async def test():
            app = FastAPI(lifespan=asynccontextmanager(lifespan))
            app.mount("/api", app_of(PageServer()))
            async with AsgiApp(app) as served:
                async with AsyncSimulatedClient(app=served, path="/api/chatkit") as client:
                    await client.send("Hi")
                assert log == []
            assert log == ["down"]

        asyncio.run(test())


class TestBadAnswers:
    @pytest.fixture(autouse=True)
    def clients_are_closed(self):
        self.clients = []
        yield
        for client in self.clients:
            client._core.bench.close()

    def opened(self, client):
        self.clients.append(client)
        return client

    def client(self, answer, path="/chatkit", **options):
        app = FastAPI()
        app.add_api_route("/chatkit", answer, methods=["POST"])
        return self.opened(SimulatedClient(app=app, path=path, reload_check=False, **options))

    def stream(self, *chunks, fails=False, **options):
        async def body():
            for chunk in chunks:
                yield chunk
            if fails:
                raise ConnectionResetError("the pipeline died")

        async def answer():
            return StreamingResponse(body(), media_type="text/event-stream")

        return self.client(answer, **options)

    def test_a_url_that_refuses(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        client = self.opened(SimulatedClient(url=f"http://127.0.0.1:{port}/chatkit"))
        with pytest.raises(UnreachableError, match=r"Nothing that speaks HTTP answers at http://127.0.0.1"):
            client.send("Hi")
        with pytest.raises(UnreachableError):
            client.threads()

    def test_an_app_that_answers_html(self):
        async def answer():
            return HTMLResponse("<html>Welcome</html>")

        with pytest.raises(ContentTypeError, match="<html>Welcome") as caught:
            self.client(answer).send("Hi")
        assert "posted 6 times" in str(caught.value)

    def test_a_path_that_is_not_there(self):
        async def answer():
            return {}

        with pytest.raises(StatusError, match=r"status 404(.|\n)*POST /chatkit"):
            self.client(answer, path="/chat").send("Hi")

    def test_a_redirect_without_an_end(self):
        async def answer():
            return RedirectResponse("/chatkit", status_code=307)

        with pytest.raises(RedirectError, match="redirected more than 20 times"):
            self.client(answer).send("Hi")

    def test_a_body_that_is_cut_in_the_middle_of_a_frame(self):
        with pytest.raises(
            FrameError, match=r"the body ended in the middle of a frame(.|\n)*Remedy: see the server's log"
        ):
            self.stream(b'data: {"type": "progress_up').send("Hi")

    def test_bytes_that_are_no_text(self):
        with pytest.raises(FrameError, match=r"xff"):
            self.stream(b'data: {"type": "progress_update", "text": "\xff\xfe"}\n\n').send("Hi")

    def test_a_frame_of_10_mb(self):
        with pytest.raises(ViolationError, match="preamble-first"):  # which means that it was read
            self.stream(b'data: {"type": "progress_update", "text": "', b"x" * 10_000_000, b'"}\n\n').send("Hi")

    @pytest.mark.parametrize("transport", ["asgi", "http"])
    def test_a_stream_that_dies_is_judged_like_one_in_process(self, transport):
        options = b'data: {"type":"stream_options","stream_options":{"allow_cancel":true}}\n\n'
        with pytest.raises(ViolationError, match="ConnectionResetError came out of the stream") as caught:
            self.stream(options, fails=True, transport=transport).send("Hi")
        assert isinstance(caught.value.__cause__, ConnectionResetError)

    def test_a_message_that_was_posted_again_says_so(self):
        answers = iter([Response("Starting", status_code=503)] * 2)
        inner = app_of(PageServer())

        async def app(scope, receive, send):
            await ((next(answers, None) if scope["type"] == "http" else None) or inner)(scope, receive, send)

        with SimulatedClient(app=app) as client:
            turn = client.send("Hi")
        assert turn.text == "ok"
        [note] = turn.streams[0].notes
        assert (note.kind, note.text) == (
            "posted-again",
            "The request was posted 3 times, as the web client does; "
            "answered before: 503, content type not given, body b'Starting'",
        )
        assert f"posted again {note.text}" in repr(turn)

    def test_the_client_can_go_on_after_a_refusal(self):
        answers = iter([Response(status_code=401)])

        inner = app_of(PageServer())

        async def app(scope, receive, send):
            refusal = next(answers, None) if scope["type"] == "http" else None
            await (refusal or inner)(scope, receive, send)

        with SimulatedClient(app=app) as client:
            with pytest.raises(StatusError, match="give the client the headers that the app wants"):
                client.send("Hi")
            assert client.send("Hi again").text == "ok"
