"""Tools and structured outputs: the names and schemas that the provider accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .refusal import Refusal

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_NAME_LENGTH = 64
_NOT_PERMITTED = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
)
_RELAX = "Make the schema strict (agents.strict_schema.ensure_strict_json_schema), or say strict=False."


def check_tools(tools: Any) -> Iterator[Refusal]:
    """What is wrong with the tools of a request."""
    for index, tool in enumerate(tools or ()):
        function, place = tool, f"tools[{index}]"
        if isinstance(tool.get("function"), Mapping):
            function, place = tool["function"], f"{place}.function"
        if tool.get("type") != "function":
            continue
        name = function.get("name") or ""
        yield from _check_name(name, f"{place}.name")
        schema = function.get("parameters")
        for reason in _object_problems(schema, strict=bool(function.get("strict"))):
            yield Refusal(
                f"Invalid schema for function '{name}': {reason}",
                f"{place}.parameters",
                "invalid_function_parameters",
                _RELAX if function.get("strict") else "",
            )


def check_format(schema: Any, place: str, title: str) -> Iterator[Refusal]:
    """What is wrong with a structured output.

    Args:
        schema: ``{"name", "schema", "strict"}``.
        place: Where the schema stands.
        title: What the provider calls it.
    """
    if not isinstance(schema, Mapping) or "schema" not in schema:
        return
    for reason in _object_problems(schema["schema"], strict=bool(schema.get("strict"))):
        message = f"Invalid schema for {title} '{schema.get('name')}': {reason}"
        yield Refusal(message, f"{place}.schema", "invalid_json_schema", _RELAX if schema.get("strict") else "")


def strict_problems(schema: Any, context: Sequence[str] = ()) -> Iterator[str]:
    """Where a schema is not as strict as the provider needs it."""
    if not isinstance(schema, Mapping):
        return
    where = f"In context={tuple(context)!r}, "
    for keyword in _NOT_PERMITTED:
        if keyword in schema:
            yield f"{where}'{keyword}' is not permitted."
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        if schema.get("additionalProperties") is not False:
            yield f"{where}'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in properties or {} if name not in (schema.get("required") or ())]
        if missing:
            yield (
                f"{where}'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{missing[0]}'."
            )
    for keyword in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(keyword) or {}).items():
            yield from strict_problems(inner, (*context, keyword, name))
    if "items" in schema:
        yield from strict_problems(schema["items"], (*context, "items"))
    for number, inner in enumerate(schema.get("anyOf") or ()):
        yield from strict_problems(inner, (*context, "anyOf", str(number)))


def _check_name(name: str, place: str) -> Iterator[Refusal]:
    if not _NAME.fullmatch(name):
        yield Refusal(
            f"Invalid '{place}': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            place,
            "invalid_value",
        )
    elif len(name) > _NAME_LENGTH:
        yield Refusal(
            f"Invalid '{place}': string too long. Expected a string with maximum length {_NAME_LENGTH}, but got a "
            f"string with length {len(name)} instead.",
            place,
            "string_above_max_length",
        )


def _object_problems(schema: Any, *, strict: bool) -> Iterator[str]:
    if isinstance(schema, Mapping) and schema and schema.get("type") != "object":
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    elif strict:
        yield from strict_problems(schema)
