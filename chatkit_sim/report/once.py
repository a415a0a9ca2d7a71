"""Telling each bug that campaigns found in full once, over all processes and shards that a report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def told_once(tests: Sequence[dict[str, Any]]) -> None:
    """Shorten what was told in full before in the messages of test records, in the order in which they are shown.

    Args:
        tests: Records as in ``TestRecord``.
    """
    told: dict[str, str] = {}
    for name, found, _ in _findings(tests):
        if not found["same_as"]:
            told.setdefault(found["id"], name)
    for name, found, test in _findings(tests):
        met_in = told.get(found["id"], found["same_as"])
        if found["same_as"]:
            found["same_as"] = met_in
        elif met_in != name:
            found["same_as"] = met_in
            test["message"] = test["message"].replace(found["text"], found["short"].format(met_in))


def _findings(tests: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for test in tests:
        for found in test.get("findings", ()):
            yield test["test"].rpartition("::")[2], found, test
