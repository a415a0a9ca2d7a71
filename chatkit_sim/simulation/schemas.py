"""Hypothesis strategies from JSON schemas: all values that a model may legally write as a tool's arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from ..errors import UsageError
from .arguments import example_within, text_of_format
from .schema_merging import apart, both, flattened
from .schema_patterns import sized
from .schema_reading import UNREADABLE, Schema, as_key, fits, implied_type, listed, short, tidied

Strategy = st.SearchStrategy[Any]
Known = Callable[[], Sequence[str]]
"""Gives the texts that are known to mean something: ids of earlier tool outputs, of stored items."""

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"))
"""Every letter of every script; nothing that is no character, and no control characters."""
PLAIN = ("a", "milk", "Ada Lovelace", "12", "naïve café", "日本語", "שלום", "👩‍💻", "O'Brien; --", "two\nlines")
TEXTS = st.sampled_from(PLAIN) | st.text(LETTERS, max_size=12)

_COMBINING = frozenset("$ref allOf anyOf oneOf".split())
_MADE = _COMBINING | frozenset(
    "type properties required additionalProperties items prefixItems enum const minimum maximum exclusiveMinimum "
    "exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems uniqueItems minProperties "
    f"maxProperties propertyNames patternProperties {UNREADABLE}".split()
)
"""What values are made from; with the next, all that a value has to fit."""
_CHECKED = frozenset(
    "not if then else contains minContains maxContains dependentRequired dependentSchemas unevaluatedItems "
    "unevaluatedProperties $dynamicRef $recursiveRef".split()
)
_HALF: st.SearchStrategy[Any] = st.booleans()
_TRIES = 3  # as Hypothesis does where values are filtered
_NUMBERS = 2.0**40  # beyond, JSON readers of different languages disagree


def _isoformat(value: date | datetime | time_of_day) -> str:
    # JavaScript writes UTC as "Z", and Zod asks for it.
    return value.isoformat().replace("+00:00", "Z")


FORMATS: Mapping[str, Strategy] = {
    "date": st.dates().map(_isoformat),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(_isoformat),
    "time": st.times(timezones=st.just(UTC)).map(_isoformat),
    "duration": st.integers(0, 10**6).map(lambda seconds: f"PT{seconds}S"),
    "uuid": st.uuids(version=4).map(str),
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
    try:
        root = tidied(schema)
        strategy = _Reader(root, known or (lambda: ()), dict(formats or {}), dict(fields or {})).value(root, "")
        if strategy.is_empty:
            raise NothingFits(f"No value fits this JSON schema: {short(schema)}.")
        strategy.validate()  # reads what was put off
    except RecursionError:
        raise NothingFits(f"Every value of this JSON schema is endless: {short(schema)}.") from None
    except InvalidArgument as error:
        raise UsageError(f"No value can be drawn for this JSON schema ({error}): {short(schema)}.") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"This JSON schema cannot be read ({error}): {short(schema)}.") from error
    return strategy


@dataclass
class _Reader:
    root: Any
    known: Known
    formats: Mapping[str, Strategy]
    fields: Mapping[str, Strategy]
    put_off: dict[tuple[str, str], Strategy] = field(default_factory=dict)

    def value(self, schema: Any, path: str) -> Strategy:
        if path in self.fields:
            return self.fields[path]
        if schema is False:
            return st.nothing()
        if not isinstance(schema, Mapping) or not set(schema) & (_MADE | _CHECKED):
            strategy = self._anything()
        else:
            strategy = self._understood(schema, path)
            strategy = self._checked(strategy, schema, path) if self._is_loose(schema) else strategy
        examples = schema.get("examples") if isinstance(schema, Mapping) else None
        if not isinstance(examples, Sequence) or isinstance(examples, str):
            return strategy
        # What the app's author thought of means something to the tool.
        fitting = list(filter(fits(schema, self.root), examples))
        return st.sampled_from(fitting) | strategy if fitting else strategy

    def _understood(self, schema: Schema, path: str) -> Strategy:
        if "$ref" in schema or "allOf" in schema:
            return self._later(schema, path)
        if "const" in schema or "enum" in schema:
            values = listed(schema, self.root)
            return st.sampled_from(values) if values else st.nothing()
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                beside = {key: schema[key] for key in schema if key != keyword and key in _MADE | _CHECKED}
                parts = [{"allOf": [beside, part]} if beside else part for part in schema[keyword]]
                return st.one_of([self.value(part, path) for part in parts])
        type_ = schema.get("type", implied_type(schema))
        if isinstance(type_, list):
            return st.one_of([self._typed(one, schema, path) for one in type_])
        return self._typed(type_, schema, path)

    def _is_loose(self, schema: Schema) -> bool:
        # Whether values are made that may not fit, so that they have to be looked at.
        asked = set(schema) & (_MADE | _CHECKED)
        parts = len(schema.get("allOf", ())) + len(asked & {"$ref", "anyOf", "oneOf"}) + bool(asked - _COMBINING)
        return (
            bool(asked & _CHECKED)
            or (parts > 1 and bool(asked & _COMBINING))
            or ("oneOf" in schema and not apart(schema["oneOf"], self.root))
            or {"prefixItems", "uniqueItems"} <= asked
            or (bool(asked & {"properties", "propertyNames"}) and "patternProperties" in asked)
            or len(schema.get("patternProperties", ())) > 1
        )

    def _checked(self, strategy: Strategy, schema: Schema, path: str) -> Strategy:
        right = fits(schema, self.root)
        if any(not path or own.startswith(f"{path}.") for own in self.fields):
            return strategy.filter(right)  # a plain value would know nothing of fields of the user's own
        try:
            plain = example_within(schema, self.root)
        except UsageError:
            return strategy.filter(right)
        return _right_or_plain(strategy, right, plain) if right(plain) else strategy.filter(right)

    def _typed(self, type_: Any, schema: Schema, path: str) -> Strategy:
        if UNREADABLE in schema and type_ in ("string", "object"):
            raise UsageError(f"The pattern {schema[UNREADABLE]!r} of a JSON schema cannot be read.")
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
                return self._anything()
        raise UsageError(f"A JSON schema has the type {type_!r}, which is none of JSON's: {short(schema)}.")

    def _anything(self) -> Strategy:
        leaves = st.none() | st.booleans() | st.integers(-1000, 1000) | self._free_texts()
        return st.recursive(
            leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=3
        )

    def _later(self, schema: Schema, path: str) -> Strategy:
        asked = {key: schema[key] for key in schema if key in _MADE | _CHECKED}
        key = json.dumps(asked, sort_keys=True)
        if not self.fields:
            path = ""
        for known, place in self.put_off:
            # A schema that holds itself has no end of paths; its fields are named in the outermost only.
            if known == key and (place in ("", path) or path.startswith(f"{place}.")):
                return self.put_off[known, place]
        self.put_off[key, path] = st.deferred(lambda: self.value(flattened(asked, self.root), path))
        return self.put_off[key, path]

    def _strings(self, schema: Schema) -> Strategy:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if least > most:
            return st.nothing()

        def has_length(text: str) -> bool:
            return bool(least <= len(text) <= most)

        bounded = least > 0 or most < math.inf
        strategy = self._patterned(schema, least, most)
        if strategy is not None:
            return strategy.filter(has_length) if bounded else strategy
        if not bounded:
            return self._free_texts()
        fitting = list(filter(has_length, PLAIN))
        texts = st.text(LETTERS, min_size=least, max_size=int(most) if most < 200 else max(least, 20))
        return st.sampled_from(fitting) | texts if fitting else texts

    def _patterned(self, schema: Schema, least: int, most: float) -> Strategy | None:
        name = schema.get("format", "")
        if name in self.formats:
            return self.formats[name]
        if "pattern" not in schema:
            return FORMATS.get(name)
        pattern = re.compile(sized(schema["pattern"], least, most), re.ASCII)
        usual = text_of_format(name)
        if name in FORMATS and usual is not None and pattern.search(usual):
            return FORMATS[name].filter(pattern.search)  # digits in the right places are no date yet
        return st.from_regex(pattern, alphabet=LETTERS)

    def _free_texts(self) -> Strategy:
        return _texts_and_known(self.known)

    def _arrays(self, schema: Schema, path: str) -> Strategy:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if least > most:
            return st.nothing()
        if "prefixItems" in schema:
            return self._tuples(schema, path, least, most)
        rest, top = schema.get("items", True), int(min(most, max(least, 3)))
        if "contains" in schema:
            owed = schema.get("minContains", 1)
            held = st.lists(self.value({"allOf": [rest, schema["contains"]]}, path), min_size=owed, max_size=owed)
            others = st.lists(self.value(rest, path), min_size=max(0, least - owed), max_size=max(0, top - owed))
            return st.tuples(held, others).map(lambda parts: [*parts[0], *parts[1]])
        unique: Any = as_key if schema.get("uniqueItems") else None
        return st.lists(self.value(rest, path), min_size=least, max_size=top, unique_by=unique)

    def _tuples(self, schema: Schema, path: str, least: int, most: float) -> Strategy:
        prefix = schema["prefixItems"][: None if most == math.inf else int(most)]
        first = st.tuples(*[self.value(part, f"{path}.{index}") for index, part in enumerate(prefix)])
        owed = max(0, least - len(prefix))
        rest = schema.get("items", owed > 0)
        if rest is False:
            return st.nothing() if owed else first.map(list)
        room = max(owed, 2) if most == math.inf else int(most) - len(prefix)
        tail = st.lists(self.value(rest, path), min_size=owed, max_size=room)
        return st.tuples(first, tail).map(lambda parts: [*parts[0], *parts[1]])

    def _objects(self, schema: Schema, path: str) -> Strategy:
        required = set(schema.get("required", ()))
        below = f"{path}." if path else ""
        # What is required need not be described.
        properties = {name: _unnamed(schema, name) for name in sorted(required)} | schema.get("properties", {})
        parts = {name: self.value(part, below + name) for name, part in properties.items()}
        base = st.fixed_dictionaries(
            {name: part for name, part in parts.items() if name in required},
            # An optional field that nothing fits (endless recursion) is left out.
            optional={name: part for name, part in parts.items() if name not in required},
        )
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)
        owed = max(0, least - len(required))
        room = int(max(owed, min(2, most - len(required))))
        further = self._further(schema, below, set(properties), owed, room)
        whole: Strategy = base
        if further:
            whole = st.tuples(*further, base).map(lambda parts: {key: one[key] for one in parts for key in one})
        bounded = least > len(required) or most < math.inf
        return whole.filter(lambda value: bool(least <= len(value) <= most)) if bounded else whole

    def _further(self, schema: Schema, below: str, taken: set[str], owed: int, room: int) -> list[Strategy]:
        # Properties that are not named, each kind in a dictionary of its own; the first has those that are owed.
        kinds: list[tuple[str | None, Any]] = [*schema.get("patternProperties", {}).items()]
        extra = schema.get("additionalProperties", not taken or len(taken) < schema.get("minProperties", 0))
        if extra is not False and (extra is not True or not taken or owed):
            kinds.append((None, extra))
        made = []
        for pattern, part in kinds:
            names, values = self._names(schema, pattern, taken), self.value(part, f"{below}*")
            made.append(st.dictionaries(names, values, min_size=owed, max_size=room))
            owed, room = 0, room - owed
        return made

    def _names(self, schema: Schema, pattern: str | None, taken: Collection[str]) -> Strategy:
        names: Strategy = TEXTS
        if pattern is not None or "propertyNames" in schema:
            asked = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
            names = self.value(both(asked, schema.get("propertyNames", True)), "")
        others = [re.compile(one) for one in schema.get("patternProperties", {}) if one != pattern]
        return names.filter(lambda name: name not in taken and not any(one.search(name) for one in others))


def _unnamed(schema: Schema, name: str) -> Any:
    parts = [part for pattern, part in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
    return {"allOf": parts} if parts else schema.get("additionalProperties", True)


@st.composite
def _right_or_plain(draw: st.DrawFn, strategy: Strategy, right: Callable[[Any], bool], plain: Any) -> Any:
    # A strategy that seldom gives what fits would keep its tool from being called at all.
    for _ in range(0 if strategy.is_empty else _TRIES):
        value = draw(strategy)
        if right(value):
            return value
    return deepcopy(plain)


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
        return counts.map(lambda count: count * step).filter(fits(schema, schema))
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
