"""Values for JSON schemas: everything that Pydantic, the Agents SDK and MCP servers write."""

import datetime
import decimal
import enum
import json
import re
import uuid
from typing import Annotated, Literal

import jsonschema
import pytest
from agents import function_tool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field
from simulation_drawing import drawn

from chatkit_sim import UsageError
from chatkit_sim.simulation import NothingFits, schemas
from chatkit_sim.simulation.schema_reading import as_key
from chatkit_sim.simulation.schemas import values_of
from chatkit_sim.simulation.strategies import Offer, model_steps


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Address(BaseModel):
    street: str = Field(min_length=1, max_length=40)
    zip: str = Field(pattern=r"^\d{5}$")
    country: Literal["NO", "SE"] = "NO"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str | None


class Tree(BaseModel):
    value: int
    children: list["Tree"] = []


class Person(BaseModel):
    home: Address
    others: list[Address]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None


def everything(
    person: Person,
    tree: Tree,
    colour: Colour,
    number: int | str | list[float] | None,
    bounded: Annotated[int, Field(gt=1, lt=10, multiple_of=3)],
    share: Annotated[float, Field(gt=0, lt=1)],
    short: Annotated[str, Field(min_length=3, max_length=5)],
    some: Annotated[list[int], Field(min_length=1, max_length=3)],
    when: datetime.datetime,
    day: datetime.date,
    at: datetime.time,
    span: datetime.timedelta,
    key: uuid.UUID,
    page: AnyUrl,
) -> str:
    """Takes everything."""
    return "ok"


def loose(
    table: dict[str, int], anything: dict, pair: tuple[int, str], unique: set[str], price: decimal.Decimal
) -> str:
    """Takes what strict mode refuses."""
    return "ok"


MCP = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "range": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}], "items": False},
        "mode": {"oneOf": [{"const": "r"}, {"const": "w"}]},
        "limits": {"allOf": [{"$ref": "#/$defs/limits"}, {"required": ["max"]}]},
        "kind": {"type": ["string", "null"], "enum": ["a", None]},
        "odd": {"type": "integer", "not": {"const": 0}},
    },
    "required": ["path", "mode", "limits", "odd"],
    "$defs": {"limits": {"type": "object", "properties": {"max": {"type": "number", "exclusiveMinimum": 0}}}},
}
SCHEMAS = {
    "strict": function_tool(everything).params_json_schema,
    "not strict": function_tool(strict_mode=False)(loose).params_json_schema,
    "mcp": MCP,
    "nothing": {"type": "object", "properties": {}},
    "anything": True,
}
A, B = {"type": "string"}, {"type": "integer"}
SCHEMAS |= {
    "date-time as Zod asks for it": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$",
    },
    "format and another pattern": {"type": "string", "format": "uuid", "pattern": "^id-[0-9]+$"},
    "pattern of one repeated class": {"type": "string", "pattern": "^[a-z]+$", "minLength": 30},
    "pattern of one repeated class, bounded": {"type": "string", "pattern": r"^\d*$", "minLength": 20, "maxLength": 22},
    "format of digits": {"type": "string", "pattern": "^[0-9]{2,40}$", "minLength": 38},
    "required is not described": {"type": "object", "properties": {"a": A}, "required": ["b"]},
    "properties beside anyOf": {
        "type": "object",
        "properties": {"a": A},
        "required": ["a"],
        "anyOf": [{"properties": {"b": B}, "required": ["b"]}, {"properties": {"c": B}, "required": ["c"]}],
    },
    "one of several is required": {
        "type": "object",
        "properties": {"a": A, "b": A},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "bounds in two parts": {"allOf": [{"type": "integer", "minimum": 5}, {**B, "minimum": 1, "maximum": 9}]},
    "fields in two parts": {
        "allOf": [
            {"properties": {"a": {"type": "number", "maximum": 4}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 3}, "b": A}, "required": ["b"], "additionalProperties": False},
        ]
    },
    "types in two parts": {
        "allOf": [{"anyOf": [A, B]}, {"anyOf": [B, {"type": "null"}]}],
    },
    "oneOf that overlaps": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0}]},
    "enum beside type": {"type": "string", "enum": ["a", None, 3, "b"]},
    "enum in two parts": {"allOf": [{"enum": ["a", "b", 1]}, {"enum": ["b", "c", True]}]},
    "fewer items than places": {"type": "array", "prefixItems": [A, B], "maxItems": 1},
    "more items than places": {"type": "array", "prefixItems": [A], "minItems": 3},
    "unique items that look different": {"type": "array", "items": {"enum": [1, 1.0, 2]}, "uniqueItems": True},
    "contains": {"type": "array", "contains": {"type": "object", "required": ["a"]}, "minItems": 2},
    "names by pattern": {
        "type": "object",
        "patternProperties": {"^x-": B},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "names by pattern and others": {
        "properties": {"x-a": {"type": "integer", "minimum": 7}},
        "patternProperties": {"^x-": B},
        "required": ["x-b"],
        "additionalProperties": A,
    },
    "at most one of two": {"properties": {"a": A, "b": A}, "maxProperties": 1},
    "more than are described": {"properties": {"a": A}, "minProperties": 3},
    "reference beside what is checked": {
        "properties": {"a": {"type": "string", "minLength": 2}, "b": {"not": {"$ref": "#/properties/a"}}},
        "required": ["b"],
    },
    "within itself by allOf": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "properties": {"v": B, "next": {"allOf": [{"$ref": "#/$defs/node"}, {"required": ["v"]}]}},
            }
        },
    },
}
OLD_SCHEMAS = {
    "tuple": {"type": "array", "items": [A, {"type": "number"}], "minItems": 2, "maxItems": 2},
    "tuple and no more": {"type": "array", "items": [A, B], "additionalItems": False},
    "tuple and more": {"type": "array", "items": [A], "additionalItems": B, "minItems": 3},
    "tuple that refers to its own place": {
        "properties": {"t": {"type": "array", "items": [{"type": "integer"}, {"$ref": "#/properties/t/items/0"}]}},
        "required": ["t"],
    },
    "dependencies": {"properties": {"a": A, "b": A}, "dependencies": {"a": ["b"]}, "required": ["a"]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_value_fits(name):
    schema = SCHEMAS[name]

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(values_of(schema))
    def check(value):
        jsonschema.validate(json.loads(json.dumps(value)), schema)

    check()


@pytest.mark.parametrize("name", OLD_SCHEMAS)
def test_every_value_fits_what_older_drafts_say(name):
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **OLD_SCHEMAS[name]}
    valid = jsonschema.Draft7Validator(schema).is_valid
    assert all(valid(value) for value in drawn(values_of(schema)))


def test_bounds_of_the_oldest_draft_are_excluded():
    values = drawn(values_of({"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 2}))
    assert set(values) == {1, 2}


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        (r"^\p{L}+$", r"[^\W\d_]+"),
        (r"^[\p{Lu}\p{N} -]+$", r"[A-ZÀ-Þ0-9 -]+"),
        (r"^(?<year>\d{4})-\k<year>$", r"(\d{4})-\1"),
        (r"^\u{61}$", "a"),
        (r"^[[&&a$]+$", r"[\[&a$]+"),
        (r"^(a$|b\$)", r"a|b\$.*"),
    ],
)
def test_patterns_are_read_as_javascript_does(pattern, meant):
    values = drawn(values_of({"type": "string", "pattern": pattern}))
    assert values
    assert all(re.fullmatch(meant, value, re.DOTALL) for value in values)


def test_keywords_that_are_null_are_not_there():
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": None}}, "required": None}
    assert {tuple(value) for value in drawn(values_of(schema))} == {(), ("a",)}
    assert all(isinstance(value, dict) for value in drawn(values_of({"type": "object", "properties": None})))


def test_dates_and_times_are_written_as_javascript_does():
    assert all(text.endswith("Z") for name in ("date-time", "time") for text in drawn(values_of({"format": name})))


@pytest.mark.parametrize(
    "name",
    [
        "pattern of one repeated class",
        "pattern of one repeated class, bounded",
        "format of digits",
        "contains",
        "names by pattern",
    ],
)
def test_hardly_anything_is_thrown_away(name):
    thrown = []

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def draw(data):
        thrown.append(True)
        data.draw(values_of(SCHEMAS[name]))
        thrown.pop()

    draw()
    assert len(thrown) < 30


def test_what_is_seldom_made_is_a_plain_value_instead():
    schema = {"type": "string", "maxLength": 8, "not": {"pattern": "^[^s]"}, "minLength": 1}
    values = drawn(values_of(schema))
    assert len(values) == 60  # none was thrown away
    assert "some val" in values


def test_a_plain_value_never_stands_in_place_of_ones_own():
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "anyOf": [{"required": ["a"]}]}
    assert {value["a"] for value in drawn(values_of(schema, fields={"a": st.just("INV-1")}))} == {"INV-1"}


def test_nothing_is_checked_where_values_are_made_to_fit(monkeypatch):
    def checked(schema, root):
        raise AssertionError(f"a validator for {schema}")

    monkeypatch.setattr(schemas, "fits", checked)
    for name in ("strict", "not strict", "nothing", "pattern of one repeated class"):
        values_of(SCHEMAS[name])


def test_fields_are_named_wherever_their_schema_stands():
    address = {"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]}
    schema = {
        "properties": {"home": {"$ref": "#/$defs/address"}, "work": {"$ref": "#/$defs/address"}},
        "required": ["home", "work"],
        "$defs": {"address": address},
    }
    own = {"home.zip": st.just("0150"), "work.zip": st.just("0160")}
    values = drawn(values_of(schema, fields=own))
    assert {(value["home"]["zip"], value["work"]["zip"]) for value in values} == {("0150", "0160")}


def test_optional_fields_come_and_go():
    schema = {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "required": ["a"]}
    assert {tuple(sorted(value)) for value in drawn(values_of(schema))} == {("a",), ("a", "b")}


def test_a_door_for_formats_and_fields_of_ones_own():
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "at": {"type": "object", "properties": {"bus": {"format": "bus-stop"}}},
        },
        "required": ["id", "at"],
    }
    strategy = values_of(schema, formats={"bus-stop": st.just("Centre")}, fields={"id": st.just("INV-1")})
    values = drawn(strategy)
    assert {value["id"] for value in values} == {"INV-1"}
    assert {value["at"]["bus"] for value in values if "bus" in value["at"]} == {"Centre"}
    deeper = values_of(schema, fields={"at.bus": st.just("North")}, formats={"bus-stop": st.just("Centre")})
    assert {value["at"]["bus"] for value in drawn(deeper) if "bus" in value["at"]} == {"North"}


def test_what_the_author_gave_as_examples_comes_back_as_far_as_it_fits():
    schema = {"type": "string", "minLength": 5, "examples": ["INV-1001", "INV"]}
    values = set(drawn(values_of(schema)))
    assert "INV-1001" in values
    assert "INV" not in values
    assert len(values) > 5


def test_known_ids_come_back():
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    assert "order_17" in {value["id"] for value in drawn(values_of(schema, known=lambda: ["order_17"]))}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"enum": []},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "string", "minLength": 5, "maxLength": 4},
        {"type": "array", "minItems": 5, "maxItems": 4},
        {"type": "array", "prefixItems": [True], "items": False, "minItems": 2},
        {"type": "string", "enum": [1, 2]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {
            "$ref": "#/$defs/self",
            "$defs": {"self": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/self"}}},
        },
    ],
)
def test_a_schema_that_nothing_fits_is_said_to_be_one(schema):
    with pytest.raises(NothingFits, match="JSON schema"):
        values_of(schema)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"$ref": "#/$defs/lost"}, "refers to '#/$defs/lost', which leads nowhere"),
        ({"not": {"$ref": "#/$defs/lost"}}, "refers to '#/$defs/lost', which leads nowhere"),
        ({"prefixItems": [True], "items": {"$ref": "#/prefixItems/1"}}, "which leads nowhere"),
        ({"$dynamicRef": "#node"}, "has a '$dynamicRef', which is not understood"),
        ({"type": "tuple"}, "has the type 'tuple', which is none of JSON's"),
        ({"type": "string", "pattern": "("}, "The pattern '(' of a JSON schema cannot be read"),
        ({"type": "string", "pattern": r"^\p{Greek}+$"}, "cannot be read"),
        ({"type": "string", "pattern": r"^[^\p{L}]+$"}, "cannot be read"),
        ({"patternProperties": {"(": True}}, "The pattern '(' of a JSON schema cannot be read"),
        ({"type": "object", "properties": 5}, "This JSON schema cannot be read ("),
        ({"type": "array", "items": {"enum": [1]}, "minItems": 2, "uniqueItems": True}, "No value can be drawn for"),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
            "'#/$defs/a', which is nothing but",
        ),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
            "nothing but itself",
        ),
        ({"anyOf": [{"allOf": [{"$ref": "#"}, {"type": "null"}]}]}, "JSON schema"),
    ],
)
def test_a_schema_that_cannot_be_understood_is_shown(schema, text):
    with pytest.raises(UsageError, match=re.escape(text)):
        values_of(schema)


def test_the_tool_whose_arguments_cannot_be_understood_is_named():
    lookup = {"type": "object", "properties": {"x": {"type": "string", "pattern": "("}}, "required": ["x"]}
    with pytest.raises(UsageError, match=r"tool 'lookup' cannot be drawn\. The pattern '\('.*chatkit_arguments"):
        model_steps(Offer({"lookup": lookup}))


def test_a_field_of_ones_own_needs_no_schema_that_can_be_read():
    schema = {"properties": {"a": {"type": "string", "pattern": "("}}, "required": ["a"], "maxProperties": 1}
    assert set(map(as_key, drawn(values_of(schema, fields={"a": st.just("x")})))) == {'{"a": "x"}'}
