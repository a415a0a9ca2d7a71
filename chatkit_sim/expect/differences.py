"""Where an expected value and an actual one differ, field by field."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel

from ..transcript import quoted, value_text
from ..transcript.words import counted, escaped

MISSING: Final = type("Missing", (), {"__repr__": lambda self: "nothing"})()
"""The value of what is not there."""

_SHORT, _BEFORE, _AFTER = 60, 24, 36  # characters of a value, and of a text around its first difference


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs.

    Attributes:
        path: The field, dotted, with indexes in brackets; empty for the value itself.
        expected: What it should be, or what it should satisfy.
        actual: What it is.
        how: How the two relate, when it is not equality: ``matching``, ``satisfying``, ``an instance of``.
        said: What to say instead, when comparing itself went wrong.
    """

    path: str
    expected: Any = None
    actual: Any = None
    how: str = ""
    said: str = ""

    def __str__(self) -> str:
        if self.said:
            return self.said
        return f"{self.path or 'it'} is {_short(self.actual)}, not {self._wanted()}"

    def lines(self) -> list[str]:
        """Both values, one below the other, and a mark below the first character that differs."""
        if self.said:
            return [self.said]
        label = f"{self.path}: " if self.path else ""
        if isinstance(self.expected, str) and isinstance(self.actual, str) and not self.how:
            expected, actual, column = around_first_difference(self.expected, self.actual)
            lines = [f"{label}expected {expected}", f"{'':{len(label)}}got      {actual}"]
            # Texts that differ from the start need no mark.
            return [*lines, f"{'':{len(label) + 9 + column}}^"] if column > 1 else lines
        return [f"{label}expected {self._wanted(200)}", f"{'':{len(label)}}got      {_short(self.actual, 200)}"]

    def _wanted(self, limit: int = _SHORT) -> str:
        expected = _short(self.expected, limit)
        return f"{self.how} {expected}" if self.how else expected


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[Difference]:
    """Yield each field in which ``actual`` is not as expected; nothing when it matches.

    At any depth an expected value may be ``...`` (anything), a type (an instance of it), a compiled regular expression
    (found in the text), a predicate (a function of the value), an object with an ``__eq__`` of its own
    (dirty-equals), or a plain value. Where the actual value is a model, a dict names the fields that matter and a
    string its ``type``.

    Raises:
        Exception: Whatever a predicate raises.
    """
    relation = _relation(expected)
    if relation is not None:
        if not _holds(relation, expected, actual):
            yield Difference(path, expected, actual, relation)
    elif isinstance(actual, BaseModel) and isinstance(expected, BaseModel) and type(expected) is not type(actual):
        yield Difference(_dotted(path, "type"), _type_of(expected), _type_of(actual))
    elif isinstance(actual, BaseModel) and isinstance(expected, str):
        yield from differences(expected, getattr(actual, "type", actual), path)
    elif isinstance(actual, BaseModel) and isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from differences(value, getattr(actual, str(key), MISSING), _dotted(path, key))
    elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
        yield from _of_mappings(expected, actual, path)
    elif isinstance(expected, (list, tuple)) and type(expected) is type(actual):
        yield from _of_lists(expected, actual, path)
    elif _fields(expected) and type(expected) is type(actual):
        yield from _of_records(expected, actual, path)
    elif expected is not ... and not expected == actual:
        yield Difference(path, expected, actual)


def first_differences(found: Iterator[Difference], limit: int = 6) -> list[Difference]:
    """The first few differences, for a message; a predicate that raises is said to."""
    first: list[Difference] = []
    try:
        first.extend(islice(found, limit))
    except Exception as error:  # becomes part of the message: explaining one failure must not raise another
        first.append(Difference("", said=f"comparing raised {type(error).__name__}: {error}"))
    return first


def around_first_difference(expected: str, actual: str) -> tuple[str, str, int]:
    """Two texts quoted, cut to the neighbourhood of their first difference, and its column in both."""
    at = first_difference(expected, actual)
    start = 0 if at <= _BEFORE or max(len(expected), len(actual)) <= 2 * _SHORT else at - _BEFORE
    lead = "…" if start else ""
    shown = []
    for text in (expected, actual):
        end = len(text) if len(text) <= 2 * _SHORT and not start else at + _AFTER
        tail = f'…" ({counted(len(text), "character")})' if end < len(text) or start else '"'
        shown.append(f'{lead}"{escaped(text[start:end])}{tail}')
    return shown[0], shown[1], len(lead) + 1 + len(escaped(expected[start:at]))


def first_difference(left: str, right: str) -> int:
    """The index of the first character that differs; the shorter length when one begins with the other."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        # Halving compares slices at the speed of memory, however long the texts.
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _relation(expected: Any) -> str | None:
    if isinstance(expected, re.Pattern):
        return "matching"
    own_eq = getattr(type(expected), "__eq__", None) is not getattr(object, "__eq__", None)
    if isinstance(expected, type):
        return None if own_eq else "an instance of"
    if inspect.isroutine(expected) or (callable(expected) and not own_eq):
        return "satisfying"
    return None


def _holds(relation: str, expected: Any, actual: Any) -> bool:
    if relation == "matching":
        return isinstance(actual, str) and expected.search(actual) is not None
    if relation == "an instance of":
        return isinstance(actual, expected)
    return actual is not MISSING and bool(expected(actual))


def _of_mappings(expected: Mapping[Any, Any], actual: Mapping[Any, Any], path: str) -> Iterator[Difference]:
    for key, value in expected.items():
        if key not in actual:
            yield Difference(_dotted(path, key), value, MISSING)
        else:
            yield from differences(value, actual[key], _dotted(path, key))
    for key, value in actual.items():
        if key not in expected:
            yield Difference(_dotted(path, key), MISSING, value)


def _of_lists(expected: Any, actual: Any, path: str) -> Iterator[Difference]:
    for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
        yield from differences(left, right, f"{path}[{index}]")
    for index in range(min(len(expected), len(actual)), max(len(expected), len(actual))):
        left = expected[index] if index < len(expected) else MISSING
        right = actual[index] if index < len(actual) else MISSING
        yield Difference(f"{path}[{index}]", left, right)


def _of_records(expected: Any, actual: Any, path: str) -> Iterator[Difference]:
    if expected == actual:
        return
    found = False
    for name in dict.fromkeys([*_fields(expected), *_fields(actual)]):
        left, right = getattr(expected, name, MISSING), getattr(actual, name, MISSING)
        for difference in differences(left, right, _dotted(path, name)):
            found = True
            yield difference
    if not found:
        yield Difference(path, expected, actual)


def _fields(value: Any) -> list[str]:
    if isinstance(value, BaseModel):
        return [*type(value).model_fields, *(value.model_extra or {})]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [field.name for field in dataclasses.fields(value) if field.compare]
    return []


def _type_of(model: BaseModel) -> str:
    return str(getattr(model, "type", type(model).__name__))


def _dotted(path: str, key: Any) -> str:
    if isinstance(key, str) and key.isidentifier():
        return f"{path}.{key}" if path else key
    return f"{path}[{value_text(key)}]"


def _short(value: Any, limit: int = _SHORT) -> str:
    return quoted(value, limit) if isinstance(value, str) else value_text(value, limit)
