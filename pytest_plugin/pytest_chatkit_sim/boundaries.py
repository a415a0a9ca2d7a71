"""Simulation items at either boundary of the model, and at both."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

from .keys import is_simulated
from .stage import STAGE

FIXTURE = "_chatkit_boundary"
BOUNDARIES = ("model", "http")
BOTH = "both"


def add_boundary_options(parser: pytest.Parser) -> None:
    """Declare the options of the boundary."""
    parser.getgroup("chatkit-sim").addoption(
        "--chatkit-sim-boundary",
        default=None,
        choices=(*BOUNDARIES, BOTH),
        help="Where the simulated model answers: in place of the model, as OpenAI's HTTP API, or both, one after the "
        "other; then the end of the run says where they differ.",
    )
    parser.addini(
        "chatkit_boundary",
        "Where chatkit_model answers: in place of the `model`, or as OpenAI's `http` API, which the app's model asks",
        default="model",
    )


def register_comparison(config: pytest.Config) -> None:
    """Play every simulation item at both boundaries, if that was asked for."""
    if config.getoption("chatkit_sim_boundary") == BOTH:
        config.pluginmanager.register(Comparison(), "chatkit-sim-boundaries")


def boundary_of(item: pytest.Function) -> str | None:
    """The boundary that a test asks for; ``None`` when it leaves it as it is."""
    simulated = is_simulated(item)
    flag = item.config.getoption("chatkit_sim_boundary") if simulated else None
    if flag == BOTH:
        return str(item.callspec.params[FIXTURE])
    marked = [marker.kwargs["boundary"] for marker in item.iter_markers("chatkit") if "boundary" in marker.kwargs]
    wanted = flag or (marked[0] if marked else item.config.getini("chatkit_boundary"))
    return wanted if flag or marked or wanted != "model" else None


class Comparison:
    """Doubles the simulation items, and holds what came of the one against what came of the other."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[str, Any]]] = {}

    @pytest.fixture(name=FIXTURE)
    def boundary(self, request: pytest.FixtureRequest) -> Any:
        """The boundary of a simulation item."""
        return request.param

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Double the simulation items."""
        if is_simulated(metafunc.definition):
            metafunc.fixturenames.append(FIXTURE)
            metafunc.parametrize(FIXTURE, BOUNDARIES, indirect=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what the users saw into the report, which also comes from the workers of pytest-xdist."""
        report = yield
        stage = item.stash.get(STAGE, None)
        if call.when == "call" and stage is not None and isinstance(item, pytest.Function):
            campaign = item.name.startswith("campaign-")  # which draws something else each time
            seen = [] if campaign else [_shown(turn) for turn in stage.bench.turns]
            boundary = item.callspec.params.get(FIXTURE) if hasattr(item, "callspec") else None
            vars(report).update(chatkit_sim_boundary=boundary, chatkit_sim_seen=seen)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep it."""
        boundary = getattr(report, "chatkit_sim_boundary", None)
        if boundary is not None:
            pair = re.sub(rf"(?<=[\[-]){boundary}\]$", "]", report.nodeid).replace("[]", "").replace("-]", "]")
            outcome = (report.outcome, getattr(report, "chatkit_sim_seen", []))
            self._seen.setdefault(pair, {})[boundary] = outcome

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where they differ."""
        pairs = {pair: seen for pair, seen in self._seen.items() if len(seen) == len(BOUNDARIES)}
        different = [line for pair, seen in pairs.items() for line in _differences(pair, seen["model"], seen["http"])]
        terminalreporter.section("chatkit-sim: the two boundaries")
        for line in different or [f"no difference in {len(pairs)} items"]:
            terminalreporter.write_line(line)


def _shown(turn: Any) -> list[Any]:
    """What a user saw of a turn, as plain data without ids."""
    calls = [f"{call.name} {dict(call.arguments)}" for call in turn.client_tool_calls]
    return [turn.text, [item.type for item in turn.items], calls, len(turn.errors)]


def _differences(pair: str, model: tuple[str, Any], http: tuple[str, Any]) -> list[str]:
    if model[0] != http[0]:
        return [f"{pair}: {model[0]} at the model boundary, {http[0]} at the HTTP boundary"]
    if len(model[1]) != len(http[1]):
        return [f"{pair}: {len(model[1])} turns at the model boundary, {len(http[1])} at the HTTP boundary"]
    names = ("text", "items", "client tool calls", "errors")
    for number, (at_model, at_http) in enumerate(zip(model[1], http[1], strict=True), 1):
        for name, one, other in zip(names, at_model, at_http, strict=True):
            if one != other:
                return [f"{pair}: turn {number}, {name}: {one!r} at the model boundary, {other!r} at the HTTP boundary"]
    return []
