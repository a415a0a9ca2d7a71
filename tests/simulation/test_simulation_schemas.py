"""Values for JSON schemas: everything that Pydantic, the Agents SDK and MCP servers write."""

import datetime
import decimal
import enum
import json
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
from chatkit_sim.simulation import NothingFits
from chatkit_sim.simulation.schemas import values_of


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


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_value_fits(name):
    schema = SCHEMAS[name]

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(values_of(schema))
    def check(value):
        jsonschema.validate(json.loads(json.dumps(value)), schema)

    check()


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
        {
            "$ref": "#/$defs/self",
            "$defs": {"self": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/self"}}},
        },
    ],
)
def test_a_schema_that_nothing_fits_is_said_to_be_one(schema):
    with pytest.raises(NothingFits, match="JSON schema"):
        values_of(schema)


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/lost"}, {"type": "tuple"}])
def test_a_schema_that_cannot_be_understood_is_shown(schema):
    with pytest.raises(UsageError, match="JSON schema"):
        drawn(values_of(schema))
