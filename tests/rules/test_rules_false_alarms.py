"""What is legal, or not the responder's doing: the rules must not cry wolf."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    ModelSettings,
    RunContextWrapper,
    StopAtTools,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from agents.exceptions import InputGuardrailTripwireTriggered, OutputGuardrailTripwireTriggered
from broken.servers import Assisted, Handwritten, Reply, assisted, delta, handwritten
from chatkit.agents import AgentContext, ClientToolCall
from chatkit.errors import CustomStreamError
from chatkit.types import (
    CustomTask,
    HiddenContextItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
    UserMessageTextContent,
    WidgetItem,
    WidgetRootUpdated,
    Workflow,
    WorkflowItem,
)
from chatkit.widgets import Card, Text
from desk.context import DeskContext
from desk.server import DeskServer
from desk.store import SQLiteStore
from handwritten.server import NOT_IN_TOUR, PARTS, HandwrittenServer
from rules_listening import listening, violations_of
from rules_recording import CREATE, done, message, stream, timeline, turn
from todo.server import TodoServer

from chatkit_sim.client import ClientToolError
from chatkit_sim.model import calls, draws, fails, refuses, says, thinks
from chatkit_sim.recording import RunEnded
from chatkit_sim.rules import Catalogue, Evidence


def add_to_todo_list(item: str) -> dict:
    return {"added": item}


def find_pickup_point(postcode: str, radius_km: int) -> str:
    return "Utrecht Centraal"


def confirm_create_document(title: str, body: str) -> bool:
    return True


# --- whole responders


@pytest.mark.parametrize("words", ["everything", *PARTS])
def test_everything_that_a_pipeline_can_yield_is_legal(words):
    assert not violations_of(HandwrittenServer, user=[words, words], client_tools=[find_pickup_point])


def test_a_long_conversation_with_actions_and_retries_is_legal():
    with listening(HandwrittenServer, client_tools=[find_pickup_point]) as (client, catalogue):
        for words in [word for word in PARTS if word not in NOT_IN_TOUR]:
            client.send(words)
        card = client.send("widget").widgets[0]
        client.action("order.track", {"order": 17}, item=card)
        client.action("something.else")
        client.retry()
        client.send("everything")

    assert not catalogue.heard


def test_the_todo_assistant_is_right():
    script = [
        calls("add_to_todo_list", item="milk"),
        says("Added milk."),
        says("First I look.") & calls("list_todos"),
        says("It is empty."),
    ]

    assert not violations_of(
        TodoServer, user=["Milk", "What is there?"], script=script, client_tools=[add_to_todo_list]
    )


DESK_AGENTS = [
    ("Title generator", says("A document")),
    ("Topic check", says('{"on_topic": true, "reason": "fine"}')),
]


@pytest.fixture
def desk(tmp_path):
    return {"server": DeskServer(SQLiteStore(tmp_path / "desk.sqlite3")), "context": DeskContext(user_id="ada")}


def test_a_desk_with_titles_handoffs_and_guardrails_is_right(desk):
    script = [
        says("I prepare it.") & calls("create_document", title="Plan", body="..."),
        says("There it is."),
        calls("transfer_to_billing"),
        calls("lookup_invoice", invoice_id="INV-1001"),
        says("It is paid."),
    ]

    found = violations_of(
        **desk,
        user=["A plan, please", "Is INV-1001 paid?"],
        script=script,
        agents=DESK_AGENTS,
        client_tools=[confirm_create_document],
    )

    assert not found


def test_a_tripwire_that_the_app_answers_is_right(desk):
    agents = [DESK_AGENTS[0], ("Topic check", says('{"on_topic": false, "reason": "cooking"}'))]

    assert not violations_of(**desk, user=["How do I cook rice?"], script=[says("Boil")], agents=agents)


# --- items


async def two_messages_with_one_word_each(reply):
    first = reply.message("")
    yield ThreadItemAddedEvent(item=first)
    yield delta(first, "No content part was added for this text")
    reply.thread.title = "A title in the middle"
    yield delta(first, ".")
    yield ThreadItemDoneEvent(
        item=reply.message("No content part was added for this text.", id=first.id),
    )
    yield ThreadItemDoneEvent(item=reply.message("Never added, only done."))
    yield ProgressUpdateEvent(text="Working")
    yield ProgressUpdateEvent(text="")


def test_padding_whole_messages_titles_and_cleared_progress_are_legal():
    assert not violations_of(handwritten(two_messages_with_one_word_each))


async def breaks_off(reply):
    yield ThreadItemAddedEvent(item=reply.message(""))
    raise CustomStreamError("We are closed.")


def test_an_error_in_the_apps_own_words_is_intended_and_excuses_what_is_open():
    assert not violations_of(handwritten(breaks_off))


async def breaks_off_unintended(reply):
    yield ThreadItemAddedEvent(item=reply.message(""))
    raise ZeroDivisionError


def test_an_exception_is_told_once_and_not_as_an_open_item():
    assert [v.rule for v in violations_of(handwritten(breaks_off_unintended))] == ["no-unexpected-error"]


async def talks_for_long(reply):
    item = reply.message("")
    yield ThreadItemAddedEvent(item=item)
    for _ in range(5):
        await asyncio.sleep(0)
        yield delta(item, "more ")
    yield ThreadItemDoneEvent(item=reply.message("more " * 5, id=item.id))


@pytest.mark.parametrize("leave", ["cancel", "disconnect"])
@pytest.mark.parametrize("at", range(1, 10))
def test_what_is_open_when_the_client_leaves_is_not_blamed(leave, at):
    with listening(handwritten(talks_for_long)) as (client, catalogue):
        with client.stream("Tell me everything") as stream:
            for number, _ in enumerate(stream, 1):
                if number == at:
                    getattr(stream, leave)()
        client.send("And now?")

    assert not catalogue.heard


async def numbers_its_messages(reply):
    yield ThreadItemDoneEvent(item=reply.message("Yes.", id=f"answer-to-{reply.asked.id}"))


def test_ids_are_free_again_after_a_retry():
    with listening(handwritten(numbers_its_messages)) as (client, catalogue):
        client.send("Is it open?")
        client.retry()

    assert not catalogue.heard


class Clickable(Handwritten):
    async def action(self, thread, action, sender, context):
        if sender is not None:
            widget = Card(children=[Text(value="Clicked")])
            await self.store.save_item(thread.id, sender.model_copy(update={"widget": widget}), context)
            yield ThreadItemUpdatedEvent(item_id=sender.id, update=WidgetRootUpdated(widget=widget))
            yield ThreadItemUpdatedEvent(item_id=sender.id, update=WidgetRootUpdated(widget=widget))
            message = UserMessageItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=datetime.now(),
                content=[UserMessageTextContent(text="I choose this one")],
                inference_options={},
            )
            yield ThreadItemDoneEvent(item=message)


async def shows_a_card(reply):
    message = reply.message("")
    card = Card(children=[Text(value="Click me")])
    yield ThreadItemDoneEvent(
        item=WidgetItem(id=message.id, thread_id=reply.thread.id, created_at=message.created_at, widget=card)
    )


def test_an_action_may_update_its_widget_and_speak_for_the_user_or_do_nothing():
    with listening(lambda store: Clickable(store, shows_a_card)) as (client, catalogue):
        card = client.send("A card").widgets[0]
        client.action("choose", item=card)
        client.action("count.silently")

    assert not catalogue.heard


# --- client tools


async def text_then_call_then_title(reply):
    if reply.asked is None:
        yield ThreadItemDoneEvent(item=reply.message("Added."))
        return
    yield ThreadItemDoneEvent(item=reply.message("I ask your page."))
    note = reply.message("")
    yield ThreadItemDoneEvent(
        item=HiddenContextItem(id=note.id, thread_id=note.thread_id, created_at=note.created_at, content="asked")
    )
    reply.thread.title = "Milk"
    yield reply.call("add_to_todo_list", item="milk")


def test_text_and_hidden_context_before_a_call_and_a_title_after_it_are_legal():
    assert not violations_of(handwritten(text_then_call_then_title), client_tools=[add_to_todo_list])


async def works_over_a_call(reply):
    work = WorkflowItem(
        id="work",
        thread_id=reply.thread.id,
        created_at=datetime.now(),
        workflow=Workflow(type="custom", tasks=[CustomTask(title="Shopping")]),
    )
    if reply.asked is None:
        yield ThreadItemDoneEvent(item=work)
        yield ThreadItemDoneEvent(item=reply.message("Done."))
        return
    yield ThreadItemAddedEvent(item=work)
    yield reply.call("add_to_todo_list", item="milk")


def test_a_workflow_may_stay_open_over_a_client_tool_call():
    assert not violations_of(handwritten(works_over_a_call), client_tools=[add_to_todo_list])


@function_tool
async def shop(ctx: RunContextWrapper[AgentContext[Any]], item: str) -> None:
    """Go shopping."""
    await ctx.context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Going")]))
    await asyncio.sleep(0.01)
    ctx.context.client_tool_call = ClientToolCall(name="add_to_todo_list", arguments={"item": item})


shopper = Agent(
    name="Shopper",
    model="gpt-5",
    tools=[shop],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["shop"]),
    model_settings=ModelSettings(parallel_tool_calls=False),
)


def test_the_sdk_goes_on_with_a_workflow_after_a_client_tool_call():
    script = [
        calls("shop", item="milk"),
        thinks("Milk it is.") & calls("shop", item="eggs"),
        says("All is there."),
        says("Yes."),
    ]

    assert not violations_of(assisted(shopper), user=["Shop", "Sure?"], script=script, client_tools=[add_to_todo_list])


def test_an_agent_used_as_a_tool_may_ask_the_client_if_all_runs_stop():
    def boss(**options):
        return Agent(name="Boss", model="gpt-5", tools=[shopper.as_tool("ask_shopper", "Shops.")], **options)

    asking, done = calls("ask_shopper", input="milk"), says("Milk is on your list.")
    page = {"agents": [("Shopper", calls("shop", item="milk"))], "client_tools": [add_to_todo_list]}

    stopping = boss(tool_use_behavior=StopAtTools(stop_at_tool_names=["ask_shopper"]))
    assert not violations_of(assisted(stopping), script=[asking, done], **page)

    (violation,) = violations_of(assisted(boss()), script=[asking, done, done], **page)
    assert violation.rule == "stop-at-client-tool"
    assert violation.subjects["tool"] == "ask_shopper"


def test_a_handoff_beside_a_client_tool_is_not_told_to_an_agent_that_stops():
    billing = Agent(name="Billing", model="gpt-5")
    agent = shopper.clone(handoffs=[billing], model_settings=ModelSettings())
    script = [calls("shop", item="milk") & calls("transfer_to_billing"), says("Your bill."), says("Done.")]

    (violation,) = violations_of(assisted(agent), script=script, client_tools=[add_to_todo_list])

    assert violation.rule == "stop-at-client-tool"
    assert "`transfer_to_billing` in the same response" in str(violation)
    assert "StopAtTools" not in violation.remedy


def test_a_handler_that_fails_in_the_browser_is_answered_like_any_other():
    def add_to_todo_list(item: str) -> dict:
        raise ClientToolError({"error": "offline"})

    script = [calls("add_to_todo_list", item="milk"), says("Your page is offline.")]

    assert not violations_of(TodoServer, script=script, client_tools=[add_to_todo_list])


# --- the model


assistant = Agent(name="Assistant", model="gpt-5")


@pytest.mark.parametrize("step", [draws(partial=2), thinks("Hm.", "So."), says("a b c d e f", chunks=6)])
def test_what_a_model_can_say_is_legal(step):
    assert not violations_of(assisted(assistant), script=[step & says("That is it.")])


def test_an_unscripted_call_is_told_by_its_own_rule_only():
    assert [v.rule for v in violations_of(assisted(assistant))] == ["no-unscripted-model-call"]


class Patient(Assisted):
    """Says something of its own when the run fails."""

    async def respond(self, thread, input_user_message, context):
        try:
            async for event in super().respond(thread, input_user_message, context):
                yield event
        except Exception:
            raise CustomStreamError("Please try again later.") from None


@pytest.mark.parametrize("after", [None, 1])
def test_a_model_that_fails_on_purpose_is_no_violation(after):
    assert not violations_of(assisted(assistant), script=[fails(after=after)])
    assert not violations_of(lambda store: Patient(store, assistant), script=[fails(TimeoutError(), after=after)])


@input_guardrail
async def no_cooking(ctx, agent, conversation):
    await asyncio.sleep(0.01)
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)


@output_guardrail
async def no_rice(ctx, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)


@function_tool
def recipes() -> str:
    """Find recipes."""
    return "rice"


GUARDED = {
    InputGuardrailTripwireTriggered: Agent(
        name="Guarded", model="gpt-5", tools=[recipes], input_guardrails=[no_cooking]
    ),
    OutputGuardrailTripwireTriggered: Agent(
        name="Guarded", model="gpt-5", tools=[recipes], output_guardrails=[no_rice]
    ),
}


@pytest.mark.parametrize("tripwire", GUARDED)
def test_a_tripwire_that_the_app_words_itself_is_right(tripwire):
    script = [calls("recipes"), says("Rice.")]

    with listening(lambda store: Patient(store, GUARDED[tripwire]), script=script) as (client, catalogue):
        client.send("How do I cook rice?")

    assert "removed-item-exists" not in catalogue.rules_heard
    assert not [slug for slug in catalogue.rules_heard if slug != "script-used-up"]


@pytest.mark.parametrize("tripwire", GUARDED)
def test_a_tripwire_that_nobody_catches_is_one_unexpected_error(tripwire):
    script = [calls("recipes"), says("Rice.")]

    found = violations_of(assisted(GUARDED[tripwire]), script=script)

    assert [v.rule for v in found if v.rule != "script-used-up"] == ["no-unexpected-error"]
    assert f"Catch {tripwire.__name__}" in found[0].remedy


def test_a_refusal_is_told_once_as_a_defect_of_the_sdks():
    (violation,) = violations_of(assisted(assistant), script=[refuses("I would rather not.")])

    assert violation.rule == "no-unexpected-error"
    assert violation.upstream
    assert violation.severity == "warning"


class Guarded(Assisted):
    """Answers by itself when a guardrail trips."""

    async def respond(self, thread, input_user_message, context):
        try:
            async for event in super().respond(thread, input_user_message, context):
                yield event
        except InputGuardrailTripwireTriggered:
            reply = Reply(thread, None, lambda: self.store.generate_item_id("message", thread, context))
            yield ThreadItemDoneEvent(item=reply.message("I can only help with orders."))


def guarded(*allowed):
    """A server whose guardrail is slower than the model, and trips where it does not allow."""
    verdicts = iter(allowed)

    async def slowly(ctx, agent, given):
        await asyncio.sleep(0.03)
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=not next(verdicts))

    @function_tool
    async def look(ctx: RunContextWrapper[AgentContext]) -> str:
        await ctx.context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Looking")]))
        await asyncio.sleep(0.01)
        await ctx.context.end_workflow()
        return "Nothing there."

    @function_tool
    async def ask(ctx: RunContextWrapper[AgentContext]) -> None:
        ctx.context.client_tool_call = ClientToolCall(name="ask", arguments={})

    agent = Agent(
        name="Assistant",
        tools=[look, ask],
        tool_use_behavior=StopAtTools(stop_at_tool_names=["ask"]),
        input_guardrails=[InputGuardrail(guardrail_function=slowly)],
    )
    return lambda store: Guarded(store, agent)


def test_a_guardrail_that_trips_when_the_run_is_over():
    # The app has caught the exception, and chatkit has removed the call, which never was an item.
    ended = RunEnded(run=1, agent="Assistant", after_event=3, error=None, stopped_by="ask", guardrail="on topic")
    events = [ThreadItemRemovedEvent(item_id="fc_1"), done(message("I can only help with orders."))]
    one = turn(stream(*events, request=CREATE, timeline=timeline(ended)))
    assert Catalogue().judge(Evidence(one)).violations == ()


def test_a_guardrail_that_trips_while_the_workflow_of_before_goes_on():
    steps = [calls("look"), calls("ask"), thinks("Let me see.", "And now?")]
    found = violations_of(guarded(True, False), script=steps, client_tools=[ask])
    assert [str(violation) for violation in found if not violation.upstream] == []


def ask():
    return True
