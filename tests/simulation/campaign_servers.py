"""Servers with one bug each, which only certain users, delays or orders of tasks meet."""

import asyncio
from datetime import datetime

from broken.servers import Handwritten
from chatkit.types import HiddenContextItem, ProgressUpdateEvent, ThreadItemDoneEvent, WidgetItem
from chatkit.widgets import DynamicWidgetRoot


class Polite(Handwritten):
    """Answers everything; the others differ from it in one thing."""

    def __init__(self, store):
        super().__init__(store, self.reply_to)

    async def reply_to(self, reply):
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))


class Broken(Polite):
    """Answers nothing at all."""

    async def reply_to(self, reply):
        raise RuntimeError("out of order")
        yield


class Busy(Polite):
    """Takes one message at a time, and forgets to say that it is free when a user has stopped it."""

    busy = False

    async def reply_to(self, reply):
        if self.busy:
            raise RuntimeError("still busy")
        self.busy = True
        yield ProgressUpdateEvent(text="Thinking")
        await asyncio.sleep(0)
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))
        self.busy = False


class Asking(Polite):
    """Asks for a client tool, and then reads what it answered as the subclass does."""

    async def reply_to(self, reply):
        if reply.asked is not None:
            self.asked_at = asyncio.get_running_loop().time()
            yield reply.call("confirm", question="Sure?")
            return
        page = await self.store.load_thread_items(reply.thread.id, None, 1, "desc", {})
        yield ThreadItemDoneEvent(item=reply.message(self.read(page.data[0].output)))

    def read(self, output):
        return "Done." if output else "Then not."


class Trusting(Asking):
    """Takes for granted what shape a client tool's output has."""

    def read(self, output):
        if not isinstance(output, dict) or "ok" not in output:
            raise TypeError("no such answer")
        return "Done." if output["ok"] else "Then not."


class Impatient(Asking):
    """Has forgotten the question after four minutes."""

    def read(self, output):
        if asyncio.get_running_loop().time() - self.asked_at > 240:
            raise LookupError("the question has expired")
        return "Done."


class Confused(Polite):
    """Remembers the thread that it serves on itself, where the next request overwrites it."""

    async def reply_to(self, reply):
        self.thread = reply.thread
        await asyncio.sleep(1)
        item = reply.message("Hello!")
        yield ThreadItemDoneEvent(item=item.model_copy(update={"thread_id": self.thread.id}))


class Noting(Polite):
    """Takes a note beside its answer: stored before the client tool call in all orders of tasks but one."""

    async def reply_to(self, reply):
        if reply.asked is None:
            yield ThreadItemDoneEvent(item=reply.message("Done."))
            return
        noting = asyncio.create_task(self.note(reply))
        await asyncio.sleep(0)
        yield reply.call("confirm", question="Sure?")
        await noting

    async def note(self, reply):
        about = {"id": reply.new_id(), "thread_id": reply.thread.id, "created_at": datetime.now()}
        await self.store.add_thread_item(reply.thread.id, HiddenContextItem(**about, content="A question."), {})


class Forgetful(Polite):
    """Gives every second answer of its life the id of the first."""

    async def reply_to(self, reply):
        yield ThreadItemDoneEvent(item=reply.message("Hello!", id="msg_always"))


class Clicked(Polite):
    """Shows a button that does not work."""

    async def reply_to(self, reply):
        card = {"type": "Card", "children": [{"type": "Button", "label": "Go", "onClickAction": {"type": "go"}}]}
        message = reply.message("")
        widget = DynamicWidgetRoot.model_validate(card)
        base = {"id": message.id, "thread_id": message.thread_id, "created_at": message.created_at}
        yield ThreadItemDoneEvent(item=WidgetItem(**base, widget=widget))

    async def action(self, thread, action, sender, context):
        raise NotImplementedError(action.type)
        yield


class Retitled(Polite):
    """Cannot rename what is called so already."""

    async def process(self, request, context):
        if b"threads.update" in request:
            raise ValueError("no such column: title")
        return await super().process(request, context)


class Stuck(Polite):
    """Waits for something that never comes."""

    async def reply_to(self, reply):
        await asyncio.Event().wait()
        yield ThreadItemDoneEvent(item=reply.message("never"))


class Leaking(Polite):
    """Keeps on the class what should live in the store: an answer fails once the class has seen nine."""

    seen = 0

    async def reply_to(self, reply):
        type(self).seen += 1
        if self.seen == 9:
            raise RuntimeError("the ninth")
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))


class NotAServer(Polite):
    """Cannot be made."""

    def __init__(self, store):
        raise ConnectionError("no database")
