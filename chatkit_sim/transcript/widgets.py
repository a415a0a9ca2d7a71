"""Widgets as a short, readable tree."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from .words import call_text, counted, quoted, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABELS = ("label", "value", "title", "alt", "src", "placeholder", "text")


def describe_widget(widget: BaseModel, limit: int | None = None) -> list[str]:
    """A widget as a tree, one component a line: what it shows, its id and key, and the actions it triggers.

    Args:
        widget: A widget root or component, strict or dynamic (as ``WidgetTemplate.build`` makes them).
        limit: The most lines to return; ``None`` for all.

    Example:
        ::

            Card #groceries
              Title "Groceries"
              Button "Delete" -> todo.delete(id=1)
    """
    walk = _walk(widget)
    lines = list(walk if limit is None else islice(walk, limit))
    left = sum(1 for _ in walk)
    if left:
        lines[-1] = f"… {counted(left + 1, 'more line')}"
    return lines


def describe_component(component: BaseModel) -> str:
    """One component on one line, without its children."""
    values = _values(component)
    parts = [str(values.get("type", type(component).__name__))]
    if values.get("id") is not None:
        parts.append(f"#{values['id']}")
    if values.get("key") is not None:
        parts.append(f"[key {value_text(values['key'])}]")
    if isinstance(values.get("name"), str):
        parts.append(values["name"])
    label = next((values[key] for key in _LABELS if isinstance(values.get(key), str)), None)
    if label is not None:
        parts.append(quoted(label))
    parts += _details(values)
    for key, value in values.items():
        if key.endswith("Action") and value is not None:
            parts.append(f"-> {describe_action(value)}")
    return " ".join(parts)


def describe_action(action: Any) -> str:
    """A widget action as a call: its type and payload, and whether the client handles it itself."""
    values = _values(action)
    name, payload = str(values.get("type")), values.get("payload")
    if payload is None:
        text = name
    elif isinstance(payload, Mapping):
        text = call_text(name, payload)
    else:
        text = f"{name}({value_text(payload)})"
    return f"{text} in the client" if values.get("handler") == "client" else text


def _walk(root: Any) -> Iterator[str]:
    # A stack and not recursion: the tree comes from a server and may be as deep as it likes.
    stack: list[tuple[int, Any]] = [(0, root)]
    while stack:
        depth, component = stack.pop()
        indent = "  " * depth
        if isinstance(component, str):
            yield indent + component
            continue
        yield indent + describe_component(component)
        values = _values(component)
        children = values.get("children")
        below: list[Any] = [] if children is None else children if isinstance(children, list) else [children]
        footer = [_footer(key, values[key]) for key in ("confirm", "cancel") if values.get(key)]
        stack += [(depth + 1, child) for child in reversed([*below, *footer])]


def _footer(key: str, button: Any) -> str:
    values = _values(button)
    text = f"{key} {quoted(str(values.get('label', '')))}"
    return f"{text} -> {describe_action(values['action'])}" if values.get("action") else text


def _details(values: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    if isinstance(values.get("status"), Mapping) and values["status"].get("text"):
        found.append(f"status {quoted(str(values['status']['text']))}")
    options = values.get("options")
    if isinstance(options, list):
        shown = [str(_values(option).get("label", option)) for option in options[:5]]
        more = [f"{len(options) - 5} more"] if len(options) > 5 else []
        found.append(f"[{' | '.join([*shown, *more])}]")
    if isinstance(values.get("data"), list):
        found.append(f"({counted(len(values['data']), 'row')})")
    found += [flag for flag in ("streaming", "disabled", "collapsed") if values.get(flag) is True]
    return found


def _values(thing: Any) -> Mapping[str, Any]:
    if isinstance(thing, BaseModel):
        return {**thing.__dict__, **(thing.model_extra or {})}
    return thing if isinstance(thing, Mapping) else {"type": str(thing)}
