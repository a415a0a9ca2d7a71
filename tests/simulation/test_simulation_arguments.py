"""Example values for JSON schemas."""

import asyncio
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Annotated, Literal

import pytest
from agents import FunctionTool, function_tool
from agents.tool_context import ToolContext
from pydantic import BaseModel, Field, HttpUrl

from chatkit_sim import UsageError
from chatkit_sim.simulation import example


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    street: str = Field(min_length=1, max_length=40)
    zip: str = Field(pattern=r"^\d{5}$")
    country: Literal["NO", "SE"] = "NO"


class Tree(BaseModel):
    value: int
    children: list["Tree"] = []


class Nested(BaseModel):
    inner: "Nested | None" = None
    numbers: list[int] = Field(default_factory=list, max_length=3)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Person(BaseModel):
    name: str
    address: Address
    others: list[Address]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None


@function_tool
def nothing() -> str:
    return "ok"


@function_tool
def simple(city: str, days: int | None = None, precise: bool = False, share: float = 0.5) -> str:
    return "ok"


@function_tool
def choices(color: Color, mode: Literal["a", "b", 3], both: int | str | list[float] | None) -> str:
    return "ok"


@function_tool
def nested(person: Person, tree: Tree, deeper: Nested, pets: list[Cat | Dog]) -> str:
    return "ok"


@function_tool
def bounded(
    small: Annotated[int, Field(ge=1, le=10)],
    share: Annotated[float, Field(gt=0, lt=1)],
    negative: Annotated[int, Field(lt=-5)],
    code: Annotated[str, Field(min_length=3, max_length=5)],
    some: Annotated[list[int], Field(min_length=2, max_length=3)],
    fives: Annotated[int, Field(multiple_of=5, gt=5)],
    plate: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d+$")],
) -> str:
    return "ok"


@function_tool
def formats(
    day: dt.date, moment: dt.datetime, one: uuid.UUID, time: dt.time, span: dt.timedelta, price: decimal.Decimal
) -> str:
    return "ok"


@function_tool(strict_mode=False)
def loose(counts: dict[str, int], anything: dict, page: HttpUrl, pair: tuple[int, str], unique: set[str]) -> str:
    return "ok"


TOOLS = [value for value in list(globals().values()) if isinstance(value, FunctionTool)]


@pytest.mark.parametrize("variant", range(3))
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_tools_take_them(tool, variant):
    arguments = json.dumps(example(tool.params_json_schema, variant))
    context = ToolContext(context=None, tool_name=tool.name, tool_call_id="call", tool_arguments=arguments)
    assert asyncio.run(tool.on_invoke_tool(context, arguments)) == "ok"


def test_they_say_which_field_they_are_in():
    assert example(simple.params_json_schema) == {"city": "some city", "days": 1, "precise": True, "share": 1.0}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_they_are_always_the_same(tool):
    assert example(tool.params_json_schema) == example(tool.params_json_schema)


def test_variants_differ_where_there_is_room():
    schema = {"properties": {"item": {"type": "string"}, "mode": {"enum": ["a", "b"]}, "fixed": {"const": 1}}}
    assert example(schema, 0) == {"item": "some item", "mode": "a", "fixed": 1}
    assert example(schema, 1) == {"item": "some item 2", "mode": "b", "fixed": 1}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "some value"),
        (True, "some value"),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"examples": ["INV-1001"], "type": "string"}, "INV-1001"),
        ({"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 4}]}, "some"),
        ({"type": "integer", "minimum": 7, "maximum": 7}, 7),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "minimum": 0.25, "maximum": 0.25}, 0.25),
        ({"type": "array", "maxItems": 0, "items": {"type": "string"}}, []),
        ({"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": ["a", "b"]}}, ["a", "b"]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}], "items": False}, [1, None]),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, {"key": True}),
        ({"type": "object", "minProperties": 2}, {"key": "some value", "key1": "some value"}),
        ({"type": "object", "properties": None, "required": None}, {}),
        ({"properties": {"a": {"type": "null"}}, "required": ["b"]}, {"a": None, "b": "some b"}),
        ({"additionalProperties": {"type": "null"}, "maxProperties": 0}, {}),
        ({"properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "maxProperties": 1}, {"a": None}),
        (
            {"patternProperties": {"^x-": {"type": "null"}}, "additionalProperties": False, "minProperties": 2},
            {"x-": None, "x-0": None},
        ),
        (
            {"properties": {"a": {"type": "null"}}, "anyOf": [{"required": ["b"], "properties": {"b": {"const": 2}}}]},
            {"a": None, "b": 2},
        ),
        ({"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "minItems": 2}, ["some value", 1]),
        ({"type": "array", "prefixItems": [{"type": "null"}, {"type": "integer"}], "maxItems": 1}, [None]),
        ({"type": "array", "contains": {"type": "integer"}}, [1]),
        ({"allOf": [{"type": "integer", "minimum": 5}, {"type": "integer", "minimum": 1, "maximum": 9}]}, 5),
        ({"oneOf": [{"type": "number"}, {"type": "number", "minimum": 0}, {"type": "boolean"}]}, True),
        (
            {
                "properties": {"a": {"const": 1}, "b": {"const": 2}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {"a": 1},
        ),
        ({"type": "string", "enum": [1, "a"]}, "a"),
        ({"type": "integer", "exclusiveMinimum": 0.5, "maximum": 1.5}, 1),
        ({"type": "string", "pattern": "^[a-z]+$", "minLength": 30}, "a" * 30),
        ({"type": "string", "pattern": r"^\p{L}$"}, "A"),
        ({"type": "string", "format": "uuid", "pattern": "^id$"}, "id"),
        (
            {
                "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"y": {"const": 2}}}],
                "$defs": {"a": {"properties": {"x": {"const": 1}}}},
            },
            {"x": 1, "y": 2},
        ),
    ],
)
def test_schemas_without_a_tool(schema, value):
    assert example(schema) == value


def test_what_is_within_itself_ends():
    assert example(Tree.model_json_schema()) == {"value": 1, "children": [{"value": 1, "children": []}]}
    assert example(Nested.model_json_schema()) == {"inner": {"inner": None, "numbers": [1]}, "numbers": [1]}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"$ref": "#/$defs/nowhere"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}}},
        {"type": "string", "pattern": "("},
        {"type": "string", "enum": [1]},
        {"type": "object", "properties": 5},
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        {"anyOf": [{"allOf": [{"$ref": "#"}, {"type": "null"}]}]},
    ],
)
def test_what_nothing_fits_says_so(schema):
    with pytest.raises(UsageError, match="No example value for this JSON schema: "):
        example(schema)
