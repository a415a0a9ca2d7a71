"""JSON schemas of every draft read as one draft, with what they refer to, and a real validator for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ..errors import UsageError
from .schema_patterns import python_pattern

Schema = Mapping[str, Any]

UNREADABLE = "x-unreadable-pattern"
"""Holds a pattern that cannot be read, in its keyword's place, in tidied schemas."""
_DATA = frozenset("const enum default examples example".split())
_BY_NAME = frozenset("properties patternProperties $defs definitions dependentSchemas".split())
_TYPES: tuple[tuple[str, frozenset[str]], ...] = (
    (
        "object",
        frozenset(
            "properties required additionalProperties propertyNames patternProperties minProperties maxProperties "
            "dependentRequired dependentSchemas unevaluatedProperties".split()
        ),
    ),
    ("array", frozenset("items prefixItems minItems maxItems uniqueItems contains unevaluatedItems".split())),
    ("string", frozenset("minLength maxLength pattern format".split())),
    ("number", frozenset("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split())),
)


def tidied(schema: Any) -> Any:
    """The same schema as the newest draft writes it, patterns as Python does, and keywords that are null left out.

    Args:
        schema: A whole JSON schema.
    """
    if schema is None:
        return True
    if not isinstance(schema, Mapping):
        return schema
    tidy: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _DATA:
            tidy |= {} if keyword == "enum" and value is None else {keyword: value}
        elif keyword in _BY_NAME and isinstance(value, Mapping):
            tidy[keyword] = {name: tidied(part) for name, part in value.items()}
        elif isinstance(value, Mapping):
            tidy[keyword] = tidied(value)
        elif isinstance(value, list | tuple):
            tidy[keyword] = [tidied(part) if isinstance(part, Mapping) else part for part in value]
        elif value is not None:
            tidy[keyword] = value
    _read_patterns(tidy)
    _read_old_drafts(tidy)
    return tidy


def _read_patterns(tidy: dict[str, Any]) -> None:
    if isinstance(tidy.get("pattern"), str):
        pattern = tidy.pop("pattern")
        readable = python_pattern(pattern)
        tidy |= {UNREADABLE: pattern} if readable is None else {"pattern": readable}
    if isinstance(tidy.get("patternProperties"), dict):
        parts = {}
        for pattern, part in tidy["patternProperties"].items():
            readable = python_pattern(pattern)
            if readable is None:
                tidy[UNREADABLE] = pattern
            else:
                parts[readable] = part
        tidy["patternProperties"] = parts


def _read_old_drafts(tidy: dict[str, Any]) -> None:
    further = tidy.pop("additionalItems", None)
    if isinstance(tidy.get("items"), list):
        tidy["prefixItems"] = tidy.pop("items")
        if further is not None:
            tidy["items"] = further
    for excluded, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(tidy.get(excluded), bool) and tidy.pop(excluded) and bound in tidy:
            tidy[excluded] = tidy.pop(bound)
    if isinstance(tidy.get("dependencies"), dict):
        for name, part in tidy.pop("dependencies").items():
            tidy.setdefault("dependentRequired" if isinstance(part, list) else "dependentSchemas", {})[name] = part
    if isinstance(tidy.get("$ref"), str):
        tidy["$ref"] = re.sub(r"/items/(?=\d+(/|$))", "/prefixItems/", tidy["$ref"])
    # References lead from the root, and every part is of the same draft now.
    for keyword in ("$schema", "$id", "id"):
        if isinstance(tidy.get(keyword), str):
            del tidy[keyword]


def resolve(reference: str, root: Any) -> Any:
    """What a reference leads to.

    Args:
        reference: Such as ``#/$defs/Address``.
        root: The whole schema.

    Raises:
        UsageError: It leads nowhere.
    """
    node = root
    for step in unquote(reference).removeprefix("#").split("/"):
        if step:
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(step)] if isinstance(node, list) else node[step]
            except (KeyError, TypeError, ValueError, IndexError):
                raise UsageError(f"The JSON schema refers to {reference!r}, which leads nowhere.") from None
    return node


def fits(schema: Any, root: Any) -> Callable[[Any], bool]:
    """Whether values fit a part of a schema, as a real validator says.

    Args:
        schema: The part.
        root: The whole, tidied, to which references lead.

    Raises:
        UsageError: The part refers to what is not there.
    """
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    _follow(schema, root, set())
    validator = Draft202012Validator(root).evolve(schema=schema)
    return lambda value: bool(validator.is_valid(value))


def _follow(schema: Any, root: Any, seen: set[str]) -> None:
    for reference in _references(schema):
        if reference not in seen:
            seen.add(reference)
            _follow(resolve(reference, root), root, seen)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)
    elif isinstance(schema, Mapping):
        for keyword, value in schema.items():
            if keyword in ("$dynamicRef", "$recursiveRef") and isinstance(value, str):
                raise UsageError(f"The JSON schema has a {keyword!r}, which is not understood; a '$ref' is.")
            if keyword == "$ref" and isinstance(value, str):
                yield value
            elif keyword not in _DATA:
                yield from _references(value)


def listed(schema: Schema, root: Any) -> list[Any]:
    """The values that ``const`` or ``enum`` lists, as far as they fit what stands beside it."""
    values = [schema["const"]] if "const" in schema else list(schema["enum"])
    type_ = schema.get("type")
    if type_ == "string" and all(isinstance(value, str) for value in values) and set(schema) <= _PLAIN_ENUM:
        return values  # nearly all are; no validator has to be built for them
    return list(filter(fits(schema, root), values))


_PLAIN_ENUM = frozenset("type enum const title description default".split())


def implied_type(schema: Schema) -> str | None:
    """The type that a schema's keywords speak of, where it names none."""
    return next((type_ for type_, keywords in _TYPES if keywords & set(schema)), None)


def as_key(value: Any) -> str:
    """A text that is the same for values that JSON Schema holds to be equal."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_whole(part) for part in value]
    if isinstance(value, Mapping):
        return {key: _whole(part) for key, part in value.items()}
    return value


def short(schema: Any) -> str:
    """A schema as JSON, cut where it is long."""
    text = json.dumps(schema, default=repr)
    return text if len(text) <= 300 else f"{text[:297]}..."
