"""JSON schemas that are told from examples, and what they leave out that is new on every run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from ..recording import Turn
from ..transcript.collecting import collect_ids
from ..transcript.masking import Placeholder, mask_text, mask_value
from ..transcript.sources import read_source

_EXAMPLES = 3
_TYPES: Sequence[tuple[type, str]] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (Mapping, "object"),
)

Schema = dict[str, Any]
_UNSEEN: Schema = {}


class Steadying:
    """Makes of values what is the same on every run: ids become aliases, times and secrets placeholders.

    Args:
        turns: The recording that the values are from, whose ids are known so.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._ids = collect_ids(read_source(list(turns))) if turns else None

    def value(self, value: Any) -> Any:
        """The value as JSON, steadied; its shape stays."""
        text = mask_text(json.dumps(_masked("", value), ensure_ascii=False, default=str))
        try:
            return json.loads(self._ids.apply(text) if self._ids is not None else text)
        except ValueError:  # a number that looks like an id has become a word
            return json.loads(text)


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _masked(str(name), each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(key, each) for each in value]
    shown = mask_value(key, value)
    return 0 if isinstance(shown, Placeholder) and not isinstance(value, str) else shown


def described(examples: Sequence[Any]) -> dict[str, Any]:
    """The schema of examples, and a few of them: the shortest."""
    return {"schema": schema_of(examples), "examples": fewest(examples)}


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two descriptions as one."""
    return {
        "schema": joined(one["schema"], other["schema"]),
        "examples": fewest([*one["examples"], *other["examples"]]),
    }


def fewest(examples: Sequence[Any]) -> list[Any]:
    """The shortest of the examples, each once, in an order that is theirs."""
    texts = {json.dumps(example, sort_keys=True, ensure_ascii=False) for example in examples}
    return [json.loads(text) for text in sorted(texts, key=lambda text: (len(text), text))[:_EXAMPLES]]


def schema_of(examples: Sequence[Any]) -> Schema:
    """A JSON schema that all the examples fit, and no wider than they show."""
    return reduce(joined, map(_schema_of_one, examples), _UNSEEN)


def joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> Schema:
    """A schema for what fits either of two that ``schema_of`` has made; an empty one has seen nothing yet."""
    if not one or not other:
        return dict(one or other)
    kinds = {*_types(one), *_types(other)}
    kinds -= {"integer"} if "number" in kinds else set()
    schema: Schema = {"type": min(kinds) if len(kinds) == 1 else sorted(kinds)}
    shapes = [each for each in (one, other) if "properties" in each]
    if shapes:
        names = sorted({name for each in shapes for name in each["properties"]})
        schema["properties"] = {
            name: reduce(joined, (each["properties"].get(name, {}) for each in shapes), _UNSEEN) for name in names
        }
        schema["required"] = sorted(set.intersection(*(set(each["required"]) for each in shapes)))
    elements = [each["items"] for each in (one, other) if "items" in each]
    return {**schema, **({"items": reduce(joined, elements)} if elements else {})}


def _schema_of_one(example: Any) -> Schema:
    schema: Schema = {"type": next((name for kind, name in _TYPES if isinstance(example, kind)), "null")}
    if isinstance(example, Mapping):
        schema["properties"] = {name: _schema_of_one(example[name]) for name in sorted(example)}
        schema["required"] = sorted(example)
    elif isinstance(example, list) and example:
        schema["items"] = schema_of(example)
    return schema


def _types(schema: Mapping[str, Any]) -> list[str]:
    given = schema["type"]
    return [given] if isinstance(given, str) else list(given)
