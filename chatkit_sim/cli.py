"""The command ``chatkit-sim``: the rules and their reasons, changed snapshots, and reports of several runs as one."""

from __future__ import annotations

import argparse
import sys
import textwrap
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rules import Rule

_WIDTH = 88


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The arguments after the command's name; those of the process by default.

    Returns:
        The exit status: 0, or 2 when a rule is unknown.
    """
    parser = argparse.ArgumentParser(
        prog="chatkit-sim", description="Test ChatKit servers. The tests themselves run with pytest; see pytest --help."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("rules", help="list the rules that every turn is held to")
    explain = commands.add_parser("explain", help="say what a rule asks for, and what happens otherwise")
    explain.add_argument("rule", metavar="RULE", help="the slug of a rule, such as stop-at-client-tool")
    commands.add_parser("report", help="make one report of several, such as those of CI shards", add_help=False)
    commands.add_parser("review", help="accept or reject the snapshots that changed", add_help=False)
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] == "report":
        return _report(arguments[1:])
    if arguments and arguments[0] == "review":
        return _review(arguments[1:])
    given = parser.parse_args(arguments)
    rules = _rules()
    if given.command == "rules":
        print(_listed(rules))
        return 0
    rule = next((rule for rule in rules if rule.slug == given.rule), None)
    if rule is None:
        close = get_close_matches(given.rule, [rule.slug for rule in rules], 1)
        hint = f"Did you mean {close[0]!r}?" if close else "`chatkit-sim rules` lists them."
        print(f"There is no rule {given.rule!r}. {hint}", file=sys.stderr)
        return 2
    print(_explained(rule))
    return 0


def _report(arguments: Sequence[str]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # chatkit warns of its own widget classes
        from .report.command import run_report

        return run_report(arguments)


def _review(arguments: Sequence[str]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as above
        from .snapshots import run_review

        return run_review(arguments)


def _rules() -> Sequence[Rule]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # chatkit warns of its own widget classes
        from .rules import ALL_RULES

    return ALL_RULES


def _listed(rules: Sequence[Rule]) -> str:
    width = max(len(rule.slug) for rule in rules)
    families: dict[str, list[str]] = {}
    for rule in rules:
        marks = "".join([" (t)" if rule.timeline else "", " (warning)" if rule.severity == "warning" else ""])
        text = textwrap.wrap(f"{rule.must_hold}{marks}", _WIDTH - width)
        lines = [f"  {rule.slug:<{width}}  {text[0]}", *(f"{'':{width + 4}}{line}" for line in text[1:])]
        families.setdefault(rule.family, []).extend(lines)
    parts = ["\n".join([family, *lines]) for family, lines in families.items()]
    parts.append(
        "(t) reads what the agent's run did as well; without an observed run it is not checked, or in part only.\n"
        "(warning) does not fail a test. `chatkit-sim explain RULE` says more."
    )
    return "\n\n".join(parts)


def _explained(rule: Rule) -> str:
    about = {"turn": "at the end of each turn", "test": "at the end of a test", "both": "after turns and tests"}
    reads = {
        "needed": "It reads what the agent's run did; without an observed run it is not checked.",
        "helps": "It reads the events, and what the agent's run did; without an observed run it is checked in part.",
        None: "It reads the events alone.",
    }
    breaks = "fails the test" if rule.severity == "error" else "gives a warning"
    lines = [
        ("", rule.must_hold),
        ("Otherwise", rule.why),
        ("Checked", f"{about[rule.about]}; a violation {breaks}. {reads[rule.timeline]}"),
        ("Source", rule.source),
        ("Ignore", f'@pytest.mark.chatkit(ignore=["{rule.slug}: why"])'),
    ]
    head = f"{rule.slug}  ({rule.family})"
    return "\n".join([head, "", *(_paragraph(label, text) for label, text in lines)])


def _paragraph(label: str, text: str) -> str:
    if not label:
        return textwrap.fill(text, _WIDTH) + "\n"
    return textwrap.fill(
        text, _WIDTH, initial_indent=f"{label:<10} ", subsequent_indent=" " * 11, break_long_words=False
    )
