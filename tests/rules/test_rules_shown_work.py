"""Workflows, widgets and images: the SDK's own helpers keep the rules, and hand-written events may break them."""

import asyncio
from typing import Any

import pytest
from agents import Agent, RunContextWrapper, function_tool
from broken.servers import assisted, handwritten
from chatkit.agents import AgentContext
from chatkit.server import stream_widget
from chatkit.types import (
    CustomSummary,
    CustomTask,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
    Workflow,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)
from chatkit.widgets import DynamicWidgetComponent, DynamicWidgetRoot
from rules_listening import listening, violations_of

from chatkit_sim.model import calls, draws, says, thinks


def tool_that(body):
    """An agent with one tool, whose body is given the AgentContext."""

    @function_tool
    async def work(ctx: RunContextWrapper[AgentContext[Any]]) -> str:
        """Work."""
        await body(ctx.context)
        return "done"

    return assisted(Agent(name="Worker", model="gpt-5", tools=[work]))


WORK = (calls("work"), says("Done."))


def said(server, script=WORK):
    return [violation.rule for violation in violations_of(server, script=script)]


def root(*children):
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": list(children)})


def text(value, name="text", **more):
    return {"type": "Text", "id": name, "value": value, **more}


# --- the SDK's helpers


async def pause():
    await asyncio.sleep(0.005)


async def plain(context):
    await context.start_workflow(Workflow(type="custom", tasks=[]))
    for title in ("Looking", "Reading"):
        await context.add_workflow_task(CustomTask(title=title, status_indicator="loading"))
        await pause()
    for index, title in enumerate(("Looking", "Reading")):
        await context.update_workflow_task(CustomTask(title=title, status_indicator="complete"), index)
        await pause()
    await context.end_workflow(CustomSummary(title="Looked"))


async def equal_tasks(context):
    await context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Trying")]))
    await pause()
    for _ in range(3):  # the SDK gives each the index of the first
        await context.add_workflow_task(CustomTask(title="Trying"))
        await pause()
    await context.end_workflow()


async def in_one_breath(context):
    await context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="First")]))
    await context.add_workflow_task(CustomTask(title="Second"))  # stands in `added` as well, by the same object
    await context.update_workflow_task(CustomTask(title="Second!"), 1)
    await pause()
    await context.end_workflow()


async def without_start(context):
    await context.add_workflow_task(CustomTask(title="Alone"))
    await pause()


async def two_widgets(context):
    async def drafts():
        for value in ("", "One", "One two"):
            yield root(text(value, streaming=True))
            await pause()
        yield root(text("One two", streaming=False))

    await context.stream_widget(root(text("Ready")))
    await context.stream_widget(drafts())


async def widget_that_changes_altogether(context):
    async def drafts():
        yield root(text("Loading", name="status"))
        await pause()
        yield root(text("Ready", name="status"), {"type": "Button", "label": "Go"})

    await context.stream_widget(drafts())


@pytest.mark.parametrize(
    "body",
    [plain, equal_tasks, in_one_breath, without_start, two_widgets, widget_that_changes_altogether],
    ids=lambda body: body.__name__,
)
def test_the_helpers_of_the_sdk_keep_the_rules(body):
    assert not said(tool_that(body))


def test_reasoning_and_images_of_the_model_keep_the_rules():
    agent = Agent(name="Painter", model="gpt-5")

    assert not said(assisted(agent), [thinks("Blue.", "Or green.") & draws(partial=2) & says("There.")])


def test_a_task_beyond_the_end_fails_in_the_tool_and_is_told_there():
    async def body(context):
        await context.start_workflow(Workflow(type="custom", tasks=[CustomTask(title="Only")]))
        await context.update_workflow_task(CustomTask(title="Third"), 2)

    assert "server-tool-raised" in said(tool_that(body))


# --- hand-written events


def shows(item_of, *updates, done=True):
    """A responder that adds an item, updates it, and finishes it."""

    async def answer(reply):
        message = reply.message("")
        item = item_of(id=message.id, thread_id=reply.thread.id, created_at=message.created_at)
        yield ThreadItemAddedEvent(item=item)
        for update in updates:
            yield ThreadItemUpdatedEvent(item_id=item.id, update=update)
        if done:
            yield ThreadItemDoneEvent(item=item)

    return handwritten(answer)


def workflow(*titles):
    tasks = [CustomTask(title=title) for title in titles]
    return lambda **head: WorkflowItem(**head, workflow=Workflow(type="custom", tasks=list(tasks)))


def widget(*children):
    return lambda **head: WidgetItem(**head, widget=root(*children))


def image(**head):
    return GeneratedImageItem(**head)


def task(title="Task"):
    return CustomTask(title=title)


def progress(value):
    return GeneratedImageUpdated(image=GeneratedImage(id="ig", url="https://example.com/i.png"), progress=value)


def typed(delta, name="text", done=False):
    return WidgetStreamingTextValueDelta(component_id=name, delta=delta, done=done)


def component(name, **fields):
    update = DynamicWidgetComponent.model_validate({"type": "Text", "id": name, **fields})
    return WidgetComponentUpdated(component_id=name, component=update)


@pytest.mark.parametrize(
    ("server", "rule"),
    [
        (shows(workflow("One"), WorkflowTaskUpdated(task_index=-1, task=task())), "task-index-in-range"),
        (shows(workflow("One"), WorkflowTaskUpdated(task_index=5, task=task())), "task-index-in-range"),
        (shows(workflow("One"), WorkflowTaskAdded(task_index=3, task=task())), "tasks-added-in-order"),
        (shows(workflow("One", "Two"), WorkflowTaskAdded(task_index=0, task=task())), "tasks-added-in-order"),
        (shows(widget(text("")), typed("Hi", "title")), "widget-target-exists"),
        (shows(widget(text("")), component("title", value="Hi")), "widget-target-exists"),
        (shows(widget({"type": "Badge", "id": "b", "label": "x"}), typed("Hi", "b")), "widget-target-exists"),
        (shows(widget(text("")), typed("Hello"), WidgetRootUpdated(widget=root(text("Bye")))), "widget-text-grows"),
        (shows(widget(text("Hello")), typed("Hello"), component("text", value="Bye")), "widget-text-grows"),
        (shows(widget(text("a"), text("b"))), "widget-ids-unique"),
        (shows(image, progress(0.5), progress(0.25)), "image-progress-grows"),
        (shows(image, progress(1.5)), "image-progress-grows"),
        (shows(image, progress(-0.1)), "image-progress-grows"),
    ],
)
def test_what_breaks_the_rules(server, rule):
    assert set(said(server, ())) == {rule}


@pytest.mark.parametrize(
    "server",
    [
        shows(
            workflow(), WorkflowTaskAdded(task_index=0, task=task()), WorkflowTaskUpdated(task_index=0, task=task("x"))
        ),
        shows(widget(text("Status: waiting")), WidgetRootUpdated(widget=root(text("Status: ready")))),
        shows(widget(text("a"), {"type": "Text", "value": "b"}, {"type": "Text", "value": "c"})),
        shows(image, progress(None), progress(0.0), progress(0.0), progress(1.0)),
    ],
)
def test_what_keeps_them(server):
    assert not [rule for rule in said(server, ()) if rule != "reload-matches-live-view"]


def test_tasks_are_counted_over_a_client_tool_and_over_turns():
    async def answer(reply):
        if reply.asked is not None and not hasattr(reply.thread, "seen"):
            message = reply.message("")
            work = workflow("One")(id="work", thread_id=reply.thread.id, created_at=message.created_at)
            yield ThreadItemAddedEvent(item=work)
            yield reply.call("go_on")
            return
        yield ThreadItemUpdatedEvent(item_id="work", update=WorkflowTaskAdded(task_index=1, task=task("Two")))
        yield ThreadItemUpdatedEvent(item_id="work", update=WorkflowTaskUpdated(task_index=2, task=task("Three")))
        done = workflow("One", "Two")(id="work", thread_id=reply.thread.id, created_at=reply.message("").created_at)
        yield ThreadItemDoneEvent(item=done)

    def go_on():
        return True

    found = violations_of(handwritten(answer), client_tools=[go_on])
    assert [violation.rule for violation in found] == ["task-index-in-range"]
    assert "which has 2 tasks" in found[0].reason


def test_updates_of_a_widget_of_an_earlier_turn():
    async def answer(reply):
        if reply.asked.content[0].text == "Show":
            head = {"id": "card", "thread_id": reply.thread.id, "created_at": reply.message("").created_at}
            yield ThreadItemDoneEvent(item=WidgetItem(**head, widget=root(text("Hello"))))
        else:
            yield ThreadItemUpdatedEvent(item_id="card", update=typed("!", "nowhere"))

    with listening(handwritten(answer)) as (client, catalogue):
        client.send("Show")
        client.send("Change")
    assert "widget-target-exists" in catalogue.rules_heard


def test_stream_widget_by_hand():
    async def answer(reply):
        async def drafts():
            yield root({"type": "Markdown", "id": "letter", "value": "Dear"})
            yield root({"type": "Markdown", "id": "letter", "value": "Dear Ada"})

        async for event in stream_widget(reply.thread, drafts()):
            yield event

    assert not said(handwritten(answer), ())
