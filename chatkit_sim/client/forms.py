"""Forms of a widget: which fields they have, what the user has entered, and what of it goes into a payload.

A form is a ``Form`` component, or a ``Card`` with ``asForm``. Everything here works on a widget as JSON, which is what
the web client gets, so that widgets built from named classes and from ``.widget`` templates are the same.

What is documented (ChatKit guide, "Create custom forms with widgets"): every action from inside a form carries the
form's values, by the name of the field; ``todo.title`` nests; a key that the payload has already keeps its own value;
``required`` and ``pattern`` block a submission.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from ..errors import UsageError
from .policies import Policies

Component = Mapping[str, Any]
_TEXTS = ("Input", "Textarea", "Text")
_CHOICES = ("Select", "RadioGroup")


@dataclass(frozen=True)
class FormField:
    """One field of a form.

    Attributes:
        name: Its name; dots nest.
        kind: The type of its component; ``Text`` when it is editable text.
        component: The component as JSON.
        rules: Where ``required`` and ``pattern`` stand: the component, or the properties of editable text.
    """

    name: str
    kind: str
    component: Component
    rules: Component

    @property
    def disabled(self) -> bool:
        """Whether the user cannot change it; a disabled field is not sent, as in every HTML form."""
        return self.component.get("disabled") is True

    @property
    def initial(self) -> Any:
        """What it holds before the user enters anything; ``None`` for nothing."""
        if self.kind == "Checkbox":
            return self.component.get("defaultChecked") is True
        return self.component.get("value" if self.kind == "Text" else "defaultValue")

    @property
    def choices(self) -> list[Any]:
        """The values of the options that can be chosen."""
        options = self.component.get("options") or []
        return [option.get("value") for option in options if option.get("disabled") is not True]

    @property
    def first_day(self) -> str:
        """A day that a date picker takes, as ISO text."""
        return str(self.component.get("min") or "2030-01-01")[:10]

    def entered(self, value: Any) -> Any:
        """What the field holds after the user entered ``value``, as JSON.

        Args:
            value: A text, a boolean for a checkbox, an option's value (or label), a date; ``None`` clears it.

        Raises:
            UsageError: The user cannot enter that here; the message says what can be entered.
        """
        where = f"The {self.kind} field {self.name!r}"
        if self.disabled:
            raise UsageError(f"{where} is disabled, so nobody can change it.")
        if value is None:
            return self._cleared(where)
        if self.kind == "Checkbox":
            if not isinstance(value, bool):
                raise UsageError(f"{where} is checked (True) or not (False), and cannot be {value!r}.")
            return value
        if self.kind in _CHOICES:
            return _chosen(where, value, self.component.get("options") or [])
        if self.kind == "DatePicker":
            return _picked(where, value, self.component)
        if not isinstance(value, str):
            raise UsageError(f"{where} takes what a user types, a text, not {value!r}.")
        return value

    def problem(self, value: Any) -> str | None:
        """Why a browser would not submit the form with this value; ``None`` when it would."""
        if self.disabled:
            return None
        if self.rules.get("required") is True and value in (None, "", False):
            return f"{self.name!r} is required"
        pattern = self.rules.get("pattern")
        if isinstance(pattern, str) and isinstance(value, str) and value and not _fits(pattern, value):
            return f"{self.name!r} is {value!r}, which does not match its pattern {pattern}"
        return None

    def _cleared(self, where: str) -> Any:
        if self.kind == "Checkbox":
            return False
        if self.kind in _TEXTS:
            return ""
        if self.kind == "RadioGroup" or self.component.get("clearable") is not True:
            raise UsageError(f"{where} cannot be cleared (it is not `clearable`).")
        return None


def fields_of(form: Component) -> dict[str, FormField]:
    """The fields of a form by name, in the order of the widget; those of a form within it are not its own."""
    found: dict[str, FormField] = {}
    for component in _inside(form):
        field = field_of(component)
        if field is not None:
            found[field.name] = field
    return found


def field_of(component: Component) -> FormField | None:
    """The component as a field of a form; ``None`` when it is none."""
    kind = str(component.get("type"))
    rules = component
    if kind == "Text":
        editable = component.get("editable")
        if not isinstance(editable, Mapping):
            return None
        rules = editable
    elif kind == "Icon":
        return None  # its `name` is that of a picture
    elif kind not in ("Input", "Textarea", "Select", "DatePicker", "Checkbox", "RadioGroup"):
        return None
    name = rules.get("name")
    return FormField(name, kind, component, rules) if isinstance(name, str) and name else None


def is_form(component: Component) -> bool:
    """Whether the component is a form."""
    return component.get("type") == "Form" or (component.get("type") == "Card" and component.get("asForm") is True)


def children_of(component: Component) -> list[Component]:
    """The components right below one."""
    children = component.get("children")
    listed: Sequence[Any] = [] if children is None else children if isinstance(children, list) else [children]
    return [child for child in listed if isinstance(child, Mapping)]


def filled_in(form: Component, entered: Mapping[str, Any], policies: Policies, *, where: str) -> dict[str, Any]:
    """The values of a form: what the user entered, and the defaults of the other fields.

    Args:
        form: The form.
        entered: What the user has entered by now, by the fields' names.
        policies: What a field that was left blank comes to.
        where: What the form belongs to, for messages.

    Raises:
        UsageError: There is no such field, or the user cannot enter that into it.
    """
    fields = fields_of(form)
    for name in entered:
        if name not in fields:
            close = get_close_matches(name, fields, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            known = ", ".join(fields) or "none"
            raise UsageError(f"{where[:1].upper()}{where[1:]} has no field {name!r}.{hint} Its fields: {known}.")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        value = field.entered(entered[name]) if name in entered else field.initial
        if field.disabled:
            continue
        if value is None and policies.blank_fields == "empty" and field.kind in _TEXTS:
            value = ""
        if value is None or (policies.blank_fields == "left-out" and value in ("", False)):
            continue
        values[name] = value
    return values


def problems_of(form: Component, values: Mapping[str, Any]) -> list[str]:
    """Why a browser would not submit the form with these values."""
    problems = (field.problem(values.get(name)) for name, field in fields_of(form).items())
    return [problem for problem in problems if problem is not None]


def merged(payload: Any, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """A payload with the values of a form merged in, and the names whose values were ignored.

    A name with dots nests. What the payload has already stays as it is, which the web client reports as an error.

    Args:
        payload: The action's own payload, JSON.
        values: The values of the form by the fields' names.
    """
    if payload is None:
        payload = {}
    if not isinstance(payload, Mapping):
        return payload, list(values)
    result: dict[str, Any] = _copied(payload)
    ignored: list[str] = []
    for name, value in values.items():
        *path, last = name.split(".")
        target: Any = result
        for step in path:
            target = target.setdefault(step, {}) if isinstance(target, dict) else None
        if not isinstance(target, dict) or last in target:
            ignored.append(name)
        else:
            target[last] = value
    return result, ignored


def _copied(value: Any) -> Any:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def _inside(form: Component) -> Iterator[Component]:
    waiting = children_of(form)[::-1]
    while waiting:
        component = waiting.pop()
        yield component
        if not is_form(component):
            waiting += children_of(component)[::-1]


def _chosen(where: str, value: Any, options: Sequence[Component]) -> Any:
    chosen = [option for option in options if option.get("value") == value]
    chosen = chosen or [option for option in options if option.get("label") == value]
    if not chosen:
        listed = ", ".join(f"{option.get('value')!r} ({option.get('label')})" for option in options) or "none"
        raise UsageError(f"{where} has no option {value!r}. Its options: {listed}.")
    if chosen[0].get("disabled") is True:
        raise UsageError(f"{where} has the option {value!r}, but it is disabled.")
    return chosen[0].get("value")


def _picked(where: str, value: Any, component: Component) -> str:
    if not isinstance(value, str | date):
        raise UsageError(f"{where} takes a date: a date, a datetime or ISO text, not {value!r}.")
    try:
        picked = _instant(value)
    except ValueError:
        raise UsageError(f"{where} takes a date: {value!r} is no ISO date.") from None
    bounds: tuple[tuple[str, str, Callable[[str, str], bool]], ...] = (
        ("min", "earliest", str.__lt__),
        ("max", "latest", str.__gt__),
    )
    for key, word, beyond in bounds:
        bound = component.get(key)
        # By the day: what times of day the picker gives is not documented.
        if isinstance(bound, str) and beyond(picked.date().isoformat(), _instant(bound).date().isoformat()):
            raise UsageError(f"{where} cannot be {value!r}: the {word} date is {bound}.")
    return value if isinstance(value, str) else value.isoformat()


def _instant(value: str | date) -> datetime:
    return datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # JavaScript's expressions know more; what Python cannot read is not checked
