"""JSON schemas that must hold together, as one."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product, zip_longest
from typing import Any

from ..errors import UsageError
from .schema_reading import Schema, as_key, resolve


def flattened(schema: Any, root: Any, followed: set[str] | None = None, *, _within: tuple[str, ...] = ()) -> Any:
    """A schema without ``allOf`` and ``$ref`` at its top: what they say is part of it.

    What no keyword can say of two parts at once (two patterns, two ``not``) is left to a validator.

    Args:
        schema: The schema.
        root: The whole, tidied, to which references lead.
        followed: Takes in the references that were followed.

    Raises:
        UsageError: A reference leads nowhere, or in a circle.
    """
    if not isinstance(schema, Mapping) or not {"$ref", "allOf"} & set(schema):
        return schema
    whole: Any = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    if "$ref" in schema:
        reference = schema["$ref"]
        if reference in _within:
            raise UsageError(f"The JSON schema has {reference!r}, which is nothing but itself.")
        if followed is not None:
            followed.add(reference)
        target = flattened(resolve(reference, root), root, followed, _within=(*_within, reference))
        whole = both(target, whole)
    for part in schema.get("allOf", ()):
        whole = both(whole, flattened(part, root, followed, _within=_within))
    return whole


def both(one: Any, other: Any) -> Any:
    """One schema for values that fit two; of annotations, the other's count."""
    if one is False or other is False:
        return False
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one if isinstance(one, Mapping) else other
    if "const" in one or "const" in other:
        one, other = _as_enum(one), _as_enum(other)
    whole = {**one, **other}
    for keyword in set(one) & set(other) & set(_BOTH):
        whole[keyword] = _BOTH[keyword](one[keyword], other[keyword])
    names = [*one.get("properties", {}), *other.get("properties", {})]
    if names:
        whole["properties"] = {name: _all(_property(one, name), _property(other, name)) for name in names}
    return whole


def apart(options: Sequence[Any], root: Any) -> bool:
    """Whether no value fits two of several schemas, as far as types and fields with fixed values tell."""
    flat = [flattened(option, root) for option in options]
    return all(_apart(one, other, root) for one, other in combinations(flat, 2))


def _apart(one: Any, other: Any, root: Any) -> bool:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return one is False or other is False
    if "type" in one and "type" in other and _types(one["type"], other["type"]) == []:
        return True
    if _enums_apart(one, other):
        return True
    required = set(one.get("required", ())) & set(other.get("required", ()))
    return any(
        _enums_apart(flattened(_property(one, name), root), flattened(_property(other, name), root))
        for name in required
    )


def _enums_apart(one: Any, other: Any) -> bool:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    one, other = _as_enum(one), _as_enum(other)
    return "enum" in one and "enum" in other and not _common(one["enum"], other["enum"])


def _as_enum(schema: Schema) -> Schema:
    if "const" not in schema:
        return schema
    return {**{key: value for key, value in schema.items() if key != "const"}, "enum": [schema["const"]]}


def _common(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    keys = set(map(as_key, other))
    return [value for value in one if as_key(value) in keys]


def _types(one: Any, other: Any) -> Any:
    first, second = ([types] if isinstance(types, str) else list(types) for types in (one, other))
    kept = [type_ for type_ in first if type_ in second or (type_ == "integer" and "number" in second)]
    kept += ["integer"] if "integer" in second and "number" in first and "integer" not in first else []
    return kept[0] if len(kept) == 1 else kept


def _property(schema: Schema, name: str) -> Any:
    # What patterns say of a name is left to a validator.
    unnamed = True if schema.get("patternProperties") else schema.get("additionalProperties", True)
    return schema.get("properties", {}).get(name, unnamed)


def _all(one: Any, other: Any) -> Any:
    if one is False or other is False:
        return False
    if one is True or one == other:
        return other
    return one if other is True else {"allOf": [one, other]}


def _by_name(one: Schema, other: Schema) -> Schema:
    return {name: _all(one.get(name, True), other.get(name, True)) for name in [*one, *other]}


def _by_place(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    return [_all(*parts) for parts in zip_longest(one, other, fillvalue=True)]


def _choices(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    return [_all(*parts) for parts in product(one, other)]


def _multiple(one: float, other: float) -> float:
    if float(one).is_integer() and float(other).is_integer():
        return math.lcm(int(one), int(other))
    return max(one, other)


_BOTH: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"), min),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames"), _all),
    **dict.fromkeys(("anyOf", "oneOf"), _choices),
    "type": _types,
    "enum": _common,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "uniqueItems": operator.or_,
    "multipleOf": _multiple,
    "prefixItems": _by_place,
    "patternProperties": _by_name,
}
