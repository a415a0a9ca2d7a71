"""Turns of real servers, and reports made of them."""

import contextlib
import pathlib

from agents import Agent, RunContextWrapper, Runner, StopAtTools, function_tool
from chatkit.agents import AgentContext, ClientToolCall, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClientEffectEvent,
    NoticeEvent,
    ProgressUpdateEvent,
    ThreadItemDoneEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot

from chatkit_sim import SimulatedClient, calls, says
from chatkit_sim.client import Bench
from chatkit_sim.errors import ViolationError
from chatkit_sim.report import summarize
from chatkit_sim.report.files import RecordWriter
from chatkit_sim.report.making import make_report
from chatkit_sim.report.records import FindingRecord, TestRecord
from chatkit_sim.report.turns import turn_record, violation_records

RESPONDERS = pathlib.Path(__file__).parents[2] / "fixtures" / "responders"
ATTACK = "</script><script>window.attacked = true</script><img src=x onerror='window.attacked = true'>"


@function_tool
async def add(ctx: RunContextWrapper[AgentContext], item: str) -> None:
    """Ask the page to add an item."""
    ctx.context.client_tool_call = ClientToolCall(name="add", arguments={"item": item})


@function_tool
async def price(item: str) -> str:
    """What an item costs."""
    return f"{item} costs 2 EUR, api_key=sk-0123456789abcdef0123"


class ShopServer(ChatKitServer):
    """An assistant with a client tool and a server tool."""

    async def respond(self, thread, input_user_message, context):
        page = await self.store.load_thread_items(thread.id, None, 50, "asc", context)
        agent = Agent(
            name="Shop",
            model="gpt-5",
            tools=[add, price],
            tool_use_behavior=StopAtTools(stop_at_tool_names=["add"]),
        )
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, await simple_to_agent_input(page.data), context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


class EchoServer(ChatKitServer):
    """Says what it is told, in every way there is."""

    async def respond(self, thread, input_user_message, context):
        text = input_user_message.content[0].text
        yield ProgressUpdateEvent(text=text)
        yield NoticeEvent(level="warning", message=text, title=text)
        yield ClientEffectEvent(name=text, data={text: text})
        now = input_user_message.created_at
        widget = {"type": "Card", "children": [{"type": "Title", "value": text}, {"type": "Button", "label": text}]}
        yield ThreadItemDoneEvent(
            item=WidgetItem(
                id="widget_1", thread_id=thread.id, created_at=now, widget=DynamicWidgetRoot.model_validate(widget)
            )
        )
        said = [AssistantMessageContent(text=text)]
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(id="msg_1", thread_id=thread.id, created_at=now, content=said)
        )


class ForgetfulServer(ChatKitServer):
    """Says that a message is done, twice."""

    async def respond(self, thread, input_user_message, context):
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=input_user_message.created_at,
            content=[AssistantMessageContent(text="Done.")],
        )
        yield ThreadItemDoneEvent(item=item)
        yield ThreadItemDoneEvent(item=item)


def judged(server, *messages, script=(), tools=()):
    """What the rules say of turns with these messages."""
    with contextlib.closing(Bench(server, context={})) as bench:
        bench.model.script(*script)
        client = SimulatedClient(bench)
        for name in tools:
            client.client_tool(name=name)(lambda **arguments: {"added": arguments})
        for message in messages:
            with contextlib.suppress(ViolationError):
                client.send(message)
        with contextlib.suppress(ViolationError):
            bench.conclude()
        return list(bench.judged)


def shop_turns(*messages):
    """A model call, a server tool, and then a client tool with its answer."""
    script = []
    for _ in messages:
        script += [calls("price", item="milk"), calls("add", item="milk"), says("Added **milk**.")]
    return judged(ShopServer, *messages, script=script, tools=["add"])


def finding(bug="e18e8c90", same_as="", test=""):
    """A bug as a campaign tells of it."""
    rule = "one-client-tool-call-per-turn"
    text = f"{rule}: found in conversation 2.\n\n    the user writes {ATTACK!r}\n\nAs a test:\n\n    {test}"
    short = f"{rule}: found in conversation 2. The same as in {{}}."
    told = short.format(same_as) if same_as else text
    return FindingRecord(id=bug, rule=rule, text=told, short=short, same_as=same_as, test=test, file="")


def written(directory, tests, worker="main"):
    """Write records as the plugin does: ``{node id: (outcome, judged turns, message, *findings)}``."""
    writer = RecordWriter(directory, worker)
    for node_id, (outcome, turns, message, *findings) in tests.items():
        number = 0
        for one in turns:
            record = turn_record(one, node_id, number + 1)
            if record is not None:
                number += 1
                writer.write(record)
        whole = [each for one in turns if one.turn is None for each in violation_records(one)]
        writer.write(
            TestRecord(
                test=node_id,
                outcome=outcome,
                title="What it is about.",
                file=node_id.partition("::")[0],
                line=3,
                seconds=0.25,
                message=message,
                violations=whole,
                findings=findings,
                summary=summarize(turns).to_json(),
            )
        )
    return directory


def made(directory, tests):
    """A report of such records."""
    make_report(written(directory, tests), root=directory)
    return directory / "index.html"
