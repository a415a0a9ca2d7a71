"""What can be clicked in the widgets on show, and what happens then."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chatkit.types import ThreadItem, WidgetItem

from ..errors import UsageError
from ..transcript import quoted
from ..transcript.widgets import describe_action
from .forms import (
    Component,
    children_of,
    field_of,
    filled_in,
    is_form,
    merged,
    problems_of,
)
from .policies import Policies

Way = Literal["client", "sync", "stream"]
NOT_GIVEN: Any = object()
"""Stands for a value that was not given, since ``None`` clears a field."""

_LISTED = 20  # lines of a list in a message
_FOOTER = ("confirm", "cancel")
_CONTROLS = ("Button", "Select", "DatePicker", "Checkbox", "RadioGroup", "Input", "Textarea")


@dataclass(frozen=True)
class Clickable:
    """Something in a widget that triggers an action.

    Attributes:
        item: The widget item.
        kind: What it is: the component's type, or ``confirm`` and ``cancel`` of a card.
        component: The component as JSON; the card for its buttons.
        action: The action as JSON.
        labels: What the user reads on it.
        form: The form it is in, if any.
        submits: Whether it submits that form, which a browser validates first.
        disabled: Whether it is disabled.
    """

    item: WidgetItem
    kind: str
    component: Component
    action: Component
    labels: tuple[str, ...]
    form: Component | None
    submits: bool = False
    disabled: bool = False

    @property
    def id(self) -> str | None:
        """The component's id."""
        return self.component.get("id")

    @property
    def key(self) -> str | None:
        """The component's key."""
        return self.component.get("key")

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it can be called by."""
        own = (self.id, self.key, self.component.get("name"), self.kind if self.kind in _FOOTER else None)
        return (*self.labels, *(name for name in own if name))

    def __str__(self) -> str:
        parts = [self.kind, *([quoted(self.labels[0])] if self.labels else [])]
        parts += [f"{word}={value!r}" for word, value in (("id", self.id), ("key", self.key)) if value]
        if self.component.get("name") and self.kind not in _FOOTER:
            parts.append(f"name={self.component['name']!r}")
        parts += ["(disabled)"] if self.disabled else []
        return f"{' '.join(parts)} -> {describe_action(self.action)}, in the widget {self.item.id}"


@dataclass(frozen=True)
class Dispatch:
    """An action on its way.

    Attributes:
        item: The widget it comes from.
        type: Its type.
        payload: Its payload, the form's values merged in.
        way: To whom: the page itself, the server without a stream, or the server.
        ignored: Names of form fields whose values the payload's own keys displaced.
        source: What was clicked, for messages.
    """

    item: WidgetItem
    type: str
    payload: Any
    way: Way
    ignored: Sequence[str] = ()
    source: str = ""


@dataclass(frozen=True)
class Target:
    """How a test says what is clicked.

    Attributes:
        item: The widget, or its id; ``None`` for any on show.
        name: A label, an id, a key or a field's name.
        id: The component's id.
        key: The component's key.
        label: What the user reads on it.
    """

    item: ThreadItem | str | None = None
    name: str | None = None
    id: str | None = None
    key: str | None = None
    label: str | None = None

    @classmethod
    def read(cls, widget: Any, target: str | None, **names: str | None) -> Target:
        """Read the arguments of ``click``: a lone text is the target, not a widget.

        Raises:
            UsageError: Nothing says what to click.
        """
        if isinstance(widget, str) and target is None and not any(names.values()):
            widget, target = None, widget
        if widget is not None and not isinstance(widget, (str, WidgetItem)):
            raise UsageError(f"click() takes a widget item or its id first, not {widget!r} ({type(widget).__name__}).")
        return cls(widget, target, **names)

    def fits(self, clickable: Clickable) -> bool:
        """Whether this is it."""
        return (
            (self.name is None or self.name in clickable.names)
            and (self.id is None or self.id == clickable.id)
            and (self.key is None or self.key == clickable.key)
            and (self.label is None or self.label in clickable.labels)
        )

    def __str__(self) -> str:
        words = [repr(self.name)] if self.name is not None else []
        named = (("id", self.id), ("key", self.key), ("label", self.label))
        return " ".join([*words, *(f"{word}={value!r}" for word, value in named if value is not None)]) or "anything"


def clickables(item: WidgetItem) -> list[Clickable]:
    """Everything in a widget that triggers an action, in the order of the widget."""
    tree = widget_json(item)
    labels = _field_labels(tree)
    return list(_walk(item, tree, labels))


def widget_json(item: WidgetItem) -> dict[str, Any]:
    """A widget as the web client gets it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # chatkit deprecates its named classes, and pydantic warns of unions
        tree: dict[str, Any] = item.widget.model_dump(mode="json", exclude_none=True)
    return tree


def find(items: Iterable[ThreadItem], target: Target) -> Clickable:
    """What is meant by ``target`` among the widgets on show.

    Raises:
        UsageError: Nothing fits, several do, or it is disabled; the message lists what could be clicked.
    """
    shown = [item for item in items if isinstance(item, WidgetItem)]
    wanted = target.item if isinstance(target.item, str) or target.item is None else target.item.id
    within = [item for item in shown if wanted in (None, item.id)]
    _check_names(target, wanted, shown, found=bool(within))
    candidates = [clickable for item in within for clickable in clickables(item)]
    found = [clickable for clickable in candidates if target.fits(clickable)]
    enabled = [clickable for clickable in found if not clickable.disabled]
    if len(enabled) == 1:
        return enabled[0]
    if found and not enabled:
        raise UsageError(f"{found[0]} is disabled.\n{_listing(candidates)}")
    if enabled:
        raise UsageError(
            f"click({target}) could mean {len(enabled)} things; say which by the widget, an id or a key.\n"
            f"{_listing(enabled)}"
        )
    raise UsageError(
        f"There is nothing to click that is called {target}.{_why(within, target)}\n{_listing(candidates)}"
    )


def _check_names(target: Target, wanted: str | None, shown: Sequence[WidgetItem], *, found: bool) -> None:
    """See that of two names the first is a widget's, and the second a name at all."""
    on_show = [clickable for item in shown for clickable in clickables(item)]
    clicked = wanted is not None and any(wanted in clickable.names for clickable in on_show)
    name: Any = target.name
    if name is not None and not isinstance(name, str):
        first = repr(wanted) if clicked else "..."
        raise UsageError(
            f"click() takes what to click second, by its name, and {name!r} is none. What the user enters into a form "
            f"goes into form=: click({first}, form={name!r}).\n{_listing(on_show)}"
        )
    if wanted is None or found:
        return
    hint = (
        f" {wanted!r} is something to click, and of two names the first is the widget's: say click({wanted!r}), and "
        f"what the user enters into a form as form={{...}}.\n{_listing(on_show)}"
    )
    raise UsageError(
        f"The widget {wanted!r} is not on show in this thread. "
        f"Widgets on show: {', '.join(item.id for item in shown) or 'none'}.{hint if clicked else ''}"
    )


def dispatch(
    clickable: Clickable, entered: Mapping[str, Any], value: Any, policies: Policies, *, force: bool
) -> Dispatch:
    """What the web client sends when the user clicks.

    Args:
        clickable: What is clicked.
        entered: What the user has entered into the form by then.
        value: The new value of a ``Select``, ``RadioGroup``, ``DatePicker`` or ``Checkbox``; a checkbox toggles
            without one.
        policies: What fields that were left blank come to.
        force: Submit a form that a browser would not.

    Raises:
        UsageError: The user cannot do that.
    """
    values = _own_value(clickable, value)
    where = f"the form of the widget {clickable.item.id}"
    if clickable.form is not None:
        values = filled_in(clickable.form, {**entered, **values}, policies, where=where)
        problems = problems_of(clickable.form, values) if clickable.submits else []
        if problems and not force:
            raise UsageError(
                f"A browser would not submit {where}: {'; '.join(problems)}. "
                "Enter it with click(..., form={...}), or pass force=True to submit nevertheless."
            )
    elif entered:
        raise UsageError(
            f"{clickable} is not in a form (Form, or Card with asForm), so form={dict(entered)!r} goes nowhere."
        )
    payload, ignored = (
        merged(clickable.action.get("payload"), values) if values else (clickable.action.get("payload"), [])
    )
    return Dispatch(
        clickable.item, str(clickable.action["type"]), payload, _way(clickable.action), ignored, str(clickable)
    )


def _way(action: Component) -> Way:
    if action.get("handler") == "client":
        return "client"
    return "sync" if action.get("streaming") is False else "stream"


def _own_value(clickable: Clickable, value: Any) -> dict[str, Any]:
    control = field_of(clickable.component) if clickable.kind not in _FOOTER else None
    if control is None or control.kind in ("Input", "Textarea", "Text"):
        if value is not NOT_GIVEN:
            raise UsageError(f"{clickable} takes no value; what is entered into its form is form={{...}}.")
        return {}
    if value is NOT_GIVEN:
        if control.kind != "Checkbox":
            raise UsageError(f"Say what is chosen: click({control.name!r}, value=...). {clickable}.")
        value = not control.initial
    return {control.name: control.entered(value)}


def _walk(item: WidgetItem, root: Component, labels: Mapping[str, tuple[str, ...]]) -> Iterator[Clickable]:
    # A stack and not recursion: the tree comes from a server and may be as deep as it likes.
    stack: list[tuple[Component, Component | None]] = [(root, None)]
    while stack:
        component, form = stack.pop()
        inner = component if is_form(component) else form
        yield from _of_component(item, component, inner, labels)
        stack += [(child, inner) for child in reversed(children_of(component))]


def _of_component(
    item: WidgetItem, component: Component, form: Component | None, labels: Mapping[str, tuple[str, ...]]
) -> Iterator[Clickable]:
    kind = str(component.get("type"))
    disabled = component.get("disabled") is True
    said = _labels(component, labels)
    actions = [(key, value) for key, value in component.items() if key.startswith("on") and _is_action(value)]
    for key, action in actions:
        yield Clickable(item, kind, component, action, said, form, key == "onSubmitAction", disabled)
    if kind == "Button" and component.get("submit") is True and not actions:
        submitted = _submission(form)
        if submitted is not None:
            yield Clickable(item, kind, component, submitted, said, form, True, disabled)
    for key in _FOOTER:
        button = component.get(key)
        if isinstance(button, Mapping) and _is_action(button.get("action")):
            own = form if is_form(component) else None
            text = (str(button["label"]),) if button.get("label") else ()
            yield Clickable(item, key, component, button["action"], text, own, key == "confirm" and own is not None)


def _submission(form: Component | None) -> Component | None:
    """What submitting a form triggers: its action, or a card's main button."""
    if form is None:
        return None
    action = form.get("onSubmitAction") if form.get("type") == "Form" else (form.get("confirm") or {}).get("action")
    return action if _is_action(action) else None


def _is_action(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def _labels(component: Component, labels: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if component.get("type") == "ListViewItem":
        texts = _texts(component)
        return (*([" ".join(texts)] if len(texts) > 1 else []), *texts)
    own = [component.get(key) for key in ("label", "ariaLabel", "placeholder")]
    name = component.get("name")
    above = labels.get(name, ()) if isinstance(name, str) else ()
    return (*(text for text in own if isinstance(text, str)), *above)


def _texts(component: Component) -> list[str]:
    texts: list[str] = []
    waiting = [component]
    while waiting:
        current = waiting.pop()
        if current.get("type") in _CONTROLS:
            continue  # what stands on it names the control, not the row
        text = current.get("value", current.get("label"))
        if isinstance(text, str) and text:
            texts.append(text)
        waiting += reversed(children_of(current))
    return texts


def _field_labels(root: Component) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    waiting = [root]
    while waiting:
        component = waiting.pop()
        if component.get("type") == "Label" and isinstance(component.get("fieldName"), str):
            name = component["fieldName"]
            found[name] = (*found.get(name, ()), str(component.get("value")))
        waiting += children_of(component)
    return found


def _why(items: Sequence[WidgetItem], target: Target) -> str:
    """What is called that, if it is there but triggers nothing."""
    wanted = {value for value in (target.name, target.id, target.key, target.label) if value is not None}
    for item in items:
        waiting: list[Component] = [widget_json(item)]
        while waiting:
            component = waiting.pop()
            names = {component.get(key) for key in ("id", "key", "label", "name", "value") if component.get(key)}
            if wanted & {name for name in names if isinstance(name, str)}:
                kind = component.get("type")
                if field_of(component) is not None:
                    return f" It is a form field ({kind}): give its value with click(..., form={{...}})."
                return f" There is a {kind} of that name, which has no action."
            waiting += children_of(component)
    return ""


def _listing(candidates: Sequence[Clickable]) -> str:
    if not candidates:
        return "Nothing on show can be clicked."
    lines = [f"  {clickable}" for clickable in candidates[:_LISTED]]
    if len(candidates) > _LISTED:
        lines.append(f"  and {len(candidates) - _LISTED} more")
    return "\n".join(["What can be clicked:", *lines])
