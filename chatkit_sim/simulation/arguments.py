"""Plain example values for JSON schemas: what a model that reads a tool's schema might well send."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from ..errors import UsageError
from .schema_merging import apart, flattened
from .schema_patterns import sized
from .schema_reading import UNREADABLE, Schema, fits, implied_type, listed, tidied

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


class _Impossible(UsageError):
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
        root = tidied(schema)
        return example_within(root, root, variant, booleans=booleans)
    except (UsageError, RecursionError) as error:
        raise UsageError(f"No example value for this JSON schema: {str(error).rstrip('.')}.") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"No example value for this JSON schema: it cannot be read ({error}).") from error


def example_within(schema: Any, root: Any, variant: int = 0, *, booleans: bool = True) -> Any:
    """A value that fits a part of a schema; see ``example``.

    Args:
        schema: The part.
        root: The whole, tidied, to which references lead.
        variant: Which of several values.
        booleans: What booleans are.

    Raises:
        UsageError: No value fits, or none was found.
    """
    return _Examples(root, variant, booleans).value(schema, "value", {})


def text_of_format(name: str) -> str | None:
    """A text of a format of JSON Schema, where the format is known."""
    return _FORMATS[name](0) if name in _FORMATS else None


@dataclass(frozen=True)
class _Examples:
    root: Schema
    variant: int
    booleans: bool
    lean: bool = False  # whether optional fields are left out

    def value(self, schema: Any, name: str, within: Mapping[str, int]) -> Any:
        if schema is False:
            raise _Impossible(f"{name!r} allows nothing")
        if not isinstance(schema, Mapping):
            schema = {}
        followed: set[str] = set()
        schema = flattened(schema, self.root, followed)
        if followed or not isinstance(schema, Mapping):
            return self.value(schema, name, _deeper(within, followed))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._any(schema, keyword, name, within)
        if "const" in schema or schema.get("enum") is not None:
            return self._one_of(listed(schema, self.root), name)
        if schema.get("examples"):
            return self._one_of(schema["examples"], name)
        type_ = schema.get("type", implied_type(schema) or "string")
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

    def _one_of(self, values: Sequence[Any], name: str) -> Any:
        if not values:
            raise _Impossible(f"{name!r} has no values to choose from")
        return values[self.variant % len(values)]

    def _any(self, schema: Schema, keyword: str, name: str, within: Mapping[str, int]) -> Any:
        beside = {key: value for key, value in schema.items() if key not in (keyword, "default", "discriminator")}
        options = sorted(schema[keyword], key=lambda option: _null_last(self._type_of(option)))
        whole = [{"allOf": [beside, option]} if beside else option for option in options]
        if keyword == "oneOf" and not apart(options, self.root):
            right = fits(schema, self.root)
            for lean, option in product((False, True), whole):
                with suppress(UsageError):
                    value = replace(self, lean=lean).value(option, name, within)
                    if right(value):
                        return value
        return self._first(iter(whole), name, within)

    def _type_of(self, schema: Any) -> Any:
        return schema.get("type") if isinstance(schema, Mapping) else None

    def _first(self, options: Iterator[Any], name: str, within: Mapping[str, int]) -> Any:
        problem: UsageError = _Impossible(f"{name!r} has no alternatives")
        for option in options:
            try:
                return self.value(option, name, within)
            except UsageError as error:
                problem = error
        raise problem

    def _array(self, schema: Schema, name: str, within: Mapping[str, int]) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        prefix = schema.get("prefixItems", ())
        items = [self.value(part, name, within) for part in prefix[: None if most == math.inf else int(most)]]
        rest = schema.get("items", {})
        if "contains" in schema:
            items += [self.value({"allOf": [rest, schema["contains"]]}, name, within)] * schema.get("minContains", 1)
        wanted = least if items or rest is False else max(least, min(1, most))
        while len(items) < wanted:
            # Different ones, for arrays whose items must be unique.
            one = replace(self, variant=self.variant + len(items))
            try:
                items.append(one.value(rest, name, within))
            except UsageError:
                if len(items) < least:
                    raise
                break
        return items

    def _object(self, schema: Schema, name: str, within: Mapping[str, int]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        required, most = list(schema.get("required", ())), schema.get("maxProperties", math.inf)
        extra, patterns = schema.get("additionalProperties", True), schema.get("patternProperties", {})
        parts = {**schema.get("properties", {})}
        for key in required:
            parts.setdefault(key, next((part for pattern, part in patterns.items() if re.search(pattern, key)), extra))
        for key, part in parts.items():
            if key not in required and (self.lean or len({*made, *required}) >= most):
                continue
            try:
                made[key] = self.value(part, key, within)
            except UsageError:
                if key in required:
                    raise
        missing = max(schema.get("minProperties", 0) - len(made), 0)
        if not parts and isinstance(extra, Mapping):
            missing = max(missing, int(min(1, most)))
        for number in range(missing):
            key, part = f"key{number or ''}", extra
            if extra is False and patterns:
                pattern, part = next(iter(patterns.items()))
                key = _matching(pattern, 0, math.inf, name, frozenset(made))
            made[key] = self.value(part, name, within)
        return made


def _deeper(within: Mapping[str, int], followed: set[str]) -> Mapping[str, int]:
    for reference in sorted(followed):
        if within.get(reference, 0) >= _DEEPEST:
            raise _Impossible(f"{reference!r} is within itself for ever")
    return {**within, **{reference: within.get(reference, 0) + 1 for reference in followed}}


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
    if above is not None:
        above = math.floor(above) + 1 if whole else above + 1e-9
        low = above if low is None else max(low, above)
    if below is not None:
        below = math.ceil(below) - 1 if whole else below - 1e-9
        high = below if high is None else min(high, below)
    return low, high


def _text(schema: Schema, name: str, variant: int) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if UNREADABLE in schema:
        raise _Impossible(f"the pattern {schema[UNREADABLE]!r} of {name!r} cannot be read")
    pattern, make = schema.get("pattern"), _FORMATS.get(schema.get("format", ""))
    if make is not None and (pattern is None or re.search(pattern, make(variant))):
        return make(variant)
    if pattern is not None:
        return _matching(sized(pattern, least, most), least, most, name)
    text = f"some {re.sub(r'[_-]+', ' ', name).strip()}"
    if variant:
        text += f" {variant + 1}"
    if len(text) > most:
        text = (str(variant + 1) * int(most))[: int(most)] if variant else text[: int(most)]
    return text.ljust(int(least), ".")


@cache
def _matching(pattern: str, least: int, most: float, name: str, taken: frozenset[str] = frozenset()) -> str:
    # Hypothesis knows how to read regular expressions; "find" gives the simplest text, always the same.
    from hypothesis import Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException, NoSuchExample

    def right(text: str) -> bool:
        return least <= len(text) <= most and "\n" not in text and text not in taken

    quiet = settings(database=None, derandomize=True, deadline=None, phases=(Phase.generate, Phase.shrink))
    try:
        found: str = find(st.from_regex(re.compile(pattern, re.ASCII)), right, settings=quiet)
    except (NoSuchExample, HypothesisException, re.error) as error:
        raise _Impossible(f"no text for the pattern {pattern!r} of {name!r} ({error})") from None
    return found
