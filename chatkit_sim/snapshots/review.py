"""``chatkit-sim review``: pending snapshots are accepted or rejected, by a person or by a pattern."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..transcript import difference
from .pending import DEFAULT_DIRECTORY, Pending, PendingSnapshots

_DONE, _LEFT, _WRONG = 0, 1, 2

_NO_TERMINAL = """\
There is no terminal here to ask questions in. Without one:
  chatkit-sim review --list             what is pending
  chatkit-sim review --accept PATTERN   write it into the golden files ("*" for everything)
  chatkit-sim review --reject PATTERN   forget it
  chatkit-sim review --check            exit code 1 if something is pending"""


def run_review(argv: Sequence[str] | None = None) -> int:
    """Review what the last runs saw in place of their golden files.

    Args:
        argv: The arguments after ``chatkit-sim review``; those of the process by default.

    Returns:
        The exit code: 0; 1 if ``--check`` found something pending, or something could not be accepted; 2 if it was
        asked for what cannot be.
    """
    options = _parser().parse_args(argv)
    try:
        store = PendingSnapshots(_directory(options.directory), Path(options.root))
        if options.check or options.list:
            return _tell(store, listed=options.list, check=options.check)
        if options.accept or options.reject:
            return _decide(store, options.accept, options.reject)
        return _ask(store)
    except UsageError as error:
        print(error, file=sys.stderr)
        return _WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatkit-sim review",
        description="Review the snapshots that the last runs of pytest saw in place of those in the golden files.",
    )
    parser.add_argument(
        "directory",
        nargs="?",
        default=None,
        metavar="DIR",
        help=f"the report directory, such as one that was downloaded from CI (default: {DEFAULT_DIRECTORY})",
    )
    parser.add_argument("--root", default=".", help="the root directory of the project (default: the present one)")
    how = parser.add_argument_group("without questions")
    how.add_argument("--list", action="store_true", help="list what is pending")
    how.add_argument("--check", action="store_true", help="exit with 1 if something is pending")
    what = "tests, snapshots or golden files by name, with * and ?, or a part of the name; may be given several times"
    how.add_argument("--accept", action="append", default=[], metavar="PATTERN", help=f"accept {what}")
    how.add_argument("--reject", action="append", default=[], metavar="PATTERN", help="reject them in the same way")
    return parser


def _directory(given: str | None) -> Path:
    """The report directory, also where it was unpacked into another one."""
    if given is None:
        return Path(DEFAULT_DIRECTORY)
    directory = Path(given)
    if not directory.is_dir():
        raise UsageError(f"There is no directory {given}. A run of pytest with a snapshot that differs writes one.")
    inner = directory / DEFAULT_DIRECTORY
    if directory.name == "pending":
        return directory.parent
    return inner if inner.is_dir() and not (directory / "pending").is_dir() else directory


def _tell(store: PendingSnapshots, *, listed: bool, check: bool) -> int:
    pending = store.all()
    if listed:
        for each in pending:
            print(f"{each.place}  {each.test}  {_kind(each)}")
            print(f"    {each.name} in {each.golden}")
    print(_counted(store, pending))
    return _LEFT if check and pending else _DONE


def _kind(pending: Pending) -> str:
    if pending.old is None:
        return "(new)"
    lines = difference(pending.old, pending.new)
    gone, come = (sum(line.sign == sign for line in lines) for sign in "-+")
    more = " at least" if any(line.sign == "…" and "before" not in line.text for line in lines) else ""
    return f"({gone} lines go and {come} come{more})"


def _counted(store: PendingSnapshots, pending: Sequence[Pending]) -> str:
    if not pending:
        return "Nothing is pending."
    where = "" if store.directory == Path(DEFAULT_DIRECTORY) else f" {shlex.quote(str(store.directory))}"
    return f"{len(pending)} snapshot{'s' if len(pending) > 1 else ''} pending. Review: chatkit-sim review{where}"


def _decide(store: PendingSnapshots, accept: Sequence[str], reject: Sequence[str]) -> int:
    pending = store.all()
    unmatched = [pattern for pattern in [*accept, *reject] if not named(pending, pattern)]
    if unmatched:
        names = "".join(f"\n  {each.test}" for each in pending[:20])
        missed = ", ".join(map(repr, unmatched))
        raise UsageError(f"Nothing pending is like {missed}. {_counted(store, pending)}{names}")
    accepted = [each for pattern in accept for each in named(pending, pattern)]
    rejected = [each for pattern in reject for each in named(pending, pattern)]
    both = [each for each in accepted if each in rejected]
    if both:
        raise UsageError(f"{both[0].test} would be accepted and rejected; nothing was done.")
    failed = 0
    for each in pending:
        if each in accepted:
            try:
                store.accept(each)
                print(f"accepted  {each.test}  {each.name}")
            except UsageError as error:
                failed += 1
                print(f"not accepted  {each.test}: {error}", file=sys.stderr)
        elif each in rejected:
            store.drop(each)
            print(f"rejected  {each.test}  {each.name}")
    return _LEFT if failed else _DONE


def named(pending: Sequence[Pending], pattern: str) -> list[Pending]:
    """The pending snapshots that a pattern names, by test, name or golden file; an exact name names only its own."""
    exact = [each for each in pending if pattern in _names(each)]
    return exact or [
        each for each in pending if any(pattern in name or fnmatch.fnmatchcase(name, pattern) for name in _names(each))
    ]


def _names(pending: Pending) -> tuple[str, str, str]:
    return pending.test, pending.name, pending.golden


def _ask(store: PendingSnapshots) -> int:
    pending = store.all()
    if not pending:
        print(_counted(store, pending))
        return _DONE
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(f"{_counted(store, pending)}\n{_NO_TERMINAL}", file=sys.stderr)
        return _WRONG
    from .reviewing import Review

    return Review(store, pending).run()
