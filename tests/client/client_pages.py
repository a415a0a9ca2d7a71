"""A server whose turns are drawn by a test, and widgets to click in."""

import json
from datetime import datetime

from chatkit.server import ChatKitServer, stream_widget
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot, WidgetTemplate

from chatkit_sim import MemoryStore


class PageServer(ChatKitServer):
    """Answers by the generator it is given; says what each action brought, and stores what a sync action changes."""

    def __init__(self, respond=None, store=None, attachment_store=None):
        super().__init__(store or MemoryStore(), attachment_store)
        self._respond = respond
        self.messages = []
        self.actions = []
        self.feedback = []

    async def respond(self, thread, input_user_message, context):
        self.messages.append(input_user_message)
        if self._respond is None:
            yield self.says(thread, "ok")
            return
        async for event in self._respond(self, thread, input_user_message, context):
            yield event

    async def action(self, thread, action, sender, context):
        self.actions.append((action.type, action.payload))
        yield self.says(thread, f"{action.type} {json.dumps(action.payload)} on {sender.id if sender else 'the page'}")

    async def sync_action(self, thread, action, sender, context):
        self.actions.append((action.type, action.payload))
        if sender is None:
            return SyncCustomActionResponse()
        new = DynamicWidgetRoot.model_validate(
            {"type": "Card", "children": [{"type": "Text", "value": f"{action.type} done"}]}
        )
        item = sender.model_copy(update={"widget": new})
        await self.store.save_item(thread.id, item, context)
        return SyncCustomActionResponse(updated_item=item)

    async def add_feedback(self, thread_id, item_ids, feedback, context):
        self.feedback.append((thread_id, item_ids, feedback))

    def base(self, thread, kind="message"):
        return {
            "id": self.store.generate_item_id(kind, thread, None),
            "thread_id": thread.id,
            "created_at": datetime.now(),
        }

    def says(self, thread, text):
        content = [AssistantMessageContent(text=text)]
        return ThreadItemDoneEvent(item=AssistantMessageItem(**self.base(thread), content=content))

    def shows(self, thread, widget):
        return ThreadItemDoneEvent(item=WidgetItem(**self.base(thread), widget=widget))


def showing(*widgets):
    """A responder that shows widgets, given as JSON or built."""

    async def respond(server, thread, message, context):
        for widget in widgets:
            built = DynamicWidgetRoot.model_validate(widget) if isinstance(widget, dict) else widget
            async for event in stream_widget(
                thread, built, generate_id=lambda kind: server.store.generate_item_id(kind, thread, context)
            ):
                yield event

    return respond


def card(*children, **more):
    return {"type": "Card", "children": list(children), **more}


def button(label, type="go", **more):
    action = {"type": type, **more.pop("action", {})}
    return {"type": "Button", "label": label, "onClickAction": action, **more}


def template(text):
    return WidgetTemplate({"version": "1.0", "name": "test", "template": text}).build()
