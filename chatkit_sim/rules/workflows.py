"""Rules about workflows: tasks are added in order, and only tasks that are there are updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from chatkit.types import (
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    WorkflowItem,
    WorkflowTaskAdded,
    WorkflowTaskUpdated,
)

from ..errors import Violation
from ..recording import RecordedStream
from .base import Evidence, Rule, place
from .excuses import chain
from .history import StreamHistory
from .words import item_name, times


@dataclass(frozen=True)
class _Problem:
    kind: Literal["out-of-range", "out-of-order"]
    stream: RecordedStream
    number: int | None
    item_id: str
    index: int
    count: int
    cause: BaseException | None = None


class _Reader:
    """Keeps the tasks of each workflow as the page has them, over the streams of a turn."""

    def __init__(self) -> None:
        self.problems: list[_Problem] = []
        self._tasks: dict[str, list[Any]] = {}

    def known(self, item: WorkflowItem) -> None:
        self._tasks[item.id] = list(item.workflow.tasks)

    def read(self, history: StreamHistory) -> None:
        for life in history.lives:
            if life.type == "workflow":
                for step in life.steps:
                    self._step(history.stream, step.number, life.item_id, getattr(step, "event", None))
        self._swallowed(history)

    def _step(self, stream: RecordedStream, number: int, item_id: str, event: Any) -> None:
        match event:
            case (
                ThreadItemAddedEvent(item=WorkflowItem() as item)
                | ThreadItemDoneEvent(item=WorkflowItem() as item)
                | ThreadItemReplacedEvent(item=WorkflowItem() as item)
            ):
                self.known(item)
            case ThreadItemUpdatedEvent(update=WorkflowTaskAdded(task_index=index, task=task)):
                tasks = self._tasks.get(item_id)
                if tasks is None:
                    return  # a workflow that nobody has seen
                # AgentContext takes the index of the first equal task, and a workflow that was added a moment ago may
                # hold the task already.
                there = 0 <= index < len(tasks) and (tasks[index] == task or bool(stream.timeline.main_runs))
                if index != len(tasks) and not there:
                    self.problems.append(_Problem("out-of-order", stream, number, item_id, index, len(tasks)))
                tasks.append(task)
            case ThreadItemUpdatedEvent(update=WorkflowTaskUpdated(task_index=index, task=task)):
                tasks = self._tasks.get(item_id)
                if tasks is None:
                    return
                if 0 <= index < len(tasks):
                    tasks[index] = task
                else:
                    self.problems.append(_Problem("out-of-range", stream, number, item_id, index, len(tasks)))
            case _:
                pass  # removed, or an update for another kind of item

    def _swallowed(self, history: StreamHistory) -> None:
        # The server itself fails on an index beyond the end, before the event is sent.
        for number, error in enumerate(history.stream.swallowed):
            event = _refused(error)
            if event is None or not isinstance(event.update, WorkflowTaskUpdated):
                continue
            where = history.errors[min(number, len(history.errors) - 1)][0].number if history.errors else None
            count = len(self._tasks.get(event.item_id, ()))
            self.problems.append(
                _Problem("out-of-range", history.stream, where, event.item_id, event.update.task_index, count, error)
            )


def _refused(error: BaseException) -> ThreadItemUpdatedEvent | None:
    """The update that the server could not apply, if that is what raised."""
    for link in chain(error):
        frame = link.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_name == "_update_pending_items" and isinstance(link, IndexError):
                event = frame.tb_frame.f_locals.get("event")
                return event if isinstance(event, ThreadItemUpdatedEvent) else None
            frame = frame.tb_next
    return None


def _problems(evidence: Evidence, kind: str) -> Iterator[_Problem]:
    reader = _Reader()
    for item in evidence.turn.before.items:
        if isinstance(item, WorkflowItem):
            reader.known(item)
    for history in evidence.histories:
        reader.read(history)
    said: set[str] = set()
    for problem in reader.problems:
        if problem.kind == kind and problem.item_id not in said:
            said.add(problem.item_id)
            yield problem


def _violation(evidence: Evidence, problem: _Problem, rule: str, reason: str, remedy: str) -> Violation:
    return Violation(
        rule=rule,
        place=place(evidence.turn, problem.stream, problem.number),
        reason=reason,
        remedy=remedy,
        subjects={"item": problem.item_id, "type": "workflow"},
        cause=problem.cause,
    )


def _in_range(evidence: Evidence) -> Iterable[Violation]:
    for problem in _problems(evidence, "out-of-range"):
        fails = " The server fails on it, and the answer ends in an error." if problem.cause else ""
        yield _violation(
            evidence,
            problem,
            "task-index-in-range",
            f"Task {problem.index} of the {item_name('workflow', problem.item_id)} was updated, which has "
            f"{times(problem.count, 'task')} (counted from 0).{fails or ' The page drops the update.'}",
            "Add the task first (`add_workflow_task`, workflow.task.added), and update it by the index that it was "
            "added with.",
        )


def _in_order(evidence: Evidence) -> Iterable[Violation]:
    for problem in _problems(evidence, "out-of-order"):
        yield _violation(
            evidence,
            problem,
            "tasks-added-in-order",
            f"Task {problem.index} of the {item_name('workflow', problem.item_id)} was added where task "
            f"{problem.count} "
            "is next. The page appends it, the server counts otherwise, and later updates reach the wrong task.",
            "Add each task with the number of tasks so far as its index, and send workflow.task.updated for one that "
            "is there.",
        )


WORKFLOW_RULES = (
    Rule(
        slug="task-index-in-range",
        family="workflows",
        must_hold="Only tasks that a workflow has are updated.",
        why="The page drops the update, or the answer ends in an error.",
        source="ChatKitServer._update_pending_items: workflow.tasks[task_index] = task",
        check=_in_range,
    ),
    Rule(
        slug="tasks-added-in-order",
        family="workflows",
        must_hold="A task is added with the number of tasks so far as its index.",
        why="Updates that follow reach the wrong task.",
        source="ChatKitServer._update_pending_items: workflow.tasks.append(task)",
        check=_in_order,
    ),
)
