"""Watching which tests a run collected, left out and passed, so that "unused" is only said of snapshots that are."""

from __future__ import annotations

from collections.abc import Generator

import pytest

NAME = "chatkit-sim-snapshot-watch"
_SUFFIX = "chatkit"


class SnapshotWatch:
    """What the snapshots of a run have to know of it at its end: see ``chatkit_sim.snapshots.usage.Watch``.

    Args:
        config: The run's.
    """

    def __init__(self, config: pytest.Config) -> None:
        options = config.option
        self.items: list[pytest.Item] = []
        self.passed: set[str] = set()
        named = getattr(options, "file_or_dir", None) or ()  # not there for --help
        self.narrowed = bool(getattr(options, "lf", False)) or any("::" in each for each in named)
        self.finished = False
        self.compared = False
        self.problems: list[str] = []
        self._config = config
        self._not_passed: set[str] = set()
        # Other extensions of syrupy take our files for unknown ones, and delete them once no test has used them.
        options.ignore_file_extensions = [*(getattr(options, "ignore_file_extensions", None) or ()), _SUFFIX]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Note the tests before any is deselected."""
        self.items = list(items)
        result = yield
        self.narrowed |= len(items) < len(self.items)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test went."""
        if report.failed or report.skipped:
            self._not_passed.add(report.nodeid)
            self.passed.discard(report.nodeid)
        elif report.passed and report.when == "call" and report.nodeid not in self._not_passed:
            self.passed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_assertrepr_compare(self) -> Generator[None, list[list[str]], list[list[str]]]:
        """Show our own errors without the way through syrupy that led to them."""
        return [_without_traceback(lines) for lines in (yield) if lines]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """No further test will run. Files of tests that all passed without comparing anything are indeed unused."""
        self.finished = True
        everything = all(item.nodeid in self.passed for item in self.items) and not self.narrowed
        if everything and not self.compared and not hasattr(self._config, "workerinput"):
            self._config.option.ignore_file_extensions.remove(_SUFFIX)
        result = yield
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what went wrong after the last test."""
        for problem in self.problems:
            terminalreporter.write_line(problem, red=True)


def _without_traceback(lines: list[str]) -> list[str]:
    ours = len(lines) > 2 and lines[1].startswith("chatkit_sim.") and lines[2].startswith("Traceback ")
    return [lines[0], lines[1].partition(": ")[2]] if ours else lines
