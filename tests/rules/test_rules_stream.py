"""The rules about streams, on recordings that no server makes on demand."""

import pytest
from chatkit.errors import ErrorCode
from chatkit.types import (
    ClientEffectEvent,
    ErrorEvent,
    NoticeEvent,
    StreamOptions,
    StreamOptionsEvent,
    ThreadItemRemovedEvent,
)
from rules_recording import (
    ACTION,
    CREATE,
    OPTIONS,
    THREAD,
    WRITE,
    added,
    delta,
    done,
    judge,
    message,
    slugs,
    stream,
    timeline,
    user_message,
)

from chatkit_sim.recording import ModelCalled, Note
from chatkit_sim.rules import BlockedCall, UnscriptedCall
from chatkit_sim.wire import Request

HELLO = done(message("Hello.", id="hello"))
ERROR = ErrorEvent(code=ErrorCode.STREAM_ERROR, allow_retry=True)


def only(*streams, **options):
    (violation,) = judge(*streams, **options).violations
    return violation


def marked(mark, error=None):
    error = error or RuntimeError("out of order")
    setattr(error, mark, True)
    return error


def raised_from(cause):
    try:
        try:
            raise cause
        except Exception as error:
            raise ValueError("the agent failed") from error
    except ValueError as error:
        return error


# --- well-formed-event


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([added(message("a")), delta("b", content_index=-1), done(message("a"))], "content_index -1"),
        ([done(message("a", id=""))], "empty item id"),
        ([HELLO, NoticeEvent(level="info", message=" ")], "neither a message nor a title"),
        ([ClientEffectEvent(name="")], "no name"),
    ],
)
def test_what_cannot_be_handled_is_malformed(events, says):
    violation = only(stream(*events))

    assert violation.rule == "well-formed-event"
    assert says in violation.reason


def test_the_same_malformation_is_told_once_for_each_stream():
    events = [ClientEffectEvent(name=""), ClientEffectEvent(name="")]

    assert slugs(stream(*events)) == ["well-formed-event"]


def test_a_removal_without_an_id_names_its_event():
    verdict = judge(stream(HELLO, ThreadItemRemovedEvent(item_id="")))

    assert "thread.item.removed event" in verdict.violations[0].reason


# --- preamble-first


def test_the_preambles_of_the_sdk_are_right():
    assert not slugs(stream(HELLO, request=CREATE))
    assert not slugs(stream(HELLO, request=WRITE))
    assert not slugs(stream(HELLO, request=ACTION))


@pytest.mark.parametrize(
    ("request_", "events", "begins"),
    [
        (CREATE, [done(user_message()), OPTIONS, HELLO], "begins with the user's message done, stream_options"),
        (WRITE, [done(user_message()), HELLO], "begins with the user's message done, thread.item.done"),
        (WRITE, [OPTIONS, HELLO], "begins with stream_options, thread.item.done"),
        (ACTION, [HELLO], "begins with thread.item.done"),
    ],
)
def test_a_preamble_that_is_not_whole_is_told(request_, events, begins):
    violation = only(stream(*events, request=request_, preamble=False))

    assert violation.rule == "preamble-first"
    assert begins in violation.reason


def test_a_retry_of_a_message_that_the_store_has_lost():
    retry = Request("threads.retry_after_item", {"thread_id": THREAD, "item_id": "msg_9"})

    violation = next(v for v in judge(stream(request=retry, preamble=False)).violations if v.rule == "preamble-first")

    assert "nothing at all" in violation.reason
    assert '"msg_9"' in violation.remedy


@pytest.mark.parametrize("ended", ["cancelled", "disconnected", "limit"])
def test_a_preamble_that_was_cut_short_is_not_blamed(ended):
    assert not slugs(stream(done(user_message()), preamble=False, ended=ended))


def test_options_may_change_later():
    later = StreamOptionsEvent(stream_options=StreamOptions(allow_cancel=False))

    assert not slugs(stream(HELLO, later))


# --- no-unexpected-error


def test_an_error_without_a_known_exception():
    violation = only(stream(ErrorEvent(code=ErrorCode.STREAM_ERROR, message="Oh no")))

    assert 'code "stream.error"' in violation.reason
    assert "No exception is known behind it" in violation.reason
    assert list(violation.details) == ['message: "Oh no"']
    assert 'expecting(error="stream.error")' in violation.remedy


def test_the_exception_behind_an_error_comes_along():
    error = raised_from(KeyError("rose"))

    violation = only(stream(ERROR, swallowed=(error,)))

    assert violation.cause is error
    assert "ValueError: the agent failed" in str(violation)
    assert violation.subjects == {"code": "stream.error", "exception": "ValueError"}
    assert violation.place.event == 3


@pytest.mark.parametrize("mark", ["chatkit_sim_injected", "chatkit_sim_unscripted", "chatkit_sim_blocked"])
def test_what_the_simulation_itself_broke_is_not_blamed(mark):
    assert not slugs(stream(ERROR, swallowed=(marked(mark),)))
    assert not slugs(stream(ERROR, swallowed=(raised_from(marked(mark)),)))
    assert not slugs(stream(ERROR, swallowed=(ExceptionGroup("tools", [marked(mark)]),)))
    assert not slugs(stream(ended="raised", raised=marked(mark)))


def test_an_error_is_excused_by_a_failed_model_call_only_if_nothing_else_is_known():
    call = ModelCalled(run=1, agent="Assistant", after_event=2, input="Hi", error=marked("chatkit_sim_injected"))

    assert not slugs(stream(ERROR, timeline=timeline(call)))
    assert slugs(stream(ERROR, timeline=timeline(call), swallowed=(ValueError("mine"),))) == ["no-unexpected-error"]


def test_a_cause_with_a_rule_of_its_own_speaks_once():
    unscripted = UnscriptedCall("Assistant", 1, "user: 'Hi'", "Add a step.")
    blocked = BlockedCall("example.com", 443, "app.py:3 in f")

    assert slugs(stream(ERROR), unscripted=[unscripted]) == ["no-unscripted-model-call"]
    assert slugs(stream(ERROR), blocked=[blocked]) == ["no-network"]


def test_an_action_on_something_that_is_no_widget_is_the_clients_mistake():
    assert not slugs(stream(ErrorEvent(code=ErrorCode.STREAM_ERROR), request=ACTION, preamble=False))


def test_a_server_used_on_several_loops_gets_a_remedy_of_its_own():
    error = RuntimeError("<asyncio.locks.Lock object> is bound to a different event loop")

    remedy = only(stream(ERROR, swallowed=(error,))).remedy

    assert "An app that lives on a single loop, as under one uvicorn worker, is not affected" in remedy
    assert "together with the server, in its factory, or anew in `chatkit_reset`" in remedy
    assert "one for each running loop" in remedy


# --- stream-ends-cleanly


def test_an_exception_after_the_response_had_begun():
    error = KeyError("thr_1")

    violation = only(stream(HELLO, ended="raised", raised=error))

    assert violation.rule == "stream-ends-cleanly"
    assert violation.cause is error
    assert "outside of respond" in violation.reason


@pytest.mark.parametrize("kind", ["unusual-request", "injected-failure"])
def test_what_the_client_did_to_the_stream_is_not_blamed(kind):
    note = Note(kind, "the test asked for it")

    assert not slugs(stream(added(message()), ended="raised", raised=KeyError("thr_1"), notes=(note,)))
    assert not slugs(stream(added(message()), ERROR, notes=(note,)))
