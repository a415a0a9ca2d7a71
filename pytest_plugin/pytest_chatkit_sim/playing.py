"""Playing a scenario as a pytest item."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from .fixtures import set_scene
from .options import SETTINGS
from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim.simulation import Cast, Scenario

_PROPERTY = "chatkit_sim_real_tools"
CASTS = pytest.StashKey[dict[Any, "Cast"]]()
"""What the scenarios of this process have revealed, for each server."""


def scenario_function(scenario: Scenario, place: Any) -> Callable[..., None]:
    """The test function of a scenario, for a class.

    Args:
        scenario: What it plays.
        place: The definition of the server, which pytest is to show as the item's place.
    """

    @pytest.mark.chatkit_sim
    def play(
        self: Any,
        request: pytest.FixtureRequest,
        subtests: pytest.Subtests,
        _chatkit_page: Stage,
        chatkit_server: Any,
        chatkit_store: Any,
        chatkit_context: Any,
        chatkit_tools: Mapping[str, Any],
        chatkit_model: Any,
    ) -> None:
        __tracebackhide__ = True
        set_scene(_chatkit_page, chatkit_server, chatkit_store, chatkit_tools, chatkit_model)
        _play(scenario, request, _chatkit_page, chatkit_context, subtests.test)

    play.__name__ = scenario.slug
    play.__doc__ = scenario.title
    if place is not None:
        play.place_as = place
    function: Callable[..., None] = play
    return function


def _play(
    scenario: Scenario,
    request: pytest.FixtureRequest,
    stage: Stage,
    context: Any,
    part: Callable[[str], AbstractContextManager[Any]],
) -> None:
    __tracebackhide__ = True
    from chatkit_sim import ChatKitSimWarning, ViolationError
    from chatkit_sim.simulation import NotApplicable, Simulation
    from chatkit_sim.stores.conformance.classes import optional_fixture

    # What is only worth a warning fails no scenario, also where a project makes errors of its warnings.
    warnings.simplefilter("always", ChatKitSimWarning)
    item: pytest.Item = request.node
    stage.bench.model.other_tools = item.config.stash[SETTINGS].tools
    simulation = Simulation(
        stage.bench,
        scenario,
        context=context,
        cast=_cast_of(item),
        part=part if not stage.bench.takes_notes else partial(_noting, part),
        announce=lambda names: _announce(item, names),
        given=partial(optional_fixture, request),
        faults=item.config.stash[SETTINGS].faults,
    )
    try:
        simulation.play()
    except NotApplicable as reason:
        pytest.skip(str(reason))
    except ViolationError:
        if not stage.bench.takes_notes:  # otherwise it stands in what was judged
            raise


@contextmanager
def _noting(part: Callable[[str], AbstractContextManager[Any]], label: str) -> Iterator[None]:
    from chatkit_sim import ViolationError

    with part(label), suppress(ViolationError):
        yield


def _cast_of(item: pytest.Item) -> Cast:
    """What is known of the item's server: the items below one collector, with the same parameters, share it."""
    from chatkit_sim.simulation import Cast

    casts = item.config.stash.setdefault(CASTS, {})
    _, _, parameters = item.name.partition("[")
    return casts.setdefault((item.parent and item.parent.nodeid, parameters), Cast())


def _announce(item: pytest.Item, names: Sequence[str]) -> None:
    announcer = item.config.pluginmanager.get_plugin("chatkit-sim-announcer")
    if isinstance(announcer, Announcer):
        announcer.announce(item, names)


class Announcer:
    """Says which server tools run for real, before they do; on workers, as soon as their report is in.

    Args:
        config: The run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._said: set[str] = set()

    def announce(self, item: pytest.Item, names: Sequence[str]) -> None:
        """Say it, or send it with the report of the item."""
        if hasattr(self._config, "workerinput"):
            item.user_properties.append((_PROPERTY, ", ".join(names)))
        else:
            self._say(", ".join(names))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Say what workers have sent."""
        for name, value in report.user_properties:
            if name == _PROPERTY and not hasattr(self._config, "workerinput"):
                self._say(str(value))

    def _say(self, names: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or names in self._said:
            return
        self._said.add(names)
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
            reporter.ensure_newline()
            if self._config.get_terminal_writer().width_of_current_line:
                reporter.line("")
            reporter.write_line(f"chatkit-sim: server tools that run for real: {names}")
            reporter.write_line("  (the fixture chatkit_tools or --chatkit-sim-tools=stub puts fakes in their place)")
