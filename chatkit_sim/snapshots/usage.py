"""Which golden snapshots a run used, and which nothing asked for any more; said only of what the run could see."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension
from syrupy.location import PyTestLocation

from .golden import SUFFIX, names_in

WATCH = "chatkit-sim-snapshot-watch"
"""The name of the plugin that watches a run."""

SEEN = pytest.StashKey[dict[tuple[str, str], str]]()
"""The snapshots that a process compared with: the test's node id by golden file and name."""

_FOLDER = "__snapshots__"


class Watch(Protocol):
    """What is known of a run.

    Attributes:
        items: Every test that was collected, also those that were deselected.
        passed: The node ids of those that ran in this process and passed.
        narrowed: Whether tests were left out by name, mark, node id or an earlier outcome.
        finished: Whether no further test will run.
        compared: Whether a test has had a snapshot of ours.
        problems: What went wrong after the last test.
    """

    items: list[pytest.Item]
    passed: set[str]
    narrowed: bool
    finished: bool
    compared: bool
    problems: list[str]


@dataclass(frozen=True)
class SnapshotUsage:
    """The snapshots of one process, by golden file (relative to the root directory, with slashes).

    Attributes:
        whole: Whether the run saw every test, so that it may say what is unused.
        used: Those that a test compared with.
        unused: Those whose test passed without comparing with them.
        orphans: Those that belong to no test.
        waiting: Those whose test did not pass here: it failed, was left out, or ran in another process.
    """

    whole: bool
    used: Mapping[str, list[str]]
    unused: Mapping[str, list[str]]
    orphans: Mapping[str, list[str]]
    waiting: Mapping[str, list[str]]


def watch_of(config: pytest.Config) -> Watch | None:
    """Who watches the run; nobody if the plugin of pytest is not there."""
    watch: Watch | None = config.pluginmanager.get_plugin(WATCH)
    return watch


def saw_everything(config: pytest.Config, watch: Watch) -> bool:
    """Whether a run may say that a snapshot is unused: nothing was left out, and no golden file lies elsewhere."""
    if watch.narrowed:
        return False
    invoked = config.invocation_params.dir
    given = [invoked / str(argument) for argument in config.option.file_or_dir or ()]
    if not given and invoked != config.rootpath and not config.getini("testpaths"):
        given = [invoked]
    if not given:
        return True
    inside = [path.resolve() for path in given]
    return all(
        any(module == path or path in module.parents for path in inside)
        for module in map(_module, _all_golden(config.rootpath.resolve(), config.getini("norecursedirs")))
    )


def usage(config: pytest.Config, watch: Watch) -> SnapshotUsage:
    """What a process knows at its end of the golden files beside the tests that it collected."""
    seen: dict[tuple[str, str], str] = config.stash.get(SEEN, {})
    used: dict[str, list[str]] = {}
    for golden, name in sorted(seen):
        used.setdefault(_relative(Path(golden), config), []).append(name)
    found: dict[str, dict[str, list[str]]] = {"unused": {}, "orphans": {}, "waiting": {}}
    owners = Owners(watch)
    for path in _golden_beside(watch.items):
        for name in names_in(path):
            if (str(path), name) not in seen:
                found[owners.state(path, name)].setdefault(_relative(path, config), []).append(name)
    return SnapshotUsage(saw_everything(config, watch), used, **found)


@dataclass
class Owners:
    """Which test a snapshot belongs to, and what became of it."""

    watch: Watch
    _by_module: dict[Path, dict[str, str]] = field(default_factory=dict)

    def state(self, golden: Path, name: str) -> str:
        """Of a snapshot that nothing compared with: ``unused``, one of the ``orphans``, or ``waiting``."""
        if not self._by_module:
            self._read()
        module = _module(golden)
        tests = self._by_module.get(module)
        if tests is None:
            return "waiting" if module.exists() else "orphans"  # a module that was not collected is not judged
        owner = next((tests[part] for part in _shortened(name) if part in tests), None)
        if owner is None:
            return "orphans"
        return "unused" if owner in self.watch.passed else "waiting"

    def _read(self) -> None:
        for item in self.watch.items:
            if isinstance(item, pytest.Function):
                location = PyTestLocation(item)
                names = self._by_module.setdefault(item.path.resolve(), {})
                names[location.snapshot_name] = item.nodeid
                # As a file is called that holds one snapshot.
                names[SingleFileSnapshotExtension.get_snapshot_name(test_location=location)] = item.nodeid


def _shortened(name: str) -> Iterator[str]:
    """The name, then without its last part, and so on: ``test_a[x].1``, ``test_a[x]``, ``test_a``."""
    yield name
    for end in range(len(name) - 1, 0, -1):
        if name[end] in ".[":
            yield name[:end]


def _module(golden: Path) -> Path:
    """The test module that a golden file belongs to, in either layout."""
    folder = next((parent for parent in golden.parents if parent.name == _FOLDER), golden.parent)
    return folder.parent / f"{golden.relative_to(folder).parts[0].removesuffix(f'.{SUFFIX}')}.py"


def _golden_beside(items: Iterable[pytest.Item]) -> Iterator[Path]:
    for directory in sorted({item.path.parent for item in items}):
        yield from sorted((directory / _FOLDER).rglob(f"*.{SUFFIX}"))


def _all_golden(root: Path, left_out: Iterable[str]) -> Iterator[Path]:
    """Every golden file below a directory, where pytest would look for tests."""
    patterns = list(left_out)
    for directory, folders, files in os.walk(root):
        folders[:] = [
            each
            for each in folders
            if not any(fnmatch.fnmatchcase(each, pattern) for pattern in patterns)
            and not os.path.exists(os.path.join(directory, each, "pyvenv.cfg"))
        ]
        if _FOLDER in Path(directory).relative_to(root).parts:
            yield from (Path(directory, name) for name in files if name.endswith(f".{SUFFIX}"))


def _relative(path: Path, config: pytest.Config) -> str:
    try:
        return path.relative_to(config.rootpath).as_posix()
    except ValueError:
        return path.as_posix()
