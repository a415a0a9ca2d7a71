"""The summary: what it counts, how it merges, how it reads."""

import json
from typing import get_args

import pytest
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ClientToolCallItem,
    NoticeEvent,
    ThreadItemDoneEvent,
    ThreadStreamEvent,
)

from chatkit_sim import MemoryStore, SimulatedClient
from chatkit_sim.client import Bench
from chatkit_sim.report import Summary, render, summarize
from chatkit_sim.rules import Catalogue, Ignore

NOW = "2030-01-01T00:00:00"


class Asks(ChatKitServer):
    """Asks for a client tool, and says what came of it."""

    async def respond(self, thread, message, context):
        head = {
            "id": self.store.generate_item_id("message", thread, context),
            "thread_id": thread.id,
            "created_at": NOW,
        }
        if message is not None:
            call = {"name": "pick", "arguments": {}, "call_id": "call_1"}
            yield ThreadItemDoneEvent(item=ClientToolCallItem(**head, **call))
        else:
            yield NoticeEvent(level="info", message="Picked.")
            yield ThreadItemDoneEvent(item=AssistantMessageItem(**head, content=[AssistantMessageContent(text="Hi")]))


@pytest.fixture
def judged():
    bench = Bench(Asks(MemoryStore()), catalogue=Catalogue(ignores=[Ignore.parse("no-network: none", origin="ini")]))
    client = SimulatedClient(bench)
    client.client_tool(name="pick")(lambda: "an apple")
    client.send("Pick something")
    bench.close()
    return bench.judged


def test_it_counts_what_ran(judged):
    summary = summarize(judged, registered=["pick", "never"], ignores=["no-network: none"])
    assert (summary.tests, summary.scenarios, summary.turns, summary.streams) == (1, 0, 1, 2)
    assert summary.client_tools == {"pick": 1}
    assert summary.never_called == ["never"]
    assert summary.events["notice"] == 1
    assert summary.items == {"user_message": 1, "client_tool_call": 1, "assistant_message": 1}
    assert "item-done-once" in summary.checked
    assert any(text.startswith("client-tool-call-identity: ") for text in summary.not_checked)
    assert summary.violations == {}


def test_it_knows_every_type_that_exists(judged):
    summary = summarize(judged)
    union = get_args(get_args(ThreadStreamEvent)[0]) or get_args(ThreadStreamEvent)
    assert len(summary.event_types) == len(union)
    assert {"assistant_message", "widget", "workflow", "structured_input"} <= summary.item_types


def test_two_are_one_after_the_other_and_survive_the_wire(judged):
    one = summarize(judged, registered=["pick"])
    other = summarize(judged, scenario=True, registered=["never"])
    both = one + Summary.from_json(json.loads(json.dumps(other.to_json())))
    assert (both.tests, both.scenarios, both.turns) == (2, 1, 2)
    assert both.client_tools == {"pick": 2}
    assert both.registered == {"pick", "never"}
    assert both.checked["item-done-once"] == 2 * one.checked["item-done-once"]
    assert Summary() + one == one


def test_nothing_is_a_summary_too():
    assert summarize([]).tests == 0


def test_it_reads_well(judged):
    lines = dict(render(summarize(judged, scenario=True, registered=["pick", "never"])))
    assert lines["ran"] == "1 scenario: 1 turn, 2 streams, 7 events"
    assert lines["server tools"] == "none were called"
    assert lines["client tools"] == "pick 1; registered and never called: never"
    assert lines["items"] == "3 of 11 types: assistant_message, client_tool_call, user_message"
    assert lines["not checked"].endswith(": no run was observed behind the turn's streams")
    assert "stop-at-client-tool" in lines["in part"]
    assert lines["violations"] == "none"
    assert "warnings" not in lines
    assert "ignored" not in lines


def test_few_that_are_missing_are_named(judged):
    summary = summarize(judged)
    seen = dict.fromkeys(summary.event_types - {"error", "notice"}, 1)
    lines = dict(render(Summary(events=seen, event_types=summary.event_types, violations={"a-rule": 2, "b-rule": 10})))
    assert lines["events"] == f"{len(seen)} of {len(summary.event_types)} types; never error, notice"
    assert lines["violations"] == "b-rule 10, a-rule 2"
