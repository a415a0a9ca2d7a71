"""``index.html``: a run as one page that needs nothing else, and trusts nothing that it shows."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import zip_longest
from typing import Any

import jinja2
from markupsafe import Markup

from ..transcript import difference
from .coverage import coverage
from .files import as_json
from .markdown import headline
from .merging import Collected, TestFound
from .records import ChangeRecord

_STYLES = ("page.css", "conversation.css")
_SCRIPTS = ("dom.js", "chat.js", "timeline.js", "test.js", "overview.js", "start.js")
_RECORDS = "<!-- records -->"  # nothing untrusted can look like it: every "<" of that is escaped
_LINES = 400  # of a snapshot's difference
_WHY = 200  # characters of a reason in the list


def page(collected: Collected, changes: Sequence[ChangeRecord]) -> Iterator[bytes]:
    """The page in pieces, a turn at a time.

    What is shown of the run stands in the page as JSON and is drawn when it is looked at, by a script that only ever
    sets text. A content security policy allows that script and the styles by their hashes, and nothing else.

    Args:
        collected: The report.
        changes: The snapshots that wait to be reviewed.
    """
    style, script = (Markup("\n".join(map(_part, names))) for names in (_STYLES, _SCRIPTS))
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    text = environment.from_string(_part("page.html.j2")).render(
        policy=_policy(script, style),
        style=style,
        script=script,
        headline=headline(collected, changes),
        collected=collected,
        first=collected.runs[0] if collected.runs else {"started": "", "versions": {}},
        coverage=coverage(collected.summary),
        changes=[(change, _side_by_side(change) if change.old is not None else []) for change in changes],
        ids={test.record["test"]: test.id for test in reversed(collected.tests)},
        records=Markup(_RECORDS),
    )
    changed = Counter(change.test for change in changes)
    head, tail = text.encode("utf-8", "backslashreplace").split(_RECORDS.encode())
    yield head
    yield from _block("index", as_json([_overview(test, changed[test.record["test"]]) for test in collected.tests]))
    for test in collected.tests:
        yield from _block(f"test-{test.id}", as_json({**test.record, "summary": None}))
        for turn, line in zip(test.turns, test.lines(), strict=True):
            yield from _block(f"turn-{test.id}-{turn['index']}", line)
    yield tail


def _policy(script: str, style: str) -> str:
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _block(name: str, line: bytes) -> Iterator[bytes]:
    yield f'<script type="application/json" id="{name}">'.encode()
    yield line.replace(b"<", b"\\u003c")
    yield b"</script>\n"


def _overview(test: TestFound, changes: int) -> dict[str, Any]:
    record = test.record
    return {
        "id": test.id,
        "test": record["test"],
        "title": record["title"],
        "outcome": record["outcome"],
        "failed": test.failed,
        "warned": test.warned,
        "why": _why(record),
        "changes": changes,
        "findings": [[found["rule"], found["same_as"]] for found in record["findings"]],
        "broken": [[each["rule"], each["status"]] for each in test.violations],
        "turns": [
            [turn["index"], turn["number"], turn["thread"], turn["asked"], turn["steps"], _worst(turn)]
            for turn in test.turns
        ],
    }


def _why(record: dict[str, Any]) -> str:
    """Why a test failed, in one line: what pytest marks as the error, or how the message begins."""
    lines = [line for line in record["message"].splitlines() if line.strip()]
    error = next((line[1:].strip() for line in lines if line.startswith("E  ")), lines[0] if lines else "")
    return error if len(error) <= _WHY else f"{error[:_WHY]}…"


def _worst(turn: dict[str, Any]) -> str:
    statuses = {each["status"] for each in turn["violations"]}
    return next((status for status in ("failed", "warning", "expected", "ignored") if status in statuses), "")


def _side_by_side(change: ChangeRecord) -> list[tuple[str, str, str]]:
    """The difference as rows: what kind of row, the old line and the new one."""
    rows: list[tuple[str, str, str]] = []
    old: list[str] = []
    new: list[str] = []
    for line in difference(change.old or "", change.new, limit=_LINES):
        if line.sign == "-":
            old.append(line.text)
        elif line.sign == "+":
            new.append(line.text)
        else:
            rows += _paired(old, new)
            old, new = [], []
            kind = {" ": "same", "@": "place", "…": "more"}[line.sign]
            rows.append((kind, line.text, line.text))
    return [*rows, *_paired(old, new)]


def _paired(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for before, after in zip_longest(old, new):
        kind = "removed" if after is None else "added" if before is None else "changed"
        yield kind, before or "", after or ""


def _part(name: str) -> str:
    return resources.files(__package__).joinpath("page_parts", name).read_text(encoding="utf-8").strip()
