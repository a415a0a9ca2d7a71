"""Which golden snapshots no test uses any more, put together from what each process could see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .records import UnusedRecord


@dataclass(frozen=True, kw_only=True)
class SnapshotsRecord:
    """What a process knows at its end of the golden snapshots beside its tests, by golden file.

    Attributes:
        kind: Always ``snapshots``.
        whole: Whether it saw every test, so that it may say what is unused; merged reports need not.
        used: Those that a test compared with.
        unused: Those whose test passed without comparing with them.
        orphans: Those that belong to no test.
        waiting: Those whose test did not pass here: it failed, was left out, or ran in another process.
    """

    kind: Literal["snapshots"] = "snapshots"
    whole: bool
    used: Mapping[str, Sequence[str]]
    unused: Mapping[str, Sequence[str]]
    orphans: Mapping[str, Sequence[str]]
    waiting: Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class MergedRecord:
    """Says that a report was merged of several.

    Attributes:
        kind: Always ``merged``.
        reports: Of how many.
        problems: What of them could not be kept.
    """

    kind: Literal["merged"] = "merged"
    reports: int
    problems: Sequence[str] = ()


class GoldenUse:
    """Collects what the processes of one run, or of all its shards, say of their golden snapshots."""

    def __init__(self) -> None:
        self.merged = False
        self._whole = True
        self._said: dict[str, set[tuple[str, str]]] = {name: set() for name in ("used", "unused", "orphans", "waiting")}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take what a process says, as in ``SnapshotsRecord``."""
        self._whole &= record["whole"]
        for name, said in self._said.items():
            said.update(_pairs(record[name]))

    def unused(self) -> list[UnusedRecord]:
        """What nothing used; nothing if nobody saw all tests: neither one run, nor shards that were merged."""
        if not (self._whole or self.merged):
            return []
        said = self._said
        # What belongs to no test in one process may wait for one in another, with other parameters.
        left = (said["unused"] | (said["orphans"] - said["waiting"])) - said["used"]
        return [UnusedRecord(golden=golden, name=name) for golden, name in sorted(left)]


def _pairs(names: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    return ((golden, name) for golden, each in names.items() for name in each)
