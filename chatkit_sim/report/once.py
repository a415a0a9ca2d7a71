"""Telling each bug that campaigns found in full once, over all processes and shards that a report is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def told_once(tests: Iterable[dict[str, Any]]) -> None:
    """Shorten what was told before in the messages of test records, in the order in which they are shown.

    Args:
        tests: Records as in ``TestRecord``.
    """
    first: dict[str, str] = {}
    for test in tests:
        name = test["test"].rpartition("::")[2]
        for found in test.get("findings", ()):
            met_in = first.setdefault(found["id"], name)
            if met_in != name:
                found["same_as"] = met_in
                test["message"] = test["message"].replace(found["text"], found["short"].format(met_in))
