"""JSON held against the types that the OpenAI client declares for what it sends."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import typing_extensions

from .refusal import Refusal

_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a string"),
    bool: ((bool,), "a boolean"),
    int: ((int,), "an integer"),
    float: ((int, float), "a decimal"),
}
_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "an integer"),
    (float, "a decimal"),
    (dict, "an object"),
    (list, "an array"),
    (type(None), "null"),
)
_WRAPPERS = (Annotated, Required, NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_TAGS = ("type", "role")
"""The fields by which the alternatives of a union are told apart."""
_DISPENSABLE = frozenset({"id", "status", "annotations", "logprobs", "strict", "parameters", "detail", "filters"})
"""Fields that the client declares as required, and that the provider does without: ChatKit's own converter sends
assistant messages that have neither id nor status."""


@dataclass(frozen=True)
class Shapes:
    """Compares a request with a declared type.

    Attributes:
        closed: Whether fields that the type does not declare are refused.
    """

    closed: bool = True

    def problem(self, value: Any, declared: Any, path: str = "") -> Refusal | None:
        """The first place where a value does not fit its type; ``None`` when it fits.

        Args:
            value: The JSON.
            declared: A ``TypedDict`` of the OpenAI client, or any type that stands in one.
            path: Where the value stands.
        """
        declared = _bare(declared)
        origin = get_origin(declared)
        if typing_extensions.is_typeddict(declared):
            return self._object(value, declared, path)
        if origin in (Union, types.UnionType):
            return self._union(value, get_args(declared), path)
        if origin is Literal:
            return None if value in get_args(declared) else _no_such_value(value, get_args(declared), path)
        if declared in _PLAIN:
            kinds, name = _PLAIN[declared]
            fits = isinstance(value, kinds) and (declared is bool or not isinstance(value, bool))
            return None if fits else _wrong_type(value, name, path)
        if declared is type(None):
            return None if value is None else _wrong_type(value, "null", path)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return None if isinstance(value, dict) else _wrong_type(value, "an object", path)
        if isinstance(origin, type) and issubclass(origin, Iterable):
            return self._array(value, get_args(declared)[0], path)
        return None  # what the client declares as object, or in a way of its own

    def _object(self, value: Any, declared: Any, path: str) -> Refusal | None:
        if not isinstance(value, dict):
            return _wrong_type(value, "an object", path)
        fields, required = _fields(declared)
        for name in value:
            if name not in fields and self.closed:
                place = _join(path, name)
                return Refusal(f"Unknown parameter: '{place}'.", place, "unknown_parameter", _why_unknown(name, value))
        for name in fields:
            if name in required - _DISPENSABLE and name not in value:
                place = _join(path, name)
                return Refusal(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
        given = [name for name in value if name in fields and (value[name] is not None or name in required)]
        found = (self.problem(value[name], fields[name], _join(path, name)) for name in given)
        return next((problem for problem in found if problem is not None), None)

    def _array(self, value: Any, declared: Any, path: str) -> Refusal | None:
        if not isinstance(value, list):
            return _wrong_type(value, "an array", path)
        found = (self.problem(item, declared, f"{path}[{index}]") for index, item in enumerate(value))
        return next((problem for problem in found if problem is not None), None)

    def _union(self, value: Any, kinds: tuple[Any, ...], path: str) -> Refusal | None:
        kinds = tuple(kind for kind in _alternatives(kinds) if kind is not type(None) or value is None)
        if len(kinds) == 1:
            return self.problem(value, kinds[0], path)
        fitting = [kind for kind in kinds if _may_be(value, kind)]
        if not fitting:
            return _unknown_kind(value, kinds, path)
        problems = [self.problem(value, kind, path) for kind in fitting]
        if None in problems:
            return None
        # The alternative that fits furthest is the one that was meant.
        return max((problem for problem in problems if problem is not None), key=lambda one: len(one.param or ""))


def _bare(declared: Any) -> Any:
    while get_origin(declared) in _WRAPPERS:
        declared = get_args(declared)[0]
    return declared


@functools.cache
def _fields(declared: Any) -> tuple[dict[str, Any], frozenset[str]]:
    hints = get_type_hints(declared, include_extras=True)
    # What a class has as a text only, the class itself has not looked into.
    marked = (Required, typing_extensions.Required)
    optional = (NotRequired, typing_extensions.NotRequired)
    return hints, frozenset(
        name
        for name, hint in hints.items()
        if get_origin(hint) in marked or (name in declared.__required_keys__ and get_origin(hint) not in optional)
    )


def _alternatives(kinds: Iterable[Any]) -> Iterator[Any]:
    for kind in map(_bare, kinds):
        if get_origin(kind) in (Union, types.UnionType):
            yield from _alternatives(get_args(kind))
        else:
            yield kind


def _may_be(value: Any, kind: Any) -> bool:
    """Whether a value is meant to be of this kind, right or wrong."""
    if typing_extensions.is_typeddict(kind):
        return isinstance(value, dict) and all(_tag_fits(value, kind, tag) for tag in _TAGS)
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if kind in _PLAIN:
        return isinstance(value, _PLAIN[kind][0]) and (kind is bool or not isinstance(value, bool))
    if kind is type(None):
        return value is None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict)
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return isinstance(value, list)
    return True


def _tag_fits(value: dict[str, Any], kind: Any, tag: str) -> bool:
    fields, required = _fields(kind)
    allowed = _allowed(fields[tag]) if tag in fields else None
    if allowed is None:
        return True
    return value[tag] in allowed if tag in value else tag not in required


def _allowed(declared: Any) -> tuple[Any, ...] | None:
    values: list[Any] = []
    for kind in _alternatives([declared]):
        if get_origin(kind) is not Literal and kind is not type(None):
            return None
        values += [None] if kind is type(None) else get_args(kind)
    return tuple(values)


def _unknown_kind(value: Any, kinds: tuple[Any, ...], path: str) -> Refusal:
    if isinstance(value, dict):
        for tag in _TAGS:
            fields = [_fields(kind)[0] for kind in kinds if typing_extensions.is_typeddict(kind)]
            known = [one for field in fields if tag in field for one in _allowed(field[tag]) or () if one is not None]
            if tag in value and known and value[tag] not in known:
                return _no_such_value(value[tag], known, _join(path, tag))
            if tag not in value and fields and all(tag in field for field in fields):
                place = _join(path, tag)
                return Refusal(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
    return _wrong_type(value, " or ".join(dict.fromkeys(map(_kind_name, kinds))), path)


def _kind_name(kind: Any) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind][1]
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
        return "an array"
    return "null" if kind is type(None) else "an object"


def _no_such_value(value: Any, known: Iterable[Any], path: str) -> Refusal:
    supported = ", ".join(repr(one) for one in dict.fromkeys(known))
    return Refusal(f"Invalid value: {value!r}. Supported values are: {supported}.", path, "invalid_value")


def _wrong_type(value: Any, expected: str, path: str) -> Refusal:
    got = next((name for kind, name in _NAMES if isinstance(value, kind)), type(value).__name__)
    return Refusal(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path, "invalid_type")


def _why_unknown(name: str, value: Mapping[str, Any]) -> str:
    if name in _output_fields(str(value.get("type"))):
        return (
            f"`{name}` is in what the provider sends, and may not be sent back: leave it out of the input. "
            "result.to_input_list() of the Agents SDK does."
        )
    return ""


@functools.cache
def _output_fields(kind: str) -> frozenset[str]:
    """The fields of an output item of this type."""
    from openai.types.responses import ResponseOutputItem
    from openai.types.responses.parsed_response import ParsedResponseFunctionToolCall, ParsedResponseOutputText

    models = [*_alternatives([ResponseOutputItem]), ParsedResponseFunctionToolCall, ParsedResponseOutputText]
    fields: set[str] = set()
    for model in models:
        origin = get_origin(model) or model
        declared = getattr(origin, "model_fields", {})
        if "type" in declared and kind in (_allowed(declared["type"].annotation) or ()):
            fields |= set(declared)
    return frozenset(fields)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
