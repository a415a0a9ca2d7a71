"""Scenarios of what people do on the page besides writing, on a server that is right and with one bug each."""

import asyncio

import pytest
from broken.servers import Handwritten, Reply, delta
from chatkit.store import AttachmentStore
from chatkit.types import (
    FileAttachment,
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    SyncCustomActionResponse,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot
from chatkit_app import app_of
from fastapi import HTTPException

from chatkit_sim import MemoryStore
from chatkit_sim.client import Bench, Frontend
from chatkit_sim.simulation import SCENARIOS, Cast, NotApplicable, ScenarioError, Simulation
from chatkit_sim.transports import StatusError

BY_SLUG = {scenario.slug: scenario for scenario in SCENARIOS}
COLOURS = [{"value": "red", "label": "Red"}, {"value": "blue", "label": "Blue"}]
CARD = {
    "type": "Card",
    "asForm": True,
    "children": [
        {"type": "Input", "name": "size", "required": True, "pattern": "[0-9]{2}"},
        {"type": "Select", "name": "colour", "options": COLOURS, "onChangeAction": {"type": "paint"}},
        {"type": "Button", "label": "Look", "onClickAction": {"type": "look", "handler": "client"}},
        {"type": "Button", "label": "Note", "onClickAction": {"type": "note", "streaming": False}},
    ],
    "confirm": {"label": "Buy", "action": {"type": "buy", "payload": {"item": "shirt"}}},
}
QUESTIONS = [
    StructuredInputMultipleChoice(id="topic", question="Which?", options=[{"value": "Birds"}], multiple=True),
    StructuredInputFreeform(id="more", question="More?"),
]


class Uploads(AttachmentStore):
    async def create_attachment(self, input, context):
        return FileAttachment(id="atc_1", name=input.name, mime_type=input.mime_type)

    async def delete_attachment(self, attachment_id, context):
        pass


class Direct(AttachmentStore):
    async def delete_attachment(self, attachment_id, context):
        pass


class Shop(Handwritten):
    """Answers with a text, a widget and questions."""

    def __init__(self, store):
        super().__init__(store, self.reply_to)
        self.attachment_store = Uploads()
        self.actions = []
        self.answers = []

    async def reply_to(self, reply):
        if reply.asked is None:
            page = await self.store.load_thread_items(reply.thread.id, None, 1, "desc", {})
            self.answers.append({one.id: one.answer and one.answer.values for one in page.data[0].inputs})
            yield ThreadItemDoneEvent(item=reply.message("Thank you."))
            return
        self.text = text = ""
        item = reply.message("")
        yield ThreadItemAddedEvent(item=item.model_copy(update={"content": []}))
        for word in ("What ", "now?"):
            self.text += word
            text += word
            yield delta(item, word)
            await asyncio.sleep(0)
        yield ThreadItemDoneEvent(item=reply.message(self.written(text), id=item.id))
        base = {"thread_id": item.thread_id, "created_at": item.created_at}
        yield ThreadItemDoneEvent(
            item=WidgetItem(id=f"{item.id}_w", widget=DynamicWidgetRoot.model_validate(CARD), **base)
        )
        yield ThreadItemDoneEvent(item=StructuredInputItem(id=f"{item.id}_q", inputs=QUESTIONS, **base))

    def written(self, text):
        return text

    async def action(self, thread, action, sender, context):
        self.actions.append((action.type, action.payload))
        reply = Reply(thread, None, lambda: self.store.generate_item_id("message", thread, context))
        yield ThreadItemDoneEvent(item=reply.message("Done."))

    async def sync_action(self, thread, action, sender, context):
        self.actions.append((action.type, action.payload))
        return SyncCustomActionResponse()


class ShopThatShares(Shop):
    """Keeps the text of an answer on itself, where a second conversation writes too."""

    def written(self, text):
        return self.text


class ShopThatCannotSell(Shop):
    async def action(self, thread, action, sender, context):
        raise KeyError(action.payload["price"])
        yield


class ShopThatCannotSkip(Shop):
    async def reply_to(self, reply):
        async for event in super().reply_to(reply):
            yield event
        if reply.asked is None and not self.answers[-1]["topic"]:
            raise TypeError("no topic")


class ShopThatReadsNoFiles(Shop):
    async def reply_to(self, reply):
        if reply.asked and reply.asked.attachments:
            raise NotImplementedError("override attachment_to_message_content()")
        async for event in super().reply_to(reply):
            yield event


class ShopOfOneText(Handwritten):
    """Has nothing but text."""

    def __init__(self, store):
        super().__init__(store, self.reply_to)

    async def reply_to(self, reply):
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))


class ShopWithDirectUploads(ShopOfOneText):
    def __init__(self, store):
        super().__init__(store)
        self.attachment_store = Direct()


PAGE = ("widget-clicks", "structured-input", "message-with-file", "two-at-once")


def play(slug, server=Shop, cast=None, **options):
    behind = {"app": app_of(server(MemoryStore()))} if "transport" in options else {}
    bench = Bench(None if behind else lambda: server(MemoryStore()), **behind, **options)
    try:
        Simulation(bench, BY_SLUG[slug], cast=cast).play()
        bench.conclude()
    finally:
        bench.close()
    return bench


@pytest.mark.parametrize("slug", PAGE)
def test_a_server_that_is_right_passes(slug):
    assert play(slug).turns


def test_each_action_is_clicked_as_the_client_sends_it():
    server = play("widget-clicks").server
    form = {"size": "00", "colour": "red"}
    assert server.actions == [("buy", {"item": "shirt", **form}), ("paint", form), ("note", form)]


def test_questions_are_answered_and_skipped():
    assert play("structured-input").server.answers == [
        {"topic": ["Birds"], "more": ["Some text"]},
        {"topic": [], "more": []},
    ]


@pytest.mark.parametrize(
    ("slug", "server", "rule", "line"),
    [
        ("widget-clicks", ShopThatCannotSell, "no-unexpected-error", "user   clicks confirm 'Buy'"),
        ("structured-input", ShopThatCannotSkip, "no-unexpected-error", "user   skips the questions"),
        ("message-with-file", ShopThatReadsNoFiles, "no-unexpected-error", "user   'Look at this.', with the file"),
        ("two-at-once", ShopThatShares, "deltas-match-done", "alone  each goes well: look for what they share"),
    ],
)
def test_a_bug_on_the_page_is_found_and_told(slug, server, rule, line):
    with pytest.raises(ScenarioError) as caught:
        play(slug, server)
    assert [violation.rule for violation in caught.value.violations] == [rule]
    assert line in caught.value.story


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("widget-clicks", "nothing that was tried showed a widget"),
        ("structured-input", "nothing that was tried asked for structured input"),
        ("message-with-file", "the server has no attachment store"),
    ],
)
def test_what_a_server_does_not_have_is_not_tried(slug, why):
    with pytest.raises(NotApplicable, match=why):
        play(slug, ShopOfOneText)


def test_files_that_the_page_does_not_take_are_not_sent():
    with pytest.raises(NotApplicable, match="takes no such file"):
        play("message-with-file", frontend=Frontend(attachments=None))
    with pytest.raises(NotApplicable, match="uploaded to the app directly"):
        play("message-with-file", ShopWithDirectUploads)


class ShopBehindAGateway(Shop):
    async def process(self, request, context):
        if b"attachments.create" in request:
            raise HTTPException(status_code=403, detail="No files here.")
        return await super().process(request, context)


class ShopWithoutBucket(Shop):
    def __init__(self, store):
        super().__init__(store)
        self.attachment_store = NoBucket()


class NoBucket(Uploads):
    async def create_attachment(self, input, context):
        raise KeyError("bucket")


def test_a_server_that_was_explored_before_is_sent_a_file_too():
    cast = Cast()
    play("widget-clicks", cast=cast)

    assert play("message-with-file", cast=cast).turns


@pytest.mark.parametrize("transport", ["asgi", "http"])
def test_a_file_is_sent_over_http(transport):
    bench = play("message-with-file", transport=transport)
    assert bench.turns[0].request.params["input"]["attachments"] == ["atc_1"]
    with pytest.raises(ScenarioError) as caught:
        play("message-with-file", ShopThatReadsNoFiles, transport=transport)
    assert [violation.rule for violation in caught.value.violations] == ["no-unexpected-error"]


@pytest.mark.parametrize("transport", ["asgi", "http"])
def test_only_what_refuses_files_over_http_is_sent_none(transport):
    with pytest.raises(NotApplicable, match="the server has no attachment store"):
        play("message-with-file", ShopOfOneText, transport=transport)
    with pytest.raises(NotApplicable, match="uploaded to the app directly"):
        play("message-with-file", ShopWithDirectUploads, transport=transport)
    with pytest.raises(NotApplicable, match=r"attachments\.create was refused: .* status 403"):
        play("message-with-file", ShopBehindAGateway, transport=transport)


@pytest.mark.parametrize(("transport", "error"), [("asgi", KeyError), ("http", StatusError)])
def test_a_server_that_takes_files_over_http_and_fails_is_not_skipped(transport, error):
    with pytest.raises(error) as caught:
        play("message-with-file", ShopWithoutBucket, transport=transport)
    assert "bucket" in f"{caught.value} {caught.value.__cause__}"


def test_two_that_fail_alone_are_not_tried_at_once():
    class Closed(ShopOfOneText):
        async def reply_to(self, reply):
            raise RuntimeError("closed")
            yield

    with pytest.raises(NotApplicable, match="one conversation alone breaks rules already"):
        play("two-at-once", Closed)
