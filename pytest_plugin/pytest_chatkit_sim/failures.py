"""What a person sees of a failure: the line of the test, what is wrong, what to do, and no machinery."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ExceptionChainRepr, ReprFileLocation, ReprTracebackNative, Traceback

from .keys import is_simulated
from .stage import STAGE, Stage

if TYPE_CHECKING:
    from chatkit_sim import Turn

_TURNS = 3  # turns of a failed test that are shown
_MACHINERY = ("chatkit", "agents", "chatkit_sim", "pytest_chatkit_sim", "pluggy", "asyncio", "contextlib", "openai")


def prepare(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Before the report is made: leave the frames of the test and the app in its tracebacks, not the machinery."""
    if call.excinfo is None or item.stash.get(STAGE, None) is None or item.config.getoption("fulltrace", False):
        return
    error = call.excinfo.value
    # Where it was raised says nothing when we raised it, and everything otherwise.
    error.__traceback__ = _of_the_app(error.__traceback__, keep_last=not is_ours(error))
    if error.__traceback__ is not None:
        call.excinfo.traceback = Traceback(error.__traceback__)
    while error.__cause__ is not None:
        error = error.__cause__
        error.__traceback__ = _of_the_app(error.__traceback__)


def is_ours(error: BaseException | None) -> bool:
    """Whether chatkit-sim raised it, or an option is wrong."""
    errors = sys.modules.get("chatkit_sim.errors")
    if isinstance(error, pytest.UsageError):
        return True
    return errors is not None and isinstance(error, errors.ChatKitSimError)


def improve(item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
    """After the report was made: say it plainly."""
    simulated = is_simulated(item)
    if simulated and report.skipped and isinstance(report.longrepr, tuple):
        path, line, _ = item.location
        report.longrepr = (path, (line or 0) + 1, report.longrepr[2])
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None or not report.failed:
        return
    ours = is_ours(error)
    if ours and (simulated or report.when != "call" or not _user_line(item, call)):
        report.longrepr = _plain(item, error)
    elif ours and isinstance(report.longrepr, ExceptionChainRepr) and report.longrepr.reprcrash is not None:
        report.longrepr.reprcrash.message = _headline(error)
    stage = item.stash.get(STAGE, None)
    if stage is not None and report.when == "call" and getattr(error, "turn", None) is None:
        report.sections += _sections(stage, error)


def _plain(item: pytest.Item, error: BaseException) -> ExceptionChainRepr:
    path, line, _ = item.location
    text = "\n".join([str(error), *getattr(error, "__notes__", ()), ""])
    where = ReprFileLocation(path, (line or 0) + 1, _headline(error))
    return ExceptionChainRepr([(ReprTracebackNative([text]), where, None)])


def _headline(error: BaseException) -> str:
    """What the short summary says."""
    violations = getattr(error, "violations", ())
    if hasattr(error, "headline"):
        return str(error.headline)
    if not violations:
        return f"{type(error).__name__}: {error}"
    first, *more = violations
    return f"{first.rule} ({first.place})" + (f" and {len(more)} more" if more else "")


def _user_line(item: pytest.Item, call: pytest.CallInfo[Any]) -> bool:
    """Whether a line of the test itself was on the way to the error."""
    return call.excinfo is not None and any(Path(entry.path) == item.path for entry in call.excinfo.traceback)


def _sections(stage: Stage, error: BaseException) -> Iterator[tuple[str, str]]:
    turns: list[Turn] = stage.bench.turns
    if turns:
        shown = turns[-_TURNS:]
        left_out = f"({len(turns) - len(shown)} earlier turns)\n" if len(turns) > len(shown) else ""
        yield "chatkit-sim: what happened", left_out + "\n".join(repr(turn) for turn in shown)
    # The error itself may be a consequence of what the app swallowed.
    blocked = [f"{call.host}, port {call.port}, from {call.frame}" for call in stage.bench.guard.blocked]
    if blocked:
        yield "chatkit-sim: stopped connections", "\n".join(blocked)
    unscripted = [f"call {one.number} of agent {one.agent!r}: {one.why}" for one in stage.bench.model.unscripted]
    if unscripted:
        yield "chatkit-sim: model calls without a step", "\n".join(unscripted)


def _of_the_app(traceback: TracebackType | None, *, keep_last: bool = True) -> TracebackType | None:
    frames: list[TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    last = frames[-1] if keep_last and frames else None
    rebuilt: TracebackType | None = None
    for one in reversed([one for one in frames if one is last or not _is_machinery(one)] or frames):
        rebuilt = TracebackType(rebuilt, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return rebuilt


def _is_machinery(traceback: TracebackType) -> bool:
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in _MACHINERY
