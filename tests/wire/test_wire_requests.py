"""Requests are what the web client sends, byte for byte, and the server's own types accept them."""

import json

import pytest
from chatkit.types import ChatKitReq, is_streaming_req
from pydantic import TypeAdapter

from chatkit_sim.wire import requests as wire

SERVER = TypeAdapter(ChatKitReq)
MESSAGE = wire.user_input([{"type": "input_text", "text": "Hi"}])


def test_the_first_message_has_every_field_that_the_server_insists_on():
    assert json.loads(wire.create_thread(MESSAGE).body()) == {
        "type": "threads.create",
        "params": {
            "input": {
                "content": [{"type": "input_text", "text": "Hi"}],
                "quoted_text": "",
                "attachments": [],
                "inference_options": {},
            }
        },
    }


@pytest.mark.parametrize(
    "request_",
    [
        wire.create_thread(MESSAGE),
        wire.create_thread(wire.user_input([], attachments=["atc_1"], tool_choice="search", model="gpt-5")),
        wire.add_user_message("thr_1", MESSAGE),
        wire.add_client_tool_output("thr_1", None),
        wire.add_client_tool_output("thr_1", {"added": ["milk"]}),
        wire.retry_after_item("thr_1", "msg_1"),
        wire.custom_action("thr_1", None, "open", {"id": 1}),
        wire.custom_action("thr_1", "wid_1", "open", None),
        wire.custom_action("thr_1", "wid_1", "open", None, streaming=False),
        wire.add_structured_input("thr_1", "sti_1", {"status": "skipped", "answers": {}}),
        wire.get_thread("thr_1"),
        wire.list_items("thr_1", order="asc", after="msg_1", limit=3),
        wire.list_threads(),
        wire.list_threads(limit=3, order="asc", after="thr_1"),
        wire.rename_thread("thr_1", "Groceries"),
        wire.delete_thread("thr_1"),
        wire.feedback("thr_1", ["msg_1"], "positive"),
        wire.transcribe("AAAA", "audio/mp4"),
        wire.create_attachment("photo.png", 3, "image/png"),
        wire.delete_attachment("atc_1"),
    ],
    ids=lambda request: request.type,
)
def test_the_server_accepts_each_request_and_agrees_on_which_stream(request_):
    assert is_streaming_req(SERVER.validate_json(request_.body())) is request_.streaming


def test_tool_and_model_choice_are_inference_options():
    options = wire.user_input([], tool_choice="search", model="gpt-5")["inference_options"]
    assert options == {"tool_choice": {"id": "search"}, "model": "gpt-5"}


def test_a_body_is_json_and_nothing_else():
    with pytest.raises(ValueError, match="not JSON compliant"):
        wire.add_client_tool_output("thr_1", float("nan")).body()
