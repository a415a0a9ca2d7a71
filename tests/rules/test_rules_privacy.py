"""What no page may read, in whichever response; and what a second user may do: nothing."""

import asyncio
from typing import Any

import pytest
from broken.servers import Handwritten, handwritten
from chatkit.types import (
    FileAttachment,
    HiddenContextItem,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadUpdatedEvent,
)
from desk.context import DeskContext
from desk.server import DeskServer
from desk.store import SQLiteStore as DeskStore
from rules_listening import listening

from chatkit_sim.client import AsyncSimulatedClient, SimulatedClient
from chatkit_sim.errors import UsageError, ViolationError
from chatkit_sim.model import ModelScript, calls, says
from chatkit_sim.stores import MemoryStore, SQLiteStore


def note(reply, id="note"):
    head = {"id": id, "thread_id": reply.thread.id, "created_at": reply.message("").created_at}
    return HiddenContextItem(**head, content="The customer is angry.")


async def notes(reply):
    yield ThreadItemDoneEvent(item=note(reply))
    yield ThreadItemDoneEvent(item=reply.message("How can I help?"))


async def replaces(reply):
    yield ThreadItemDoneEvent(item=note(reply))
    yield ThreadItemReplacedEvent(item=note(reply))
    yield ThreadItemDoneEvent(item=reply.message("How can I help?"))


async def sends_items(reply):
    thread = Thread(**reply.thread.model_dump(exclude={"items"}), items=Page(data=[note(reply)]))
    yield ThreadUpdatedEvent(thread=thread)
    yield ThreadItemDoneEvent(item=reply.message("How can I help?"))


async def quotes(reply):
    yield ThreadItemDoneEvent(item=note(reply))
    yield ThreadItemDoneEvent(item=reply.message('{"type": "hidden_context_item", "id": 1, "thread_id": 2}'))


def heard(server, **options):
    with listening(server, **options) as (client, catalogue):
        client.send("Hello")
    return catalogue.heard


@pytest.mark.parametrize(("answer", "event"), [(replaces, "thread.item.replaced"), (sends_items, "thread.updated")])
def test_hidden_context_in_a_stream(answer, event):
    (violation,) = heard(handwritten(answer))

    assert violation.rule == "hidden-items-stay-hidden"
    assert f"`{event}`" in violation.reason
    assert violation.items == ("note",)


def test_hidden_context_that_stays_hidden_or_is_only_talked_about():
    assert not heard(handwritten(notes))
    assert not heard(handwritten(quotes))


class Unfiltered(Handwritten):
    """Lists items by a door of its own, with all that is stored."""

    async def _process_non_streaming(self, request, context):
        if request.type == "items.list":
            return self._serialize(
                await self.store.load_thread_items(request.params.thread_id, None, 99, "asc", context)
            )
        return await super()._process_non_streaming(request, context)


def test_hidden_context_in_other_responses():
    found = heard(lambda store: Unfiltered(store, notes))

    hidden = [violation for violation in found if violation.rule == "hidden-items-stay-hidden"]
    assert len(hidden) == 1
    assert "`items.list`" in hidden[0].reason


def test_hidden_context_as_the_answer_of_a_sync_action():
    class Syncs(Handwritten):
        async def sync_action(self, thread, action, sender, context):
            item = await self.store.load_item(thread.id, "note", context)
            return SyncCustomActionResponse(updated_item=item)

    with listening(lambda store: Syncs(store, notes)) as (client, catalogue):
        client.send("Hello")
        client.sync_action("peek")
    assert catalogue.rules_heard == ["hidden-items-stay-hidden"]


def test_raw_requests_are_looked_at_in_the_end():
    with listening(lambda store: Unfiltered(store, notes), reload_check=False) as (client, catalogue):
        client.send("Hello")
        client.request("items.list", thread_id=client.thread_id)
        assert not catalogue.heard
    assert catalogue.rules_heard == ["hidden-items-stay-hidden"]


def test_metadata_in_other_responses():
    class Tells(Handwritten):
        def _to_thread_response(self, thread):
            return super()._to_thread_response(thread).model_copy(update={"metadata": thread.metadata})

    async def remembers(reply):
        reply.thread.metadata["prompt"] = "Be brief"
        yield ThreadItemDoneEvent(item=reply.message("Yes."))

    found = heard(lambda store: Tells(store, remembers))

    assert {violation.rule for violation in found} == {"thread-metadata-stays-private"}
    assert {violation.reason.split("`")[1] for violation in found} == {"thread.updated", "threads.get_by_id"}


# --- isolation


def user(context: Any) -> str:
    return str(context["user"])


ADA, BOB = {"user": "ada"}, {"user": "bob"}


async def secret(reply):
    reply.thread.title = "A delicate matter"
    yield ThreadItemDoneEvent(item=reply.message("Nobody else will hear of it."))


def test_a_store_that_forgets_who_is_asking():
    with SimulatedClient(handwritten(secret), store=MemoryStore(), context=ADA) as client:
        client.send("Between us: I am moving")
        with pytest.raises(ViolationError) as caught:
            client.check_isolation(BOB)
    said = str(caught.value)
    for request in ("threads.get_by_id", "items.list", "threads.list", "threads.update", "threads.delete"):
        assert request in said
    assert {violation.rule for violation in caught.value.violations} == {"isolation"}
    methods = {violation.subjects["method"] for violation in caught.value.violations}
    assert {"load_thread", "load_thread_items", "load_threads", "delete_thread"} <= methods
    assert "Between us: I am moving" in said


def test_a_store_that_keeps_users_apart():
    with SimulatedClient(handwritten(secret), store=SQLiteStore(user_id=user), context=ADA) as client:
        client.send("Between us: I am moving")
        client.check_isolation(BOB)
        assert len(client.reload().items) == 2


def test_the_desk_keeps_users_apart(tmp_path):
    script = ModelScript()
    script.script(calls("create_document", title="Will", body="To my cat"), says("There it is, Ada."))
    script.agent("Title generator").always(says("A will"))
    script.agent("Topic check").always(says('{"on_topic": true, "reason": ""}'))
    server = DeskServer(DeskStore(tmp_path / "desk.sqlite3"))
    with SimulatedClient(server, model=script, context=DeskContext(user_id="ada")) as client:
        client.client_tool(name="confirm_create_document")(lambda title, body: True)
        client.send("Write my will")
        client.check_isolation(DeskContext(user_id="grace"))


def test_attachments_of_another():
    class SharedAttachments(SQLiteStore):
        async def load_attachment(self, attachment_id, context):
            return await super().load_attachment(attachment_id, ADA)

    store = SharedAttachments(user_id=user)
    with SimulatedClient(handwritten(secret), store=store, context=ADA) as client:
        photo = FileAttachment(id="photo", name="scan.pdf", mime_type="application/pdf")
        client._core.bench.run(lambda: store.save_attachment(photo, ADA))
        client.send("Look at this", attachments=["photo"])
        with pytest.raises(ViolationError) as caught:
            client.check_isolation(BOB)
    (violation,) = caught.value.violations
    assert violation.subjects["method"] == "load_attachment"
    assert "`threads.create`" in violation.reason


def test_a_breach_can_be_expected_or_ignored():
    with SimulatedClient(handwritten(secret), store=MemoryStore(), context=ADA) as client:
        client.send("Hello, it is me")
        with client.expecting(violation="isolation") as caught:
            client.check_isolation(BOB)
    assert caught.violations


def test_there_must_be_something_to_isolate_and_somebody_else():
    with SimulatedClient(handwritten(secret), context=ADA) as client:
        with pytest.raises(UsageError, match="needs a thread"):
            client.check_isolation(BOB)
        client.send("Hello")
        with pytest.raises(UsageError, match="chatkit_other_context"):
            client.check_isolation(ADA)


def test_it_is_awaited_by_the_async_client():
    async def main():
        async with AsyncSimulatedClient(handwritten(secret), store=MemoryStore(), context=ADA) as client:
            await client.send("Hello, it is me")
            with pytest.raises(ViolationError, match="isolation"):
                await client.check_isolation(BOB)

    asyncio.run(main())
