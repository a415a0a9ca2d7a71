"""The nodes that simulation items hang under."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.fixtures import FixtureFunctionDefinition

from .keys import SIMULATIONS
from .options import SETTINGS
from .quiet import quiet_imports
from .servers import load, server_fixture

NAME = "chatkit-sim"
FIXTURE = "chatkit_server"
_DEFINING = (FIXTURE, "chatkit_app", "chatkit_url")


class Simulations(pytest.Class):
    """The scenarios and campaigns on one server, one item for each; the list is always the same.

    Attributes:
        named: Whether the server is named by MODULE:ATTR, so that no other definition of it counts.
    """

    named: bool

    @classmethod
    def below(cls, parent: pytest.Module, *, named: bool = False) -> Simulations:
        """The simulations below a module."""
        simulations: Simulations = cls.from_parent(parent, name=NAME)
        simulations.named = named
        simulations.stash[SIMULATIONS] = True
        return simulations

    def _getobj(self) -> type:
        with quiet_imports():
            from chatkit_sim.simulation import SCENARIOS

        from .campaign_items import campaign_items
        from .playing import scenario_function

        place = self._place()
        members: dict[str, Any] = {scenario.slug: scenario_function(scenario, place) for scenario in SCENARIOS}
        members |= campaign_items(self.config, place)
        if self.named:
            members[FIXTURE] = server_fixture(self.config.stash[SETTINGS])
        return type(NAME, (), members)

    def istestfunction(self, obj: object, name: str) -> bool:
        """Every scenario and campaign is a test."""
        return inspect.isfunction(obj)

    def _place(self) -> Any:
        """What pytest is to show as the items' place in the source: where the server is defined."""
        module = self.getparent(pytest.Module)
        if module is None:
            return None
        if self.named:
            settings = self.config.stash[SETTINGS]
            server = load(settings.servers[0], self.config.rootpath, settings.names_from)
            return server if inspect.isroutine(server) or inspect.isclass(server) else type(server)
        definitions = [value for value in vars(module.obj).values() if is_server_fixture(value)]
        return inspect.unwrap(definitions[0]) if definitions else None


class ServerHome(pytest.Module):
    """A file that simulation items hang under: a conftest.py, or the module of a server named by MODULE:ATTR.

    Attributes:
        named: Whether its server is named by MODULE:ATTR.
        has_tests: Whether it was named as a test module as well.
    """

    named = False
    has_tests = False

    def _getobj(self) -> Any:
        # It is imported already, and under its own name another conftest may be in sys.modules by now.
        loaded = self.config.pluginmanager.get_plugin(str(self.path))
        if loaded is not None:
            return loaded
        modules = [module for module in list(sys.modules.values()) if getattr(module, "__file__", "") == str(self.path)]
        return modules[0] if modules else super()._getobj()  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The scenarios, and the tests of its own if it has any."""
        if self.has_tests:
            yield from super().collect()
        yield Simulations.below(self, named=self.named)


def defines_server(module: Any) -> bool:
    """Whether a module defines (or imports) a fixture that says what the server under test is."""
    return any(is_server_fixture(value) for value in list(vars(module).values()))


def is_server_fixture(value: object) -> bool:
    """Whether something is the definition of ``chatkit_server``, ``chatkit_app`` or ``chatkit_url``."""
    return isinstance(value, FixtureFunctionDefinition) and value.name in _DEFINING
