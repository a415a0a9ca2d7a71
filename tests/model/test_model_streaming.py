"""How a model response streams: deltas, ids, images, annotations, failures."""

import asyncio

import pytest
from agents import Agent, ModelSettings
from agents.models.interface import ModelTracing
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message

from chatkit_sim.model import ModelScript, calls, cites, draws, fails, refuses, says, thinks
from chatkit_sim.model.script import Caller
from chatkit_sim.model.streaming import respond, stream

CALL = ModelCall(None, "Hi", ModelSettings(), [], None, [], ModelTracing.DISABLED, None, None, None, True)


def streamed(step, script=None):
    """The events of one step, and the error that ended them."""

    async def collect():
        events, delivery = [], await delivered(step, script)
        try:
            async for event in stream(delivery, ScriptedModel([delivery.step]), CALL):
                events.append(event)
        except Exception as error:
            return events, error
        return events, None

    return asyncio.run(collect())


async def delivered(step, script):
    script = script or ModelScript()
    script.script(step)
    return await script.answer(Caller(Agent(name="A"), feeds_stream=True), CALL)


def deltas(events):
    return [event.delta for event in events if event.type.endswith("text.delta")]


def test_a_message_comes_in_deltas_that_join_to_its_text():
    events, _ = streamed(says("Added milk and eggs.", chunks=2))
    assert deltas(events) == ["Added milk ", "and eggs."]
    assert events[-1].response.output[0].content[0].text == "Added milk and eggs."


def test_a_refusal_comes_in_deltas():
    events, _ = streamed(refuses("I can not", chunks=3))
    assert [e.delta for e in events if e.type == "response.refusal.delta"] == ["I ", "can ", "not"]


def test_events_are_numbered_without_gaps():
    step = thinks("Hm") & says("One two three") & draws(partial=2) & calls("a", x=1)
    events, _ = streamed(step)
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_ids_are_unique_and_the_same_in_every_run():
    def ids():
        script = ModelScript()
        steps = [thinks("a") & says("b") & says("c"), calls("x") & calls("y")]
        outputs = [item for step in steps for item in streamed(step, script)[0][-1].response.output]
        return [(item.id, getattr(item, "call_id", None)) for item in outputs]

    assert ids() == ids()
    assert ids() == [("rs_1", None), ("msg_1", None), ("msg_2", None), ("fc_1", "call_1"), ("fc_2", "call_2")]


def test_a_prefix_keeps_ids_apart_from_those_of_other_scripts():
    events, _ = streamed(says("a"), ModelScript(id_prefix="t7_"))
    assert events[-1].response.output[0].id == "msg_t7_1"


def test_messages_of_agents_testing_get_ids_too_but_keep_their_own():
    events, _ = streamed([assistant_message("a"), assistant_message("b", item_id="mine")])
    assert [item.id for item in events[-1].response.output] == ["msg_1", "mine"]
    assert {e.item_id for e in events if e.type == "response.output_text.delta"} == {"msg_1", "mine"}


def test_responses_have_ids_of_their_own():
    script = ModelScript()
    ids = [streamed(step, script)[0][-1].response.id for step in (says("a"), [assistant_message("b")])]
    assert ids == ["resp_1", "resp_2"]


def test_exact_stream_events_stay_exact():
    events, _ = streamed(says("a b"))
    for event in events:
        event.sequence_number += 40
    again, _ = streamed(ModelStep.stream(events))
    assert again == events


def test_a_citation_is_annotated():
    events, _ = streamed(cites("See there.", url="https://example.org", title="Example"))
    [added] = [e for e in events if e.type == "response.output_text.annotation.added"]
    annotation = added.model_dump()["annotation"]  # a dict or a model, as the openai version has it
    assert (annotation["url"], annotation["end_index"]) == ("https://example.org", 10)
    assert events[-1].response.output[0].content[0].annotations[0].title == "Example"


def test_images_stand_where_they_are_written():
    events, _ = streamed(says("First") & draws("aW1hZ2U=", partial=["cGFydA=="]) & says("Last"))
    added = [(e.output_index, e.item.type) for e in events if e.type == "response.output_item.added"]
    assert added == [(0, "message"), (1, "image_generation_call"), (2, "message")]
    [partial] = [e for e in events if e.type == "response.image_generation_call.partial_image"]
    assert (partial.output_index, partial.partial_image_b64) == (1, "cGFydA==")
    assert [item.type for item in events[-1].response.output] == ["message", "image_generation_call", "message"]
    assert events[-1].response.output[1].result == "aW1hZ2U="


def test_an_image_may_stand_alone():
    events, _ = streamed(draws())
    assert [item.type for item in events[-1].response.output] == ["image_generation_call"]


def test_fails_before_the_first_event():
    events, error = streamed(fails(TimeoutError("slow")))
    assert events == []
    assert str(error) == "slow"


def test_fails_in_the_middle_of_a_step():
    events, error = streamed(fails(after=says("Half an ans", chunks=2)))
    assert "".join(deltas(events)) == "Half an ans"
    assert not [event for event in events if event.type.endswith(".done")]
    assert "fails()" in str(error)


def test_fails_where_it_stands():
    events, error = streamed(says("Done") & fails())
    assert events[-1].type == "response.output_item.done"
    assert error is not None


@pytest.mark.parametrize("after", [0, 1, 4])
def test_fails_after_so_many_events(after):
    events, error = streamed(says("One two three") & fails(after=after))
    assert len(events) == after
    assert error is not None


def test_a_whole_response_has_the_images_too():
    async def answer(step):
        delivery = await delivered(step, None)
        return await respond(delivery, ScriptedModel([delivery.step]), CALL)

    output = asyncio.run(answer(draws() & says("There"))).output
    assert [item.type for item in output] == ["image_generation_call", "message"]
    with pytest.raises(TimeoutError):
        asyncio.run(answer(says("x") & fails(TimeoutError())))
