"""``--chatkit-sim-report DIR``: every process writes what it sees, and at the end one report is made of it."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .campaign_findings import findings_of
from .keys import SUMMARY, is_simulated
from .quiet import quiet_imports
from .snapshot_watch import NAME as WATCH
from .stage import STAGE

if TYPE_CHECKING:
    from chatkit_sim.client import Judged
    from chatkit_sim.report import Summary
    from chatkit_sim.report.files import RecordWriter
    from chatkit_sim.report.records import Outcome, TestRecord
    from chatkit_sim.report.redacting import Redacting

_NAME = "chatkit_sim_report"
_PROBLEM = "chatkit_sim_report_problem"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def add_report_options(parser: pytest.Parser) -> None:
    """Declare the option and its ini twin."""
    parser.getgroup("chatkit-sim").addoption(
        "--chatkit-sim-report",
        default=None,
        metavar="DIR",
        help="Write a report of every conversation to DIR: index.html, summary.md for a CI job's summary page and "
        "report.json; pending snapshots as well.",
    )
    parser.addini(_NAME, "The directory of --chatkit-sim-report, relative to the root directory", default="")


def register_report(config: pytest.Config) -> None:
    """Write a report if one is asked for; a run without one pays nothing."""
    given = config.getoption(_NAME)
    directory = config.invocation_params.dir / given if given else config.rootpath / str(config.getini(_NAME))
    if not (given or config.getini(_NAME)) or config.option.collectonly:
        return
    setattr(config.option, _NAME, str(directory.resolve()))  # workers of pytest-xdist inherit it
    config.pluginmanager.register(ReportFiles(config, directory.resolve()), "chatkit-sim-report")


@dataclass(repr=False, eq=False)  # what pytest waits for at its start is kept small
class _Seen:
    """What is known of a test until its teardown is over."""

    outcome: Outcome = "passed"
    messages: list[str] = field(default_factory=list)
    parts: list[Any] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    redacting: Redacting | None = None


class ReportFiles:
    """The hooks of a run that writes a report.

    Args:
        config: The run's.
        directory: The report directory.
    """

    def __init__(self, config: pytest.Config, directory: Path) -> None:
        self._config = config
        self._directory = directory
        self._seen: dict[str, _Seen] = {}
        self._problems: list[str] = []
        self._said: list[str] = []
        self._writer: RecordWriter | None = None
        self._counted: Summary | None = None
        self._redact: tuple[Any, ...] = ()  # of the last test: one whose setup fails cannot be asked
        workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._worker = str(workerinput["workerid"]) if workerinput is not None else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Make room in the directory, before any worker writes into it."""
        if self._worker is not None:
            return
        from chatkit_sim.errors import UsageError

        try:
            with quiet_imports():
                from chatkit_sim.report.files import prepare

                prepare(self._directory)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Learn what the project takes out of its snapshots: it is not to stand in the report either."""
        if "_chatkit_stage" in getattr(item, "fixturenames", ()):
            request: pytest.FixtureRequest = item._request  # type: ignore[attr-defined]
            self._redact = tuple(request.getfixturevalue("chatkit_snapshot_extension").redact)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Write the turns of a test, while its bench is there."""
        stage = item.stash.get(STAGE, None)
        if stage is not None:
            self._write_turns(item.nodeid, stage.bench.judged)
        if stage is not None or "_chatkit_stage" in getattr(item, "fixturenames", ()):
            self._test(item.nodeid).facts.update(_about(item))
        try:
            return (yield)
        finally:
            if stage is not None:
                self._test(item.nodeid).facts["summary"] = self._newly_counted().to_json()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how each phase of a test went, and write the test at its end."""
        if hasattr(report, "node"):  # the controller of pytest-xdist: the worker has written it, unless it died
            if str(report.when) == "???":
                self._write(_record(report.nodeid, _Seen("error", [report.longreprtext])))
            return
        seen = self._test(report.nodeid)
        _note(seen, report)
        if findings_of(report):
            seen.facts["findings"] = _masked(findings_of(report))
        if report.when == "teardown":
            del self._seen[report.nodeid]
            if "scenario" in seen.facts:
                self._write(_record(report.nodeid, seen))

    @pytest.hookimpl(wrapper=True, trylast=True)  # within the wrapper that writes the terminal's summary
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Make the report, once every worker has written what it saw."""
        result = yield
        self._write_snapshots()
        if self._worker is not None:
            if self._problems:
                self._config.workeroutput[_PROBLEM] = self._problems  # type: ignore[attr-defined]
        else:
            self._make()
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has finished, and says what it could not write."""
        self._problems += (getattr(node, "workeroutput", None) or {}).get(_PROBLEM, [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the report is."""
        for problem in self._problems:
            terminalreporter.write_line(f"chatkit-sim report: {problem}", red=True)
        for line in self._said:
            terminalreporter.write_line(line)

    def _write_turns(self, node_id: str, judged: Sequence[Judged]) -> None:
        from chatkit_sim.report.redacting import Redacting
        from chatkit_sim.report.turns import turn_record, violation_records

        driven = [one for one in judged if one.turn is not None]
        turns = (turn_record(one, node_id, number) for number, one in enumerate(driven, 1))
        redacting = self._test(node_id).redacting = Redacting(self._redact) if self._redact else None
        for turn in turns if redacting is None else redacting.turns(turns):
            self._write(turn)
        whole = [each for one in judged if one.turn is None for each in violation_records(one)]
        self._test(node_id).facts["violations"] = whole

    def _write_snapshots(self) -> None:
        """Write which golden snapshots this process used, and which it left alone."""
        watch = self._config.pluginmanager.get_plugin(WATCH)
        if watch is None or not watch.items:
            return
        with quiet_imports():
            from chatkit_sim.report.goldens import SnapshotsRecord
            from chatkit_sim.snapshots.usage import usage
        found = usage(self._config, watch)
        if found.used or found.unused or found.orphans or found.waiting:
            self._write(SnapshotsRecord(**vars(found)))

    def _newly_counted(self) -> Summary:
        """What this process has counted since the last test: also what campaigns drove without keeping it."""
        from chatkit_sim.report import Summary

        before, self._counted = self._counted or Summary(), self._config.stash.get(SUMMARY, Summary())
        return self._counted - before

    def _test(self, node_id: str) -> _Seen:
        return self._seen.setdefault(node_id, _Seen())

    def _make(self) -> None:
        with quiet_imports():
            from chatkit_sim.errors import UsageError
            from chatkit_sim.report.making import make_report
        if not any((self._directory / "records").glob("*.jsonl")):
            self._said.append("chatkit-sim report: no test used a ChatKit server, so there is none")
            return
        try:
            make_report(self._directory, root=self._config.rootpath, problems=self._problems)
        except (OSError, UsageError) as error:
            self._problems.append(f"it could not be made: {getattr(error, 'strerror', None) or error}")
            return
        self._said.append(f"chatkit-sim report: {self._directory / 'index.html'}")

    def _write(self, record: Any) -> None:
        if self._writer is None:
            from chatkit_sim.report.files import RecordWriter

            self._writer = RecordWriter(self._directory, self._worker or "main")
        try:
            self._writer.write(record)
        except OSError as error:
            problem = f"incomplete, since {self._directory} could not be written ({error.strerror or error})"
            if problem not in self._problems:
                self._problems.append(problem)


def _about(item: pytest.Item) -> dict[str, Any]:
    path, line, _ = item.location
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return {
        "scenario": is_simulated(item),
        "title": doc.strip().partition("\n")[0],
        "file": Path(path).as_posix(),
        "line": (line or -1) + 1,
    }


def _note(seen: _Seen, report: pytest.TestReport) -> None:
    outcome, message = _outcome(report), _message(report)
    context = getattr(report, "context", None)
    if context is not None:  # a subtest
        from chatkit_sim.report.records import PartRecord

        values = ", ".join(f"{name}={value}" for name, value in context.kwargs.items())
        name = " ".join(part for part in (context.msg, f"({values})" if values else "") if part)
        seen.parts.append(PartRecord(name=name, outcome=outcome, message=message))
        return
    seen.seconds += report.duration
    if message:
        seen.messages.append(message)
    if report.when == "call" or outcome != "passed":
        seen.outcome = outcome if seen.outcome in ("passed", outcome) else seen.outcome


def _outcome(report: pytest.TestReport) -> Outcome:
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfailed" if expected else "skipped"
    return "xpassed" if expected and report.when == "call" else "passed"


def _message(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return _COLOURS.sub("", str(reason).removeprefix("Skipped: "))


def _masked(findings: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    from chatkit_sim.report.values import masked

    return [{name: masked(text) for name, text in found.items()} for found in findings]


def _record(node_id: str, seen: _Seen) -> TestRecord | dict[str, Any]:
    from chatkit_sim.report.files import as_values
    from chatkit_sim.report.records import TestRecord
    from chatkit_sim.report.values import masked

    record = TestRecord(
        test=node_id,
        outcome=seen.outcome,
        seconds=round(seen.seconds, 3),
        message=masked("\n\n".join(seen.messages)),
        parts=seen.parts,
        **seen.facts,
    )
    return record if seen.redacting is None else seen.redacting.texts(as_values(record))
