"""Hypothesis strategies from JSON schemas: all values that a model may legally write as a tool's arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import Any

from hypothesis import strategies as st

from ..errors import UsageError

Schema = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]
Known = Callable[[], Sequence[str]]
"""Gives the texts that are known to mean something: ids of earlier tool outputs, of stored items."""

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"))
"""Every letter of every script; nothing that is no character, and no control characters."""
PLAIN = ("a", "milk", "Ada Lovelace", "12", "naïve café", "日本語", "שלום", "👩‍💻", "O'Brien; --", "two\nlines")
TEXTS = st.sampled_from(PLAIN) | st.text(LETTERS, max_size=12)

_ANNOTATIONS = frozenset(
    "title description default examples deprecated readOnly writeOnly discriminator contentMediaType contentEncoding "
    "strict $schema $id $comment $defs definitions $anchor".split()
)
_UNDERSTOOD = _ANNOTATIONS | frozenset(
    "type properties required additionalProperties items prefixItems anyOf oneOf allOf enum const $ref minimum maximum "
    "exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems uniqueItems "
    "minProperties maxProperties propertyNames".split()
)
_HALF: st.SearchStrategy[Any] = st.booleans()
_NUMBERS = 2.0**40  # beyond, JSON readers of different languages disagree


def _isoformat(value: date | datetime | time_of_day) -> str:
    return value.isoformat()


FORMATS: Mapping[str, Strategy] = {
    "date": st.dates().map(_isoformat),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(_isoformat),
    "time": st.times(timezones=st.just(UTC)).map(_isoformat),
    "duration": st.integers(0, 10**6).map(lambda seconds: f"PT{seconds}S"),
    "uuid": st.uuids().map(str),
    "email": st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True),
    "uri": st.from_regex(r"https://[a-z]{1,10}\.example/[a-z0-9]{0,6}", fullmatch=True),
    "hostname": st.from_regex(r"[a-z]{1,10}\.example", fullmatch=True),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "binary": st.binary(max_size=8).map(bytes.hex),
    "decimal": st.decimals(-(10**6), 10**6, places=2).map(str),
}
"""What the formats of JSON Schema and of Pydantic look like."""


class NothingFits(UsageError):
    """No value fits a schema."""


def values_of(
    schema: Schema | bool,
    *,
    known: Known | None = None,
    formats: Mapping[str, Strategy] | None = None,
    fields: Mapping[str, Strategy] | None = None,
) -> Strategy:
    """JSON values that fit a schema, for all that Pydantic, the Agents SDK and MCP servers write.

    Args:
        schema: The JSON schema.
        known: Gives texts that are known to mean something; free texts are drawn from them now and then.
        formats: Strategies for formats of your own, and in place of those in ``FORMATS``.
        fields: Strategies for single fields by their path, such as ``item`` or ``address.zip``.

    Raises:
        NothingFits: The schema allows nothing.
        UsageError: The schema cannot be understood.
    """
    reader = _Reader(schema, known or (lambda: ()), {**FORMATS, **(formats or {})}, dict(fields or {}))
    strategy = reader.value(schema, "")
    try:
        if strategy.is_empty:
            raise NothingFits(f"No value fits this JSON schema: {_short(schema)}.")
    except RecursionError:
        raise NothingFits(f"Every value of this JSON schema is endless: {_short(schema)}.") from None
    return strategy


@dataclass
class _Reader:
    root: Schema | bool
    known: Known
    formats: Mapping[str, Strategy]
    fields: Mapping[str, Strategy]
    references: dict[tuple[str, str], Strategy] = field(default_factory=dict)

    def value(self, schema: Any, path: str) -> Strategy:
        if path in self.fields:
            return self.fields[path]
        if schema is False:
            return st.nothing()
        if schema is True or not isinstance(schema, Mapping) or not set(schema) - _ANNOTATIONS:
            return self._anything()
        strategy = self._understood(schema, path)
        strange = set(schema) - _UNDERSTOOD
        strategy = strategy.filter(_validator(schema, self.root)) if strange else strategy
        examples = schema.get("examples")
        if not isinstance(examples, Sequence) or isinstance(examples, str):
            return strategy
        # What the app's author thought of means something to the tool.
        fitting = list(filter(_validator(schema, self.root), examples))
        return st.sampled_from(fitting) | strategy if fitting else strategy

    def _understood(self, schema: Schema, path: str) -> Strategy:
        if "$ref" in schema:
            return self._reference(schema, path)
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(list(schema["enum"])) if schema["enum"] else st.nothing()
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                beside = {key: value for key, value in schema.items() if key not in {keyword, *_ANNOTATIONS}}
                parts = [self.value({**beside, **part} if beside else part, path) for part in schema[keyword]]
                return st.one_of(parts)
        if "allOf" in schema:
            return self.value(self._merged(schema), path)
        type_ = schema.get("type", _implied_type(schema))
        if isinstance(type_, list):
            return st.one_of([self._typed(one, schema, path) for one in type_])
        return self._typed(type_, schema, path)

    def _typed(self, type_: Any, schema: Schema, path: str) -> Strategy:
        match type_:
            case "null":
                return st.none()
            case "boolean":
                return st.booleans()
            case "integer":
                return _integers(schema)
            case "number":
                return _numbers(schema)
            case "string":
                return self._strings(schema)
            case "array":
                return self._arrays(schema, path)
            case "object":
                return self._objects(schema, path)
            case None:
                return self._anything().filter(_validator(schema, self.root))
        raise UsageError(f"A JSON schema has the type {type_!r}, which is none of JSON's: {_short(schema)}.")

    def _anything(self) -> Strategy:
        leaves = st.none() | st.booleans() | st.integers(-1000, 1000) | self._free_texts()
        return st.recursive(
            leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=3
        )

    def _reference(self, schema: Schema, path: str) -> Strategy:
        reference = schema["$ref"]
        beside = {key: value for key, value in schema.items() if key not in {"$ref", *_ANNOTATIONS}}
        key = (json.dumps([reference, beside], sort_keys=True), path if self.fields else "")
        if key not in self.references:
            # A schema that holds itself has no end of paths; fields are named in the outermost only.
            inner = "" if any(known[0] == key[0] for known in self.references) else path
            target = self._resolve(reference)
            whole = {**target, **beside} if isinstance(target, Mapping) else target
            self.references[key] = st.deferred(lambda: self.value(whole, inner))
        return self.references[key]

    def _resolve(self, reference: str) -> Any:
        node: Any = self.root
        for step in reference.lstrip("#/").split("/"):
            if step:
                try:
                    node = node[step.replace("~1", "/").replace("~0", "~")]
                except (KeyError, TypeError):
                    raise UsageError(f"The JSON schema refers to {reference!r}, which leads nowhere.") from None
        return node

    def _merged(self, schema: Schema) -> Schema:
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            while isinstance(part, Mapping) and "$ref" in part:
                part = {**self._resolve(part["$ref"]), **{key: value for key, value in part.items() if key != "$ref"}}
            if isinstance(part, Mapping) and "allOf" in part:
                part = self._merged(part)
            if not isinstance(part, Mapping):
                continue
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged |= part
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _strings(self, schema: Schema) -> Strategy:
        least, most = schema.get("minLength", 0), schema.get("maxLength")

        def fits(text: str) -> bool:
            return len(text) >= least and (most is None or len(text) <= most)

        bounded = least > 0 or most is not None
        if schema.get("format") in self.formats:
            strategy = self.formats[schema["format"]]
            return strategy.filter(fits) if bounded else strategy
        if "pattern" in schema:
            # Python's "$" allows a newline after it, JavaScript's does not.
            pattern = schema["pattern"]
            pattern = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
            strategy = st.from_regex(re.compile(pattern, re.ASCII), alphabet=LETTERS)
            return strategy.filter(fits) if bounded else strategy
        if not bounded:
            return self._free_texts()
        fitting = [text for text in PLAIN if fits(text)]
        texts = st.text(LETTERS, min_size=least, max_size=most if most is None or most < 200 else max(least, 20))
        return st.sampled_from(fitting) | texts if fitting else texts

    def _free_texts(self) -> Strategy:
        return _texts_and_known(self.known)

    def _arrays(self, schema: Schema, path: str) -> Strategy:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        first = [self.value(part, f"{path}.{index}") for index, part in enumerate(schema.get("prefixItems", ()))]
        rest = schema.get("items", not first)
        if first:
            room = 0 if rest is False else 2 if most is None else max(0, most - len(first))
            tail = st.lists(self.value(rest, path), min_size=max(0, least - len(first)), max_size=room)
            whole = st.tuples(st.tuples(*first), tail) if room else st.tuples(st.tuples(*first), st.just([]))
            return whole.map(lambda parts: [*parts[0], *parts[1]])
        top = max(least, 3) if most is None else min(most, max(least, 3))
        unique: Any = _as_key if schema.get("uniqueItems") else None
        return st.lists(self.value(rest, path), min_size=least, max_size=top, unique_by=unique)

    def _objects(self, schema: Schema, path: str) -> Strategy:
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        below = f"{path}." if path else ""
        parts = {name: self.value(part, below + name) for name, part in properties.items()}
        base = st.fixed_dictionaries(
            {name: part for name, part in parts.items() if name in required},
            # An optional field that nothing fits (endless recursion) is left out.
            optional={name: part for name, part in parts.items() if name not in required},
        )
        extra = schema.get("additionalProperties", not properties)
        missing = required - set(properties)
        if extra is False or (properties and extra is True and not missing and not schema.get("minProperties")):
            return base
        least = max(0, schema.get("minProperties", 0) - len(required & set(properties)))
        most = max(least, min(2, schema.get("maxProperties", 2)))
        names = TEXTS
        if "propertyNames" in schema:
            names = self.value({"type": "string", **schema["propertyNames"]}, "")
        names = names.filter(lambda name: name not in properties)
        further = st.dictionaries(names, self.value(extra, f"{below}*"), min_size=least, max_size=most)
        owed = st.fixed_dictionaries({name: self.value(extra, below + name) for name in sorted(missing)})
        return st.builds(lambda one, two, three: {**one, **two, **three}, further, owed, base)


@st.composite
def _texts_and_known(draw: st.DrawFn, known: Known) -> str:
    words = known()
    if words and draw(_HALF):
        return draw(st.sampled_from(sorted(words)))
    return draw(TEXTS)


def _integers(schema: Schema) -> Strategy:
    low, high = _bounds(schema)
    step = schema.get("multipleOf") or 1
    least = None if low is None else math.ceil(low / step)
    most = None if high is None else math.floor(high / step)
    if low is not None and schema.get("exclusiveMinimum") == low and least is not None and least * step == low:
        least += 1
    if high is not None and schema.get("exclusiveMaximum") == high and most is not None and most * step == high:
        most -= 1
    if least is not None and most is not None and least > most:
        return st.nothing()
    numbers = st.integers(least, most)
    if least is None and most is None:
        numbers = st.integers(-1000, 1000) | st.integers(int(-_NUMBERS), int(_NUMBERS))
    return numbers.map(lambda number: int(number * step)) if step != 1 else numbers


def _numbers(schema: Schema) -> Strategy:
    if schema.get("multipleOf"):
        step = schema["multipleOf"]
        if float(step).is_integer():
            return _integers(schema)
        low, high = _bounds(schema)
        counts = st.integers(
            -1000 if low is None else math.ceil(low / step), 1000 if high is None else math.floor(high / step)
        )
        return counts.map(lambda count: count * step).filter(_validator(schema, schema))
    low, high = _bounds(schema)
    return st.floats(
        low if low is not None else -_NUMBERS if high is None else None,
        high if high is not None else _NUMBERS if low is None else None,
        exclude_min=low is not None and schema.get("exclusiveMinimum") == low,
        exclude_max=high is not None and schema.get("exclusiveMaximum") == high,
        allow_nan=False,
        allow_infinity=False,
    )


def _bounds(schema: Schema) -> tuple[float | None, float | None]:
    lows = [schema[name] for name in ("minimum", "exclusiveMinimum") if schema.get(name) is not None]
    highs = [schema[name] for name in ("maximum", "exclusiveMaximum") if schema.get(name) is not None]
    return max(lows, default=None), min(highs, default=None)


def _implied_type(schema: Schema) -> str | None:
    if {"properties", "required", "additionalProperties", "propertyNames"} & set(schema):
        return "object"
    if {"items", "prefixItems", "minItems", "maxItems"} & set(schema):
        return "array"
    if {"minLength", "maxLength", "pattern", "format"} & set(schema):
        return "string"
    if {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} & set(schema):
        return "number"
    return None


def _validator(schema: Schema, root: Schema | bool) -> Callable[[Any], bool]:
    # What is not generated by construction is left to a real validator.
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    definitions = {key: root[key] for key in ("$defs", "definitions") if isinstance(root, Mapping) and key in root}
    validator = Draft202012Validator({**definitions, **schema})
    return lambda value: bool(validator.is_valid(value))


def _as_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _short(schema: Any) -> str:
    text = json.dumps(schema, default=repr)
    return text if len(text) <= 300 else f"{text[:297]}..."
