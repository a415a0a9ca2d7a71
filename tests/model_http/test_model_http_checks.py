"""Requests that the provider would refuse: what it answers, and where the offence stands."""

from __future__ import annotations

import pytest
from agents import function_tool
from openai import BadRequestError
from openai_clients import Asking

from chatkit_sim import calls, says, thinks

ASK = Asking("responses", sync=False, streamed=True)
CHAT = Asking("chat", sync=False, streamed=True)

USER = {"role": "user", "content": "Hello"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "seen"}
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CALLING = {"role": "assistant", "tool_calls": [TOOL_CALL]}
TOOL = {"role": "tool", "tool_call_id": "call_1", "content": "seen"}
STRICT = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def function(name="look", schema=STRICT, strict=True):
    return {"type": "function", "name": name, "parameters": schema, "strict": strict}


def chat_function(**options):
    tool = function(**options)
    return {"type": tool.pop("type"), "function": tool}


REFUSED = {
    "an output without its call": (
        {"input": [OUTPUT, USER]},
        "No tool call found for function call output",
        "input[0]",
    ),
    "a call without its output": ({"input": [USER, CALL, USER]}, "No tool output found for function call", "input[1]"),
    "an output before its call": ({"input": [OUTPUT, CALL]}, "No tool call found", "input[0]"),
    "an item twice": ({"input": [ANSWER, USER, ANSWER]}, "Duplicate item found with id msg_1", "input[2].id"),
    "the id of a thread item": (
        {"input": [{**ANSWER, "id": "item_1"}, USER]},
        "Expected an ID that begins with 'msg'",
        "input[0].id",
    ),
    "the id of another kind": ({"input": [{**CALL, "id": "call_1"}, OUTPUT]}, "begins with 'fc'", "input[0].id"),
    "an id that is too long": ({"input": [{**ANSWER, "id": "msg_" + "x" * 70}]}, "maximum length 64", "input[0].id"),
    "reasoning without what it led to": ({"input": [REASONING, USER]}, "without its required following", "input[0]"),
    "a field of the output": (
        {"input": [{**CALL, "parsed_arguments": {}}, OUTPUT]},
        "Unknown parameter: 'input[0].parsed_arguments'",
        "input[0].parsed_arguments",
    ),
    "a field nobody knows": ({"extra_body": {"modle": "gpt-5"}}, "Unknown parameter: 'modle'", "modle"),
    "a field deep inside": (
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi", "colour": "red"}]}]},
        "Unknown parameter",
        "input[0].content[0].colour",
    ),
    "a type nobody knows": ({"input": [{"type": "telepathy"}]}, "Invalid value: 'telepathy'", "input[0].type"),
    "a content of the other side": (
        {"input": [{"role": "user", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}]},
        "Invalid value: 'output_text'",
        "input[0].content[0].type",
    ),
    "no content": ({"input": [{"role": "user"}]}, "Missing required parameter: 'input[0].content'", "input[0].content"),
    "null for a content": ({"input": [{"role": "user", "content": None}]}, "Invalid type", "input[0].content"),
    "a number for a text": ({"input": [{**OUTPUT, "output": 5}]}, "Invalid type", "input[0].output"),
    "a text for a number": ({"temperature": "hot"}, "expected a decimal, but got a string", "temperature"),
    "a wrong choice": ({"truncation": "maybe"}, "Invalid value: 'maybe'", "truncation"),
    "nothing to answer": ({"input": []}, "One of 'input'", "input"),
    "a schema that is not strict": (
        {"tools": [function(schema={**STRICT, "required": []})]},
        "Missing 'city'",
        "tools[0].parameters",
    ),
    "an open schema": (
        {"tools": [function(schema={key: STRICT[key] for key in ("type", "properties", "required")})]},
        "'additionalProperties' is required to be supplied and to be false",
        "tools[0].parameters",
    ),
    "a schema that is open inside": (
        {"tools": [function(schema={**STRICT, "properties": {"city": {"type": "object", "properties": {}}}})]},
        "In context=('properties', 'city')",
        "tools[0].parameters",
    ),
    "a schema with a forbidden word": (
        {"tools": [function(schema={**STRICT, "oneOf": []})]},
        "'oneOf' is not permitted",
        "tools[0].parameters",
    ),
    "a schema that is no object": (
        {"tools": [function(schema={"type": "string"})]},
        "JSON Schema of",
        "tools[0].parameters",
    ),
    "a tool with a wrong name": ({"tools": [function(name="look up")]}, "does not match pattern", "tools[0].name"),
    "a tool with a long name": ({"tools": [function(name="x" * 65)]}, "string too long", "tools[0].name"),
    "an output format that is not strict": (
        {"text": {"format": {"type": "json_schema", "name": "day", "schema": {"type": "object"}, "strict": True}}},
        "Invalid schema for response_format 'day'",
        "text.format.schema",
    ),
}

REFUSED_BY_CHAT = {
    "calls without outputs": ([USER, CALLING, USER], "did not have response messages: call_1", "messages[1]"),
    "calls without outputs at the end": ([USER, CALLING], "did not have response messages: call_1", "messages[1]"),
    "an output without a call": ([USER, TOOL], "must be a response to a preceeding message", "messages[1].role"),
    "an answer of nothing": (
        [{"role": "assistant", "content": None}],
        "Invalid value for 'content'",
        "messages[0].content",
    ),
    "a role nobody knows": ([{"role": "narrator", "content": "Once"}], "Invalid value: 'narrator'", "messages[0].role"),
    "no role": ([{"content": "Hi"}], "Missing required parameter: 'messages[0].role'", "messages[0].role"),
    "an unknown field": ([{**USER, "mood": "good"}], "Unknown parameter", "messages[0].mood"),
}

ACCEPTED = {
    "a conversation": [USER, ANSWER, USER, CALL, OUTPUT],
    "calls in parallel": [USER, CALL, {**CALL, "call_id": "call_2"}, OUTPUT, {**OUTPUT, "call_id": "call_2"}],
    "reasoning and its call": [USER, REASONING, {**CALL, "id": "fc_1"}, OUTPUT],
    "reasoning and its message": [USER, REASONING, ANSWER, USER],
    "assistant messages as ChatKit's converter writes them": [
        USER,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": None}],
        },
    ],
    "pictures and files": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "See"},
                {"type": "input_image", "image_url": "https://example.com/a.png"},
                {"type": "input_file", "file_id": "file_1"},
            ],
        }
    ],
    "a reference to an item": [{"type": "item_reference", "id": "msg_9"}, OUTPUT],
}


@pytest.mark.parametrize(("options", "message", "param"), REFUSED.values(), ids=REFUSED)
def test_the_provider_refuses(api, script, options, message, param):
    script.script(says("Hello."))

    with pytest.raises(BadRequestError) as caught:
        ASK.ask(**options)

    assert message in caught.value.message
    assert caught.value.param == param
    assert caught.value.body["type"] == "invalid_request_error"
    assert [(refused.agent, refused.wire, refused.param) for refused in script.refused] == [
        ("gpt-5", "Responses", param)
    ]
    assert not script.unused()  # its step is passed over
    assert not script.unscripted


@pytest.mark.parametrize(("messages", "message", "param"), REFUSED_BY_CHAT.values(), ids=REFUSED_BY_CHAT)
def test_chat_completions_refuse(api, script, messages, message, param):
    with pytest.raises(BadRequestError) as caught:
        CHAT.ask(messages=messages)

    assert message in caught.value.message
    assert caught.value.param == param
    assert [refused.wire for refused in script.refused] == ["Chat Completions"]


@pytest.mark.parametrize("given", ACCEPTED.values(), ids=ACCEPTED)
def test_the_provider_accepts(api, script, given):
    script.script(says("Hello."))

    assert ASK.text(input=given) == "Hello."
    assert not script.refused


def test_chat_completions_accept_a_conversation(api, script):
    script.script(says("Hello."))
    messages = [
        {"role": "system", "content": "Be kind."},
        USER,
        CALLING,
        TOOL,
        {"role": "assistant", "content": "Hi"},
        USER,
    ]

    assert CHAT.text(messages=messages, tools=[chat_function()]) == "Hello."


def test_a_strict_tool_is_checked_in_chat_completions_too(api, script):
    with pytest.raises(BadRequestError, match="Invalid schema for function 'look'") as caught:
        CHAT.ask(tools=[chat_function(schema={"type": "object", "properties": {}})])

    assert caught.value.param == "tools[0].function.parameters"


def test_a_tool_that_is_not_strict_may_be_open(api, script):
    script.script(says("Hello."))

    assert ASK.text(tools=[function(schema={"type": "object", "properties": {"a": {}}}, strict=False)]) == "Hello."


def test_the_tools_of_the_agents_sdk_are_accepted(api, script):
    @function_tool
    def plan(days: int, city: str = "Rome", tags: list[str] | None = None) -> str:
        """Plan a journey."""
        return city

    script.script(says("Hello."))

    assert ASK.text(tools=[function(schema=plan.params_json_schema)]) == "Hello."


def test_what_the_provider_holds_need_not_be_sent(api, script):
    script.script(says("One"), says("Two"))

    assert ASK.text(input=[OUTPUT], previous_response_id="resp_1") == "One"
    assert ASK.text(input=[OUTPUT], conversation="conv_1") == "Two"


def test_what_was_answered_may_be_sent_back_as_it_came(api, script):
    script.script(thinks("Hm.") & says("Hello.") & calls("look"), says("Good."))
    asking = Asking("responses", sync=True, streamed=False)
    first = asking.ask()

    given = [USER, *(item.to_dict() for item in first.output), {**OUTPUT, "call_id": first.output[-1].call_id}]
    assert asking.text(input=given) == "Good."


def test_fields_unknown_to_openai_may_be_known_elsewhere(api, script):
    script.script(says("Hello."))
    elsewhere = Asking("responses", sync=False, streamed=True, base_url="https://models.example.com/v1")

    assert elsewhere.text(extra_body={"top_k": 5}) == "Hello."


def test_the_offending_item_and_the_remedy_are_recorded(api, script):
    with pytest.raises(BadRequestError):
        ASK.ask(input=[USER, CALL, {"role": "user", "content": "And?"}])

    (refused,) = script.refused
    assert '"call_id": "call_1"' in refused.item
    assert "a history that is cut at a limit" in refused.remedy
