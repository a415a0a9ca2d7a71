"""The contract: what the server asks of its page, merged, written, and held against a page."""

import json
from itertools import permutations

import pytest
from chatkit.types import ClientEffectEvent, ClientToolCallItem, ThreadItemDoneEvent
from client_pages import PageServer, button, card, showing

from chatkit_sim import SimulatedClient, UsageError
from chatkit_sim.cli import main
from chatkit_sim.client import contract
from chatkit_sim.client.contract import merge_contracts
from chatkit_sim.client.contract_checking import contract_problems
from chatkit_sim.client.contract_command import contract_json
from chatkit_sim.client.contract_schemas import described

NOTHING = contract(())


async def asks(server, thread, message, context):
    """Asks with ids, times and secrets that are new on every run."""
    head = server.base(thread, "tool_call")
    if message is None:
        yield server.says(thread, "ok")
        return
    yield ClientEffectEvent(name="open", data={"of": head["id"], "opened_at": head["created_at"].timestamp()})
    arguments = {"thread": thread.id, "at": head["created_at"].isoformat(), "api_key": head["id"], "n": 1}
    yield ThreadItemDoneEvent(item=ClientToolCallItem(**head, call_id=head["id"], name="add", arguments=arguments))


def recorded(respond, *moves):
    with SimulatedClient(PageServer(respond)) as client:
        client.client_tool(name="add")(lambda **arguments: 1)
        client.send("Hi")
        for move in moves:
            client.click(move)
        return client.turns


def test_the_same_conversations_give_the_same_bytes():
    one, other = (contract_json(contract(recorded(asks))) for _ in range(2))
    assert one == other
    found = json.loads(one)
    assert found["client_tools"]["add"]["arguments"]["examples"] == [
        {"api_key": "<secret>", "at": "<time>", "n": 1, "thread": "<thread:1>"}
    ]
    assert found["effects"]["open"]["data"]["examples"] == [{"of": "<tool_call:1>", "opened_at": 0}]


def asked(*arguments):
    """A contract of calls with these arguments, each from a test of its own."""
    return [{**NOTHING, "client_tools": {"add": {"arguments": described([each])}}} for each in arguments]


def test_contracts_of_many_tests_are_one_in_any_order():
    parts = asked({"item": "milk"}, {"item": "eggs", "amount": 2}, {"item": None, "amount": 2.5}, {"item": "flour"})
    [merged] = {contract_json(merge_contracts(each)) for each in permutations(parts)}
    assert json.loads(merged)["client_tools"]["add"]["arguments"] == {
        "schema": {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "item": {"type": ["null", "string"]}},
            "required": ["item"],
        },
        "examples": [{"item": "milk"}, {"item": "flour"}, {"amount": 2, "item": "eggs"}],
    }
    assert merge_contracts([NOTHING, json.loads(merged), NOTHING]) == json.loads(merged)


def test_actions_of_clicked_widgets_are_there():
    shown = card(button("Flag", "flag", action={"streaming": False, "payload": {"n": 1}}), button("Go", "go"))
    found = contract(recorded(showing(shown), "Flag"))
    assert {name: action["streaming"] for name, action in found["actions"].items()} == {"flag": False, "go": True}


@pytest.mark.parametrize(
    ("page", "problems"),
    [
        ({}, ["The page has no client tool 'add'. It has: none."]),
        ({"client_tools": ["adds"]}, ["The page has no client tool 'add'. Did you mean 'adds'?"]),
        ({"client_tools": ["add"]}, []),
        ({"client_tools": {"add": None}, "effects": [], "actions": []}, []),
        ({"client_tools": {"add": {"required": ["item"], "properties": {"item": {"type": "string"}}}}}, []),
        (
            {"client_tools": {"add": {"required": ["amount"]}}},
            [
                "The arguments of the client tool 'add' do not fit what the page expects: "
                '\'amount\' is a required property, in {"item": "milk"}'
            ],
        ),
        (
            {"client_tools": {"add": {"properties": {"amount": {"type": "string"}}}}},
            [
                "The arguments of the client tool 'add' do not fit what the page expects: "
                '2 is not of type \'string\' at \'amount\', in {"amount": 2, "item": "eggs"}'
            ],
        ),
    ],
)
def test_a_page_is_held_against_it(page, problems):
    found = merge_contracts(asked({"item": "milk"}, {"item": "eggs", "amount": 2}))
    assert contract_problems(found, page) == problems
    assert contract_problems(found, found) == []


def test_what_no_example_shows_is_told_by_the_schema():
    short = [{"item": letter} for letter in "abc"]  # there is room for three examples
    found = merge_contracts(asked(*short, {"item": ["a list"] * 9}, {"note": "without an item, but long"}))
    page = {"client_tools": {"add": {"required": ["item"], "properties": {"item": {"type": "string"}}}}}
    assert [problem.partition("expects: ")[2] for problem in contract_problems(found, page)] == [
        "'item' is not always there",
        "'item' is at times array, and the page expects string",
    ]


def test_what_the_server_does_with_an_action_itself_is_no_affair_of_the_page():
    payload = {"schema": {"type": "null"}, "examples": [None]}
    actions = {
        "mine": {"handler": "client", "streaming": True, "payload": payload},
        "theirs": {"handler": "server", "streaming": True, "payload": payload},
    }
    assert contract_problems({**NOTHING, "actions": actions}, {"actions": []}) == [
        "The page has no action 'mine'. It has: none."
    ]
    sent = {**NOTHING["composer"], "sent": {"tools": ["search"], "models": ["old"]}}
    assert contract_problems({**NOTHING, "composer": sent}, {"composer": {"tools": ["search"], "models": ["new"]}}) == [
        "The composer offers no model 'old', and messages were sent with it."
    ]


def test_files_are_merged_and_checked_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, part in zip(("one.json", "two.json"), asked({"item": "milk"}, {"item": "eggs"}), strict=True):
        tmp_path.joinpath(name).write_text(contract_json(part))
    assert main(["contract", "one.json", "two.json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["client_tools"]["add"]["arguments"]["examples"]) == 2
    assert main(["contract", "one.json", "--into", "all.json", "--check", "two.json"]) == 0
    assert "has all that the server asks for (1 client tool, 0 effects, 0 actions)" in capsys.readouterr().err
    tmp_path.joinpath("page.json").write_text("{}")
    assert main(["contract", "all.json", "--check", "page.json"]) == 1
    assert capsys.readouterr() == ("", "The page has no client tool 'add'. It has: none.\n")


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (None, ["x.json"], "No such file or directory: 'x.json'"),
        ("<html>", ["x.json"], "x.json is no JSON: Expecting value"),
        ("[]", ["x.json"], "x.json holds no JSON object, but list."),
        ("{}", ["x.json"], "x.json is no contract: write one with `pytest --chatkit-sim-contract x.json`."),
        (json.dumps({**NOTHING, "format": 9}), ["x.json"], "x.json has the format 9, and this chatkit-sim reads 1."),
        (json.dumps(NOTHING), ["x.json", "--", "-x"], "not both"),
        (json.dumps({**NOTHING, "effects": 3}), ["ok.json", "--check", "x.json"], '"effects" of the page is a list'),
    ],
)
def test_what_cannot_be_read_is_told(text, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("ok.json").write_text(contract_json(NOTHING))
    if text is not None:
        tmp_path.joinpath("x.json").write_text(text)
    assert main(["contract", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_schema_that_is_none_is_told():
    with pytest.raises(UsageError, match="no JSON schema"):
        contract_problems(asked({"item": "milk"})[0], {"client_tools": {"add": {"type": "text"}}})
