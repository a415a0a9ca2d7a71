"""Simulation items: which files they hang under, and when there are none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .homes import ServerHome, Simulations, defines_server, is_server_fixture
from .keys import PROBLEM, is_simulated
from .options import SETTINGS
from .servers import NO_SERVER, load

ARGUMENTS = pytest.StashKey[list[str]]()
"""The arguments of the run, before any was added."""
ADDED = pytest.StashKey[set[Path]]()
"""The files that were added to them."""
HOSTS = pytest.StashKey[set[Path]]()
"""The files that simulation items of servers named by MODULE:ATTR hang under."""


def find_hosts(session: pytest.Session) -> None:
    """Decide which files have to be collected besides those that the arguments name.

    A directory uses the nearest definition of the server that encloses it. Servers named by MODULE:ATTR hang under the
    nearest conftest.py, whose fixtures they see, else under the module of the first.

    Raises:
        pytest.UsageError: MODULE:ATTR names nothing.
    """
    config = session.config
    settings = config.stash[SETTINGS]
    session.stash[ARGUMENTS] = list(map(str, config.args))
    session.stash[HOSTS] = set()
    session.stash[ADDED] = set()
    if not settings.simulate:
        return
    directories = [path for argument in config.args if (path := _directory(config, argument)) is not None]
    conftests = {Path(module.__file__): module for module in _conftests(config)}
    hosts: set[Path] = set()
    if not settings.named_by_flag:
        defining = [path for path, module in conftests.items() if defines_server(module)]
        hosts = {host for directory in directories if (host := _nearest(defining, directory)) is not None}
    if settings.servers and not hosts:
        for name in settings.servers:
            load(name, config.rootpath, settings.names_from)
        module = sys.modules[settings.servers[0].partition(":")[0]]
        hosts = {_nearest(conftests, directory) or Path(str(module.__file__)) for directory in directories}
        session.stash[HOSTS] = hosts
    missing = {host for host in hosts if not any(_holds(directory, host) for directory in directories)}
    session.stash[ADDED] = missing
    config.args += [str(host) for host in sorted(missing)]


def home_of(path: Path, parent: pytest.Collector) -> ServerHome | None:
    """The collector for a file that simulation items hang under; ``None`` for any other file."""
    session = parent.session
    settings = session.config.stash[SETTINGS]
    named = path in session.stash[HOSTS]
    if not settings.simulate or not (named or path.name == "conftest.py"):
        return None
    if not named:
        loaded = session.config.pluginmanager.get_plugin(str(path))
        # A server named on the command line is the one that is meant, whatever the conftests define.
        if settings.named_by_flag or loaded is None or not defines_server(loaded):
            return None
    home: ServerHome = ServerHome.from_parent(parent, path=path)
    home.named = named
    home.has_tests = session.isinitpath(path) and path not in session.stash[ADDED] and path.name == "conftest.py"
    return home


def simulations_in(collector: pytest.Collector | pytest.Item, value: object) -> Simulations | None:
    """The simulation items of a test module that defines the server."""
    settings = collector.config.stash[SETTINGS]
    if not settings.simulate or settings.named_by_flag or not is_server_fixture(value):
        return None
    if not isinstance(collector, pytest.Module) or isinstance(collector, ServerHome):
        return None
    return Simulations.below(collector)


def check_found(session: pytest.Session, items: list[pytest.Item]) -> None:
    """See that there was a server to simulate.

    Raises:
        pytest.UsageError: There was none, and the arguments let expect one.
    """
    config = session.config
    if not config.stash[SETTINGS].simulate or any(map(is_simulated, items)):
        return
    rerun = any(config.getoption(name, False) for name in ("lf", "failedfirst", "stepwise"))
    if rerun or not all(_directory(config, argument) for argument in session.stash[ARGUMENTS]):
        return
    message = f"--chatkit-sim found no server to simulate.\n\n{NO_SERVER}"
    if hasattr(config, "workerinput"):
        # A worker cannot end the run: it has nothing to run, and its controller says why.
        items.clear()
        config.stash[PROBLEM] = message
        return
    raise pytest.UsageError(message)


def _directory(config: pytest.Config, argument: object) -> Path | None:
    path = Path(config.invocation_params.dir, str(argument))
    return path if "::" not in str(argument) and path.is_dir() else None


def _conftests(config: pytest.Config) -> Iterator[Any]:
    for module in config.pluginmanager.get_plugins():
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).name == "conftest.py":
            yield module


def _nearest(files: Iterable[Path], directory: Path) -> Path | None:
    enclosing = [file for file in files if _holds(file.parent, directory)]
    return max(enclosing, key=lambda file: len(file.parts), default=None)


def _holds(directory: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())
