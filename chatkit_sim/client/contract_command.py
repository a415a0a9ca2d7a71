"""``chatkit-sim contract``: what the server asks of the page, written as JSON, or held against a page."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .contract import FORMAT, merge_contracts
from .contract_checking import contract_problems

_OK, _FOUND, _USAGE = 0, 1, 2
_PARTS = ("client_tools", "effects", "actions", "composer")
# Campaigns ask at random, and so for something else on every run.
_FIXED = ("-k", "not (chatkit-sim and campaign)")


def run_contract(argv: Sequence[str] | None = None) -> int:
    """Write the contract, or check it.

    Args:
        argv: The arguments after ``chatkit-sim contract``; those of the process by default.

    Returns:
        The exit code: 0; 1 if tests failed or the page lacks something; 2 if it was asked for what cannot be.
    """
    own, passed_on = _split(sys.argv[2:] if argv is None else argv)
    options = _parser().parse_args(own)
    try:
        if options.files and passed_on:
            raise UsageError("Give files to read, or arguments of pytest after --, not both.")
        status, found = _read_all(options.files) if options.files else _by_running(passed_on, options.into)
        text = contract_json(found)
        if options.into:
            Path(options.into).write_text(text, encoding="utf-8")
        elif not options.check:
            print(text, end="")
        return max(status, _check(found, options.check) if options.check else _OK)
    except (UsageError, OSError) as error:
        print(error, file=sys.stderr)
        return _USAGE


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def contract_json(contract: Mapping[str, Any]) -> str:
    """A contract as it is written to a file: the same bytes for the same conversations."""
    return json.dumps(contract, indent=2, ensure_ascii=False) + "\n"


def _read_all(files: Sequence[str]) -> tuple[int, dict[str, Any]]:
    return _OK, merge_contracts([_read(Path(file)) for file in files])


def _read(path: Path) -> dict[str, Any]:
    found = _json(path)
    if "format" not in found or any(part not in found for part in _PARTS):
        raise UsageError(f"{path} is no contract: write one with `pytest --chatkit-sim-contract {path}`.")
    if found["format"] != FORMAT:
        raise UsageError(
            f"{path} has the format {found['format']!r}, and this chatkit-sim reads {FORMAT}. Write it anew, or "
            "install the chatkit-sim that wrote it."
        )
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} holds no JSON object, but {type(found).__name__}.")
    return found


def _by_running(arguments: Sequence[str], into: str | None) -> tuple[int, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(into) if into else Path(folder, "contract.json")
        command = [sys.executable, "-m", "pytest", "-q", "--chatkit-sim", "--chatkit-sim-contract", str(file)]
        # What pytest says is for a person, and what is printed here may be piped.
        status = subprocess.run([*command, *_FIXED, *arguments], stdout=sys.stderr, check=False).returncode
        if status not in (_OK, _FOUND):
            raise UsageError("pytest did not come to its end, so nothing is known of what the server asks.")
        if status:
            print("Tests failed: what they did not get to is not in the contract.", file=sys.stderr)
        return status, _read(file)


def _check(contract: Mapping[str, Any], page: str) -> int:
    problems = contract_problems(contract, _json(Path(page)))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"The page has all that the server asks for ({told(contract)}).", file=sys.stderr)
    return _FOUND if problems else _OK


def told(contract: Mapping[str, Any]) -> str:
    """How much a contract holds, for a person."""
    counts = [
        (len(contract["client_tools"]), "client tool"),
        (len(contract["effects"]), "effect"),
        (len(contract["actions"]), "action"),
    ]
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatkit-sim contract",
        description="Write what the server asks of its web page, as JSON: client tools, effects, widget actions, ids "
        "of the composer. Without files, pytest runs the project's tests and the scenarios of --chatkit-sim.",
        epilog="What follows -- is passed to pytest: chatkit-sim contract --into contract.json -- tests/chat -n 4",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="contracts of `pytest --chatkit-sim-contract FILE`, to be made one"
    )
    parser.add_argument("--into", metavar="FILE", help="write the contract to FILE; by default it is printed")
    parser.add_argument(
        "--check",
        metavar="PAGE",
        help="hold it against PAGE, a JSON file of what the page has (or a former contract); exit 1 if it lacks "
        "something",
    )
    return parser
