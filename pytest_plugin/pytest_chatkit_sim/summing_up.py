"""The summary of a run, over all workers, and what it says at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from . import baselines
from .keys import PROBLEM, SUMMARY, is_simulated
from .options import SETTINGS
from .quiet import quiet_imports
from .stage import STAGE, Stage

if TYPE_CHECKING:
    from chatkit_sim.report import Summary

STALE = pytest.StashKey[list[tuple[str, str]]]()
"""What nothing needed in a complete run, each with where it stands."""
TOLD = pytest.StashKey[list[tuple[str, str]]]()
"""What there is to say of the baseline."""
_WORKER_KEY, _PROBLEM_KEY = "chatkit_sim", "chatkit_sim_problem"


def add_test(item: pytest.Item) -> None:
    """Add what a test did to the summary of this process."""
    stage = item.stash.get(STAGE, None)
    if stage is None:
        return
    from chatkit_sim.report import Summary

    item.config.stash[SUMMARY] = item.config.stash.get(SUMMARY, Summary()) + summary_of(item, stage)
    baselines.add_test(item, stage)


def summary_of(item: pytest.Item, stage: Stage) -> Summary:
    """What one test did."""
    from chatkit_sim.report import summarize

    return summarize(
        stage.bench.judged,
        scenario=is_simulated(item),
        registered=[name for client in stage.clients for name in client._core.tools.contracts()],
        ignores=[str(ignore) for ignore in stage.bench.catalogue.ignores if ignore.origin != "marker"],
    )


def hand_over(config: pytest.Config) -> None:
    """On a worker of pytest-xdist: give the summary to the controller."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is None:
        return
    baselines.hand_over(config, output)
    if SUMMARY in config.stash:
        output[_WORKER_KEY] = config.stash[SUMMARY].to_json()
    output[_PROBLEM_KEY] = config.stash.get(PROBLEM, "")


def take_over(config: pytest.Config, workeroutput: dict[str, Any]) -> None:
    """On the controller of pytest-xdist: add the summary of a worker."""
    if workeroutput.get(_PROBLEM_KEY):
        config.stash[PROBLEM] = workeroutput[_PROBLEM_KEY]
    baselines.take_over(config, workeroutput)
    if _WORKER_KEY not in workeroutput:
        return
    with quiet_imports():
        from chatkit_sim.report import Summary

    config.stash[SUMMARY] = config.stash.get(SUMMARY, Summary()) + Summary.from_json(workeroutput[_WORKER_KEY])


def settle_exit_status(session: pytest.Session) -> None:
    """Fail a run that was not what was asked for, and a complete one in which an ignore silenced nothing.

    Ignores of the ini file and of flags expire so, and lines of the baseline; those of a marker fail their test.
    """
    config = session.config
    if PROBLEM in config.stash and not hasattr(config, "workerinput"):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    summary = config.stash.get(SUMMARY, None)
    if summary is None or hasattr(config, "workerinput"):
        return
    complete = _is_complete(session)
    with quiet_imports():
        config.stash[TOLD] = baselines.write(config, complete=complete)
        config.stash[STALE] = baselines.stale(config) if complete else []
    if config.stash[STALE]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def write(reporter: pytest.TerminalReporter) -> None:
    """Write the summary, when a simulation ran or there is something worth saying."""
    config = reporter.config
    if PROBLEM in config.stash:
        reporter.write_line(f"ERROR: {config.stash[PROBLEM]}", red=True)
    summary = config.stash.get(SUMMARY, None)
    if summary is None:
        return
    from chatkit_sim.report import ignored, render

    stale = config.stash[STALE] if STALE in config.stash else []
    lines = render(summary) if config.stash[SETTINGS].simulate else ignored(summary)
    told = config.stash[TOLD] if TOLD in config.stash else []
    lines += told
    if not lines and not stale:
        return
    reporter.section("chatkit-sim", sep="=")
    for label, text in lines:
        reporter.write_line(f"{label:<13} {text}")
    for ignore, where in stale:
        reporter.write_line(f"stale         {ignore!r} silenced nothing in this complete run.", red=True)
        reporter.write_line(f"              Take it out of {where}, so that the rule speaks again when it is broken.")
    if stale and not config.stash[SETTINGS].simulate:
        reporter.write_line(
            "              (What only --chatkit-sim needs is narrowed to it: RULE[test=*::chatkit-sim::*]: reason.)"
        )


def _is_complete(session: pytest.Session) -> bool:
    config = session.config
    options = config.option
    narrowed = any(
        getattr(options, name, None)
        for name in ("keyword", "markexpr", "lf", "stepwise", "deselect", "ignore", "ignore_glob")
    )
    # A test that failed may have done so before it came to what it needs the ignore for.
    stopped = bool(session.shouldstop or session.shouldfail) or session.exitstatus != pytest.ExitCode.OK
    narrowed |= baselines.needs_of(config).partial
    by_arguments = config.args_source is pytest.Config.ArgsSource.ARGS
    return not (narrowed or stopped or by_arguments)
