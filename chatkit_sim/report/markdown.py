"""``summary.md``: a run for the summary page of a CI job, short, with everything long folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..transcript import difference
from .merging import Collected, TestFound
from .records import ChangeRecord
from .terminal import render, times

_MANY = 20  # failures and snapshots that are told; the page tells all
_LINES = 60  # of a message or a difference
_CHARACTERS = 6000  # of the same: a CI service takes a megabyte in all
_SEVERAL = 3  # places of one rule that a line names
_BACKTICKS = re.compile(r"`+")


def markdown(collected: Collected, changes: Sequence[ChangeRecord]) -> str:
    """The summary, in GitHub's Markdown.

    Args:
        collected: The report.
        changes: The snapshots that wait to be reviewed.
    """
    failed = [test for test in collected.tests if test.failed]
    parts = [f"## chatkit-sim: {headline(collected, changes)}"]
    if collected.problems:
        parts += ["**This report may be incomplete:**", _fenced("\n".join(collected.problems))]
    parts += _folded_failures(failed)
    parts += _folded_changes(changes)
    if collected.unused:
        names = "\n".join(f"{each.name}  in {each.golden}" for each in collected.unused)
        parts.append(_folded(f"{times(len(collected.unused), 'snapshot')} that no test uses", _fenced(_cut(names))))
    lines = "\n".join(f"{label:<13} {text}" for label, text in render(collected.summary))
    parts.append(_folded("What ran", _fenced(lines)))
    return "\n\n".join(parts) + "\n"


def headline(collected: Collected, changes: Sequence[ChangeRecord]) -> str:
    """A run in one line: ``2 failed, 10 passed; 3 snapshots to review``."""
    counted = ", ".join(f"{count:,} {outcome}" for outcome, count in collected.outcomes.items())
    warned = sum(collected.violations.get("warning", {}).values())
    return "; ".join(
        part
        for part in (
            counted or "no test used a ChatKit server",
            times(warned, "warning") if warned else "",
            f"{times(len(changes), 'snapshot')} to review" if changes else "",
            f"{times(len(collected.unused), 'snapshot')} unused" if collected.unused else "",
        )
        if part
    )


def _folded_failures(failed: Sequence[TestFound]) -> Iterator[str]:
    for test in failed[:_MANY]:
        what = _what(test)
        head = f"{test.record['outcome']}: <code>{html.escape(test.record['test'])}</code>{what and f' ({what})'}"
        yield _folded(head, _fenced(_cut(_message(test))))
    if len(failed) > _MANY:
        yield f"… and {len(failed) - _MANY:,} more that did not pass; index.html shows all."


def _what(test: TestFound) -> str:
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for violation in test.violations:
        if violation["status"] == "failed":
            rules.setdefault(violation["rule"], []).append(violation)
    known = [found for found in test.record["findings"] if found["same_as"]]
    told = [f"{rule} {_places(found)}".rstrip() for rule, found in rules.items()]
    told += [f"{found['rule']}: the same as in {found['same_as']}" for found in known]
    return html.escape(", ".join(told))


def _places(violations: Sequence[Mapping[str, Any]]) -> str:
    places = [violation_place(each) for each in violations[:_SEVERAL]]
    more = [f"{len(violations) - _SEVERAL:,} more"] if len(violations) > _SEVERAL else []
    return "; ".join([*(place for place in places if place), *more])


def violation_place(violation: Mapping[str, Any]) -> str:
    """Where a rule was broken: ``turn 1, stream 1, event 4``; empty for the whole test."""
    numbers = ((name, violation[name]) for name in ("turn", "stream", "event"))
    return ", ".join(f"{name} {number}" for name, number in numbers if number is not None)


def _message(test: TestFound) -> str:
    parts = [
        f"{part['name']}: {part['outcome']}\n{part['message']}" for part in test.record["parts"] if part["message"]
    ]
    return "\n\n".join([test.record["message"], *parts]).strip() or "No message."


def _folded_changes(changes: Sequence[ChangeRecord]) -> Iterator[str]:
    if changes:
        yield f"### {times(len(changes), 'snapshot')} to review"
        yield "With this report's directory at hand: `chatkit-sim review DIR`."
    for change in changes[:_MANY]:
        new = "" if change.old is not None else " (new)"
        head = f"<code>{html.escape(change.test)}</code>{new}"
        yield _folded(head, _fenced(_cut("\n".join(_difference(change))), "diff"))
    if len(changes) > _MANY:
        yield f"… and {len(changes) - _MANY:,} more; index.html shows all."


def _difference(change: ChangeRecord) -> Iterator[str]:
    if change.old is None:
        yield from (f"+ {line}" for line in change.new.splitlines())
        return
    for line in difference(change.old, change.new, limit=_LINES):
        yield f"@@ {line.text} @@" if line.sign == "@" else str(line)


def _folded(head: str, body: str) -> str:
    return f"<details><summary>{head}</summary>\n\n{body}\n\n</details>"


def _fenced(text: str, language: str = "text") -> str:
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _cut(text: str) -> str:
    lines = text.splitlines()
    more = [f"… {len(lines) - _LINES:,} more lines"] if len(lines) > _LINES else []
    shown = "\n".join([*lines[:_LINES], *more])
    return shown if len(shown) <= _CHARACTERS else f"{shown[:_CHARACTERS]}…"
