"""Long, random, legal conversations: what users and models may do, with every responder of the fixtures."""

import json
from contextlib import suppress

from broken.reload_order_matches import ByTime
from hypothesis import strategies as st

from chatkit_sim.errors import ViolationError
from chatkit_sim.model import calls, says, thinks

HANDWRITTEN = [
    "hello",
    "progress",
    "message",
    "sources",
    "widget",
    "streaming widget",
    "component update",
    "workflow",
    "task",
    "image",
    "notice",
    "effect",
    "options",
    "hidden",
    "rename",
    "remove",
    "replace",
    "structured input",
    "end of turn",
    "error",
    "client tool",
    "everything",
]


class ByTheSecond(ByTime):
    """Orders by time, which it keeps to the second: nearly everything is of one moment."""

    async def add_thread_item(self, thread_id, item, context):
        await super().add_thread_item(thread_id, _rounded(item), context)

    async def save_item(self, thread_id, item, context):
        await super().add_thread_item(thread_id, _rounded(item), context)


def _rounded(item):
    return item.model_copy(update={"created_at": item.created_at.replace(microsecond=0)})


# --- what users do, whoever answers

again = st.sampled_from([("retry",), ("reload",), ("rename",), ("new_thread",)])


def stopping(*arguments):
    """Pressing stop, or closing the page, at some event."""
    return st.tuples(st.sampled_from(["stop", "leave"]), st.integers(1, 40), *arguments)


# --- the shop that writes its events itself

words = st.lists(st.sampled_from(HANDWRITTEN), min_size=1, max_size=3, unique=True).map(" and ".join)
shop_moves = st.one_of(
    st.tuples(st.just("send"), words),
    st.tuples(st.just("send"), words),
    st.sampled_from([("click", "Track"), ("click", "Flag"), ("answer",), ("skip",)]),
    stopping(words),
    again,
)


# --- the agents

texts = st.sampled_from(["Yes.", "That is done.", "One, two, three; and four.", "Ça va? 👍"])
things = st.sampled_from(["milk", "eggs", "a loaf of bread"])
spoken = texts.map(says)
todo_calls = st.one_of(
    things.map(lambda item: calls("add_to_todo_list", item=item)),
    st.just(calls("list_todos")),
    st.tuples(texts, things).map(lambda pair: says(pair[0]) & calls("add_to_todo_list", item=pair[1])),
    things.map(lambda item: thinks("Let me see.") & calls("add_to_todo_list", item=item)),
    st.just(thinks("Let me look.", "And think.") & calls("list_todos")),
)
desk_calls = st.one_of(
    texts.map(lambda text: calls("create_document", title="Letter", body=text)),
    st.tuples(texts, texts).map(lambda pair: says(pair[0]) & calls("create_document", title="Letter", body=pair[1])),
)
desk_billing = st.lists(
    st.sampled_from(["INV-1001", "INV-9"]).map(lambda i: calls("lookup_invoice", invoice_id=i)), max_size=2
)


@st.composite
def todo_scripts(draw):
    """What a model says in one turn: some calls, then an answer."""
    return [*draw(st.lists(todo_calls, max_size=3)), draw(spoken)]


@st.composite
def desk_scripts(draw, handoffs=True):
    """The same for the desk, with a handoff now and then."""
    steps = draw(st.lists(desk_calls, max_size=2))
    if handoffs and draw(st.booleans()):
        steps += [calls("transfer_to_billing"), *draw(desk_billing)]
    return [*steps, draw(spoken)]


def agent_moves(scripts, interrupted):
    """Moves with the steps that the model needs for them; ``interrupted`` may be left over for the next turn."""
    return st.one_of(
        st.tuples(st.just("send"), texts, scripts),
        st.tuples(st.just("send"), texts, scripts),
        stopping(texts, interrupted),
        st.tuples(st.just("retry"), scripts),
        st.sampled_from([("reload",), ("rename",), ("new_thread",)]),
    )


class Conversation:
    """Makes moves, as far as they are possible at that moment."""

    def __init__(self, client, *, reload_after_retry=False):
        self.client = client
        self.reload_after_retry = reload_after_retry  # where a store may delete the wrong items

    def make(self, move, *arguments):
        getattr(self, f"_{move}")(*arguments)

    def _script(self, steps):
        self.client.model.script(*steps)

    def _send(self, text, steps=()):
        self._script(steps)
        self.client.send(text)

    def _stop(self, number, text, steps=(), how="cancel"):
        self._script(steps)
        # What the rules say is listened to, not raised.
        with suppress(ViolationError), self.client.stream(text) as stream:
            for place, _ in enumerate(stream, 1):
                if place == number and (how == "disconnect" or _may_stop(stream)):
                    getattr(stream, how)()

    def _leave(self, number, text, steps=()):
        self._stop(number, text, steps, "disconnect")

    def _retry(self, steps=()):
        if any(item.type == "user_message" for item in self.client.view.items):
            self._script(steps)
            self.client.retry()
            if self.reload_after_retry:
                self.client.reload()

    def _reload(self):
        if self.client.thread_id is not None:
            self.client.reload()

    def _rename(self):
        if self.client.thread_id is not None:
            self.client.rename("Another title")

    def _new_thread(self):
        self.client.new_thread()

    def _click(self, label):
        for item in reversed(self.client.view.items):
            if item.type == "widget" and f'"{label}"' in json.dumps(item.model_dump(mode="json")):
                self.client.click(item, label)
                return

    def _answer(self):
        if self._asked():
            self.client.answer({"day": "Friday"})

    def _skip(self):
        if self._asked():
            self.client.skip()

    def _asked(self):
        return any(item.type == "structured_input" and item.status == "pending" for item in self.client.view.items)


def _may_stop(stream):
    options = [event.stream_options for event in stream.turn.streams[-1].events if event.type == "stream_options"]
    return not options or options[-1].allow_cancel
