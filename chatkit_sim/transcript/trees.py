"""Widgets as whole trees: one component a line, with everything that was set on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from .payloads import field_lines, indented, inline, set_fields, text_lines

_LABELS = ("label", "value", "title", "alt", "text")
_APART = {"type", "id", "key", "name", "children", "confirm", "cancel"}
_WIDTH = 100


def widget_lines(widget: BaseModel, *, times: bool = True) -> list[str]:
    """A widget as a tree; unlike ``describe_widget`` nothing is left out or cut.

    Example:
        ::

            Card #groceries size: "sm"
              Title "Groceries"
              Button "Delete" -> todo.delete(id: 1)
    """
    return list(_walk(widget, times))


def _walk(root: Any, times: bool) -> Iterator[str]:
    # A stack and not recursion: the tree comes from a server and may be as deep as it likes.
    stack: list[tuple[int, Any]] = [(0, root)]
    while stack:
        depth, component = stack.pop()
        indent = "  " * depth
        if not isinstance(component, (BaseModel, Mapping)):
            yield from (indent + line for line in text_lines(str(component)))
            continue
        values = set_fields(component) if isinstance(component, BaseModel) else dict(component)
        yield from (indent + line for line in component_lines(values, times=times))
        children = values.get("children")
        below: list[Any] = [] if children is None else children if isinstance(children, list) else [children]
        footer = [{"type": name, **_values(values[name])} for name in ("confirm", "cancel") if values.get(name)]
        stack += [(depth + 1, child) for child in reversed([*below, *footer])]


def component_lines(component: BaseModel | Mapping[str, Any], *, times: bool = True) -> list[str]:
    """One component without its children: a line, and below it what is too long for one."""
    values = _values(component)
    parts = [str(values.get("type", type(component).__name__))]
    if values.get("id") is not None:
        parts.append(f"#{values['id']}")
    if values.get("key") is not None:
        parts.append(f"[key {inline(values['key'])}]")
    if values.get("name") is not None:
        parts.append(str(values["name"]) if isinstance(values["name"], str) else f"name: {inline(values['name'])}")
    below: list[str] = []
    label = next((key for key in _LABELS if isinstance(values.get(key), str)), None)
    if label is not None:
        if len(values[label]) > _WIDTH or "\n" in values[label]:
            below += indented(text_lines(values[label]))
        else:
            parts.append(inline(values[label]))
    actions = sorted(key for key, value in values.items() if key.lower().endswith("action") and _values(value))
    for key in sorted(set(values) - _APART - {label} - set(actions)):
        lines = field_lines(key, values[key], times=times)
        if len(lines) == 1 and len(lines[0]) <= 40:
            parts.append(lines[0])
        else:
            below += indented(lines)
    shown = [_action(key, _values(values[key]), times) for key in actions]
    one_line = [text for text in shown if len(text) <= _WIDTH]
    return [" ".join([*parts, *one_line]), *below, *indented(text for text in shown if len(text) > _WIDTH)]


def _action(key: str, action: Mapping[str, Any], times: bool) -> str:
    payload = action.get("payload")
    text = str(action.get("type"))
    if isinstance(payload, Mapping):
        text += f"({inline(payload, times=times)[1:-1]})"
    elif payload is not None:
        text += f"({inline(payload, times=times)})"
    others = {name: value for name, value in action.items() if name not in ("type", "payload") and value is not None}
    # What the SDK adds to every action says nothing.
    usual = {"handler": "server", "loadingBehavior": "auto", "streaming": True}
    notes = [f"{name}: {inline(value)}" for name, value in sorted(others.items()) if usual.get(name) != value]
    when = "" if key in ("onClickAction", "action") else f"{key.removesuffix('Action')} "
    return f"{when}-> {text}{' ' if notes else ''}{' '.join(notes)}"


def _values(thing: Any) -> Mapping[str, Any]:
    if isinstance(thing, BaseModel):
        return set_fields(thing)
    return thing if isinstance(thing, Mapping) else {}
