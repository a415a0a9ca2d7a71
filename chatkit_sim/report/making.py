"""Making the files of a report: the page, the summary for CI, and the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .changes import pending_changes
from .files import write_file
from .json_report import json_report
from .markdown import headline, markdown
from .merging import collect
from .page import page


def make_report(directory: Path, *, root: Path | None = None, problems: Sequence[str] = ()) -> list[str]:
    """Make ``index.html``, ``summary.md`` and ``report.json`` of the records in a report directory.

    Args:
        directory: The report directory.
        root: The root directory of the project, for pending snapshots; the present one by default.
        problems: What is known to be missing in the records.

    Returns:
        What to say of it: the run in one line, then a line for each unused snapshot.

    Raises:
        UsageError: The directory holds no report, or one of a newer version.
        OSError: A file could not be written; what was there before is there still.
    """
    changes, unread = pending_changes(directory, root)
    collected = collect(directory, [*problems, *unread])
    write_file(directory / "report.json", json_report(collected, changes))
    write_file(directory / "summary.md", [markdown(collected, changes).encode("utf-8", "backslashreplace")])
    write_file(directory / "index.html", page(collected, changes))
    return [headline(collected, changes), *(f"unused  {each.name}  in {each.golden}" for each in collected.unused)]
