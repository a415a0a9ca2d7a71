"""Files: registered and uploaded as the page does it, sent with a message, removed, and refused by the composer."""

import httpx
import pytest
import respx
from chatkit.store import AttachmentStore
from chatkit.types import AttachmentUploadDescriptor, FileAttachment, ImageAttachment
from client_pages import PageServer
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from chatkit_sim import MemoryStore, Policies, SimulatedClient, UsageError, ViolationError
from chatkit_sim.client import AttachmentLimits, DirectUpload, Frontend
from chatkit_sim.transports import AsgiApp, UnreachableError, UploadError


class Uploads(AttachmentStore):
    """Names a place below the app for each file; ``how`` is the descriptor's method and headers."""

    def __init__(self, **how):
        self.how = {"method": "POST", **how}
        self.place = None
        self.base = "http://testserver"
        self.deleted = []

    async def create_attachment(self, input, context):
        self.asked = input
        attachment_id = self.generate_attachment_id(input.mime_type, context)
        how = self.how if self.place is None else {**self.how, "headers": {"x-signed": "yes"}}
        place = self.place or f"{self.base}/upload/{attachment_id}"
        descriptor = AttachmentUploadDescriptor(url=place, **how)
        head = {"id": attachment_id, "name": input.name, "mime_type": input.mime_type, "upload_descriptor": descriptor}
        if input.mime_type.startswith("image/"):
            return ImageAttachment(**head, preview_url="http://testserver/preview")
        return FileAttachment(**head)

    async def delete_attachment(self, attachment_id, context):
        self.deleted.append(attachment_id)


class World:
    """A server with attachments behind an app that takes the uploads."""

    def __init__(self, **how):
        self.uploads = Uploads(**how)
        self.server = PageServer(store=MemoryStore(), attachment_store=self.uploads)
        self.received = []
        self.app = FastAPI()
        self.app.add_api_route("/chatkit", self.chatkit, methods=["POST"])
        self.app.add_api_route("/upload/{attachment_id}", self.take, methods=["POST", "PUT"])
        self.app.add_api_route("/files", self.take_directly, methods=["POST"])

    async def chatkit(self, request: Request):
        result = await self.server.process(await request.body(), {})
        if hasattr(result, "json_events"):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    async def take(self, attachment_id: str, request: Request):
        if "refuse" in request.headers:
            return Response("no room", status_code=507)
        if request.method == "PUT":
            self.received.append(("PUT", request.headers["content-type"], await request.body()))
        else:
            async with request.form() as form:
                file = form["file"]
                self.received.append(("POST", file.content_type, file.filename, await file.read()))
        return Response(status_code=204)

    async def take_directly(self, request: Request):
        async with request.form() as form:
            file, content = form["file"], await form["file"].read()
        if file.filename == "odd":
            return {"ok": True}
        attachment = FileAttachment(id="atc_direct", name=file.filename, mime_type=file.content_type)
        await self.server.store.save_attachment(attachment, {})
        self.received.append((request.headers.get("x-user"), content))
        return Response(attachment.model_dump_json(), media_type="application/json")


@pytest.fixture
def client_of():
    clients = []

    def make(world, **options):
        options = {"app": world.app, **options}
        clients.append(SimulatedClient(**options))
        return clients[-1]

    yield make
    for client in clients:
        client._core.bench.close()


def test_two_phases_and_then_the_message(client_of, tmp_path):
    world = World()
    client = client_of(world)
    path = tmp_path / "notes.txt"
    path.write_text("tulips")
    attachment = client.upload(path)
    assert (world.uploads.asked.name, world.uploads.asked.size, world.uploads.asked.mime_type) == (
        "notes.txt",
        6,
        "text/plain",
    )
    assert world.received == [("POST", "text/plain", "notes.txt", b"tulips")]
    client.send("Read this", attachments=[attachment])
    client.send(attachments=[attachment.id])
    assert [[one.id for one in message.attachments] for message in world.server.messages] == [[attachment.id]] * 2


def test_a_put_gets_the_bare_file_and_the_headers_of_the_descriptor(client_of):
    world = World(method="PUT", headers={"content-type": "image/x-own", "x-signed": "yes"})
    client_of(world).upload(b"pixels", name="tulip.png")
    assert world.received == [("PUT", "image/x-own", b"pixels")]


def test_or_by_policy_a_form(client_of):
    world = World(method="PUT")
    client_of(world, policies=Policies(put_upload="multipart")).upload(b"pixels", name="tulip.png")
    [(_, content_type, body)] = world.received
    assert content_type.startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="tulip.png"' in body


def test_an_upload_that_is_refused_says_what_was_received(client_of):
    world = World(headers={"refuse": "1"})
    with pytest.raises(UploadError, match=r"status 507(.|\n)*headers sent: refuse, content-type(.|\n)*b'no room'"):
        client_of(world).upload(b"x", name="a.txt")


def test_direct_uploads_go_to_one_url_with_the_clients_headers(client_of):
    world = World()
    frontend = Frontend(attachments=AttachmentLimits(), upload=DirectUpload(url="/files"))
    client = client_of(world, frontend=frontend, headers={"x-user": "ada"})
    attachment = client.upload(b"tulips", name="notes.txt")
    assert (attachment.id, attachment.mime_type) == ("atc_direct", "text/plain")
    assert world.received == [("ada", b"tulips")]
    assert client.send("See", attachments=[attachment]).text == "ok"
    with pytest.raises(UsageError, match=r"answered with b'\{\"ok\":true\}', which is no attachment"):
        client.upload(b"x", name="odd")


def test_with_the_server_itself_under_test_the_app_beside_it_takes_the_uploads():
    world = World()
    with SimulatedClient(world.server, app=world.app, transport="in-process") as client:
        attachment = client.upload(b"x", name="a.txt")
        assert client.send("See", attachments=[attachment]).text == "ok"
    assert len(world.received) == 1


def test_a_direct_upload_needs_the_app():
    frontend = Frontend(attachments=AttachmentLimits(), upload=DirectUpload(url="/files"))
    with SimulatedClient(World().server, frontend=frontend) as client:
        with pytest.raises(UsageError, match="Give the app as well"):
            client.upload(b"x", name="a.txt")


@pytest.mark.parametrize("transport", ["asgi", "http"])
@pytest.mark.parametrize("base", ["http://testserver", "https://shop.example.com"])
def test_uploads_go_to_the_host_that_the_app_believes_to_be_its_own(client_of, transport, base):
    world = World()
    world.uploads.base = base
    app = world.app if "testserver" in base else AsgiApp(world.app, base_url=base)
    client = client_of(world, app=app, transport=transport)
    client.upload(b"tulips", name="notes.txt")
    assert world.received == [("POST", "text/plain", "notes.txt", b"tulips")]


def test_an_attachment_can_be_removed_before_it_is_sent(client_of):
    world = World()
    client = client_of(world)
    attachment = client.upload(b"x", name="a.txt")
    client.remove(attachment)
    assert world.uploads.deleted == [attachment.id]


@pytest.mark.parametrize(
    ("limits", "name", "size", "says"),
    [
        (AttachmentLimits(max_size=3), "a.txt", 4, "it has 4 bytes, and the page takes at most 3 of text/plain"),
        (AttachmentLimits(max_size={"image/*": 3, "*": 9}), "a.png", 4, "at most 3 of image/png"),
        (AttachmentLimits(max_size={"image/*": 3, "": 9}), "a.txt", 10, "at most 9 of text/plain"),
        (AttachmentLimits(accept={"image/*": [".png"]}), "a.txt", 1, r"image/\* .png"),
        (AttachmentLimits(accept={"image/*": [".png"]}), "a.jpg", 1, "not among those that the page takes"),
        (None, "a.txt", 1, "takes no attachments: declare which with Frontend"),
    ],
)
def test_what_the_composer_refuses_is_refused_unless_forced(client_of, limits, name, size, says):
    world = World()
    client = client_of(world, frontend=Frontend(attachments=limits))
    with pytest.raises(UsageError, match=says):
        client.upload(b"x" * size, name=name)
    assert world.received == []
    client.upload(b"x" * size, name=name, force=True)
    assert len(world.received) == 1


def test_what_the_composer_takes(client_of):
    world = World()
    limits = AttachmentLimits(max_size={"image/*": 3}, accept={"image/*": [".PNG"], "text/plain": []})
    client = client_of(world, frontend=Frontend(attachments=limits))
    client.upload(b"abc", name="a.png")
    client.upload(b"abcdef", name="b.whatever", mime_type="text/plain; charset=utf-8")
    assert len(world.received) == 2


def test_too_many_attachments_for_one_message(client_of):
    world = World()
    client = client_of(world, frontend=Frontend(attachments=AttachmentLimits(max_count=1)))
    two = [client.upload(b"x", name=f"{n}.txt") for n in range(2)]
    with pytest.raises(UsageError, match="has 2 attachments, and the composer takes at most 1"):
        client.send("See", attachments=two)
    assert client.send("See", attachments=two, force=True).text == "ok"


def test_what_is_no_file_is_named(client_of, tmp_path):
    client = client_of(World())
    with pytest.raises(UsageError, match="There is no file"):
        client.upload(tmp_path / "nope.txt")
    with pytest.raises(UsageError, match="Bytes need a name"):
        client.upload(b"x")


def test_a_descriptor_that_is_missing_is_the_stores_fault(client_of):
    class Forgetful(Uploads):
        async def create_attachment(self, input, context):
            return FileAttachment(id="atc_1", name=input.name, mime_type=input.mime_type)

    world = World()
    world.server.attachment_store = Forgetful()
    with pytest.raises(
        UsageError, match=r"without an upload_descriptor.*let create_attachment\(\) of the AttachmentStore"
    ):
        client_of(world).upload(b"x", name="a.txt")


class TestElsewhere:
    """Uploads to a place that is neither the server's nor the app's: a bucket."""

    URL = "https://bucket.example.com/photo"

    @pytest.fixture(params=["in-process", "asgi", "http"])
    def client(self, request):
        world = World()
        world.uploads.place = self.URL
        options = {"app": world.app, "transport": request.param} if request.param != "in-process" else {}
        with SimulatedClient(None if options else world.server, **options) as client:
            yield client

    @pytest.mark.parametrize("status", [200, 204])
    def test_respx_takes_them(self, client, status):
        with respx.mock as bucket:
            route = bucket.post(self.URL, headers={"x-signed": "yes"}).respond(status)
            sent = client.upload(b"PNG", name="photo.png")
            assert client.send("Look!", attachments=[sent]).text == "ok"
        assert b"PNG" in route.calls.last.request.content

    def test_a_refusal_is_told_with_what_was_received(self, client):
        with respx.mock as bucket:
            bucket.post(self.URL).respond(403, text="<Error>SignatureDoesNotMatch</Error>")
            with pytest.raises(UploadError) as caught:
                client.upload(b"PNG", name="photo.png")
        told = str(caught.value)
        assert f"3 bytes was refused: POST {self.URL} answered with status 403" in told.replace("multipart", "")
        assert "SignatureDoesNotMatch" in told
        assert "headers sent: x-signed, content-type" in told

    def test_a_place_that_does_not_answer_is_told(self, client):
        with respx.mock as bucket:
            bucket.post(self.URL).mock(side_effect=httpx.ConnectError("connection refused"))
            with pytest.raises(UnreachableError, match=r"Nothing that speaks HTTP answers at https://bucket\.example"):
                client.upload(b"PNG", name="photo.png")

    def test_without_respx_the_closed_network_says_what_to_do(self, client):
        with pytest.raises(UsageError, match=r"respx_mock\.post\(.*bucket"):
            client.upload(b"PNG", name="photo.png")
        with pytest.raises(ViolationError, match="no-network"):
            client.close()
