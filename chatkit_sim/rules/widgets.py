"""Rules about widgets: updates find their component, text only grows, ids are one component's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from chatkit.types import (
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    WidgetComponentUpdated,
    WidgetItem,
    WidgetRootUpdated,
    WidgetStreamingTextValueDelta,
)

from ..errors import Violation
from .base import Evidence, Rule, place
from .history import StreamHistory
from .words import item_name, listed, quoted


@dataclass(frozen=True)
class WidgetProblem:
    """Something odd about a widget.

    Attributes:
        kind: ``no-target``: an update of a component that is not there. ``no-text``: text for a component that has
            none. ``text-changed``: streamed text that does not stay. ``same-ids``: ids that several components have.
        history: The stream.
        number: The event.
        item_id: The widget.
        component_id: The component.
        before: The text as streamed, or the ids that are there.
        after: The text as it is then, or the component's type.
    """

    kind: Literal["no-target", "no-text", "text-changed", "same-ids"]
    history: StreamHistory
    number: int
    item_id: str
    component_id: str
    before: str = ""
    after: str = ""


@dataclass
class _Widget:
    """A widget as the page has it, indexed by component."""

    components: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    streamed: set[str] = field(default_factory=set)

    def show(self, root: Any) -> None:
        self.components = {component.id: component for component in _walk(root) if component.id}
        self.texts = {name: [_text(component)] for name, component in self.components.items()}

    def text(self, name: str) -> str:
        parts = self.texts.get(name, [])
        parts[:] = ["".join(parts)]
        return parts[0]


class _Reader:
    def __init__(self) -> None:
        self.problems: list[WidgetProblem] = []
        self._widgets: dict[str, _Widget] = {}

    def known(self, item: WidgetItem) -> None:
        self._widgets[item.id] = widget = _Widget()
        widget.show(item.widget)

    def read(self, history: StreamHistory) -> None:
        for life in history.lives:
            if life.type == "widget":
                for step in life.steps:
                    self._step(history, step.number, life.item_id, getattr(step, "event", None))

    def _step(self, history: StreamHistory, number: int, item_id: str, event: Any) -> None:
        match event:
            case ThreadItemAddedEvent(item=WidgetItem(widget=root)):
                self._widgets[item_id] = _Widget()
                self._whole(history, number, item_id, root)
            case ThreadItemDoneEvent(item=WidgetItem(widget=root)):
                self._whole(history, number, item_id, root)
                self._widgets[item_id].streamed.clear()
            case ThreadItemReplacedEvent(item=WidgetItem(widget=root)):
                self._widgets[item_id] = _Widget()  # another version altogether
                self._whole(history, number, item_id, root)
            case ThreadItemUpdatedEvent(update=WidgetRootUpdated(widget=root)):
                self._whole(history, number, item_id, root)
            case ThreadItemUpdatedEvent(update=WidgetComponentUpdated() as update):
                self._component(history, number, item_id, update)
            case ThreadItemUpdatedEvent(update=WidgetStreamingTextValueDelta() as update):
                self._delta(history, number, item_id, update)
            case _:
                pass  # removed, or an update for another kind of item

    def _whole(self, history: StreamHistory, number: int, item_id: str, root: Any) -> None:
        widget = self._widgets.setdefault(item_id, _Widget())
        before = {name: widget.text(name) for name in widget.streamed}
        widget.show(root)
        for name, text in before.items():
            now = widget.text(name) if name in widget.components else None
            if now is None or not now.startswith(text):
                said = "(the component is gone)" if now is None else now
                self._add("text-changed", history, number, item_id, name, before=text, after=said)
                widget.streamed.discard(name)
        self._same_ids(history, number, item_id, root)

    def _component(self, history: StreamHistory, number: int, item_id: str, update: WidgetComponentUpdated) -> None:
        widget, name = self._widgets.get(item_id), update.component_id
        if widget is None:
            return  # a widget that nobody has seen
        if name not in widget.components:
            self._add("no-target", history, number, item_id, name, before=_names(widget))
            return
        text = widget.text(name)
        inner = {component.id: component for component in _walk(update.component) if component.id}
        widget.components |= inner
        widget.texts |= {inner_name: [_text(component)] for inner_name, component in inner.items()}
        if name in widget.streamed and not widget.text(name).startswith(text):
            self._add("text-changed", history, number, item_id, name, before=text, after=widget.text(name))
            widget.streamed.discard(name)
        self._same_ids(history, number, item_id, update.component)

    def _delta(self, history: StreamHistory, number: int, item_id: str, update: WidgetStreamingTextValueDelta) -> None:
        widget, name = self._widgets.get(item_id), update.component_id
        if widget is None:
            return
        component = widget.components.get(name)
        if component is None:
            self._add("no-target", history, number, item_id, name, before=_names(widget))
        elif component.type not in ("Text", "Markdown"):
            self._add("no-text", history, number, item_id, name, after=component.type)
        else:
            widget.texts[name].append(update.delta)
            widget.streamed.add(name)

    def _same_ids(self, history: StreamHistory, number: int, item_id: str, root: Any) -> None:
        counts = Counter(component.id for component in _walk(root) if component.id)
        same = [name for name, count in counts.items() if count > 1]
        if same:
            self._add("same-ids", history, number, item_id, same[0], before=listed(f'"{name}"' for name in same[:5]))

    def _add(
        self,
        kind: Literal["no-target", "no-text", "text-changed", "same-ids"],
        history: StreamHistory,
        number: int,
        item_id: str,
        component_id: str,
        *,
        before: str = "",
        after: str = "",
    ) -> None:
        self.problems.append(WidgetProblem(kind, history, number, item_id, component_id, before, after))


def _walk(component: Any) -> Iterator[Any]:
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, list) else [] if children is None else [children]:
        yield from _walk(child)


def _text(component: Any) -> str:
    value = getattr(component, "value", None)
    return value if isinstance(value, str) else ""


def _names(widget: _Widget) -> str:
    return ", ".join(list(widget.components)[:8]) or "none"


def _problems(evidence: Evidence) -> Iterator[WidgetProblem]:
    """What is odd about the widgets of a turn; for each widget and component the first of a kind."""
    reader = _Reader()
    for item in evidence.turn.before.items:
        if isinstance(item, WidgetItem):
            reader.known(item)
    for history in evidence.histories:
        reader.read(history)
    said: set[tuple[str, str, str]] = set()
    for problem in reader.problems:
        key = (problem.kind, problem.item_id, problem.component_id)
        if key not in said:
            said.add(key)
            yield problem


def _violation(evidence: Evidence, problem: WidgetProblem, rule: str, reason: str, remedy: str) -> Violation:
    return Violation(
        rule=rule,
        place=place(evidence.turn, problem.history.stream, problem.number),
        reason=reason,
        remedy=remedy,
        subjects={"item": problem.item_id, "type": "widget", "component": problem.component_id},
    )


def _target_exists(evidence: Evidence) -> Iterable[Violation]:
    for problem in _problems(evidence):
        name = item_name("widget", problem.item_id)
        if problem.kind == "no-target":
            yield _violation(
                evidence,
                problem,
                "widget-target-exists",
                f'An update came for the component "{problem.component_id}" of the {name}, which has no such '
                "component. "
                f"The page drops it. Its components with an id: {problem.before}.",
                f'Give the component `id="{problem.component_id}"` in the first version of the widget, and keep it in '
                "every later one.",
            )
        elif problem.kind == "no-text":
            yield _violation(
                evidence,
                problem,
                "widget-target-exists",
                f'Text came for the component "{problem.component_id}" of the {name}, which is a {problem.after} and '
                "has "
                "no text that could grow.",
                "Stream text into Text or Markdown components; change others with widget.component.updated.",
            )


def _text_grows(evidence: Evidence) -> Iterable[Violation]:
    for problem in _problems(evidence):
        if problem.kind == "text-changed":
            yield _violation(
                evidence,
                problem,
                "widget-text-grows",
                f'The text of the component "{problem.component_id}" of the {item_name("widget", problem.item_id)} was '
                f"streamed as {quoted(problem.before)} and is {quoted(problem.after)} then. The user sees it jump.",
                "Build each version of the widget on the text so far (all widget updates are cumulative), and finish "
                "with all of it.",
            )


def _ids_unique(evidence: Evidence) -> Iterable[Violation]:
    said: set[str] = set()
    for problem in _problems(evidence):
        if problem.kind == "same-ids" and problem.item_id not in said:
            said.add(problem.item_id)
            yield _violation(
                evidence,
                problem,
                "widget-ids-unique",
                f"Several components of the {item_name('widget', problem.item_id)} have the id {problem.before}. An "
                "update reaches the first of them only, and the SDK compares versions by id.",
                "Give each component an id of its own, or none to those that are never updated.",
            )


WIDGET_RULES = (
    Rule(
        slug="widget-target-exists",
        family="widgets",
        must_hold="Updates of a widget name components that it has; text goes to Text and Markdown.",
        why="The page drops the update, and the widget stays as it was.",
        source="chatkit.types.WidgetStreamingTextValueDelta.component_id, WidgetComponentUpdated.component_id",
        check=_target_exists,
    ),
    Rule(
        slug="widget-text-grows",
        family="widgets",
        must_hold="Text that was streamed into a widget stays at the beginning of what follows.",
        why="The user sees the text jump.",
        source="chatkit.server.diff_widget: all widget updates must be cumulative",
        check=_text_grows,
    ),
    Rule(
        slug="widget-ids-unique",
        family="widgets",
        must_hold="No two components of a widget share an id.",
        why="Updates reach the wrong component.",
        source="chatkit.server.diff_widget keeps components by id",
        check=_ids_unique,
    ),
)
