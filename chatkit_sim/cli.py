"""The command ``chatkit-sim``: the rules and their reasons, the contract with the page, changed snapshots, reports."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from .rules import OwnRules, Rule


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The arguments after the command's name; those of the process by default.

    Returns:
        The exit status: 0; 1 when the reader of the output has left early; 2 when a rule is unknown.
    """
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter is not to fail over it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="chatkit-sim", description="Test ChatKit servers. The tests themselves run with pytest; see pytest --help."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("rules", help="list the rules that every turn is held to")
    explain = commands.add_parser("explain", help="say what a rule asks for, and what happens otherwise")
    explain.add_argument("rule", metavar="RULE", help="the slug of a rule, such as stop-at-client-tool")
    for command in (listing, explain):
        command.add_argument("--conftest", metavar="FILE", help="a conftest.py that registers rules of your own")
    commands.add_parser("contract", help="write what the server asks of its web page, as JSON", add_help=False)
    commands.add_parser("report", help="make one report of several, such as those of CI shards", add_help=False)
    commands.add_parser("review", help="accept or reject the snapshots that changed", add_help=False)
    if arguments and arguments[0] == "contract":
        return _contract(arguments[1:])
    if arguments and arguments[0] == "report":
        return _report(arguments[1:])
    if arguments and arguments[0] == "review":
        return _review(arguments[1:])
    given = parser.parse_args(arguments)
    try:
        rules = _rules(given.conftest)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    if given.command == "rules":
        from .rules.telling import listed

        print(listed(rules))
        return 0
    return _explain(given.rule, rules)


@contextmanager
def _quiet() -> Iterator[None]:
    """While it lasts, chatkit may be imported: it warns of its own widget classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _contract(arguments: Sequence[str]) -> int:
    with _quiet():
        from .client.contract_command import run_contract

        return run_contract(arguments)


def _report(arguments: Sequence[str]) -> int:
    with _quiet():
        from .report.command import run_report

        return run_report(arguments)


def _review(arguments: Sequence[str]) -> int:
    with _quiet():
        from .snapshots import run_review

        return run_review(arguments)


def _rules(conftest: str | None) -> Sequence[Rule]:
    """Every rule, with those that a conftest.py registers."""
    with _quiet():
        from .rules import OwnRules

        rules = OwnRules()
        if conftest is not None:
            _register(rules, Path(conftest))
    return rules.all


def _register(rules: OwnRules, path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    sys.path[:0] = [str(path.parent.resolve()), str(Path.cwd())]
    try:
        register = runpy.run_path(str(path)).get("pytest_chatkit_rules")
    except Exception as error:
        raise UsageError(f"{path} cannot be loaded: {type(error).__name__}: {error}.") from error
    if register is None:
        raise UsageError(f"{path} registers no rules: it defines no function `pytest_chatkit_rules(rules)`.")
    register(rules=rules)


def _explain(slug: str, rules: Sequence[Rule]) -> int:
    from .rules.telling import explained

    rule = next((rule for rule in rules if rule.slug == slug), None)
    if rule is not None:
        print(explained(rule))
        return 0
    with _quiet():
        from .simulation.names import ELSEWHERE, SCENES
    if slug in ELSEWHERE:
        where = "the scenarios and campaigns of pytest --chatkit-sim"
        print(f"{slug}\n\n{ELSEWHERE[slug]}\n\nNo rule of turns and tests: {where} look at it.")
        return 0
    if slug in SCENES:
        print(
            f"{slug!r} is no rule but a scenario of pytest --chatkit-sim, which is held to all rules.", file=sys.stderr
        )
        return 2
    names = [*(rule.slug for rule in rules), *ELSEWHERE]
    close = get_close_matches(slug, names, 1) or [name for name in names if slug in name]
    hint = f"Did you mean {close[0]!r}?" if close else "`chatkit-sim rules` lists them."
    print(f"There is no rule {slug!r}. {hint}", file=sys.stderr)
    return 2
