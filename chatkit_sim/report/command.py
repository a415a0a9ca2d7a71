"""``chatkit-sim report``: reports of several runs become one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from .json_report import schema
from .making import make_report
from .merging import merge

_INTO = "chatkit-sim-report"


def run_report(argv: Sequence[str] | None = None) -> int:
    """Merge reports, or print the schema of ``report.json``.

    Args:
        argv: The arguments after ``chatkit-sim report``; those of the process by default.

    Returns:
        The exit code: 0; 2 if it was asked for what cannot be.
    """
    options = _parser().parse_args(argv)
    if options.command == "schema":
        print(json.dumps(schema(), indent=2))
        return 0
    into = Path(options.into)
    try:
        merge(map(Path, options.directories), into)
        said = make_report(into)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The report could not be written to {into}: {error.strerror or error}.", file=sys.stderr)
        return 2
    print(*said, into / "index.html", sep="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chatkit-sim report", description="Reports of `--chatkit-sim-report DIR`.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    merging = commands.add_parser("merge", help="make one report of those of several runs, such as the shards of CI")
    merging.add_argument("directories", nargs="+", metavar="DIR", help="a report directory")
    merging.add_argument(
        "--into", default=_INTO, metavar="DIR", help=f"the directory of the merged report (default: {_INTO})"
    )
    commands.add_parser("schema", help="print the JSON schema of report.json")
    return parser
