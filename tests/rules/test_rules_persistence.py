"""What a reload makes of a thread: each cause by its name, told once, and what is meant to differ left alone."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from agents import Agent, RunContextWrapper, function_tool
from broken.servers import Handwritten, assisted, delta, handwritten
from chatkit.agents import AgentContext
from chatkit.store import NotFoundError
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageItem,
    CustomTask,
    HiddenContextItem,
    Page,
    SyncCustomActionResponse,
    Thread,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadUpdatedEvent,
    URLSource,
    WidgetItem,
    Workflow,
)
from chatkit.widgets import DynamicWidgetRoot
from rules_listening import listening, violations_of

from chatkit_sim.model import calls, says, thinks
from chatkit_sim.rules.comparing import changes, compare_times, side_by_side
from chatkit_sim.stores import MemoryStore


def said(server, **options):
    """What is said, as pairs of rule and cause."""
    found = violations_of(server, **options)
    return [(violation.rule, violation.subjects.get("cause", "")) for violation in found]


class Live(MemoryStore):
    """Keeps and gives out the very objects it is given, as examples of stores often do."""

    def __init__(self):
        super().__init__()
        self.rows = {}

    async def add_thread_item(self, thread_id, item, context):
        self.rows.setdefault(thread_id, {})[item.id] = item

    save_item = add_thread_item

    async def load_item(self, thread_id, item_id, context):
        return self.rows[thread_id][item_id]

    async def delete_thread_item(self, thread_id, item_id, context):
        self.rows.get(thread_id, {}).pop(item_id, None)

    async def load_thread_items(self, thread_id, after, limit, order, context):
        items = list(self.rows.get(thread_id, {}).values())
        if order == "desc":
            items.reverse()
        start = next((place for place, item in enumerate(items, 1) if item.id == after), 0)
        page, more = items[start : start + limit], len(items) > start + limit
        return Page(data=page, has_more=more, after=page[-1].id if more else None)


class Changing(Live):
    """Gives back what ``change`` makes of each item."""

    def change(self, item):
        return item

    async def add_thread_item(self, thread_id, item, context):
        changed = self.change(item.model_copy(deep=True))
        if changed is not None:
            await super().add_thread_item(thread_id, changed, context)

    save_item = add_thread_item

    async def load_thread_items(self, thread_id, after, limit, order, context):
        page = await super().load_thread_items(thread_id, after, limit, order, context)
        return page.model_copy(deep=True)


def store_that(change):
    store = Changing()
    store.change = change
    return store


async def greets(reply):
    yield ThreadItemDoneEvent(item=reply.message("Good morning, and welcome."))


# --- the causes


def test_an_object_that_the_store_shares_with_the_responder():
    async def mutating(reply):
        message = reply.message("We open at nine.")
        yield ThreadItemDoneEvent(item=message)
        message.content[0].text = "We open at ten."

    (violation,) = violations_of(handwritten(mutating), store=Live())

    assert violation.subjects["cause"] == "shared-object"
    assert '"We open at nine."  "We open at ten."' in str(violation)
    assert "model_copy(deep=True)" in violation.remedy
    assert not violations_of(handwritten(mutating), store=MemoryStore())


def test_an_item_of_a_type_that_the_store_does_not_keep():
    store = store_that(lambda item: None if item.type == "assistant_message" else item)

    (violation,) = violations_of(handwritten(greets), store=store)

    assert violation.subjects == {"item": violation.items[0], "type": "assistant_message", "cause": "not-kept"}
    assert "gone after a reload" in violation.reason
    assert "add_thread_item" in violation.remedy
    assert str(violation.place) == "turn 1, stream 1, event 4"


def test_fields_that_the_store_loses():
    async def cites(reply):
        source = URLSource(title="Bulbs", url="https://example.com")
        yield ThreadItemDoneEvent(item=reply.message("Plant them.", Annotation(source=source, index=3)))

    def without_annotations(item):
        for part in getattr(item, "content", ()):
            if hasattr(part, "annotations"):
                part.annotations = []
        return item

    (violation,) = violations_of(handwritten(cites), store=store_that(without_annotations))

    assert violation.subjects["cause"] == "lost-content[].annotations[]"
    assert "`content[].annotations[]`" in violation.reason
    assert "as JSON" in violation.remedy


def test_thirty_items_of_one_cause_are_told_once():
    async def chatty(reply):
        for number in range(30):
            yield ThreadItemDoneEvent(item=reply.message(f"Sentence {number}"))

    def cut(item):
        if item.type == "assistant_message":
            item.content[0].text = item.content[0].text[:5] + "?"
        return item

    (violation,) = violations_of(handwritten(chatty), store=store_that(cut))

    assert "30 items are (the first: the assistant message" in violation.reason
    assert len(violation.items) == 30
    assert violation.subjects["cause"] == "saved-otherwise"


def test_what_was_told_is_not_told_again_in_the_next_turn():
    store = store_that(lambda item: None if item.type == "assistant_message" else item)

    found = violations_of(handwritten(greets), user=["One", "Two"], store=store)

    assert [violation.place.turn for violation in found] == [1, 2]
    assert [len(violation.items) for violation in found] == [1, 1]


def test_an_item_that_is_stored_without_a_word():
    def storing(store):
        async def answer(reply):
            await store.add_thread_item(reply.thread.id, reply.message("Psst."), None)
            yield ThreadItemDoneEvent(item=reply.message("Good morning."))

        return handwritten(answer)(store)

    assert said(storing) == [("reload-matches-live-view", "not-told")]


def test_what_was_removed_and_is_still_stored():
    class Keeping(MemoryStore):
        async def delete_thread_item(self, thread_id, item_id, context):
            pass

    async def takes_back(reply):
        message = reply.message("Sold out.")
        yield ThreadItemDoneEvent(item=message)
        yield ThreadItemRemovedEvent(item_id=message.id)
        yield ThreadItemDoneEvent(item=reply.message("Two are left."))

    assert said(handwritten(takes_back), store=Keeping()) == [("reload-matches-live-view", "not-deleted")]

    with listening(handwritten(greets), store=Keeping()) as (client, catalogue):
        client.send("One")
        client.retry()
    assert [violation.subjects["cause"] for violation in catalogue.heard] == ["not-deleted-on-retry"]


def test_an_item_that_was_only_ever_replaced():
    class Updating(MemoryStore):
        async def save_item(self, thread_id, item, context):
            if item.id in self._items.get(thread_id, {}):
                await super().save_item(thread_id, item, context)

    async def replacing(reply):
        yield ThreadItemReplacedEvent(item=reply.message("At eight."))

    # replaced-item-exists says why.
    assert said(handwritten(replacing), store=Updating()) == [("replaced-item-exists", "")]


def test_a_thread_that_is_told_and_not_stored():
    async def tells(reply):
        thread = Thread(**{**reply.thread.model_dump(exclude={"items"}), "title": "Roses"}, items=Page())
        yield ThreadUpdatedEvent(thread=thread)
        yield ThreadItemDoneEvent(item=reply.message("Red ones."))

    (violation,) = violations_of(handwritten(tells))

    assert violation.subjects["cause"] == "thread"
    assert '"Roses"' in str(violation)
    assert "`thread.title = ...`" in violation.remedy


def test_an_answer_of_a_sync_action_that_is_not_saved():
    card = DynamicWidgetRoot.model_validate({"type": "Card", "children": [{"type": "Text", "value": "Open"}]})
    flagged = DynamicWidgetRoot.model_validate({"type": "Card", "children": [{"type": "Text", "value": "Flagged"}]})

    async def shows(reply):
        message = reply.message("")
        yield ThreadItemDoneEvent(
            item=WidgetItem(id=message.id, thread_id=reply.thread.id, created_at=message.created_at, widget=card)
        )

    def server(store):
        made = handwritten(shows)(store)

        async def sync_action(thread, action, sender, context):
            return SyncCustomActionResponse(updated_item=sender.model_copy(update={"widget": flagged}))

        made.sync_action = sync_action
        return made

    with listening(server) as (client, catalogue):
        turn = client.send("Show it")
        client.sync_action("flag", item=turn.widgets[0])
    (violation,) = catalogue.heard
    assert violation.subjects["cause"] == "sync-not-saved"
    assert "store.save_item" in violation.remedy


def test_a_message_that_was_never_done_has_its_own_rule():
    async def leaves(reply):
        message = reply.message("")
        yield ThreadItemAddedEvent(item=message)
        yield delta(message, "Half of")

    assert said(handwritten(leaves)) == [("item-finished", "")]


def test_an_update_after_done_is_told_once_and_by_the_reload():
    async def hasty(reply):
        message = reply.message("")
        yield ThreadItemAddedEvent(item=message)
        yield ThreadItemDoneEvent(
            item=reply.message("Half", id=message.id).model_copy(update={"created_at": message.created_at})
        )
        yield delta(message, " of it")

    assert said(handwritten(hasty)) == [("reload-matches-live-view", "late-update")]


# --- times


@pytest.mark.parametrize("precision", [timedelta(seconds=1), timedelta(milliseconds=1)])
def test_a_store_may_keep_times_less_exactly(precision):
    def coarse(item):
        step = int(precision / timedelta(microseconds=1))
        item.created_at = item.created_at.replace(microsecond=item.created_at.microsecond // step * step)
        return item

    assert not said(handwritten(greets), store=store_that(coarse))


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_a_store_that_makes_times_aware_is_warned_of_once(zone):
    def aware(item):
        item.created_at = item.created_at.replace(tzinfo=zone)
        return item

    found = violations_of(handwritten(greets), user=["One", "Two"], store=store_that(aware))

    assert [(violation.severity, violation.subjects["cause"]) for violation in found] == [("warning", "time-zone")]
    assert "datetime.now(timezone.utc)" in found[0].remedy


def test_a_store_that_changes_times_is_told_so():
    def later(item):
        item.created_at += timedelta(hours=1)
        return item

    (violation,) = violations_of(handwritten(greets), store=store_that(later))

    assert violation.subjects["cause"] == "created-at"
    assert len(violation.items) == 2


def test_times_are_compared_as_instants():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    exact = timedelta(microseconds=1)

    assert compare_times(noon, noon.astimezone(timezone(timedelta(hours=5))), exact) == "same"
    assert compare_times(noon.replace(tzinfo=None), noon, exact) == "zone"
    assert compare_times(noon, noon + timedelta(minutes=1), exact) == "differs"


# --- a reload that fails


def test_a_store_without_lists_is_not_checked():
    class NoLists(MemoryStore):
        async def load_thread_items(self, thread_id, after, limit, order, context):
            raise NotImplementedError("lists come later")

    with listening(handwritten(greets), store=NoLists()) as (client, catalogue):
        client.send("Hello")
    (verdict, _) = catalogue.verdicts
    for slug in ("reload-works", "reload-matches-live-view", "reload-order-matches", "item-stored-once"):
        assert verdict.not_checked[slug] == "the store cannot be read: NotImplementedError: lists come later"
    assert not catalogue.heard


def test_a_thread_that_the_store_forgets():
    class Forgetting(MemoryStore):
        async def load_thread(self, thread_id, context):
            raise NotFoundError(thread_id)

    (violation,) = violations_of(handwritten(greets), store=Forgetting())

    assert violation.rule == "reload-works"
    assert "`threads.get_by_id` raised NotFoundError" in violation.reason
    assert "save_thread and load_thread" in violation.remedy


def test_pages_that_lead_nowhere():
    class NoCursor(MemoryStore):
        async def load_thread_items(self, thread_id, after, limit, order, context):
            page = await super().load_thread_items(thread_id, after, limit, order, context)
            page.after = None
            return page

    async def chatty(reply):
        for number in range(3):
            yield ThreadItemDoneEvent(item=reply.message(str(number)))

    (violation,) = violations_of(handwritten(chatty), store=NoCursor())

    assert violation.rule == "reload-works"
    assert "without an `after`" in violation.reason


def test_switched_off_it_is_not_checked():
    with listening(handwritten(greets), reload_check=False) as (client, catalogue):
        client.send("Hello")
    assert catalogue.verdicts[0].not_checked["reload-works"] == "the thread was not read back after the turn"


def test_switched_off_it_is_checked_on_reload():
    store = store_that(lambda item: None if item.type == "assistant_message" else item)
    with listening(handwritten(greets), store=store, reload_check=False) as (client, catalogue):
        client.send("Hello")
        assert not catalogue.heard
        client.reload()
    assert [violation.rule for violation in catalogue.heard] == ["reload-matches-live-view"]


# --- order


def test_items_that_are_finished_in_another_order_than_they_were_begun():
    async def crossed(reply):
        first, second = reply.message(""), reply.message("")
        yield ThreadItemAddedEvent(item=first)
        yield ThreadItemAddedEvent(item=second)
        yield ThreadItemDoneEvent(item=_with(second, "Second"))
        yield ThreadItemDoneEvent(item=_with(first, "First"))

    (violation,) = violations_of(handwritten(crossed))

    assert (violation.rule, violation.severity) == ("reload-order-matches", "warning")
    assert "begun first and finished last" in violation.reason


def test_an_item_that_is_done_once_more_keeps_the_place_of_its_first_time():
    async def crossed(reply):
        first, second = reply.message(""), reply.message("")
        yield ThreadItemAddedEvent(item=first)
        yield ThreadItemAddedEvent(item=second)
        yield ThreadItemDoneEvent(item=_with(second, "Second"))
        yield ThreadItemDoneEvent(item=_with(first, "First"))
        yield ThreadItemDoneEvent(item=_with(second, "Second"))

    found = {violation.rule: violation.severity for violation in violations_of(handwritten(crossed))}

    assert found == {"item-done-once": "error", "reload-order-matches": "warning"}


def test_a_workflow_that_takes_the_place_of_the_reasoning():
    async def show(context):
        await context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Looking")]))
        await asyncio.sleep(0.01)
        await context.end_workflow()
        return "Nothing there."

    @function_tool
    async def hasty(ctx: RunContextWrapper[AgentContext]) -> str:
        return await show(ctx.context)

    @function_tool
    async def tidy(ctx: RunContextWrapper[AgentContext]) -> str:
        if ctx.context.workflow_item:
            await ctx.context.end_workflow()
            await asyncio.sleep(0.01)
        return await show(ctx.context)

    @function_tool
    async def impatient(ctx: RunContextWrapper[AgentContext]) -> str:
        if ctx.context.workflow_item:
            await ctx.context.end_workflow()
        return await show(ctx.context)

    def heard(tool):
        agent = Agent(name="Assistant", tools=[tool])
        script = [thinks("Let me see.") & calls(tool.name), says("No.")]
        return violations_of(assisted(agent), script=script)

    (violation,) = heard(hasty)
    assert violation.subjects["cause"] == "displaced-workflow"
    assert "if context.workflow_item: await context.end_workflow(); await asyncio.sleep(0.01)" in violation.remedy
    assert heard(tidy) == []
    # Without the pause chatkit finishes it early and once more, which is its own doing.
    found = heard(impatient)
    assert {violation.upstream for violation in found} == {True}, found


def test_what_was_stopped_may_be_stored_late():
    class Late(Handwritten):
        kept = ()

        async def handle_stream_cancelled(self, thread, pending_items, context):
            self.kept = pending_items

        async def respond(self, thread, input_user_message, context):
            for item in self.kept:
                await self.store.add_thread_item(thread.id, item, context)
            self.kept = ()
            async for event in super().respond(thread, input_user_message, context):
                yield event

    async def stoppable(reply):
        message = reply.message("")
        yield ThreadItemAddedEvent(item=message)
        yield delta(message, "Half")
        yield ThreadItemDoneEvent(item=reply.message("Whole"))
        await asyncio.sleep(0.01)
        yield ThreadItemDoneEvent(item=_with(message, "Half"))

    with listening(lambda store: Late(store, stoppable)) as (client, catalogue):
        with client.stream("Hello") as stream:
            for number, _ in enumerate(stream, 1):
                if number == 6:
                    stream.cancel()
        client.send("Go on")
    assert [violation.rule for violation in catalogue.heard if violation.severity == "error"] == []


def _with(message, text):
    return message.model_copy(update={"content": [AssistantMessageContent(text=text)]})


def test_a_store_that_puts_saved_items_last():
    class Moving(MemoryStore):
        async def save_item(self, thread_id, item, context):
            await self.delete_thread_item(thread_id, item.id, context)
            await super().save_item(thread_id, item, context)

    async def corrects(reply):
        first = reply.message("12 euros.")
        yield ThreadItemDoneEvent(item=first)
        yield ThreadItemDoneEvent(item=reply.message("Anything else?"))
        yield ThreadItemReplacedEvent(item=_with(first, "10 euros."))

    (violation,) = violations_of(handwritten(corrects), store=Moving())

    assert (violation.rule, violation.severity) == ("reload-order-matches", "error")
    assert "keeps its place" in violation.remedy


def test_pages_that_lose_an_item():
    class Losing(MemoryStore):
        async def load_thread_items(self, thread_id, after, limit, order, context):
            page = await super().load_thread_items(thread_id, after, limit, order, context)
            if after is not None:
                page.data = page.data[1:]
            return page

    async def chatty(reply):
        for number in range(4):
            yield ThreadItemDoneEvent(item=reply.message(str(number)))

    (violation,) = violations_of(handwritten(chatty), store=Losing())

    assert violation.rule == "reload-order-matches"
    assert "do not give the same items" in violation.reason


# --- what is meant to differ, or is nobody's fault


def test_items_that_an_error_left_open():
    async def fails(reply):
        message = reply.message("")
        yield ThreadItemAddedEvent(item=message)
        yield delta(message, "Half of")
        raise RuntimeError("out of paper")

    assert said(handwritten(fails), user=["One", "Two"]) == [("no-unexpected-error", "")] * 2


def test_a_title_that_was_saved_when_nobody_was_there():
    async def renames(reply):
        yield ThreadItemDoneEvent(item=reply.message("One moment."))
        reply.thread.title = "Mornings"
        yield ThreadItemDoneEvent(item=reply.message("There."))

    with listening(handwritten(renames)) as (client, catalogue):
        client.send("One")
        client.rename("Evenings")
        with client.stream("Two") as stream:
            for event in stream:
                if event.type == "thread.item.done" and event.item.type == "assistant_message":
                    stream.cancel()
                    break
        client.send("Three")
    assert not catalogue.heard


def test_hidden_items_and_items_seeded_between_turns():
    store = MemoryStore()

    async def notes(reply):
        message = reply.message("")
        head = {"id": message.id, "thread_id": reply.thread.id, "created_at": message.created_at}
        yield ThreadItemDoneEvent(item=HiddenContextItem(**head, content="x"))
        yield ThreadItemDoneEvent(item=reply.message("Noted."))

    with listening(handwritten(notes), store=store) as (client, catalogue):
        client.send("One")
        seed = AssistantMessageItem(
            id="seed",
            thread_id=client.thread_id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text="x")],
        )
        client.client._core.bench.run(lambda: store.add_thread_item(client.thread_id, seed, None))
        client.send("Two")
        client.reload()
        client.send("Three")
    assert not catalogue.heard


def test_a_second_tab_and_a_seeded_thread():
    with listening(handwritten(greets)) as (client, catalogue):
        client.send("One")
        tab = client.another(thread_id=client.thread_id)
        tab.send("Two")
        client.send("Three")
        tab.reload()
        tab.send("Four")
    assert not catalogue.heard


def test_a_title_that_is_found_later():
    store = MemoryStore()
    with listening(handwritten(greets), store=store) as (client, catalogue):
        client.send("One")

        async def find_title():
            thread = await store.load_thread(client.thread_id, None)
            thread.title = "Mornings"
            await store.save_thread(thread, None)

        client.client._core.bench.run(find_title)
        client.send("Two")
        client.rename("Evenings")
        client.send("Three")
    assert not catalogue.heard


# --- how it is said


def test_only_what_differs_is_shown():
    live = {"a": 1, "b": {"c": ["x", "y"]}, "same": True}
    stored = {"a": 1, "b": {"c": ["x"]}, "same": True}

    assert changes(live, stored)["b.c[1]"][0] == "y"
    assert list(changes(live, stored)) == ["b.c[1]"]


def test_long_texts_are_cut_before_the_difference():
    text = "word " * 2000
    table = side_by_side({"content[0].text": (f"{text}here", f"{text}there")})

    assert len(table) < 300
    assert '..."' in table
    assert 'here"' in table
