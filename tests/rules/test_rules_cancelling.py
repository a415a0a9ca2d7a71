"""What responders make of the cancellation that they are given when the client leaves."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from agents import Agent, Runner, function_tool
from broken.cancellation_comes_through import Leaving, Retrying
from broken.servers import Assisted, Handwritten
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer
from chatkit.types import ProgressUpdateEvent, ThreadItemAddedEvent, ThreadItemDoneEvent
from desk.app import create_app
from rules_listening import listening

from chatkit_sim.client import Limits
from chatkit_sim.errors import ViolationError
from chatkit_sim.model import calls, says
from chatkit_sim.stores import MemoryStore

RULE = "cancellation-comes-through"
EVERYWHERE = pytest.mark.parametrize("transport", ["in-process", "asgi"])
LONG = says("A long story", chunks=["A ", "long ", "story"])
QUICK = Limits(settle=0.3)


def leave(server, *, transport="in-process", at="progress_update", how="cancel", script=(), limits=QUICK):
    """What the rules say when the user leaves at the first event of a type."""
    store = MemoryStore()
    made = server(store)
    where = {"transport": transport}
    if transport != "in-process":
        where |= {"app": create_app(made), "headers": {"x-user-id": "ada"}}
    with listening(made if transport == "in-process" else None, script=script, limits=limits, **where) as (
        client,
        heard,
    ):
        with suppress(ViolationError), client.stream("Go") as stream:
            for event in stream:
                if event.type == at:
                    getattr(stream, how)()
    return [violation for violation in heard.heard if violation.rule != "no-leaked-tasks"]


def writer(answer):
    """A factory of servers that answer by hand; the answer is given the store as well."""

    def make(store):
        return Handwritten(store, lambda reply: answer(reply, store))

    return make


def working():
    return ProgressUpdateEvent(text="Working")


# --- responders that swallow it


async def goes_on(reply, store):
    yield ThreadItemAddedEvent(item=reply.message(""))
    for _ in range(3):
        yield working()
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue
    yield ThreadItemDoneEvent(item=reply.message("Done all the same."))


async def ends(reply, store):
    with suppress(asyncio.CancelledError):
        while True:
            yield working()
            await asyncio.sleep(0.05)


async def returns_in_finally(reply, store):
    try:
        yield working()
        await asyncio.sleep(60)
    finally:
        return  # noqa: B012


async def catches_all(reply, store):
    yield working()
    try:
        await asyncio.sleep(60)
    except:  # noqa: E722
        yield ThreadItemDoneEvent(item=reply.message("Sorry."))


async def catches_far_away(reply, store):
    @asynccontextmanager
    async def guarded():
        try:
            yield
        except asyncio.CancelledError:
            pass

    async with guarded():
        yield working()
        await asyncio.sleep(60)


async def never_ends(reply, store):
    while True:
        yield working()
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            pass


@pytest.mark.parametrize("how", ["cancel", "disconnect"])
def test_an_answer_that_goes_on(how):
    (violation,) = leave(writer(goes_on), how=how)

    assert (violation.rule, violation.severity) == (RULE, "error")
    assert ("pressed stop" if how == "cancel" else "page had gone") in violation.reason
    assert "yielded `progress_update`" in violation.reason
    assert any("caught by what waited" in detail and "in goes_on" in detail for detail in violation.details)
    assert any("went on at" in detail and "in respond" in detail for detail in violation.details)


@pytest.mark.parametrize("answer", [ends, returns_in_finally, catches_far_away])
def test_an_answer_that_ends_as_if_nothing_had_happened(answer):
    (violation,) = leave(writer(answer))

    assert violation.rule == RULE
    assert "handle_stream_cancelled never runs" in violation.reason


def test_a_bare_except():
    (violation,) = leave(writer(catches_all))

    assert "yielded `thread.item.done`" in violation.reason


def test_an_answer_that_never_ends_is_left_after_a_while():
    started = time.monotonic()

    (violation,) = leave(writer(never_ends))

    assert violation.rule == RULE
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("transport", ["in-process", "asgi"])
def test_a_run_that_is_tried_again(transport):
    agent = Agent(name="Storyteller", model="gpt-5")
    script = [LONG, says("again"), says("and again")]

    found = leave(lambda store: Retrying(store, agent), at="thread.item.updated", script=script, transport=transport)

    mine = [violation for violation in found if violation.rule == RULE]
    assert len(mine) == 1
    assert "further run" in mine[0].reason
    assert "(Storyteller)" in mine[0].reason
    assert "no-work-after-cancel" not in {violation.rule for violation in found}


def test_an_action_that_goes_on():
    class Acting(Handwritten):
        async def action(self, thread, action, sender, context):
            async for event in self.respond(thread, None, context):
                yield event

    (violation,) = leave(lambda store: Acting(store, lambda reply: goes_on(reply, store)))

    assert violation.rule == RULE


# --- responders that do not


async def plain(reply, store):
    while True:
        yield working()
        await asyncio.sleep(0.01)


async def cleans_up_and_raises(reply, store):
    try:
        async for event in plain(reply, store):
            yield event
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.create_task(store.save_thread(reply.thread, None)))
        await asyncio.sleep(0.01)
        raise


async def keeps_what_was_said(reply, store):
    try:
        async for event in plain(reply, store):
            yield event
    except asyncio.CancelledError:
        yield ThreadItemDoneEvent(item=reply.message("So far."))
        raise


async def tidies_finally(reply, store):
    title = asyncio.create_task(asyncio.sleep(60))
    try:
        async for event in plain(reply, store):
            yield event
    finally:
        title.cancel()
        with suppress(asyncio.CancelledError):
            await title
        await store.save_thread(reply.thread, None)


async def limits_its_time(reply, store):
    async with asyncio.timeout(20):
        yield working()
        await asyncio.sleep(60)


async def limits_its_cleaning(reply, store):
    try:
        yield working()
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        raise


async def limits_with_anyio(reply, store):
    yield working()
    with anyio.move_on_after(20):
        await asyncio.sleep(60)


async def waits_for(reply, store):
    yield working()
    await asyncio.wait_for(asyncio.sleep(60), 20)


async def waits_for_what_is_there(reply, store):
    """``wait_for`` of Python 3.11 answers then, and forgets the cancellation: that is not the app's doing."""

    async def find():
        return "it"

    yield working()
    await asyncio.wait_for(find(), 20)
    yield ThreadItemDoneEvent(item=reply.message("Done."))


async def in_a_group(reply, store):
    yield working()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(60))
        group.create_task(asyncio.sleep(60))


async def in_a_group_of_anyio(reply, store):
    yield working()
    async with anyio.create_task_group() as group:
        group.start_soon(asyncio.sleep, 60)
        await asyncio.sleep(60)


async def gathers(reply, store):
    yield working()
    await asyncio.gather(asyncio.sleep(60), asyncio.sleep(60), return_exceptions=True)


async def ends_its_own_task(reply, store):
    """The stop arrives while it awaits the end of a task that it has cancelled itself."""
    title = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    yield working()
    title.cancel()
    with suppress(asyncio.CancelledError):
        await title
    yield ThreadItemDoneEvent(item=reply.message("Done."))


async def ends_its_own_tasks(reply, store):
    tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(2)]
    await asyncio.sleep(0)
    yield working()
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)


async def awaits_a_task_that_gives_up(reply, store):
    async def give_up():
        raise asyncio.CancelledError

    yield working()
    with suppress(asyncio.CancelledError):
        await asyncio.create_task(give_up())
    yield ThreadItemDoneEvent(item=reply.message("Done."))


async def has_all_said(reply, store):
    yield working()
    yield ThreadItemDoneEvent(item=reply.message("Done."))


async def in_a_thread(reply, store):
    yield working()
    await asyncio.to_thread(time.sleep, 0.01)
    await asyncio.sleep(60)


async def fails_while_it_ends(reply, store):
    yield working()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise ConnectionError("The connection was closed.") from None


async def reads_a_queue(reply, store):
    queue = asyncio.Queue()

    async def work():
        while True:
            await queue.put(working())
            await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    try:
        while True:
            yield await queue.get()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@EVERYWHERE
@pytest.mark.parametrize(
    "answer",
    [
        plain,
        cleans_up_and_raises,
        keeps_what_was_said,
        tidies_finally,
        limits_its_time,
        limits_its_cleaning,
        limits_with_anyio,
        waits_for,
        waits_for_what_is_there,
        in_a_group,
        in_a_group_of_anyio,
        gathers,
        ends_its_own_task,
        ends_its_own_tasks,
        has_all_said,
        in_a_thread,
        fails_while_it_ends,
        reads_a_queue,
    ],
)
def test_an_answer_that_ends_when_it_is_stopped(answer, transport):
    assert RULE not in {violation.rule for violation in leave(writer(answer), transport=transport)}


@pytest.mark.parametrize("answer", [plain, keeps_what_was_said, goes_on, awaits_a_task_that_gives_up])
def test_where_nothing_is_cancelled(answer):
    """Under ASGI 2.4 send() raises instead."""
    assert not leave(writer(answer), transport="asgi-2.4")


@function_tool
async def look_up(city: str) -> str:
    """Look up a hotel."""
    await asyncio.sleep(0.05)
    return f"Hotel {city}"


class Awaited(Assisted):
    """Answers when the run is over."""

    async def respond(self, thread, input_user_message, context):
        yield working()
        result = await Runner.run(self.agent, "A hotel in Rome")
        yield ProgressUpdateEvent(text=str(result.final_output))


class Ended(Assisted):
    """Ends its run in a ``finally``."""

    async def respond(self, thread, input_user_message, context):
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(self.agent, "A hotel in Rome", context=agent_context)
        try:
            async for event in stream_agent_response(agent_context, result):
                yield event
        finally:
            result.cancel()


@EVERYWHERE
@pytest.mark.parametrize("at", ["stream_options", "progress_update", "thread.item.added", "thread.item.updated"])
@pytest.mark.parametrize("kind", [Assisted, Awaited, Ended, Leaving])
def test_a_run_of_the_sdk_that_is_stopped(kind, at, transport):
    agent = Agent(name="Traveller", model="gpt-5", tools=[look_up])
    script = [
        says("Let me see.") & calls("look_up", city="Rome"),
        says("Hotel Rome is free.", chunks=["Hotel ", "Rome ", "is free."]),
    ]

    found = leave(lambda store: kind(store, agent), at=at, script=script, transport=transport)

    assert RULE not in {violation.rule for violation in found}


# --- where it is seen


def test_the_sdk_still_has_what_is_followed():
    """If it has not, the rule sees nothing: see chatkit_sim.model.cancelling."""
    assert list(ChatKitServer._process_events.__annotations__) == ["thread", "context", "stream", "return"]
    with listening(writer(plain)(MemoryStore())):
        assert ChatKitServer._process_events.__module__ == "chatkit_sim.model.cancelling"
    assert ChatKitServer._process_events.__module__ == "chatkit.server"
