"""What a report says of a run, as data: every field of ``report.json`` and of the JSON lines it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

FORMAT = 1
"""Of the records: a newer one is refused, with a word on what to upgrade."""

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed", "unfinished"]
Status = Literal["failed", "warning", "expected", "ignored"]
RunKind = Literal["run-started", "model-called", "tool-started", "tool-ended", "handed-off", "client-tool", "run-ended"]


@dataclass(frozen=True, kw_only=True)
class ViolationRecord:
    """A rule that was broken.

    Attributes:
        rule: The slug of the rule; ``chatkit-sim explain RULE`` says more.
        status: ``failed`` (it failed the test), ``warning``, ``expected`` by the test, or ``ignored``.
        turn: The turn of its client, from 1; null for the whole test.
        stream: The stream within the turn, from 1; null for the whole turn.
        event: The event within the stream, from 1, the preamble included; null for the whole stream.
        reason: What happened.
        details: Further lines of evidence.
        remedy: What to change.
        upstream: Whether a known defect of the SDKs is to blame.
        ignored_by: The ignore that silenced it.
        items: The ids of the thread items that it is about, when it stands for several.
    """

    rule: str
    status: Status
    turn: int | None
    stream: int | None
    event: int | None
    reason: str
    details: Sequence[str] = ()
    remedy: str = ""
    upstream: bool = False
    ignored_by: str = ""
    items: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """An event of a stream, or text deltas of one part that came one after the other.

    Attributes:
        number: Its place in the stream, from 1, the preamble included.
        last: The place of the last delta; of any other event its own.
        type: Its type on the wire.
        text: What it brings, on one line.
        item: The id of the thread item that it is about, if any.
        payload: The event as it was sent; of text deltas the text.
    """

    number: int
    last: int
    type: str
    text: str
    item: str = ""
    payload: Any = None


@dataclass(frozen=True, kw_only=True)
class RunStep:
    """Something that the run behind a stream did.

    Attributes:
        kind: What.
        run: The run, from 1 within its stream; nested and side runs have their own.
        agent: The agent's name.
        after_event: How many events the stream had sent by then.
        text: What, on one line.
        call: The model's id of a tool call.
        failed: Whether it ended in an exception.
        side: Whether the run does not feed the stream (a title, a guardrail, an agent as a tool).
        payload: The rest: arguments, outputs, what the model was given and answered.
    """

    kind: RunKind
    run: int
    agent: str
    after_event: int
    text: str
    call: str = ""
    failed: bool = False
    side: bool = False
    payload: Any = None


@dataclass(frozen=True, kw_only=True)
class ClientToolRecord:
    """A client tool call as the client lived it.

    Attributes:
        name: The client tool.
        arguments: What the server asked it with.
        output: What the client posted.
        outcome: ``answered``, ``failed``, ``refused``, ``unregistered`` or ``withheld``.
        problem: Why it was not answered.
        item: The id of the thread item.
        call: The model's id of the call.
        text: The call on one line.
    """

    name: str
    arguments: Any
    output: Any
    outcome: str
    problem: str
    item: str
    call: str
    text: str


@dataclass(frozen=True, kw_only=True)
class StreamRecord:
    """A request and the events of its response.

    Attributes:
        number: Its place in the turn, from 1.
        request: The type of the request.
        asked: The request on one line.
        params: Its parameters.
        events: The events.
        observed: Whether anyone observed the run behind it.
        run: What the run did.
        ended: ``complete``, ``cancelled``, ``disconnected``, ``raised`` or ``limit``.
        errors: Exceptions that came out of the stream, or that the server turned into an ``error`` event.
        call: The client tool call that ended it.
        notes: What the client withheld or broke, and what went on after it had left.
    """

    number: int
    request: str
    asked: str
    params: Any
    events: Sequence[EventRecord]
    observed: bool
    run: Sequence[RunStep]
    ended: str
    errors: Sequence[str] = ()
    call: ClientToolRecord | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ChatItem:
    """Something that the user sees in the conversation.

    Attributes:
        kind: The type of the thread item, or ``notice``, ``error`` or ``effect``.
        who: ``user``, ``assistant`` or ``client``.
        text: What it says.
        lines: What else there is to it, a line each.
        item: The id of the thread item.
        note: ``unfinished``, ``changed`` (it was there before the turn) or ``removed``.
        widget: The widget's tree.
    """

    kind: str
    who: Literal["user", "assistant", "client"]
    text: str
    lines: Sequence[str] = ()
    item: str = ""
    note: str = ""
    widget: Any = None


@dataclass(frozen=True, kw_only=True)
class TurnRecord:
    """One user input and every stream until the client was idle again.

    Attributes:
        kind: Always ``turn``.
        test: The node id of the test.
        index: Its place in the test, from 1, over all clients.
        number: Its place in its client's conversation, from 1.
        thread: The id of the thread.
        title: The thread's title.
        asked: The user's input on one line.
        chat: What the turn added to the conversation or changed in it.
        streams: Its streams.
        violations: The rules that it broke.
        not_checked: The rules that could not be checked, or in part only, and why.
        notes: What the client withheld or broke.
    """

    kind: Literal["turn"] = "turn"
    test: str
    index: int
    number: int
    thread: str
    title: str
    asked: str
    chat: Sequence[ChatItem]
    streams: Sequence[StreamRecord]
    violations: Sequence[ViolationRecord] = ()
    not_checked: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PartRecord:
    """A subtest.

    Attributes:
        name: What it says of itself.
        outcome: How it ended.
        message: Why it failed or was skipped.
    """

    name: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class FindingRecord:
    """A bug that a campaign of ``--chatkit-sim`` found.

    Attributes:
        id: The same for the same bug of a server, on every machine.
        rule: The rule that is broken.
        text: How the message of the test tells it in full.
        short: How it tells it where it was told before; ``{}`` stands for the campaign that did.
        same_as: The campaign that did; empty where it is told in full.
        test: A test that shows it; empty where it does not show again.
        file: The same as a file of the report directory.
    """

    id: str
    rule: str
    text: str
    short: str
    same_as: str
    test: str
    file: str


@dataclass(frozen=True, kw_only=True)
class TestRecord:
    """A test or a scenario of ``--chatkit-sim``.

    Attributes:
        kind: Always ``test``.
        test: Its node id.
        outcome: How it ended; ``unfinished`` when the process died before it could say.
        scenario: Whether it is a scenario of ``--chatkit-sim``.
        title: The first line of its docstring.
        file: Its file, relative to the root directory.
        line: Its line in it, from 1; 0 when it is not known.
        seconds: How long it took, setup and teardown included.
        message: Why it failed or was skipped, as pytest says it.
        parts: Its subtests.
        violations: The rules about the whole test that it broke.
        findings: The bugs that it found, if it is a campaign.
        summary: What it did, counted; see ``summary`` of the report.
        turns: Its turns, in ``report.json``.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    kind: Literal["test"] = "test"
    test: str
    outcome: Outcome
    scenario: bool = False
    title: str = ""
    file: str = ""
    line: int = 0
    seconds: float = 0.0
    message: str = ""
    parts: Sequence[PartRecord] = ()
    violations: Sequence[ViolationRecord] = ()
    findings: Sequence[FindingRecord] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    turns: Sequence[TurnRecord] = ()


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A process that ran tests: one, each worker of pytest-xdist, each shard.

    Attributes:
        kind: Always ``run``.
        format: The version of the records.
        worker: ``main``, or the worker of pytest-xdist.
        started: When, as an ISO date and time.
        versions: The versions of chatkit-sim, the SDKs and Python.
    """

    kind: Literal["run"] = "run"
    format: int
    worker: str
    started: str
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class UnusedRecord:
    """A golden snapshot that no test compares with any more.

    Attributes:
        golden: The golden file, relative to the root directory.
        name: The name of the snapshot in it.
    """

    golden: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """A snapshot that waits to be reviewed.

    Attributes:
        golden: The golden file, relative to the root directory.
        name: The name of the snapshot in it.
        test: The node id of the test.
        place: The test's file and line.
        old: The transcript in the golden file; null for a new snapshot.
        new: The transcript of the run.
        accept: The command that accepts it.
    """

    golden: str
    name: str
    test: str
    place: str
    old: str | None
    new: str
    accept: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole of ``report.json``.

    Attributes:
        format: The version of this format.
        runs: The processes that it was made from.
        outcomes: How many tests ended how.
        violations: How often each rule was broken, by status: ``{"failed": {"stop-at-client-tool": 2}}``.
        summary: What ran, counted over all tests: the fields of ``chatkit_sim.report.Summary``.
        snapshots: Snapshots that wait to be reviewed.
        unused: Golden snapshots that no test compared with; empty unless the report is of a whole run, or is merged.
        problems: Why the report may be incomplete; empty when it is whole.
        tests: The tests, failed ones first.
    """

    format: int
    runs: Sequence[RunRecord]
    outcomes: Mapping[str, int]
    violations: Mapping[str, Mapping[str, int]]
    summary: Mapping[str, Any]
    snapshots: Sequence[ChangeRecord]
    unused: Sequence[UnusedRecord]
    problems: Sequence[str]
    tests: Sequence[TestRecord]
