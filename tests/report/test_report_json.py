"""report.json: whole, and as its schema says."""

import json

import jsonschema
import pytest
from report_world import ForgetfulServer, judged, made, shop_turns

from chatkit_sim.report.json_report import schema


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    tests = {
        "t.py::good": ("passed", shop_turns("Milk, please."), ""),
        "t.py::bad": ("failed", judged(ForgetfulServer, "Hello"), "It failed."),
    }
    made(directory, tests)
    return json.loads((directory / "report.json").read_text())


def test_it_holds_every_turn(report):
    assert [(test["test"], len(test["turns"])) for test in report["tests"]] == [("t.py::bad", 1), ("t.py::good", 1)]
    assert report["outcomes"] == {"failed": 1, "passed": 1}
    assert report["summary"]["turns"] == 2
    assert report["runs"][0]["versions"]["openai-chatkit"]


def test_it_is_as_the_schema_says(report):
    strict = schema()
    for part in (strict, *strict["$defs"].values()):
        part["additionalProperties"] = False  # what is not described would not be found
    jsonschema.validate(report, strict)


def test_every_field_is_described():
    for name, part in {**schema()["$defs"], "Report": schema()}.items():
        undescribed = [field for field, facts in part["properties"].items() if not facts.get("description")]
        assert not undescribed, f"{name}: {undescribed}"


def test_the_schema_refuses_what_is_no_report(report):
    with pytest.raises(jsonschema.ValidationError, match="great"):
        jsonschema.validate({**report, "tests": [{**report["tests"][0], "outcome": "great"}]}, schema())
