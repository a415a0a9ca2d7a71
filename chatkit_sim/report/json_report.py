"""``report.json``: everything that a report says, for programs; ``schema`` documents it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter

from . import records
from .files import as_json
from .merging import Collected, TestFound
from .records import FORMAT, ChangeRecord, Report

_FIELD = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)


def json_report(collected: Collected, changes: Sequence[ChangeRecord]) -> Iterator[bytes]:
    """The report as JSON in pieces, a turn at a time; see ``chatkit_sim.report.records.Report`` for its fields."""
    head = {
        "format": FORMAT,
        "runs": collected.runs,
        "outcomes": collected.outcomes,
        "violations": collected.violations,
        "summary": collected.summary.to_json(),
        "snapshots": list(changes),
        "unused": collected.unused,
        "problems": collected.problems,
    }
    yield as_json(head)[:-1] + b',"tests":['
    for number, test in enumerate(collected.tests):
        yield b",\n" if number else b"\n"
        yield from _test(test)
    yield b"\n]}\n"


def _test(test: TestFound) -> Iterator[bytes]:
    yield as_json({name: value for name, value in test.record.items() if name != "turns"})[:-1] + b',"turns":['
    for number, line in enumerate(test.lines()):
        yield b",\n" if number else b"\n"
        yield line
    yield b"]}"


def schema() -> dict[str, Any]:
    """The JSON schema of ``report.json``."""
    made = TypeAdapter(Report).json_schema()
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for name, part in [("Report", made), *made["$defs"].items()]:
        _describe(part, getattr(records, name).__doc__ or "")
    return made


def _describe(part: dict[str, Any], doc: str) -> None:
    """Take the descriptions of the fields out of a docstring."""
    about, _, attributes = doc.partition("\n    Attributes:\n")
    part["description"] = " ".join(about.split())
    for name, text in _FIELD.findall(re.sub(r"(?m)^    ", "", attributes)):
        part["properties"][name]["description"] = " ".join(text.split()).replace("``", "`")
