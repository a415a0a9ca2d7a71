"""Plain example values for JSON schemas: what a model that reads a tool's schema might well send."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError

Schema = Mapping[str, Any]

_DEEPEST = 2  # how often a schema may be within itself
_FORMATS: Mapping[str, Callable[[int], str]] = {
    "date": lambda n: f"2030-01-{1 + n % 28:02}",
    "date-time": lambda n: f"2030-01-{1 + n % 28:02}T12:00:00Z",
    "time": lambda n: f"12:{n % 60:02}:00Z",
    "duration": lambda n: f"P{1 + n}D",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n:012}",
    "email": lambda n: f"ada{n or ''}@example.com",
    "uri": lambda n: f"https://example.com/{n or ''}",
    "url": lambda n: f"https://example.com/{n or ''}",
    "hostname": lambda n: f"host{n or ''}.example.com",
    "ipv4": lambda n: f"192.0.2.{1 + n % 250}",
    "ipv6": lambda n: f"2001:db8::{1 + n:x}",
}


class _Impossible(Exception):
    """No value of the schema can be given here."""


def example(schema: Schema, variant: int = 0, *, booleans: bool = True) -> Any:
    """A value that fits a JSON schema; the same schema and variant always give the same value.

    Understands what Pydantic and the Agents SDK write. Optional fields are filled in, of several alternatives the
    first that is not null is taken, and text tells which field it is in.

    Args:
        schema: The JSON schema.
        variant: Which of several values, from 0; others differ where the schema leaves room.
        booleans: What booleans are.

    Raises:
        UsageError: No value fits, or none was found.
    """
    try:
        return _Examples(schema, variant, booleans).value(schema, "value", {})
    except _Impossible as error:
        raise UsageError(f"No example value for this JSON schema: {error}.") from None


@dataclass(frozen=True)
class _Examples:
    root: Schema
    variant: int
    booleans: bool

    def value(self, schema: Any, name: str, within: Mapping[str, int]) -> Any:
        if schema is False:
            raise _Impossible(f"{name!r} allows nothing")
        if not isinstance(schema, Mapping):
            schema = {}
        schema = self._merged(schema)
        for keyword, make in (("$ref", self._reference), ("anyOf", self._any), ("oneOf", self._any)):
            if keyword in schema:
                return make(schema, keyword, name, within)
        if "const" in schema:
            return schema["const"]
        for keyword in ("enum", "examples"):
            if schema.get(keyword):
                return schema[keyword][self.variant % len(schema[keyword])]
        type_ = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(type_, list):
            return self._first(({**schema, "type": one} for one in sorted(type_, key=_null_last)), name, within)
        match type_:
            case "null":
                return None
            case "boolean":
                return self.booleans
            case "integer":
                return _number(schema, self.variant, whole=True)
            case "number":
                return _number(schema, self.variant, whole=False)
            case "array":
                return self._array(schema, name, within)
            case "object":
                return self._object(schema, name, within)
        return _text(schema, name, self.variant)

    def _merged(self, schema: Schema) -> Schema:
        parts = schema.get("allOf")
        if not parts:
            return schema
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            part = self._merged(self._resolve(part["$ref"]) if "$ref" in part else part)
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged |= part
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _resolve(self, reference: str) -> Any:
        node: Any = self.root
        for step in reference.lstrip("#/").split("/"):
            if step:
                try:
                    node = node[step.replace("~1", "/").replace("~0", "~")]
                except (KeyError, TypeError):
                    raise _Impossible(f"{reference!r} leads nowhere") from None
        return node

    def _reference(self, schema: Schema, keyword: str, name: str, within: Mapping[str, int]) -> Any:
        reference = schema[keyword]
        depth = within.get(reference, 0)
        if depth >= _DEEPEST:
            raise _Impossible(f"{reference!r} is within itself for ever")
        target = self._resolve(reference)
        beside = {key: value for key, value in schema.items() if key != keyword}
        if beside and isinstance(target, Mapping):
            target = {**target, **beside}
        return self.value(target, name, {**within, reference: depth + 1})

    def _any(self, schema: Schema, keyword: str, name: str, within: Mapping[str, int]) -> Any:
        beside = {key: value for key, value in schema.items() if key not in (keyword, "default", "discriminator")}
        options = sorted(schema[keyword], key=lambda option: _null_last(self._type_of(option)))
        return self._first(({**beside, **option} for option in options), name, within)

    def _type_of(self, schema: Any) -> Any:
        return schema.get("type") if isinstance(schema, Mapping) else None

    def _first(self, options: Iterator[Schema], name: str, within: Mapping[str, int]) -> Any:
        problem = _Impossible(f"{name!r} has no alternatives")
        for option in options:
            try:
                return self.value(option, name, within)
            except _Impossible as error:
                problem = error
        raise problem

    def _array(self, schema: Schema, name: str, within: Mapping[str, int]) -> list[Any]:
        first = [self.value(part, name, within) for part in schema.get("prefixItems", ())]
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        rest = schema.get("items", {})
        wanted = max(least, min(1, most)) if rest is not False and not first else least
        items = list(first)
        while len(items) < wanted:
            # Different ones, for arrays whose items must be unique.
            one = _Examples(self.root, self.variant + len(items), self.booleans)
            try:
                items.append(one.value(rest, name, within))
            except _Impossible:
                if len(items) < least:
                    raise
                break
        return items

    def _object(self, schema: Schema, name: str, within: Mapping[str, int]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        required = set(schema.get("required", ()))
        for key, part in schema.get("properties", {}).items():
            try:
                made[key] = self.value(part, key, within)
            except _Impossible:
                if key in required:
                    raise
        extra = schema.get("additionalProperties", True)
        missing = max(schema.get("minProperties", 0) - len(made), 0)
        if not schema.get("properties") and isinstance(extra, Mapping):
            missing = max(missing, 1)
        for number in range(missing):
            made[f"key{number or ''}"] = self.value(extra if isinstance(extra, Mapping) else {}, name, within)
        return made


def _null_last(type_: Any) -> bool:
    return bool(type_ == "null")


def _number(schema: Schema, variant: int, *, whole: bool) -> int | float:
    low, high = _bounds(schema, whole)
    step = schema.get("multipleOf") or (1 if whole else None)
    start = (1.0 if low is None else low) if high is None or high >= 1 else high
    if low is not None:
        start = max(start, low)
    if step is None:
        # In the middle of a short span, so that bounds that are excluded are kept.
        value = start + variant if high is None else start + (high - start) / (2 + variant)
        return float(value)
    number = math.ceil(start / step - 1e-9) + variant
    if high is not None and number * step > high:
        number = math.floor(high / step + 1e-9)
    value = number * step
    if low is not None and value < low:
        raise _Impossible(f"there is no number between {low} and {high} in steps of {step}")
    return int(value) if whole else float(value)


def _bounds(schema: Schema, whole: bool) -> tuple[float | None, float | None]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    margin = 1 if whole else 1e-9
    if above is not None:
        low = above + margin if low is None else max(low, above + margin)
    if below is not None:
        high = below - margin if high is None else min(high, below - margin)
    return low, high


def _text(schema: Schema, name: str, variant: int) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    make = _FORMATS.get(schema.get("format", ""))
    if make is not None:
        return make(variant)
    if "pattern" in schema:
        return _matching(schema["pattern"], least, most, name)
    text = f"some {re.sub(r'[_-]+', ' ', name).strip()}"
    if variant:
        text += f" {variant + 1}"
    if len(text) > most:
        text = (str(variant + 1) * int(most))[: int(most)] if variant else text[: int(most)]
    return text.ljust(int(least), ".")


def _matching(pattern: str, least: int, most: float, name: str) -> str:
    # Hypothesis knows how to read regular expressions; "find" gives the simplest text, always the same.
    from hypothesis import Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException, NoSuchExample

    def fits(text: str) -> bool:
        return least <= len(text) <= most and "\n" not in text

    quiet = settings(database=None, derandomize=True, deadline=None, phases=(Phase.generate, Phase.shrink))
    try:
        found: str = find(st.from_regex(pattern), fits, settings=quiet)
    except (NoSuchExample, HypothesisException, re.error) as error:
        raise _Impossible(f"no text for the pattern {pattern!r} of {name!r} ({error})") from None
    return found
