"""What a user takes out of transcripts: keys, paths, patterns, functions, and syrupy's matchers and filters."""

import re

import pytest
from syrupy.filters import props
from syrupy.matchers import path_type
from transcript_samples import delta, event, item_event, message

from chatkit_sim import UsageError
from chatkit_sim.transcript import full_transcript


def call():
    arguments = {"to": {"name": "Ada", "email": "ada@example.com"}, "amount": 12}
    return item_event("done", "client_tool_call", "tc_00000001", status="pending", arguments=arguments)


def body(*events, **options):
    return full_transcript(events, **options).splitlines()[2:]


@pytest.mark.parametrize(
    ("redact", "shown"),
    [
        ((), '    email: "ada@example.com"'),
        (("email",), "    email: <redacted>"),
        (("*.to.email",), "    email: <redacted>"),
        (("item.arguments.to.email",), "    email: <redacted>"),
        ((re.compile("[a-z]+@example.com"),), '    email: "<redacted>"'),
        ((lambda path, value: "someone" if path.endswith(".email") else value,), '    email: "someone"'),
    ],
    ids=["nothing", "key", "pattern-of-path", "path", "pattern-of-text", "function"],
)
def test_a_redaction_takes_out_a_value_and_nothing_else(redact, shown):
    assert body(call(), redact=redact) == [
        "client tool add_to_todo_list",
        "  amount: 12",
        "  to",
        shown,
        '    name: "Ada"',
    ]


def test_redaction_reaches_streamed_texts():
    assert body(message("added", ""), delta("I am Ada"), redact=[re.compile("Ada")]) == [
        "assistant, unfinished",
        "  | I am <redacted>",
    ]
    assert body(message("added", ""), delta("Ada"), redact=["update.delta"]) == [
        "assistant, unfinished",
        "  | <redacted>",
    ]


def test_nothing_that_was_recorded_is_changed():
    given = call()
    before = given.model_dump_json()
    full_transcript([given], redact=["email", "name"], exclude=props("amount"))
    assert given.model_dump_json() == before


def test_matchers_of_syrupy_work():
    matcher = path_type({"item.arguments.amount": (int,)})
    assert "  amount: int" in body(call(), matcher=matcher)


def test_filters_of_syrupy_work_on_payloads_and_fields():
    assert body(call(), exclude=props("amount", "email")) == [
        "client tool add_to_todo_list",
        "  to",
        '    name: "Ada"',
    ]
    error = event("error", code="stream.error", message="at 12:00", allow_retry=True)
    assert body(error, exclude=props("message")) == ["error stream.error, retry allowed"]


def test_a_redaction_that_is_none_is_refused():
    with pytest.raises(UsageError, match="A redaction is a key or path"):
        full_transcript([call()], redact=[3])
