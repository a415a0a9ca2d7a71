"""Requests say what the user or the client did."""

import pytest

from chatkit_sim.transcript import describe_request
from chatkit_sim.wire import Request
from chatkit_sim.wire.requests import (
    add_client_tool_output,
    add_user_message,
    create_thread,
    custom_action,
    get_thread,
    list_items,
    retry_after_item,
    user_input,
)

MILK = [{"type": "input_text", "text": "Put milk on my list"}]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (create_thread(user_input(MILK)), 'user "Put milk on my list"'),
        (
            add_user_message("t", user_input(MILK, attachments=["a", "b"], quoted_text="that", tool_choice="search")),
            'user "Put milk on my list" (2 attachments, quoting "that", tool search)',
        ),
        (add_client_tool_output("t", {"added": "milk"}), 'client tool output {"added": "milk"}'),
        (add_client_tool_output("t", None), "client tool output None"),
        (retry_after_item("t", "msg_1"), "retry after msg_1"),
        (custom_action("t", "wdg_1", "todo.delete", {"id": 1}), "action todo.delete(id=1) on wdg_1"),
        (custom_action("t", None, "refresh", None), "action refresh"),
        (get_thread("t"), 'threads.get_by_id thread_id="t"'),
        (list_items("t", limit=3), 'items.list thread_id="t", order="desc", limit=3'),
    ],
)
def test_each_request_has_its_words(request_, said):
    assert describe_request(request_) == said


def test_answers_and_skips_of_structured_input():
    answers = {"colour": {"values": ["red"]}, "why": {"values": [], "skipped": True}, "many": {"values": ["a", "b"]}}
    answered = Request("threads.add_structured_input", {"input": {"status": "answered", "answers": answers}})
    assert describe_request(answered) == 'answer colour: "red", why: skipped, many: ["a", "b"]'
    skipped = Request("threads.add_structured_input", {"input": {"status": "skipped"}})
    assert describe_request(skipped) == "answer skipped"


@pytest.mark.parametrize("params", [{}, {"input": None}, {"input": {"content": "x", "attachments": 3}}, {"action": 4}])
@pytest.mark.parametrize(
    "kind", ["threads.create", "threads.custom_action", "threads.add_structured_input", "nonsense"]
)
def test_a_request_made_by_hand_never_fails_to_read(kind, params):
    assert describe_request(Request(kind, params))
