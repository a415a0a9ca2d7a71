"""Answers to structured input, and what is refused before the server would drop it."""

import pytest
from chatkit.types import (
    StructuredInputFreeform,
    StructuredInputItem,
    StructuredInputMultipleChoice,
    StructuredInputMultipleChoiceOption,
    ThreadItemDoneEvent,
)
from client_pages import PageServer

from chatkit_sim import SimulatedClient, UsageError


async def asks(server, thread, message, context):
    if message is not None:
        options = [StructuredInputMultipleChoiceOption(value=value) for value in ("Thursday", "Friday")]
        inputs = [
            StructuredInputMultipleChoice(id="day", question="Which day?", options=options),
            StructuredInputMultipleChoice(id="slots", question="When?", options=options, multiple=True),
            StructuredInputFreeform(id="note", question="A word?"),
        ]
        yield ThreadItemDoneEvent(item=StructuredInputItem(**server.base(thread), inputs=inputs))
        return
    yield server.says(thread, "Noted.")


@pytest.fixture
def client():
    client = SimulatedClient(PageServer(asks))
    client.send("ask me")
    yield client
    client._core.bench.close()


def answers(client):
    [item] = [item for item in client.view.items if item.type == "structured_input"]
    return item.status, {one.id: one.answer and (one.answer.values, one.answer.skipped) for one in item.inputs}


def test_answers_by_value_several_and_free_text(client):
    turn = client.answer({"day": "Friday", "slots": ["Thursday", "Friday"], "note": "Ring twice"})
    assert turn.text == "Noted."
    assert turn.request.params["input"] == {
        "status": "answered",
        "answers": {
            "day": {"values": ["Friday"], "skipped": False},
            "slots": {"values": ["Thursday", "Friday"], "skipped": False},
            "note": {"values": ["Ring twice"], "skipped": False},
        },
    }
    assert answers(client)[0] == "answered"
    assert client.reload().items == client.turns[-1].view.items


@pytest.mark.parametrize("by", ["item", "id"])
def test_what_is_left_out_is_skipped(client, by):
    item = client.view.items[-1]
    client.answer(item if by == "item" else item.id, {"day": "Friday", "note": None})
    assert answers(client) == ("answered", {"day": (["Friday"], False), "slots": ([], True), "note": ([], True)})


def test_an_answer_of_ones_own_is_allowed(client):
    client.answer({"day": "Sunday"})
    assert answers(client)[1]["day"] == (["Sunday"], False)


def test_all_of_it_can_be_skipped(client):
    turn = client.skip()
    assert turn.text == "Noted."
    assert answers(client) == ("skipped", {"day": ([], True), "slots": ([], True), "note": ([], True)})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dya": "Friday"}, r"no question 'dya', did you mean 'day', so the server ignores.*'note' \(A word\?\)"),
        ({"day": ["Thursday", "Friday"]}, "'day' takes one value, so the server keeps 'Thursday' and drops the rest"),
        ({"note": ["a", "b"]}, "'note' takes one free text, not 2 values"),
        ({"day": []}, "'day' is answered with nothing, which the server takes as skipped"),
        ({"day": ""}, "'day' is answered with nothing"),
        ({"day": 5}, "'day' is answered with 5, and answers are text"),
    ],
)
def test_what_the_server_would_drop_is_refused(client, given, says):
    with pytest.raises(UsageError, match=says):
        client.answer(given)
    assert answers(client)[0] == "pending"


def test_unless_it_is_forced(client):
    client.answer({"day": ["Thursday", "Friday"], "other": "x"}, force=True)
    assert answers(client)[1]["day"] == (["Thursday"], False)


def test_nothing_is_answered_twice(client):
    item = client.view.items[-1]
    client.skip()
    with pytest.raises(UsageError, match="Nothing waits for an answer"):
        client.answer({"day": "Friday"})
    with pytest.raises(UsageError, match="is skipped already"):
        client.answer(item, {"day": "Friday"})
    with client.expecting(error="is not pending"):
        client.answer(item, {"day": "Friday"}, force=True)


def test_what_is_no_question_is_named(client):
    message = client.view.items[0]
    with pytest.raises(UsageError, match="is a user_message, and cannot be answered"):
        client.answer(message, {"day": "Friday"})
    with pytest.raises(UsageError, match="'nope' is not on show"):
        client.skip("nope")
    with pytest.raises(UsageError, match="answers by question"):
        client.answer(client.view.items[-1])
