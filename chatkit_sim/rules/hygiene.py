"""Rules about what goes on behind the answer: work for nobody, tasks left behind, tools that fail unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from ..errors import Violation, describe_exception
from ..recording import LostCancellation, ModelCalled, RecordedStream, RunStarted, ToolEnded, ToolStarted
from .base import Evidence, Rule, place
from .excuses import told_elsewhere
from .words import listed, quoted, times

_BAD_ARGUMENTS = "ModelBehaviorError"  # the model's fault, not the tool's


def _cancellation_comes_through(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        stream, lost = history.stream, history.stream.lost_cancellation
        if lost is None:
            continue
        left = "the user had pressed stop" if stream.ended == "cancelled" else "the page had gone away"
        yield Violation(
            rule="cancellation-comes-through",
            place=place(evidence.turn, stream, len(stream.events) or None),
            reason=f"After {left} at this event, the responder swallowed the cancellation and {_went_on(stream, lost)}",
            details=_where(lost),
            remedy="End `except asyncio.CancelledError:` with `raise`, after whatever it cleans up, or clean up in a "
            "`finally:` instead; a loop that tries again must not catch it.",
        )


def _where(lost: LostCancellation) -> list[str]:
    caught = [f"caught by what waited at {lost.caught}"] if lost.caught else []
    return caught + ([f"went on at {lost.went_on}"] if lost.went_on and lost.went_on != lost.caught else [])


def _went_on(stream: RecordedStream, lost: LostCancellation) -> str:
    since = stream.timeline.entries[lost.since :]
    # What the run before it still begins, such as a guardrail, is the SDK's doing.
    new = (at for at, entry in enumerate(since) if isinstance(entry, RunStarted) and entry.feeds_stream)
    since = since[next(new, 0) :]
    runs = {entry.run: entry.agent for entry in since if isinstance(entry, RunStarted)}
    begun = {
        "further run": list(runs.values()),
        "model call": [entry.agent for entry in since if isinstance(entry, ModelCalled) and entry.run in runs],
        "tool": [entry.tool for entry in since if isinstance(entry, ToolStarted) and entry.run in runs],
    }
    said = [f"{times(len(names), kind)} ({', '.join(dict.fromkeys(names))})" for kind, names in begun.items() if names]
    if said:
        return f"began {listed(said)}. The stopped answer goes on unseen: it is paid for, and a reload shows it."
    if lost.how == "event":
        return f"yielded `{lost.event}`. The stopped answer goes on unseen, and a reload shows what it stores."
    return (
        "ended as if all had been said. So handle_stream_cancelled never runs: an unfinished item is not stored, and "
        "the model does not learn that it was stopped."
    )


def _no_work_after_cancel(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        stream = history.stream
        if not stream.late_work or stream.lost_cancellation is not None:  # one cause speaks once
            continue
        kinds: dict[str, list[str]] = {}
        for work in stream.late_work:
            kinds.setdefault(work.kind, []).append(work.name)
        said = listed(f"{times(len(names), kind)} ({', '.join(dict.fromkeys(names))})" for kind, names in kinds.items())
        writes_only = kinds.keys() == {"store write"}
        yield Violation(
            rule="no-work-after-cancel",
            place=place(evidence.turn, stream, len(stream.events) or None),
            reason=f"After the client had left at this event, the app began {said}. Nobody sees what comes of it, and "
            + (
                "it changes the thread behind the user's back."
                if writes_only
                else "it costs money and may change things."
            ),
            details=[
                f"{work.kind} {work.name}{f', {work.detail}' if work.detail else ''}" for work in stream.late_work[:6]
            ],
            remedy="Store what is to be kept in handle_stream_cancelled, which runs when the client leaves, and cancel "
            "the app's own tasks in a `finally` of respond."
            if writes_only
            else "End the work when the stream is given up, in a `finally` of respond: `result.cancel()` for a "
            "streamed run, `task.cancel()` for a task.",
            subjects={"tool": kinds["tool"][0]} if "tool" in kinds else {},
            severity="warning",
        )


def _no_leaked_tasks(evidence: Evidence) -> Iterable[Violation]:
    stream = evidence.turn.streams[-1] if evidence.turn.streams else None
    failed = any(history.errors or history.stream.raised for history in evidence.histories)
    for task in evidence.outliving:
        yield Violation(
            rule="no-leaked-tasks",
            place=place(evidence.turn, stream),
            reason=f"The task `{task.coroutine}` that this turn began still runs {task.seconds:g} s after its end"
            + (", which was an error: nobody awaits it any more." if failed else ".")
            + " Such tasks pile up, and what they change comes too late for the page.",
            details=[f"task {quoted(task.name)}", *([f"at {task.where}"] if task.where else [])],
            remedy="Await it before respond ends, and cancel it in a `finally`: `task.cancel()`. A task that is meant "
            "to "
            f"live on is allowed by name: the ini line `chatkit_background_tasks = {task.coroutine}` (without pytest, "
            f'Policies(background_tasks=["{task.coroutine}"])).',
            subjects={"task": task.coroutine},
            severity="warning",
        )


def _tool_raised(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        failures: dict[tuple[str, str], list[tuple[ToolEnded, BaseException]]] = {}
        for ended, error in _failed_tools(history.stream.timeline.of(ToolEnded)):
            failures.setdefault((ended.tool, type(error).__name__), []).append((ended, error))
        for (tool, name), found in failures.items():
            ended, error = found[0]
            often = f" ({times(len(found), 'time')})" if len(found) > 1 else ""
            yield Violation(
                rule="server-tool-raised",
                place=place(evidence.turn, history.stream, min(ended.after_event + 1, len(history.stream.events))),
                reason=f"The tool `{tool}` raised {name}{often}. The model is told of it in a sentence and goes on; "
                "neither the page nor the log shows anything.",
                details=["\n".join(describe_exception(error)), *_told(ended)],
                remedy="Mend the tool; or, where the failure is to be expected, return a text that the model can act "
                "on.",
                subjects={"tool": tool, "agent": ended.agent, "exception": name},
                severity="warning",
                cause=error,
            )


def _failed_tools(ended: Iterable[ToolEnded]) -> Iterator[tuple[ToolEnded, BaseException]]:
    for entry in ended:
        error = entry.error
        if error is None or isinstance(error, asyncio.CancelledError) or told_elsewhere(error):
            continue
        if type(error).__name__ != _BAD_ARGUMENTS:
            yield entry, error


def _told(ended: ToolEnded) -> Iterator[str]:
    if ended.output is not None:
        yield f"the model was told: {quoted(str(ended.output))}"


HYGIENE_RULES = (
    Rule(
        slug="cancellation-comes-through",
        family="hygiene",
        must_hold="When the user pressed stop, or the page went away, the cancellation comes out of the responder.",
        why="A stopped answer goes on where nobody sees it, is paid for, and stands there after a reload.",
        source="ChatKitServer._process_events: except asyncio.CancelledError; asyncio: it should be re-raised",
        check=_cancellation_comes_through,
    ),
    Rule(
        slug="no-work-after-cancel",
        family="hygiene",
        must_hold="After the user pressed stop, or the page went away, no model call, tool or store write begins.",
        why="The app pays for answers that nobody reads, and changes things that the user meant to stop.",
        source="ChatKitServer.handle_stream_cancelled: perform custom cleanup, stop inference",
        check=_no_work_after_cancel,
        severity="warning",
    ),
    Rule(
        slug="no-leaked-tasks",
        family="hygiene",
        must_hold="The tasks that a turn begins end with it, or soon after.",
        why="They pile up on the server, and what they do comes too late for the page.",
        source="asyncio: a task that nobody awaits hides its exceptions",
        check=_no_leaked_tasks,
        severity="warning",
    ),
    Rule(
        slug="server-tool-raised",
        family="hygiene",
        must_hold="No server tool raises.",
        why="The model makes up an answer from an error message, and nobody notices.",
        source="agents.function_tool(failure_error_function=...): errors become texts for the model",
        check=_tool_raised,
        severity="warning",
        timeline="needed",
        yields_to=("no-unexpected-error",),
    ),
)
