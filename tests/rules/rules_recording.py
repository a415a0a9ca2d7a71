"""Turns written by hand, for what no server does on demand."""

from datetime import UTC, datetime

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    Page,
    StreamOptions,
    StreamOptionsEvent,
    Thread,
    ThreadCreatedEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    UserMessageItem,
    UserMessageTextContent,
)

from chatkit_sim.expect import EventSequence
from chatkit_sim.recording import Fold, RecordedStream, RunStarted, RunTimeline, ThreadView, Turn
from chatkit_sim.rules import Catalogue, Evidence
from chatkit_sim.wire import Request

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THREAD = "thr_1"
OPTIONS = StreamOptionsEvent(stream_options=StreamOptions(allow_cancel=True))
CREATE = Request("threads.create", {"input": {}})
WRITE = Request("threads.add_user_message", {"input": {}, "thread_id": THREAD})
OUTPUT = Request("threads.add_client_tool_output", {"result": None, "thread_id": THREAD})
ACTION = Request("threads.custom_action", {"thread_id": THREAD, "item_id": None, "action": {}})

_HEAD = {"thread_id": THREAD, "created_at": NOW}


def message(text="", id="msg_1", annotations=()):
    content = [AssistantMessageContent(text=text, annotations=list(annotations))] if text else []
    return AssistantMessageItem(id=id, content=content, **_HEAD)


def user_message(id="msg_user"):
    return UserMessageItem(id=id, content=[UserMessageTextContent(text="Hi")], inference_options={}, **_HEAD)


def call(name="add_to_todo_list", id="fc_1", call_id="call_1", **arguments):
    return ClientToolCallItem(id=id, call_id=call_id, name=name, arguments=arguments, **_HEAD)


def added(item):
    return ThreadItemAddedEvent(item=item)


def done(item):
    return ThreadItemDoneEvent(item=item)


def delta(text, id="msg_1", content_index=0):
    update = AssistantMessageContentPartTextDelta(content_index=content_index, delta=text)
    return ThreadItemUpdatedEvent(item_id=id, update=update)


def timeline(*entries):
    """A run of agent "Assistant" that feeds the stream."""
    start = RunStarted(run=1, agent="Assistant", after_event=0, feeds_stream=True)
    return RunTimeline((start, *entries), observed=True)


def stream(*events, request=WRITE, number=1, preamble=True, **facts):
    """A stream with the preamble that belongs to its request."""
    first = []
    if preamble:
        if request.type == "threads.create":
            first.append(ThreadCreatedEvent(thread=Thread(id=THREAD, created_at=NOW, items=Page())))
        if request.type in ("threads.create", "threads.add_user_message"):
            first.append(done(user_message()))
        first.append(OPTIONS)
    return RecordedStream(number, request, EventSequence([*first, *events]), **facts)


def turn(*streams, number=1, before=None):
    """A turn of these streams, folded."""
    before = before or ThreadView()
    fold = Fold(before)
    for one in streams:
        fold.apply(one.steps)
    return Turn(number, tuple(streams), before, fold.view())


def judge(*streams, rules=None, before=None, **evidence):
    """What the rules say of a turn of these streams."""
    catalogue = Catalogue() if rules is None else Catalogue(rules)
    return catalogue.judge(Evidence(turn(*streams, before=before), **evidence))


def slugs(*streams, **options):
    """The rules that speak."""
    return [violation.rule for violation in judge(*streams, **options).violations]
