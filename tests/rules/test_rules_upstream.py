"""Canaries: each fails when an SDK mends its defect. Then fill in ``mended_in`` and turn the test around."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from agents import Agent, GuardrailFunctionOutput, RunContextWrapper, function_tool, output_guardrail
from agents.testing import function_call
from broken.servers import assisted
from chatkit.agents import AgentContext
from chatkit.types import CustomTask, Workflow
from rules_listening import listening

from chatkit_sim.model import calls, cites, draws, refuses, says, thinks
from chatkit_sim.rules import upstream

assistant = Agent(name="Assistant", model="gpt-5")


@function_tool
async def hurry(ctx: RunContextWrapper[AgentContext[Any]]) -> str:
    """Work without giving way."""
    await ctx.context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Hurry")]))
    await ctx.context.end_workflow()
    return "done"


@function_tool
async def stroll(ctx: RunContextWrapper[AgentContext[Any]]) -> str:
    """Work and give way, as the remedy says."""
    await ctx.context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Stroll")]))
    await asyncio.sleep(0.01)
    await ctx.context.end_workflow()
    return "done"


@function_tool
async def book(ctx: RunContextWrapper[AgentContext[Any]], city: str) -> str:
    """Tell what it does, by the door that AgentContext has for it."""
    await ctx.context.add_workflow_task(CustomTask(title=f"Booking {city}"))
    return "done"


@function_tool
async def book_calmly(ctx: RunContextWrapper[AgentContext[Any]], city: str) -> str:
    """Tell it and give way before, as the remedy says."""
    await asyncio.sleep(0.01)
    await ctx.context.add_workflow_task(CustomTask(title=f"Booking {city}"))
    return "done"


@output_guardrail
async def never(ctx, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)


def told(agent, *script):
    """The defects that are told, and the turn."""
    with listening(assisted(agent), script=script) as (client, catalogue):
        client.send("Hello")
    assert all(violation.upstream and violation.severity == "warning" for violation in catalogue.heard)
    return [violation.subjects["defect"] for violation in catalogue.heard]


def test_a_citation_breaks_the_stream():
    assert told(assistant, cites("See there.", url="https://example.com")) == ["citation-breaks-stream"]


def test_a_refusal_breaks_the_stream():
    assert told(assistant, refuses("I would rather not.")) == ["refusal-breaks-stream"]


def test_a_workflow_that_a_tool_starts_and_ends_at_once_is_done_twice():
    agent = assistant.clone(tools=[hurry])

    assert told(agent, calls("hurry"), says("Done.")) == ["workflow-done-twice"]


def test_a_workflow_of_a_tool_that_gives_way_is_done_once():
    agent = assistant.clone(tools=[stroll])

    assert not told(agent, calls("stroll"), says("Done."))


@pytest.fixture
def thoughts_first(monkeypatch):
    """Of what is ready at once, the run's event comes first: `asyncio.wait` answers with a set, which has no order."""
    wait = asyncio.wait

    async def in_this_order(tasks, **options):
        done, pending = await wait(tasks, **options)
        return sorted(done, key=lambda task: "_AsyncQueueIterator" in repr(task)), pending

    monkeypatch.setattr("chatkit.agents.asyncio.wait", in_this_order)


def booking(tool, city="Rome"):
    return calls(tool, city="Paris"), thinks("One.", "Two.") & calls(tool, city=city), says("Done.")


@pytest.mark.usefixtures("thoughts_first")
@pytest.mark.parametrize("city", ["Rome", "Paris"])  # of equal tasks, both are added with the first one's index
def test_a_thought_overtakes_the_task_of_a_tool(city):
    assert told(assistant.clone(tools=[book]), *booking("book", city)) == ["workflow-tasks-overtaken"]


@pytest.mark.usefixtures("thoughts_first")
def test_no_thought_overtakes_the_task_of_a_tool_that_gives_way():
    assert not told(assistant.clone(tools=[book_calmly]), *booking("book_calmly"))


def test_a_call_without_an_item_id_breaks_the_stream():
    agent = assistant.clone(tools=[hurry])

    assert told(agent, [function_call("hurry", "{}", call_id="call_1", item_id="")]) == [
        "call-without-id-breaks-stream"
    ]


def test_an_image_without_a_result_is_left_open():
    assert told(assistant, draws("", partial=0), says("I cannot draw that.")) == ["image-left-open"]


def test_thoughts_after_such_a_workflow_go_on_in_it():
    agent = assistant.clone(tools=[hurry])

    assert told(agent, calls("hurry"), thinks("Hm.") & says("Done.")) == ["workflow-done-twice"]


def test_a_tripwire_removes_the_ids_of_calls():
    agent = assistant.clone(tools=[hurry], output_guardrails=[never])

    with listening(assisted(agent), script=[calls("hurry"), says("Done.")]) as (client, catalogue):
        turn = client.send("Hello")

    removed = {event.item_id for event in turn.events if event.type == "thread.item.removed"}
    sent = {event.item.id for event in turn.events if event.type in ("thread.item.added", "thread.item.done")}
    assert removed - sent == {"fc_1"}
    assert "removed-item-exists" not in catalogue.rules_heard


def test_other_failures_are_not_blamed_on_the_sdks():
    assert upstream.of_exception(ValueError("mine")) is None
    assert upstream.of_exception(AssertionError("mine")) is None
    assert upstream.of_exception(None) is None


@pytest.mark.parametrize(("mended", "present"), [("1.0", False), ("999.0", True), ("999.0.1rc2", True)])
def test_a_mended_defect_is_no_excuse(mended, present):
    defect = replace(upstream.DEFECTS[0], mended_in={"openai-chatkit": mended})

    assert defect.present is present


def test_a_package_that_is_not_installed_mends_nothing():
    assert replace(upstream.DEFECTS[0], mended_in={"no-such-package": "1.0"}).present


def test_every_defect_has_a_name_of_its_own():
    names = [defect.name for defect in upstream.DEFECTS]

    assert len(set(names)) == len(names)
    assert all(upstream.known(name) for name in names)
