"""What a server asks of the page, as data: read from what was recorded, for the tests of the frontend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatkit.types import WidgetItem

from ..recording import Turn
from .frontend import Frontend
from .widget_actions import clickables

_EXAMPLES = 3
_TYPES: Sequence[tuple[type, str]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def contract(turns: Iterable[Turn], frontend: Frontend | None = None) -> dict[str, Any]:
    """What the server asked of the page in these turns.

    Schemas are JSON Schema, told from the examples that were seen: they hold for those, and say nothing of others.

    Args:
        turns: What was recorded, such as ``client.turns``, or ``turns`` of a bench.
        frontend: What the page registers, to say what it has no answer for.

    Returns:
        JSON: ``client_tools`` and ``effects`` by name (``arguments`` and ``data``, each with ``schema`` and
        ``examples``), ``actions`` by type (``handler``, whether it streams, ``payload``), ``composer`` (ids of
        ``tools`` and ``models``, what was ``sent`` with messages, whether ``attachments`` were); and ``missing``, what
        the server asked for and the frontend does not declare.
    """
    turns = list(turns)
    tools = _by_name((item.name, item.arguments) for turn in turns for item in _calls(turn))
    effects = _by_name((event.name, event.data) for turn in turns for event in turn.effects)
    actions = _actions(turns)
    return {
        "client_tools": {name: {"arguments": _described(seen)} for name, seen in sorted(tools.items())},
        "effects": {name: {"data": _described(seen)} for name, seen in sorted(effects.items())},
        "actions": actions,
        "composer": _composer(turns, frontend),
        **({"missing": _missing(tools, effects, actions, frontend)} if frontend is not None else {}),
    }


def schema_of(examples: Sequence[Any]) -> dict[str, Any]:
    """A JSON schema that all the examples fit, and no wider than they show."""
    kinds = sorted({_kind(example) for example in examples})
    if {"integer", "number"} <= set(kinds):
        kinds.remove("integer")
    schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    objects = [example for example in examples if isinstance(example, Mapping)]
    if objects:
        names = dict.fromkeys(name for one in objects for name in one)
        schema["properties"] = {name: schema_of([one[name] for one in objects if name in one]) for name in names}
        schema["required"] = [name for name in names if all(name in one for one in objects)]
    elements = [element for example in examples if isinstance(example, list) for element in example]
    if elements:
        schema["items"] = schema_of(elements)
    return schema


def _kind(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "null")


def _calls(turn: Turn) -> Iterator[Any]:
    for stream in turn.streams:
        for _, item in stream.pending_calls:
            yield item


def _actions(turns: Sequence[Turn]) -> dict[str, Any]:
    found: dict[str, tuple[Mapping[str, Any], list[Any]]] = {}
    for turn in turns:
        for item in turn.view.items:
            if not isinstance(item, WidgetItem):
                continue
            for clickable in clickables(item):
                _, payloads = found.setdefault(str(clickable.action["type"]), (clickable.action, []))
                payloads.append(clickable.action.get("payload"))
    return {
        name: {
            "handler": action.get("handler", "server"),
            "streaming": action.get("streaming", True),
            "payload": _described(payloads),
        }
        for name, (action, payloads) in sorted(found.items())
    }


def _composer(turns: Sequence[Turn], frontend: Frontend | None) -> dict[str, Any]:
    inputs = [
        turn.request.params["input"] for turn in turns if "inference_options" in turn.request.params.get("input", {})
    ]
    options = [one["inference_options"] for one in inputs]
    return {
        "tools": [tool.id for tool in frontend.tool_options] if frontend is not None else [],
        "models": [model.id for model in frontend.model_options] if frontend is not None else [],
        "sent": {
            "tools": sorted({one["tool_choice"]["id"] for one in options if one.get("tool_choice")}),
            "models": sorted({one["model"] for one in options if one.get("model")}),
        },
        "attachments": any(one.get("attachments") for one in inputs),
    }


def _missing(
    tools: Mapping[str, Any], effects: Mapping[str, Any], actions: Mapping[str, Any], frontend: Frontend
) -> dict[str, list[str]]:
    of_page = [name for name, action in actions.items() if action["handler"] == "client"]
    return {
        "client_tools": sorted(set(tools) - set(frontend.client_tools)),
        "effects": sorted(set(effects) - set(frontend.effects)),
        "actions": sorted(set(of_page) - set(frontend.actions)),
    }


def _by_name(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _described(examples: Sequence[Any]) -> dict[str, Any]:
    different: list[Any] = []
    for example in examples:
        if example not in different:
            different.append(example)
    return {"schema": schema_of(examples), "examples": different[:_EXAMPLES]}
