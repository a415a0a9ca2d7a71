"""``--chatkit-sim-fail-under``: a run that exercised too little fails, and says what it never met."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from .campaign_options import campaign_option
from .keys import SUMMARY

_MANY = 8  # flows that were never met and are named


class FailUnder:
    """The hooks of a run that has to reach a percentage.

    Args:
        percent: The percentage.
    """

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._lines: list[tuple[str, bool]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Fail the run, once the summaries of all workers are in."""
        result = yield
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self._judge(session)
        return result

    def _judge(self, session: pytest.Session) -> None:
        from chatkit_sim.report import Summary
        from chatkit_sim.report.coverage import flows, percentage

        summary = session.config.stash.get(SUMMARY, Summary())
        share = percentage(summary)
        if share is None:
            self._lines = [("the server has shown no tools, handoffs or widget actions: nothing to cover", False)]
        elif share < self._percent:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            never = [name for kind in flows(summary) for name in kind.never]
            more = f" and {len(never) - _MANY} more" if len(never) > _MANY else ""
            self._lines = [
                (
                    f"FAILED: tool-flow coverage is {share:.1f} %; --chatkit-sim-fail-under asks for {self._asked} %",
                    True,
                ),
                (f"never {', '.join(never[:_MANY])}{more}", True),
                ("More conversations reach more: --chatkit-sim-examples N.", False),
            ]
        else:
            self._lines = [(f"tool-flow coverage is {share:.1f} %; {self._asked} % was asked for", False)]

    @property
    def _asked(self) -> str:
        return f"{self._percent:g}"

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say it."""
        for label, (line, failed) in zip(["fail-under", "", ""], self._lines, strict=False):
            terminalreporter.write_line(f"{label:<13} {line}", red=failed)


def register_fail_under(config: pytest.Config) -> None:
    """Hold the run to a percentage, if one is asked for.

    Raises:
        pytest.UsageError: It is no percentage.
    """
    percent: float | None = campaign_option(config, "fail_under")
    if percent is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailUnder(percent), "chatkit-sim-fail-under")
