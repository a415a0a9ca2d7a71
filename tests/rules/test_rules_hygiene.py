"""Work for nobody, tasks left behind, and tools that fail unseen."""

import asyncio
from contextvars import Context

import pytest
from agents import Agent, Runner, function_tool
from broken.servers import Assisted, assisted, handwritten
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
)
from rules_listening import ListeningCatalogue, listening, violations_of

from chatkit_sim.client import AsyncSimulatedClient, Limits, Policies, SimulatedClient
from chatkit_sim.errors import ChatKitSimWarning, UsageError, ViolationError
from chatkit_sim.model import ModelScript, calls, says
from chatkit_sim.rules import Catalogue

QUICK = {"limits": Limits(settle=0.1)}


def stop_at(client, event_type, how="cancel"):
    with client.stream("Go") as stream:
        for event in stream:
            if event.type == event_type:
                getattr(stream, how)()


# --- no-work-after-cancel


def background_writer(reply, store, seconds):
    async def write():
        await asyncio.sleep(seconds)
        await store.add_thread_item(reply.thread.id, reply.message("Too late."), None)

    return asyncio.create_task(write())


@pytest.mark.parametrize("how", ["cancel", "disconnect"])
def test_a_store_write_of_a_background_task(how):
    def server(store):
        async def answer(reply):
            background_writer(reply, made.store, 0.02)
            while True:
                yield ProgressUpdateEvent(text="Working")
                await asyncio.sleep(0.01)

        made = handwritten(answer)(store)
        return made

    with listening(server, **QUICK) as (client, catalogue):
        stop_at(client.client, "progress_update", how)
    (violation,) = catalogue.heard
    assert violation.rule == "no-work-after-cancel"
    assert "1 store write (add_thread_item)" in violation.reason
    assert 'store write add_thread_item, assistant_message "' in str(violation)
    assert "handle_stream_cancelled" in violation.remedy
    assert violation.severity == "warning"


def test_what_is_stored_when_the_stream_is_given_up_is_not_blamed():
    def server(store):
        async def answer(reply):
            message = reply.message("")
            yield ThreadItemAddedEvent(item=message)
            try:
                while True:
                    yield ProgressUpdateEvent(text="Working")
                    await asyncio.sleep(0.01)
            finally:
                await made.store.save_thread(reply.thread, None)

        async def tidy(thread, pending, context):
            await asyncio.shield(asyncio.create_task(made.store.save_thread(thread, context)))

        made = handwritten(answer)(store)
        made.handle_stream_cancelled = tidy
        return made

    with listening(server, **QUICK) as (client, catalogue):
        stop_at(client.client, "progress_update")
    assert not catalogue.heard


def test_a_tool_that_begins_after_a_stop():
    begun = []

    @function_tool
    async def send_mail() -> str:
        """Send a mail."""
        begun.append("mail")
        return "sent"

    agent = Agent(name="Clerk", model="gpt-5", tools=[send_mail])
    # The guide's way: nothing ends the run.
    patient = Limits(settle=5.0)  # it is over as soon as the run is
    with listening(assisted(agent), script=[calls("send_mail"), says("Sent.")], limits=patient) as (client, catalogue):
        stop_at(client.client, "stream_options")
    late = [violation for violation in catalogue.heard if violation.rule == "no-work-after-cancel"]
    assert begun == ["mail"]
    assert "1 tool (send_mail)" in late[0].reason
    assert late[0].subjects == {"tool": "send_mail"}


def test_the_store_is_left_as_it_was():
    with SimulatedClient(handwritten(_hello)) as client:
        client.send("Hello")
        server = client._core.bench.server
        assert "add_thread_item" in vars(server.store)
    assert "add_thread_item" not in vars(server.store)
    assert "handle_stream_cancelled" not in vars(server)


async def _hello(reply):
    yield ThreadItemDoneEvent(item=reply.message("Hello."))


# --- no-leaked-tasks


async def forever():
    await asyncio.sleep(60)


async def leaks(reply):
    reply.kept = asyncio.create_task(forever(), name="title of a thread")
    yield ThreadItemDoneEvent(item=reply.message("Hello."))


@pytest.mark.parametrize("pattern", ["forever", "title of *"])
def test_tasks_can_be_allowed_by_name(pattern):
    found = violations_of(handwritten(leaks), **QUICK)
    assert [violation.subjects["task"] for violation in found] == ["forever"]
    assert 'task "title of a thread"' in str(found[0])

    assert not violations_of(handwritten(leaks), policies=Policies(background_tasks=[pattern]), **QUICK)


def test_a_task_is_told_once():
    assert len(violations_of(handwritten(leaks), user=["One"], **QUICK)) == 1

    with listening(handwritten(_leaks_once()), **QUICK) as (client, catalogue):
        client.send("One")
        client.send("Two")
    assert catalogue.rules_heard == ["no-leaked-tasks"]


def _leaks_once():
    tasks = []

    async def answer(reply):
        if not tasks:
            tasks.append(asyncio.create_task(forever()))
        yield ThreadItemDoneEvent(item=reply.message("Hello."))

    return answer


def test_a_task_that_ends_in_the_time_of_grace_is_none():
    async def titled(reply):
        reply.kept = asyncio.create_task(asyncio.sleep(0.02))
        yield ThreadItemDoneEvent(item=reply.message("Hello."))

    assert not violations_of(handwritten(titled), limits=Limits(settle=1.0))


def test_a_run_that_is_given_up_in_the_middle():
    class Impatient(Assisted):
        async def respond(self, thread, input_user_message, context):
            self.result = Runner.run_streamed(self.agent, "Hi")
            yield ThreadItemDoneEvent(item=_message(thread))

    @function_tool
    async def ponder() -> str:
        """Ponder."""
        await asyncio.sleep(60)
        return "done"

    agent = Agent(name="Thinker", model="gpt-5", tools=[ponder])
    found = violations_of(lambda store: Impatient(store, agent), script=[calls("ponder")], **QUICK)
    assert {violation.rule for violation in found} == {"no-leaked-tasks"}


def _message(thread):
    content = [AssistantMessageContent(text="Never mind.")]
    return AssistantMessageItem(id="msg_1", thread_id=thread.id, created_at=thread.created_at, content=content)


def test_on_a_loop_of_the_test_its_own_tasks_are_not_the_servers():
    async def main():
        catalogue = ListeningCatalogue()
        own = [asyncio.create_task(asyncio.sleep(60), name="begun before")]

        async def answer(reply):
            own[0].get_loop().call_soon(lambda: own.append(asyncio.create_task(forever())), context=Context())
            async for event in leaks(reply):
                yield event

        async with AsyncSimulatedClient(handwritten(answer), catalogue=catalogue, **QUICK) as client:
            await client.send("Hello")
        for task in own:
            task.cancel()
        return catalogue.heard

    with pytest.warns(ChatKitSimWarning):
        [violation] = asyncio.run(main())
    assert 'task "title of a thread"' in str(violation)


def test_a_tab_does_not_wait_for_what_another_one_began():
    async def answer(reply):
        if reply.asked.content[0].text == "slowly":
            reply.kept = asyncio.create_task(asyncio.sleep(60))
        yield ThreadItemDoneEvent(item=reply.message("Hello."))
        await asyncio.sleep(0.02)

    async def main():
        catalogue = ListeningCatalogue()
        async with AsyncSimulatedClient(handwritten(answer), catalogue=catalogue, limits=Limits(settle=0.3)) as client:
            started = asyncio.get_running_loop().time()
            quick, slow = client.another(), asyncio.create_task(client.another().send("slowly"))
            await quick.send("quickly")
            took = asyncio.get_running_loop().time() - started
            await slow
        return took, catalogue.heard

    with pytest.warns(ChatKitSimWarning):
        took, [violation] = asyncio.run(main())
    assert took < 0.3
    assert violation.place.turn == 1


# --- server-tool-raised


@function_tool
def divide(a: int, b: int) -> float:
    """Divide."""
    return a / b


@function_tool(failure_error_function=None)
def explode() -> str:
    """Fail in a way that ends the run."""
    raise RuntimeError("boom")


calculator = Agent(name="Calculator", model="gpt-5", tools=[divide, explode])


def test_it_warns_by_default_and_shows_in_the_turn():
    script = ModelScript()
    script.script(calls("divide", a=1, b=0), says("Infinity."))
    client = SimulatedClient(assisted(calculator), model=script)
    turn = client.send("1/0")
    with pytest.warns(ChatKitSimWarning, match="The tool `divide` raised ZeroDivisionError"):
        client.close()
    (failed,) = turn.tool_errors
    assert (failed.tool, type(failed.error)) == ("divide", ZeroDivisionError)
    assert "divide raised ZeroDivisionError: division by zero" in repr(turn)


def test_it_fails_by_choice_with_the_tools_own_traceback():
    script = ModelScript()
    script.script(calls("divide", a=1, b=0), says("Infinity."))
    catalogue = Catalogue(severities={"server-tool-raised": "error"})
    with SimulatedClient(assisted(calculator), model=script, catalogue=catalogue) as client:
        with pytest.raises(ViolationError, match="in divide: return a / b") as caught:
            client.send("1/0")
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert caught.value.__cause__.__traceback__ is not None


def test_bad_arguments_are_the_models_fault():
    assert not violations_of(assisted(calculator), script=[calls("divide", a="one", b=2), says("Sorry.")])


def test_a_tool_whose_failure_ends_the_run_is_told_once():
    found = violations_of(assisted(calculator), script=[calls("explode")])

    assert [violation.rule for violation in found] == ["no-unexpected-error"]


def test_one_tool_that_fails_often_is_told_once():
    twice = calls("divide", a=1, b=0) & calls("divide", a=2, b=0)
    (violation,) = violations_of(assisted(calculator), script=[twice, says("No.")])

    assert "(2 times)" in violation.reason


# --- severities


def test_a_severity_must_be_of_a_rule_and_one_of_two():
    with pytest.raises(UsageError, match=r"The severity of 'server-tool-rised' names no rule\. Did you mean"):
        Catalogue(severities={"server-tool-rised": "error"})
    with pytest.raises(UsageError, match="can be 'error' or 'warning'"):
        Catalogue(severities={"server-tool-raised": "fatal"})


def test_an_error_can_be_made_a_warning():
    async def fails(reply):
        raise RuntimeError("boom")
        yield

    client = SimulatedClient(handwritten(fails), catalogue=Catalogue(severities={"no-unexpected-error": "warning"}))
    client.send("Hello")
    with pytest.warns(ChatKitSimWarning, match="RuntimeError"):
        client.close()
