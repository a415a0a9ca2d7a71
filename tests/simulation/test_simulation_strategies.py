"""Strategies: what models may say, what pages answer, what users click and write."""

import json
from datetime import datetime

import pytest
from agents import ImageGenerationTool, ModelSettings, function_tool
from agents.testing import ModelCall
from chatkit.types import StructuredInputFreeform, StructuredInputItem, StructuredInputMultipleChoice, WidgetItem
from chatkit.widgets import DynamicWidgetRoot
from hypothesis import strategies as st
from pydantic import BaseModel
from simulation_drawing import drawn

from chatkit_sim.client.frontend import ComposerTool, Entity, Frontend
from chatkit_sim.model.steps import Calls, Draws, Fails, Says
from chatkit_sim.simulation.drawn_model import Known
from chatkit_sim.simulation.schemas import NothingFits
from chatkit_sim.simulation.strategies import (
    Offer,
    client_tool_results,
    departures,
    model_steps,
    page_reactions,
    send_options,
    structured_answers,
    upstream_steps,
    user_messages,
    widget_clicks,
    wrong_client_tool_results,
    wrong_steps,
)


@function_tool
def lookup(name: str) -> str:
    """Look something up."""
    return name


@function_tool
def forget(id: int) -> str:
    """Forget something."""
    return "gone"


class Answer(BaseModel):
    certain: bool


def model_call(**given):
    plain = {"system_instructions": None, "input": "Hi", "model_settings": ModelSettings(), "tools": [lookup, forget]}
    unused = {"tracing": None, "previous_response_id": None, "conversation_id": None, "prompt": None}
    return ModelCall(**{**plain, **unused, "output_schema": None, "handoffs": [], "streamed": True, **given})


def offer(*tools, output_type=None, **model_settings):
    from agents.agent_output import AgentOutputSchema

    return Offer.of(
        model_call(
            model_settings=ModelSettings(**model_settings),
            tools=[lookup, forget, *tools],
            output_schema=AgentOutputSchema(output_type) if output_type else None,
        )
    )


def called(step):
    return [part for part in step.parts if isinstance(part, Calls)]


def test_what_looks_like_an_id_in_what_the_model_is_given_is_known():
    known = Known()
    call = model_call(
        system_instructions="Customers are CUST-1 and CUST-2.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "Where is ord_17?"}]},
            {"type": "function_call_output", "call_id": "call_1", "output": '{"invoice": "INV-1001"}'},
        ],
    )
    known.learn(call)
    assert known() == ["INV-1001", "CUST-1", "CUST-2", "ord_17"]


def test_a_model_answers_and_calls_tools_with_arguments_that_fit():
    steps = drawn(model_steps(offer()))
    assert any(not called(step) for step in steps)
    assert any(len(called(step)) > 1 for step in steps)
    for call in (call for step in steps for call in called(step)):
        arguments = json.loads(call.arguments)
        assert isinstance(arguments["name"] if call.tool == "lookup" else arguments["id"], str | int)


def test_it_keeps_to_one_call_at_a_time():
    steps = drawn(model_steps(offer(parallel_tool_calls=False)))
    assert any(called(step) for step in steps)
    assert all(len(called(step)) <= 1 for step in steps)


@pytest.mark.parametrize(
    ("choice", "tools"), [("required", {"lookup", "forget"}), ("forget", {"forget"}), ("none", set())]
)
def test_it_keeps_to_tool_choice(choice, tools):
    steps = drawn(model_steps(offer(tool_choice=choice)))
    assert {call.tool for step in steps for call in called(step)} == tools
    assert all(called(step) for step in steps) is (choice != "none")


def test_it_keeps_to_max_tokens():
    def texts(given):
        return [part.text for step in drawn(model_steps(given)) for part in step.parts if isinstance(part, Says)]

    assert max(len(text.encode()) for text in texts(offer(max_tokens=16))) <= 16  # a token is a byte at least
    assert max(len(text.encode()) for text in texts(offer(tool_choice="none"))) > 16


def test_a_response_ends_at_max_tokens_where_there_are_any():
    def endings(given):
        return {step.provider.kind for step in drawn(wrong_steps(given)) if isinstance(step, Fails) and step.provider}

    assert endings(offer(max_tokens=16)) == {"incomplete"}
    assert endings(offer()) == set()


def test_structured_output_fits_its_type():
    answers = [step for step in drawn(model_steps(offer(output_type=Answer))) if not called(step)]
    assert {
        Answer.model_validate_json(part.text).certain
        for step in answers
        for part in step.parts
        if isinstance(part, Says)
    } == {
        True,
        False,
    }


def test_a_tool_that_no_arguments_fit_is_named():
    impossible = Offer({"lookup": {"type": "object", "properties": {"x": False}, "required": ["x"]}})
    with pytest.raises(NothingFits, match=r"tool 'lookup'.*chatkit_arguments"):
        model_steps(impossible)


def test_images_are_drawn_where_a_tool_draws_them():
    def images(*tools, **model_settings):
        return offer(*tools, **model_settings).images

    painter = ImageGenerationTool(tool_config={"type": "image_generation"})
    assert images(painter)
    assert not images(painter, tool_choice="none")
    assert not images()
    assert any(isinstance(step, Draws) for step in drawn(upstream_steps()))
    assert not any(isinstance(step, Draws) for step in drawn(upstream_steps(images=False)))


def test_what_models_do_wrong():
    steps = drawn(wrong_steps(offer()))
    assert any(isinstance(step, Fails) for step in steps)
    assert {call.tool for step in steps for call in called(step)} >= {"no_such_tool", "lookup"}


def test_results_of_client_tools_fit_a_schema_or_an_annotation_or_do_not():
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    assert all(set(value) == {"ok"} for value in drawn(client_tool_results(schema)))
    assert all(isinstance(value, bool) for value in drawn(client_tool_results(bool)))
    assert not any(isinstance(value, dict) and "ok" in value for value in drawn(wrong_client_tool_results(schema)))
    assert not any(isinstance(value, list) for value in drawn(wrong_client_tool_results(list)))


def test_users_write_in_every_script_and_tag_what_the_page_offers():
    report = Entity(id="r1", title="Report")
    messages = drawn(user_messages(Frontend(entities=[report])))
    assert any(report in message for message in messages if isinstance(message, list))
    assert any(not message.isascii() for message in messages if isinstance(message, str))
    assert all(message.strip() for message in messages if isinstance(message, str))


def test_users_choose_what_the_page_offers_and_quote_what_was_said():
    options = drawn(send_options(Frontend(tools=[ComposerTool(id="search")]), quotable=["Hello."]))
    assert {"tool_choice": "search", "quoted_text": "Hello."} in options
    assert {} in options


BASE = {"id": "item_1", "thread_id": "thr_1", "created_at": datetime(2030, 1, 1)}


def test_answers_to_questions():
    days = StructuredInputMultipleChoice(
        id="day", question="Which?", options=[{"value": "Mon"}, {"value": "Tue"}], multiple=True
    )
    item = StructuredInputItem(**BASE, inputs=[days, StructuredInputFreeform(id="note", question="Anything else?")])
    answers = drawn(structured_answers(item))
    assert {"Mon", "Tue"} == {day for answer in answers for day in answer["day"] or ()}
    assert any(answer["note"] is None for answer in answers)
    assert any(answer["note"] for answer in answers)


def test_clicks_on_what_is_shown():
    form = {
        "type": "Form",
        "onSubmitAction": {"type": "save"},
        "children": [
            {"type": "Input", "name": "title", "required": True},
            {"type": "Button", "label": "Save", "submit": True},
            {"type": "Button", "label": "Off", "disabled": True, "onClickAction": {"type": "off"}},
        ],
    }
    widget = DynamicWidgetRoot.model_validate({"type": "Card", "children": [form]})
    clicks = drawn(widget_clicks([WidgetItem(**BASE, widget=widget)]))
    assert clicks
    assert all(words["form"]["title"] for clickable, words in clicks if clickable.form is not None)
    assert not any("Off" in clickable.labels for clickable, _ in clicks)
    assert widget_clicks([]).is_empty


def test_pages_answer_wrongly_late_and_not_at_all_unless_they_keep_to_what_they_promise():
    reactions = drawn(page_reactions(), 100)
    assert {reaction.outcome for reaction in reactions} == {"answers", "fails"}
    assert any(reaction.wrong for reaction in reactions)
    assert {reaction.delay > 0 for reaction in reactions} == {True, False}
    promised = drawn(page_reactions(st.just({"added": 7}), promised=True, waiting=False))
    assert {(one.outcome, one.value["added"], one.delay, one.promised) for one in promised} == {("answers", 7, 0, True)}


def test_users_leave_at_an_event_or_where_a_client_tool_is_asked_for():
    places = {stop.at for stop in drawn(departures(), 100)}
    assert {"client tool", 1, 2} <= places
    assert {stop.how for stop in drawn(departures())} == {"cancel", "disconnect"}
