"""What the page registers, and what the server was seen to ask of it."""

import json

import pytest
from chatkit.types import ClientEffectEvent, ClientToolCallItem, SyncCustomActionResponse, ThreadItemDoneEvent
from client_pages import PageServer, button, card, showing
from hypothesis import strategies as st

from chatkit_sim import Policies, SimulatedClient, UsageError, ViolationError
from chatkit_sim.client import Bench, ComposerTool, Frontend, contract
from chatkit_sim.client.contract_schemas import schema_of


async def asks(server, thread, message, context):
    if message is not None:
        words = message.content[0].text.split()
        yield ClientEffectEvent(name="confetti", data={"n": len(words)})
        head = server.base(thread, "tool_call")
        arguments = {"item": words[0], **({"amount": 2} if len(words) > 1 else {})}
        yield ThreadItemDoneEvent(item=ClientToolCallItem(**head, call_id=head["id"], name="add", arguments=arguments))
        return
    page = await server.store.load_thread_items(thread.id, None, 1, "desc", context)
    yield server.says(thread, f"The page says {page.data[0].output}.")


def test_its_handlers_are_the_clients():
    effects, opened = [], []
    frontend = Frontend(
        client_tools={"add": lambda item, amount=1: {"added": item}},
        effects={"confetti": effects.append},
        actions={"open": lambda action, item: opened.append(action.payload)},
    )
    with SimulatedClient(PageServer(asks), frontend=frontend) as client:
        assert client.send("milk").text == "The page says {'added': 'milk'}."
        assert client.another().send("eggs").text == "The page says {'added': 'eggs'}."
        assert [effect.data for effect in effects] == [{"n": 1}, {"n": 1}]
        with pytest.raises(UsageError, match="'add' is registered already"):
            client.client_tool(name="add")(lambda item: None)
        client.client_tool(name="add", replace=True)(mine := lambda item: "mine")
        assert client.client_tools == {"add": mine}
        assert client.send("tea").text == "The page says mine."
    widget = card(button("Open", "open", action={"handler": "client", "payload": 7}))
    with SimulatedClient(PageServer(showing(widget)), frontend=frontend) as client:
        client.send("show")
        client.click("Open")
    assert opened == [7]


def test_a_strategy_for_results_posts_the_simplest_one_unless_the_test_registers_a_handler():
    results = st.fixed_dictionaries({"added": st.text(), "left": st.integers(min_value=3)})
    with SimulatedClient(
        PageServer(asks), frontend=Frontend(client_tools={"add": results}, effects=["confetti"])
    ) as client:
        assert client.send("milk").text == "The page says {'added': '', 'left': 3}."
        assert client.send("two eggs").client_tool_calls[0].output == {"added": "", "left": 3}
        client.client_tool(name="add")(lambda item: {"added": item})
        assert client.send("tea").text == "The page says {'added': 'tea'}."
        with pytest.raises(UsageError, match="'add' is registered already"):
            client.client_tool(name="add")(lambda item: None)
    with pytest.raises(UsageError, match="a function as its handler, or a Hypothesis strategy for its results, not 3"):
        SimulatedClient(PageServer(asks), frontend=Frontend(client_tools={"add": 3}))


def test_names_alone_are_handled_by_doing_nothing():
    widget = card(button("Open", "open", action={"handler": "client"}))
    frontend = Frontend(actions=["open"], effects=["confetti"])
    with SimulatedClient(PageServer(showing(widget)), frontend=frontend) as client:
        client.send("show")
        assert client.click("Open").request.type == "widgets.onAction"


def test_what_the_page_does_not_declare_is_a_violation():
    widget = card(button("Open", "open", action={"handler": "client", "payload": {"handler": "client", "type": "no"}}))
    with SimulatedClient(PageServer(showing(widget)), frontend=Frontend(effects=["confetti"])) as client:
        with pytest.raises(ViolationError, match='action "open"') as caught:
            client.send("show")
        [violation] = caught.value.violations
        assert violation.rule == "frontend-has-what-is-asked"
        assert (violation.place.event, violation.subjects) == (4, {"action": "open"})
    with SimulatedClient(PageServer(showing(widget)), frontend=Frontend()) as client:
        client.on_action(lambda action, item: None)
        client.send("show")
    with SimulatedClient(PageServer(asks), frontend=Frontend(client_tools={"add": lambda **_: 1})) as client:
        client.on_effect(name="fireworks")(lambda event: None)
        with client.expecting(violation="frontend-has-what-is-asked") as caught:
            client.send("milk")
        assert 'effects that the page handles: "fireworks"' in str(caught.violations[0])
        client.on_effect(name="confetti")(lambda event: None)
        client.send("milk")


def test_a_widget_that_an_action_brings_without_a_stream_is_held_to_it_too():
    before, after = (card(button("Flag", "flag", action={"streaming": False})), button("Open", "open"))
    after["onClickAction"]["handler"] = "client"

    class Flagging(PageServer):
        async def sync_action(self, thread, action, sender, context):
            shown = sender.model_copy(update={"widget": type(sender.widget).model_validate(card(after))})
            await self.store.save_item(thread.id, shown, context)
            return SyncCustomActionResponse(updated_item=shown)

    with SimulatedClient(Flagging(showing(before)), frontend=Frontend()) as client:
        client.send("show")
        with pytest.raises(ViolationError, match='action "open"'):
            client.click("Flag")


def test_a_foreign_client_tool_can_be_answered_by_policy():
    with SimulatedClient(PageServer(asks), policies=Policies(no_handler="post")) as client:
        with pytest.raises(ViolationError, match="client-tool-registered") as caught:
            client.send("milk")
    assert caught.value.turn.text == "The page says {'error': \"no client tool 'add'\"}."


def test_the_contract_is_what_was_asked():
    frontend = Frontend(client_tools={"add": lambda **_: 1}, tools=[ComposerTool(id="search")], models=["small"])
    bench = Bench(PageServer(asks), frontend=frontend)
    with SimulatedClient(bench) as client:
        other = client.another()
        for tab in (client, other):
            tab.on_effect(name="confetti")(lambda event: None)
        client.send("milk", tool_choice="search")
        other.send("two eggs", model="small")
    asked = contract(bench.turns, frontend)
    assert asked["client_tools"]["add"]["arguments"] == {
        "schema": {
            "type": "object",
            "properties": {"item": {"type": "string"}, "amount": {"type": "integer"}},
            "required": ["item"],
        },
        "examples": [{"item": "milk"}, {"item": "two", "amount": 2}],
    }
    assert asked["effects"]["confetti"]["data"]["examples"] == [{"n": 1}, {"n": 2}]
    assert asked["composer"] == {
        "tools": ["search"],
        "models": ["small"],
        "sent": {"tools": ["search"], "models": ["small"]},
        "attachments": False,
    }
    assert asked["missing"] == {"client_tools": [], "effects": ["confetti"], "actions": []}
    assert json.loads(json.dumps(asked)) == asked


def test_it_names_every_action_of_every_widget():
    one = button("Open", "open", action={"handler": "client", "payload": {"id": 1}})
    two = button("Flag", "flag", action={"streaming": False})
    with SimulatedClient(PageServer(showing(card(one, two)))) as client:
        client.send("show")
    assert contract(client.turns)["actions"] == {
        "flag": {"handler": "server", "streaming": False, "payload": {"schema": {"type": "null"}, "examples": [None]}},
        "open": {
            "handler": "client",
            "streaming": True,
            "payload": {
                "schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                "examples": [{"id": 1}],
            },
        },
    }


@pytest.mark.parametrize(
    ("examples", "schema"),
    [
        ([1, 2.5], {"type": "number"}),
        ([True, None], {"type": ["boolean", "null"]}),
        ([[1, "a"], []], {"type": "array", "items": {"type": ["integer", "string"]}}),
        ([], {}),
    ],
)
def test_schemas_are_told_from_examples(examples, schema):
    assert schema_of(examples) == schema
