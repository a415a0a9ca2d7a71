"""The files of a report directory: JSON lines that every process writes while it runs, and what is made of them."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .goldens import SnapshotsRecord
from .records import FORMAT, RunRecord, TestRecord, TurnRecord

RECORDS = "records"
"""The folder of a report directory that holds the JSON lines, one file for each process."""

REPRODUCERS = "reproducers"
"""The folder that holds the tests of bugs that campaigns found, one file for each."""

MADE = ("index.html", "summary.md", "report.json")
"""The files that are made of them."""

_PACKAGES = ("chatkit-sim", "openai-chatkit", "openai-agents", "pytest")


class RecordWriter:
    """Writes what one process sees, a line for each turn and each test, at once and in full; its snapshots at the end.

    Args:
        directory: The report directory.
        worker: The name of the process, one for each that writes at the same time.
    """

    def __init__(self, directory: Path, worker: str = "main") -> None:
        self._path = directory / RECORDS / f"{worker}.jsonl"
        self._begun = False
        self._worker = worker

    def write(self, record: TurnRecord | TestRecord | SnapshotsRecord | Mapping[str, Any]) -> None:
        """Add a record.

        Raises:
            OSError: It could not be written.
        """
        lines = [as_line(record)]
        if not self._begun:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines.insert(0, as_line(_run(self._worker)))
        with open(self._path, "ab") as file:
            file.write(b"".join(lines))
        self._begun = True


def as_line(record: Any) -> bytes:
    """A record as a line of JSON. No ``<`` is in it, so that it can stand in a page as it is."""
    return as_json(record) + b"\n"


def as_json(value: Any) -> bytes:
    """A value or record as JSON on one line, without any ``<``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_fields)
    # What UTF-8 cannot say (half a surrogate pair) becomes an escape, which JSON reads.
    return text.replace("<", "\\u003c").encode("utf-8", "backslashreplace")


def as_values(record: Any) -> dict[str, Any]:
    """A record as JSON values."""
    values: dict[str, Any] = json.loads(as_json(record))
    return values


def prepare(directory: Path) -> None:
    """Make a report directory ready for a run: what an earlier run wrote into it goes, pending snapshots stay.

    Raises:
        UsageError: There is no such directory, and it cannot be made.
    """
    try:
        (directory / RECORDS).mkdir(parents=True, exist_ok=True)
        tests = (directory / REPRODUCERS).glob("*.py")
        for old in [*(directory / RECORDS).glob("*.jsonl"), *tests, *(directory / name for name in MADE)]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"The report directory {directory} cannot be written: {error.strerror or error}. Name another one with "
            "--chatkit-sim-report DIR."
        ) from error


def record_files(directory: Path) -> list[Path]:
    """The JSON lines of a report directory, one file for each process.

    Raises:
        UsageError: It is no report directory.
    """
    files = sorted((directory / RECORDS).glob("*.jsonl"))
    if not files:
        raise UsageError(
            f"{directory} holds no report: no {RECORDS}/*.jsonl is in it. A run writes one with "
            "`pytest --chatkit-sim-report DIR`."
        )
    return files


def write_file(path: Path, content: Any) -> None:
    """Write a file of pieces in one step: all of it, or nothing.

    Args:
        path: The file.
        content: Its pieces, as bytes.

    Raises:
        OSError: It could not be written; what was there before is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb") as file:
            file.writelines(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _run(worker: str) -> RunRecord:
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return RunRecord(
        format=FORMAT,
        worker=worker,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={**versions, "python": platform.python_version()},
    )


def _fields(record: Any) -> Any:
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return vars(record)
    raise TypeError(f"{type(record).__name__} is no record")
