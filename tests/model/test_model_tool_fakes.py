"""Server tools with another body: the model sees the same tool, the test's body runs."""

import asyncio
from typing import Any

import pytest
from agents import Agent, function_tool
from agents.testing import ScriptedModel

from chatkit_sim.model import calls, says
from chatkit_sim.recording import ToolEnded, ToolStarted


@function_tool
def charge(amount: int, currency: str = "EUR") -> str:
    """Charge the customer."""
    raise AssertionError("The real body ran.")


@function_tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"really {word}"


def agent(**options: Any) -> Agent[Any]:
    return Agent(name="Assistant", model="gpt-5", tools=[charge, look_up], **options)


async def charge_later(amount: int, currency: str = "EUR") -> str:
    await asyncio.sleep(0)
    return f"{amount} {currency}"


@pytest.mark.parametrize(
    ("fake", "output"),
    [
        (lambda amount, currency="EUR": f"{amount} {currency}", "5 USD"),
        (charge_later, "5 USD"),
        ("charged", "charged"),
        ({"ok": True}, "{'ok': True}"),
        ("stub", "ok"),
    ],
    ids=["function", "coroutine function", "text", "value", "stub"],
)
def test_the_body_is_replaced(simulate, script, fake, output):
    script.tools["charge"] = fake
    script.script(calls("charge", amount=5, currency="USD"), says("Charged"))
    stream = simulate(agent()).send()
    assert stream.text == "Charged"
    assert script.requests[1].input[-1]["output"] == output
    assert [type(entry) for entry in stream.timeline.entries if isinstance(entry, ToolStarted | ToolEnded)] == [
        ToolStarted,
        ToolEnded,
    ]


def test_other_tools_stay_real(simulate, script):
    script.tools["charge"] = "stub"
    script.script(calls("look_up", word="x") & calls("charge", amount=1), says("Done"))
    stream = simulate(agent()).send()
    assert {entry.tool: entry.output for entry in stream.of(ToolEnded)} == {"look_up": "really x", "charge": "ok"}


def test_all_bodies_can_be_stubbed_but_some(simulate, script):
    script.other_tools = "stub"
    script.tools["look_up"] = "real"
    script.script(calls("look_up", word="x") & calls("charge", amount=1), says("Done"))
    stream = simulate(agent()).send()
    assert {entry.tool: entry.output for entry in stream.of(ToolEnded)} == {"look_up": "really x", "charge": "ok"}


def test_a_fake_that_raises_is_a_tool_that_fails(simulate, script):
    def broken(**arguments):
        raise LookupError("no such account")

    script.tools["charge"] = broken
    script.script(calls("charge", amount=5), says("Sorry"))
    stream = simulate(agent()).send()
    assert stream.text == "Sorry"
    assert str(stream.of(ToolEnded)[0].error) == "no such account"


def test_a_fake_that_asserts_fails_the_run(simulate, script):
    def asserting(amount):
        raise AssertionError(f"wrong amount: {amount}")

    script.tools["charge"] = asserting
    script.script(calls("charge", amount=5), says("Never said"))
    stream = simulate(agent()).send()
    assert len(stream.errors) == 1
    assert str(stream.of(ToolEnded)[0].error) == "wrong amount: 5"


def test_broken_arguments_never_reach_a_fake(simulate, script):
    script.tools["charge"] = lambda **arguments: pytest.fail("called")
    script.script(calls("charge", '{"amount": '), says("Sorry"))
    stream = simulate(agent()).send()
    assert "Invalid JSON" in str(stream.of(ToolEnded)[0].error)


def test_the_tools_of_the_app_stay_as_they_are(simulate, script):
    before = (charge.on_invoke_tool, look_up.on_invoke_tool)
    tested = agent()
    script.other_tools = "stub"
    script.script(calls("charge", amount=1), says("Done"))
    simulate(tested).send()
    assert (charge.on_invoke_tool, look_up.on_invoke_tool) == before
    assert tested.tools == [charge, look_up]


def test_an_agent_as_a_tool_can_be_replaced(simulate, script):
    helper = Agent(name="Helper", model=ScriptedModel([])).as_tool("ask_helper", "Ask.")
    script.tools["ask_helper"] = lambda input: f"faked {input}"
    script.script(calls("ask_helper", input="this"), says("Done"))
    stream = simulate(Agent(name="Main", model="gpt-5", tools=[helper])).send()
    assert stream.of(ToolEnded)[0].output == "faked this"
    assert stream.text == "Done"


def test_fakes_hold_while_two_runs_share_an_agent(simulate, script, loop):
    """The SDK refuses runs that change the tools of an agent that another run uses."""
    script.tools["charge"] = charge_later
    script.script(*(step for _ in range(2) for step in (calls("charge", amount=1), says("Done"))))
    shared = agent()
    one, two = simulate(shared), simulate(shared)
    script.otherwise(lambda caller, call: says("Done"))

    async def both():
        return await asyncio.gather(one.sending(), two.sending())

    assert [stream.errors for stream in loop.run(both())] == [[], []]
