"""The scenario of a second user: everything named, attachments as well; and told when there is none."""

import pytest
from broken.isolation import ThreadsOfAll, own
from broken.servers import Handwritten
from chatkit.server import StreamingResult
from chatkit.store import AttachmentStore
from chatkit.types import FileAttachment, ThreadItemDoneEvent
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from chatkit_sim import ChatKitSimWarning, MemoryStore
from chatkit_sim.client import Bench
from chatkit_sim.simulation import SCENARIOS, NotApplicable, ScenarioError, Simulation
from chatkit_sim.stores import SQLiteStore

[ISOLATION] = [scenario for scenario in SCENARIOS if scenario.slug == "isolation"]


async def answer(reply):
    yield ThreadItemDoneEvent(item=reply.message("It is only a cold, Ada."))


class Uploads(AttachmentStore):
    async def create_attachment(self, input, context):
        return FileAttachment(id="atc_1", name=input.name, mime_type=input.mime_type)

    async def delete_attachment(self, attachment_id, context):
        pass


class NoUploads(Uploads):
    async def create_attachment(self, input, context):
        raise RuntimeError("the bucket is not there")


class WithUploads(Handwritten):
    def __init__(self, store, uploads):
        super().__init__(store, answer)
        self.attachment_store = uploads


class AttachmentsOfAll(SQLiteStore):
    """Keeps users apart, except where an attachment is loaded."""

    async def load_attachment(self, attachment_id, context):
        return await super().load_attachment(attachment_id, "ada")


def play(store, other="bob", uploads=None):
    server = Handwritten(store, answer) if uploads is None else WithUploads(store, uploads)
    bench = Bench(lambda: server, context="ada")
    try:
        Simulation(bench, ISOLATION, context="ada", given={"chatkit_other_context": other}.get).play()
        bench.conclude()
    finally:
        bench.close()
    return bench


def test_a_store_that_keeps_users_apart_passes():
    bench = play(SQLiteStore(user_id=own), uploads=Uploads())
    assert any("isolation" in judged.verdict.checked for judged in bench.judged)


@pytest.mark.parametrize("store", [MemoryStore(), ThreadsOfAll(user_id=own)], ids=["memory", "threads-of-all"])
def test_a_store_that_does_not_is_told_with_every_request(store):
    with pytest.raises(ScenarioError) as caught:
        play(store)
    said = str(caught.value)
    assert "user   has a thread: user_message, assistant_message" in said
    assert "another user names it" in said
    assert {violation.rule for violation in caught.value.violations} == {"isolation"}
    assert "Let load_thread raise NotFoundError" in said


def test_attachments_are_tried_where_the_server_takes_them():
    with pytest.raises(ScenarioError) as caught:
        play(AttachmentsOfAll(user_id=own), uploads=Uploads())
    [violation] = caught.value.violations
    assert violation.subjects["method"] == "load_attachment"
    play(AttachmentsOfAll(user_id=own))  # nobody can have one there


def test_and_it_is_said_where_they_could_not_be():
    with pytest.warns(ChatKitSimWarning, match="did not try attachments: .*RuntimeError: the bucket is not there"):
        play(SQLiteStore(user_id=own), uploads=NoUploads())


def app_of(server):
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), request.headers["x-user"])
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app


def play_over_http(server):
    bench = Bench(app=app_of(server), headers={"x-user": "ada"})
    try:
        Simulation(bench, ISOLATION, given={"chatkit_other_headers": {"x-user": "bob"}}.get).play()
        bench.conclude()
    finally:
        bench.close()


def test_attachments_are_tried_over_http_too():
    play_over_http(WithUploads(SQLiteStore(user_id=own), Uploads()))
    with pytest.raises(ScenarioError) as caught:
        play_over_http(WithUploads(AttachmentsOfAll(user_id=own), Uploads()))
    assert "the attachment" in str(caught.value)
    with pytest.warns(ChatKitSimWarning, match="did not try attachments: .*RuntimeError: the bucket is not there"):
        play_over_http(WithUploads(SQLiteStore(user_id=own), NoUploads()))
    play_over_http(Handwritten(SQLiteStore(user_id=own), answer))  # nobody can have one there


def test_without_a_second_user_it_says_that_it_was_not_checked():
    bench = Bench(lambda: Handwritten(MemoryStore(), answer), context="ada")
    try:
        with pytest.raises(NotApplicable, match=r"`isolation` was not checked: override .* chatkit_other_context"):
            Simulation(bench, ISOLATION, context="ada").play()
        bench.conclude()
        assert all("isolation" not in judged.verdict.checked for judged in bench.judged)
        assert "chatkit_other_context" in bench.judged[0].verdict.not_checked["isolation"]
    finally:
        bench.close()
