"""What a server asks of the page, as data: read from what was recorded, for the tests of the frontend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from chatkit.types import WidgetItem

from ..recording import Turn
from .contract_schemas import Steadying, both, described
from .frontend import Frontend
from .widget_actions import clickables

FORMAT = 1
"""Of a contract: it grows when a reader of the former could misread it."""

Contract = dict[str, Any]


def contract(turns: Iterable[Turn], frontend: Frontend | None = None) -> Contract:
    """What the server asked of the page in these turns.

    Schemas are JSON Schema, told from the examples that were seen: they hold for those, and say nothing of others. Ids,
    times and secrets in them are replaced, so that the same conversations give the same contract on every run.

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
    steady = Steadying(turns).value
    tools = _by_name((item.name, steady(item.arguments)) for turn in turns for item in _calls(turn))
    effects = _by_name((event.name, steady(event.data)) for turn in turns for event in turn.effects)
    none: dict[str, Any] = {}
    actions = reduce(_joined_actions, (_action(one, steady) for one in _shown_actions(turns)), none)
    return {
        "format": FORMAT,
        "client_tools": {name: {"arguments": described(seen)} for name, seen in sorted(tools.items())},
        "effects": {name: {"data": described(seen)} for name, seen in sorted(effects.items())},
        "actions": dict(sorted(actions.items())),
        "composer": _composer(turns, frontend),
        **({"missing": _missing(tools, effects, actions, frontend)} if frontend is not None else {}),
    }


def merge_contracts(contracts: Iterable[Mapping[str, Any]]) -> Contract:
    """One contract of several: of several tests, workers or shards."""
    return reduce(_merged, contracts, contract(()))


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Contract:
    missing = [each["missing"] for each in (one, other) if "missing" in each]
    return {
        "format": FORMAT,
        "client_tools": _described_by_name(one["client_tools"], other["client_tools"], "arguments"),
        "effects": _described_by_name(one["effects"], other["effects"], "data"),
        "actions": dict(sorted(_joined_actions(one["actions"], other["actions"]).items())),
        "composer": _united(one["composer"], other["composer"]),
        **({"missing": reduce(_united, missing)} if missing else {}),
    }


def _united(one: Any, other: Any) -> Any:
    """Lists as sets, flags as "any", by name."""
    if isinstance(one, Mapping):
        return {name: _united(one[name], other[name]) for name in one}
    return sorted({*one, *other}) if isinstance(one, list) else one or other


def _described_by_name(one: Mapping[str, Any], other: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {
        name: {part: both(one[name][part], other[name][part])} if name in one and name in other else found
        for name, found in sorted({**one, **other}.items())
    }


def _calls(turn: Turn) -> Iterator[Any]:
    for stream in turn.streams:
        for _, item in stream.pending_calls:
            yield item


def _shown_actions(turns: Sequence[Turn]) -> Iterator[Mapping[str, Any]]:
    for turn in turns:
        for item in turn.view.items:
            if isinstance(item, WidgetItem):
                yield from (clickable.action for clickable in clickables(item))


def _action(action: Mapping[str, Any], steady: Any) -> dict[str, Any]:
    told = {
        "handler": action.get("handler", "server"),
        "streaming": action.get("streaming", True),
        "payload": described([steady(action.get("payload"))]),
    }
    return {str(action["type"]): told}


def _joined_actions(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(one)
    for name, action in other.items():
        known = joined.get(name, action)
        joined[name] = {
            # Of one that is handled in both places, the page has to know.
            "handler": min(known["handler"], action["handler"]),
            "streaming": known["streaming"] or action["streaming"],
            "payload": both(known["payload"], action["payload"]),
        }
    return joined


def _composer(turns: Sequence[Turn], frontend: Frontend | None) -> dict[str, Any]:
    inputs = [
        turn.request.params["input"] for turn in turns if "inference_options" in turn.request.params.get("input", {})
    ]
    options = [one["inference_options"] for one in inputs]
    return {
        "tools": sorted(tool.id for tool in frontend.tool_options) if frontend is not None else [],
        "models": sorted(model.id for model in frontend.model_options) if frontend is not None else [],
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
