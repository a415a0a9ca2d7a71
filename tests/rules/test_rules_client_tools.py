"""The rules about client tools, on recordings that no server makes on demand."""

from dataclasses import replace

import pytest
from chatkit.types import ErrorEvent, ProgressUpdateEvent, ThreadItemAddedEvent
from rules_recording import OUTPUT, added, call, delta, done, judge, message, slugs, stream, timeline

from chatkit_sim.recording import (
    ClientToolAssigned,
    ClientToolCall,
    ModelCalled,
    Note,
    RunStarted,
    ToolEnded,
    ToolStarted,
)
from chatkit_sim.rules import ClientToolContract

RUN = {"run": 1, "agent": "Assistant", "after_event": 2}
MILK = call(item="milk", call_id="call_1")
EGGS = call(item="eggs", call_id="call_2")


def model(*call_ids, given=(), tool="add_item", run=1, agent="Assistant", **settings):
    """A model call that answers with calls of ``tool``, given outputs of earlier ones."""
    outputs = [
        entry
        for id in given
        for entry in (
            {"type": "function_call", "call_id": id, "name": tool, "arguments": "{}"},
            {"type": "function_call_output", "call_id": id, "output": "None"},
        )
    ]
    answer = tuple({"type": "function_call", "call_id": id, "name": tool, "arguments": "{}"} for id in call_ids)
    return ModelCalled(run=run, agent=agent, after_event=2, input=outputs, output=answer, **settings)


def asks(item, call_id, tool="add_item", run=1, agent="Assistant"):
    """A tool asks the client to add something to the list."""
    return ClientToolAssigned(
        run=run,
        agent=agent,
        after_event=2,
        name="add_to_todo_list",
        arguments={"item": item},
        tool=tool,
        call_id=call_id,
    )


def only(*streams, **options):
    (violation,) = judge(*streams, **options).violations
    return violation


# --- one-client-tool-call-per-turn


def test_two_calls_in_one_stream():
    second = call("open_basket", id="fc_2", call_id="call_2")

    violation = only(stream(done(MILK), done(second)))

    assert violation.rule == "one-client-tool-call-per-turn"
    assert '`add_to_todo_list(item="milk")` is never answered' in violation.reason
    assert "the newest, `open_basket()`" in violation.reason
    assert violation.place.event == 4


def test_three_calls_in_one_stream():
    calls = [done(call(id=f"fc_{n}", item=n)) for n in range(3)]

    assert "(item=0)` and `add_to_todo_list(item=1)` are never answered" in only(stream(*calls)).reason


def test_a_call_that_is_done_twice_is_one_call():
    assert slugs(stream(done(MILK), done(MILK))) == ["item-done-once"]


def test_two_runs_with_a_call_each_lose_nothing_but_the_first_answer():
    entries = [model("call_1"), asks("milk", "call_1"), model("call_2"), asks("eggs", "call_2")]
    eggs = call(id="fc_2", call_id="call_2", item="eggs")

    violation = only(stream(done(MILK), done(eggs), timeline=timeline(*entries)))

    assert "The stream asked for 2 client tools" in violation.reason


@pytest.mark.parametrize(("setting", "says"), [(None, "not set"), (True, "is True")])
def test_two_calls_in_one_model_response_lose_the_first(setting, says):
    entries = [model("call_1", "call_2", parallel_tool_calls=setting), asks("milk", "call_1"), asks("eggs", "call_2")]

    violation = only(stream(done(EGGS), timeline=timeline(*entries)))

    assert '(item="milk")` was overwritten by `add_to_todo_list(item="eggs")' in violation.reason
    assert says in str(violation)
    assert "`add_item` twice in one response" in str(violation)
    assert violation.subjects == {"tool": "add_item", "client_tool": "add_to_todo_list", "agent": "Assistant"}
    assert violation.remedy == 'Agent(name="Assistant", ..., model_settings=ModelSettings(parallel_tool_calls=False))'


def test_the_slower_of_two_tools_wins_and_mixes_the_ids_which_is_told_once():
    entries = [model("call_1", "call_2"), asks("eggs", "call_2"), asks("milk", "call_1")]
    mixed = call(item="milk", call_id="call_2")

    violation = only(stream(done(mixed), timeline=timeline(*entries)))

    assert '(item="eggs")` was overwritten by `add_to_todo_list(item="milk")' in violation.reason


def test_the_same_call_twice_is_two_calls():
    entries = [model("call_1", "call_2"), asks("milk", "call_1"), asks("milk", "call_2")]

    violation = only(stream(done(call(item="milk", call_id="call_2")), timeline=timeline(*entries)))

    assert violation.rule == "one-client-tool-call-per-turn"


def test_a_script_that_no_model_could_follow():
    entries = [model("call_1", "call_2", parallel_tool_calls=False), asks("milk", "call_1"), asks("eggs", "call_2")]

    assert "write two steps" in only(stream(done(EGGS), timeline=timeline(*entries))).remedy


def test_one_tool_that_asks_for_each_item_of_a_list():
    entries = [model("call_1"), asks("milk", "call_1"), asks("eggs", "call_1")]

    violation = only(stream(done(call(item="eggs")), timeline=timeline(*entries)))

    assert "pass everything in one" in violation.remedy


def test_saying_the_same_again_loses_nothing():
    entries = [model("call_1"), asks("milk", "call_1"), asks("milk", "call_1")]

    assert not slugs(stream(done(MILK), timeline=timeline(*entries)))


def test_nothing_is_lost_when_nothing_arrived():
    # An error took the place of the call, and says so.
    entries = [model("call_1", "call_2"), asks("milk", "call_1"), asks("eggs", "call_2")]

    assert not slugs(stream(ErrorEvent(message="Closed"), timeline=timeline(*entries)))


# --- stop-at-client-tool


def test_a_model_that_goes_on_from_tool_to_tool_has_one_cause():
    entries = [model("call_1"), asks("milk", "call_1"), model("call_2", given=["call_1"]), asks("eggs", "call_2")]

    violation = only(stream(done(EGGS), timeline=timeline(*entries)))

    assert violation.rule == "stop-at-client-tool"
    assert violation.subjects["tool"] == "add_item"


def test_the_function_tool_is_named_even_if_nobody_saw_it_at_work():
    assigned = asks("milk", "call_1", tool=None)
    entries = [model("call_1", tool="put_on_list"), assigned, model(given=["call_1"])]

    violation = only(stream(done(MILK), timeline=timeline(*entries)))

    assert 'StopAtTools(stop_at_tool_names=["put_on_list"])' in violation.remedy
    assert 'asked for by the function tool "put_on_list"' in str(violation)


def handing_off(**settings):
    """A model that calls the tool and a handoff in one response, so that another agent's model is given the output."""
    response = model("call_1", handoffs=("transfer_to_billing",), **settings)
    handoff = {"type": "function_call", "call_id": "call_2", "name": "transfer_to_billing", "arguments": "{}"}
    response = replace(response, output=(*response.output, handoff))
    return timeline(response, asks("milk", "call_1"), model(given=["call_1"], agent="Billing"))


@pytest.mark.parametrize("stops_at", [("add_item",), None])  # None: a function decides, and a handoff goes before it
def test_a_handoff_beside_the_call_goes_on_though_the_agent_stops(stops_at):
    violation = only(stream(done(MILK), timeline=handing_off(stops_at=stops_at)))

    assert violation.rule == "stop-at-client-tool"
    assert "model called `transfer_to_billing` in the same response, and the run goes on after a handoff" in str(
        violation
    )
    assert "does not stop" not in str(violation)
    assert violation.remedy == 'Agent(name="Assistant", ..., model_settings=ModelSettings(parallel_tool_calls=False))'


def test_a_handoff_beside_the_call_that_the_agent_forbids():
    recorded = handing_off(stops_at=("add_item",), parallel_tool_calls=False)

    assert "so no model should do it" in only(stream(done(MILK), timeline=recorded)).remedy


def test_an_agent_that_does_not_stop_is_told_so_beside_a_handoff_too():
    violation = only(stream(done(MILK), timeline=handing_off(stops_at=())))

    assert 'tool_use_behavior does not stop at "add_item"' in str(violation)
    assert 'StopAtTools(stop_at_tool_names=["add_item"])' in violation.remedy


def test_an_agent_used_as_a_tool_must_stop_the_run_around_it():
    around = ToolStarted(**RUN, tool="ask_shopper", call_id="call_0")
    entries = [
        model("call_0", tool="ask_shopper"),
        around,
        RunStarted(run=2, agent="Shopper", after_event=2, feeds_stream=False),
        model("call_1", run=2, agent="Shopper"),
        asks("milk", "call_1", run=2, agent="Shopper"),
        ToolEnded(**RUN, tool="ask_shopper", call_id="call_0"),
        model(given=["call_0"]),
    ]

    violation = only(stream(done(call(item="milk", call_id="call_0")), timeline=timeline(*entries)))

    assert violation.remedy == (
        'Agent(name="Assistant", ..., tool_use_behavior=StopAtTools(stop_at_tool_names=["ask_shopper"]))'
    )
    assert 'the function tool "add_item" of agent "Shopper"' in str(violation)


def test_an_agent_used_as_a_tool_that_stops_everything_is_right():
    entries = [
        model("call_0", tool="ask_shopper"),
        ToolStarted(**RUN, tool="ask_shopper", call_id="call_0"),
        RunStarted(run=2, agent="Shopper", after_event=2, feeds_stream=False),
        model("call_1", run=2, agent="Shopper"),
        asks("milk", "call_1", run=2, agent="Shopper"),
        ToolEnded(**RUN, tool="ask_shopper", call_id="call_0"),
    ]

    assert not slugs(stream(done(call(item="milk", call_id="call_0")), timeline=timeline(*entries)))


def test_another_run_may_call_its_model_meanwhile():
    title = [RunStarted(run=2, agent="Title", after_event=2, feeds_stream=False), model(run=2, agent="Title")]

    assert not slugs(stream(done(MILK), timeline=timeline(model("call_1"), asks("milk", "call_1"), *title)))


@pytest.mark.parametrize(
    ("late", "what"),
    [
        ([done(message("Hi"))], 'the assistant message "msg_1"'),
        ([ThreadItemAddedEvent(item=message(id="m2")), done(message("Hi", id="m2"))], 'the assistant message "m2"'),
    ],
)
def test_nothing_follows_the_call(late, what):
    violation = only(stream(done(MILK), *late))

    assert violation.rule == "stop-at-client-tool"
    assert f"went on with {what}" in violation.reason
    assert violation.place.event == 4


def test_text_that_goes_on_after_the_call():
    violation = only(stream(added(message()), done(MILK), delta("Hi"), done(message("Hi"))))

    assert "went on with text" in violation.reason


def test_what_leaves_the_items_alone_may_follow_the_call():
    assert not slugs(stream(done(MILK), ProgressUpdateEvent(text="Your page is asked")))


# --- client-tool-call-identity


def test_ids_that_nobody_knows_were_generated():
    entries = [model("call_1"), asks("milk", "call_1")]

    assert not slugs(stream(done(call(item="milk", call_id="tc_9")), timeline=timeline(*entries)))


# --- the page


def test_a_page_without_client_tools():
    lived = ClientToolCall("add_to_todo_list", {"item": "milk"}, None, "call_1", "fc_1", "unregistered")

    violation = only(stream(done(MILK), call=lived, timeline=timeline(model("call_1"), asks("milk", "call_1"))))

    assert violation.rule == "client-tool-registered"
    assert list(violation.details) == ["registered: no client tools at all"]
    assert "`def add_to_todo_list(item)`" in violation.remedy
    assert violation.subjects == {"tool": "add_item", "client_tool": "add_to_todo_list", "agent": "Assistant"}


def test_a_page_that_calls_it_otherwise():
    lived = ClientToolCall("add_to_todo_list", {}, None, "call_1", "fc_1", "unregistered")
    contract = ClientToolContract("addToTodoList", lambda arguments: None)

    violation = only(stream(done(MILK), call=lived), client_tools={"addToTodoList": contract})

    assert "Did you mean `addToTodoList`?" in violation.remedy


def test_a_call_that_was_withheld_by_the_test_is_no_violation():
    lived = ClientToolCall("add_to_todo_list", {}, None, "call_1", "fc_1", "withheld", "the handler raised")

    assert not slugs(stream(done(MILK), call=lived, notes=(Note("output-withheld", "the handler raised"),)))


# --- the output

NOT_NEWEST = ValueError("Last thread item in thr_1 was not a ClientToolCallItem")
LIVED = ClientToolCall("add_to_todo_list", {"item": "milk"}, {}, "call_1", "fc_1")


def refused(**facts):
    return stream(request=OUTPUT, number=2, preamble=False, ended="raised", raised=NOT_NEWEST, **facts)


def test_an_output_that_finds_no_call():
    violation = only(stream(done(MILK), call=LIVED), refused())

    assert violation.rule == "client-tool-call-is-newest"
    assert violation.cause is NOT_NEWEST
    assert str(violation.place) == "turn 1, stream 2"


def test_an_output_that_finds_no_call_because_of_what_is_on_show_has_one_cause():
    assert slugs(stream(done(MILK), done(message("Hi")), call=LIVED), refused()) == ["stop-at-client-tool"]


def test_an_output_that_the_test_made_up_is_its_own_affair():
    note = Note("unusual-request", "the test posted twice")

    assert not slugs(stream(done(MILK), call=LIVED), refused(notes=(note,)))


def test_silence_after_an_output_is_a_warning():
    first, second = stream(done(message("I ask.")), done(MILK), call=LIVED), stream(request=OUTPUT, number=2)

    violation = only(first, second)

    assert (violation.rule, violation.severity) == ("client-tool-turn-answered", "warning")
    assert 'ClientEffectEvent(name="add_to_todo_list"' in violation.remedy


@pytest.mark.parametrize("facts", [{"ended": "cancelled"}, {"notes": (Note("disconnected", "closed"),)}])
def test_silence_that_the_client_caused_is_none(facts):
    assert not slugs(stream(done(MILK), call=LIVED), stream(request=OUTPUT, number=2, **facts))
