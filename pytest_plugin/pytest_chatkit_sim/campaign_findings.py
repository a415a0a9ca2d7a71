"""What campaigns found, over all processes of a run: told in full once, and kept as tests in files."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chatkit_sim.simulation import Campaign, CampaignError, Finding

_DIRECTORY = ".chatkit-sim"
_ATTRIBUTE = "chatkit_sim_findings"


def kept(item: pytest.Item, campaign: Campaign, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of a campaign, those that are told in full with the file that their test was written to.

    Raises:
        UsageError: It could not be written.
    """
    return [
        _kept(item, campaign, finding) if finding.reproducible and not finding.same_as else finding
        for finding in findings
    ]


def _kept(item: pytest.Item, campaign: Campaign, finding: Finding) -> Finding:
    from chatkit_sim.errors import UsageError
    from chatkit_sim.report.files import REPRODUCERS, write_file
    from chatkit_sim.simulation.reproducer import as_file

    directory = report_directory(item.config)
    name = f"{re.sub(r'[^a-z0-9]+', '_', finding.key[0])}_{_id(item, finding)}"
    path = directory / REPRODUCERS / f"{name}.py"
    home = _shown(item.config, item.path.parent)
    beside = home if home != "." else ""
    target = f"{beside}{'/' if beside else ''}test_{name}.py"
    copy = f"cp {shlex.quote(_shown(item.config, path))} {shlex.quote(target)}"
    run = f"Run it beside the conftest.py that names the server: {copy} && pytest {shlex.quote(target)}{_flags(item)}"
    text = as_file(finding.story, finding.key, finding.test, f"found by {item.nodeid}", run)
    try:
        write_file(path, [text.encode("utf-8", "backslashreplace")])
        if directory.name == _DIRECTORY:  # nothing of it belongs into the repository
            write_file(directory / ".gitignore", [b"*\n"])
    except OSError as error:
        raise UsageError(
            f"The test of a bug cannot be written to {path}: {error.strerror or error}. Name another directory with "
            "--chatkit-sim-report DIR."
        ) from error
    return replace(finding, file=_shown(item.config, path))


def report_directory(config: pytest.Config) -> Path:
    """Where the tests of bugs are written to: the report's directory, ``.chatkit-sim`` where there is no report."""
    given = config.getoption("chatkit_sim_report")
    if given:
        return Path(config.invocation_params.dir, str(given)).resolve()
    return config.rootpath / (str(config.getini("chatkit_sim_report")) or _DIRECTORY)


def replay(item: pytest.Item, campaign: Campaign, seed: int) -> str:
    """The command that makes the same run again, from the directory of this one."""
    path, _, rest = item.nodeid.partition("::")
    named = shlex.quote(f"{_shown(item.config, item.config.rootpath / path)}::{rest}")
    return f"pytest {named} --chatkit-sim-seed {seed}{_flags(item, campaign)}"


def _flags(item: pytest.Item, campaign: Campaign | None = None) -> str:
    """What of the command line the item, or its test, depends on."""
    option, given = item.config.getoption, []
    if campaign is not None:
        given += [("examples", campaign.examples)] if option("chatkit_sim_examples") is not None else []
        given += [("shards", campaign.parts)] if campaign.parts > 1 else []
        given += [("boundary", option("chatkit_sim_boundary")), ("tools", option("chatkit_sim_tools"))]
    hostile = " --chatkit-sim-hostile" if campaign is not None and option("chatkit_sim_hostile") else ""
    words = [hostile] if hostile else []
    words += [f" --chatkit-sim-{name} {value}" for name, value in given if value is not None]
    words += [f" --chatkit-server {shlex.quote(server)}" for server in option("chatkit_server")]
    if option("chatkit_context"):
        words.append(f" --chatkit-context {shlex.quote(option('chatkit_context'))}")
    profile = option("--hypothesis-profile", None) if campaign is not None else None
    return "".join(words) + (f" --hypothesis-profile {profile}" if profile else "")


def _shown(config: pytest.Config, path: Path) -> str:
    """A path as a person sees it from where the run was started."""
    here = config.invocation_params.dir
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def _id(item: pytest.Item, finding: Finding) -> str:
    """The same for the same bug of a server on every machine."""
    _, _, parameters = item.name.partition("[")
    where = [item.parent.nodeid if item.parent is not None else "", parameters]
    key = [part.replace(str(item.config.rootpath), "") for part in finding.key]
    return hashlib.sha256(repr([where, key]).encode("utf-8", "backslashreplace")).hexdigest()[:8]


def annotate(item: pytest.Item, error: CampaignError, report: pytest.TestReport) -> None:
    """Let a report say which bugs it tells, also when it comes from a worker of pytest-xdist."""
    vars(report)[_ATTRIBUTE] = [
        {
            "id": _id(item, one),
            "rule": one.key[0],
            "text": str(one),
            "short": str(replace(one, same_as="{}")),
            "same_as": one.same_as,
            "test": one.test if one.reproducible else "",
            "file": one.file,
        }
        for one in error.findings
    ]


def findings_of(report: pytest.TestReport) -> list[dict[str, str]]:
    """The bugs that a report tells."""
    found: list[dict[str, str]] = getattr(report, _ATTRIBUTE, [])
    return found


def register_findings(config: pytest.Config) -> None:
    """Tell what campaigns find, in this process or for all workers."""
    config.pluginmanager.register(Findings(config), "chatkit-sim-findings")


class Findings:
    """Tells each bug in full where it comes first, whichever process it comes from; elsewhere ``same as``.

    Args:
        config: The run's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._is_worker = hasattr(config, "workerinput")
        self._first: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report say which bugs it tells."""
        report = yield
        campaigns = sys.modules.get("chatkit_sim.simulation")
        if call.excinfo is not None and campaigns and isinstance(call.excinfo.value, campaigns.CampaignError):
            annotate(item, call.excinfo.value, report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Shorten what was told before."""
        if self._is_worker:
            return
        name = report.nodeid.rpartition("::")[2]
        for found in findings_of(report):
            first = self._first.setdefault(found["id"], name)
            if first != name:
                _put(report, found, first)
                found["same_as"] = first


def _put(report: pytest.TestReport, found: Mapping[str, str], first: str) -> None:
    rule, seen = found["rule"], f"{found['rule']} (the same as in {first})"
    chain: Any = getattr(report.longrepr, "chain", [])
    for traceback, crash, _ in chain:
        for entry in traceback.reprentries:
            entry.lines = [line.replace(found["text"], found["short"].format(first)) for line in entry.lines]
        if crash is not None and not crash.message.startswith(f"{rule} (the same"):
            crash.message = crash.message.replace(rule, seen, 1)
