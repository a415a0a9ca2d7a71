"""Rules about workflows: tasks are added in order, and only tasks that are there are updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chatkit.types import (
    Task,
    ThoughtTask,
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
from . import upstream
from .base import Evidence, Rule, place
from .excuses import chain
from .history import Life, StreamHistory
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
    overtaken: bool = False


class _Reader:
    """Keeps the tasks of each workflow as the page has them, over the streams of a turn."""

    def __init__(self) -> None:
        self.problems: list[_Problem] = []
        self._tasks: dict[str, list[Any]] = {}
        self._numbered: dict[str, dict[int, Any]] = {}
        self._awaited: set[tuple[str, int]] = set()

    def known(self, item: WorkflowItem) -> None:
        self._tasks[item.id] = list(item.workflow.tasks)
        self._numbered[item.id] = dict(enumerate(item.workflow.tasks))

    def read(self, history: StreamHistory) -> None:
        for life in history.lives:
            if life.type == "workflow":
                for place, step in enumerate(life.steps):
                    self._step(history, life, place, step.number, getattr(step, "event", None))
        self._swallowed(history)

    def _step(self, history: StreamHistory, life: Life, place: int, number: int, event: Any) -> None:
        match event:
            case (
                ThreadItemAddedEvent(item=WorkflowItem() as item)
                | ThreadItemDoneEvent(item=WorkflowItem() as item)
                | ThreadItemReplacedEvent(item=WorkflowItem() as item)
            ):
                self.known(item)
            case ThreadItemUpdatedEvent(update=WorkflowTaskAdded() as update):
                tasks = self._tasks.get(life.item_id)
                if tasks is None:
                    return  # a workflow that nobody has seen
                self._added(history, life, place, number, update)
                tasks.append(update.task)
                self._numbered[life.item_id].setdefault(update.task_index, update.task)
            case ThreadItemUpdatedEvent(update=WorkflowTaskUpdated(task_index=index, task=task)):
                tasks = self._tasks.get(life.item_id)
                if tasks is None:
                    return
                if 0 <= index < len(tasks):
                    tasks[index] = task
                    self._numbered[life.item_id][index] = task
                else:
                    self.problems.append(
                        _Problem("out-of-range", history.stream, number, life.item_id, index, len(tasks))
                    )
            case _:
                pass  # removed, or an update for another kind of item

    def _added(self, history: StreamHistory, life: Life, place: int, number: int, update: WorkflowTaskAdded) -> None:
        tasks, index = self._tasks[life.item_id], update.task_index
        # AgentContext takes the index of the first equal task, and a workflow that was added a moment ago may hold the
        # task already.
        by_run = bool(history.stream.timeline.main_runs)
        there = 0 <= index < len(tasks) and (tasks[index] == update.task or by_run)
        if index == len(tasks) or there or (life.item_id, index) in self._awaited:
            return
        missing = set(range(index)) - self._numbered[life.item_id].keys()
        overtaken = _overtook(history, life, place, update, missing, self._numbered[life.item_id])
        if overtaken:
            self._awaited |= {(life.item_id, late) for late in missing}
        self.problems.append(
            _Problem("out-of-order", history.stream, number, life.item_id, index, len(tasks), overtaken=overtaken)
        )

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


def _overtook(
    history: StreamHistory,
    life: Life,
    place: int,
    update: WorkflowTaskAdded,
    missing: set[int],
    numbered: Mapping[int, Task],
) -> bool:
    """Whether a thought came before tasks of tools that stand before it, and these come later in the stream.

    Only a thought can: chatkit numbers it when it sends it, and a tool's task when the tool adds it to the queue.
    """
    timeline = history.stream.timeline
    if not missing or not isinstance(update.task, ThoughtTask) or (timeline.observed and not timeline.main_runs):
        return False
    if history.stream.ended != "complete" or history.errors or life.removed is not None:
        return True  # what was in the queue never came out
    later = [getattr(getattr(step, "event", None), "update", None) for step in life.steps[place + 1 :]]
    late = [
        one
        for one in later
        if isinstance(one, WorkflowTaskAdded)
        and (one.task_index in missing or numbered.get(one.task_index) == one.task)  # of equal tasks the first's index
    ]
    return len(late) >= len(missing)


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
    said: set[tuple[str, bool]] = set()
    for problem in reader.problems:
        if problem.kind == kind and (problem.item_id, problem.overtaken) not in said:
            said.add((problem.item_id, problem.overtaken))
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
    defect = upstream.known("workflow-tasks-overtaken")
    for problem in _problems(evidence, "out-of-order"):
        violation = _violation(
            evidence,
            problem,
            "tasks-added-in-order",
            f"Task {problem.index} of the {item_name('workflow', problem.item_id)} was added where task "
            f"{problem.count} "
            "is next. The page appends it, the server counts otherwise, and later updates reach the wrong task.",
            "Add each task with the number of tasks so far as its index, and send workflow.task.updated for one that "
            "is there.",
        )
        yield upstream.as_upstream(violation, defect) if defect is not None and problem.overtaken else violation


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
