"""Reading the JSON lines of one run or many, and making one report of them; never more than a turn in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from .files import RECORDS, REPRODUCERS, as_line, prepare, record_files
from .goldens import GoldenUse, MergedRecord
from .once import told_once
from .records import FORMAT, UnusedRecord
from .summary import Summary

_MERGED = "merged.jsonl"  # says that, and of how many reports
_FAILED = ("failed", "error", "unfinished", "xpassed")
_ORDER = (*_FAILED, "passed", "xfailed", "skipped")


class Spot(NamedTuple):
    """Where a turn's line is.

    Attributes:
        file: The file.
        start: Its first byte.
        length: How many bytes, the line's end apart.
    """

    file: Path
    start: int
    length: int


@dataclass
class TestFound:
    """A test of a report, without its turns: those are read when they are needed.

    Attributes:
        id: Names it in links; the same in every run.
        record: Its record, as in ``TestRecord``.
        turns: What is known of each turn in an overview.
        spots: Where the turns are, in the same order.
    """

    __test__ = False

    id: str
    record: dict[str, Any]
    turns: list[dict[str, Any]] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)

    @property
    def violations(self) -> Iterator[Mapping[str, Any]]:
        """Every violation of the test and its turns."""
        yield from self.record["violations"]
        for turn in self.turns:
            yield from turn["violations"]

    @property
    def failed(self) -> bool:
        """Whether it stands among those to look at first."""
        return self.record["outcome"] in _FAILED

    @property
    def warned(self) -> bool:
        """Whether a rule gave a warning."""
        return any(violation["status"] == "warning" for violation in self.violations)

    @property
    def rank(self) -> tuple[int, int]:
        """Where it stands: failures first, then warnings."""
        order = _ORDER.index(self.record["outcome"])
        findings = self.record.get("findings", ())
        known = bool(findings) and all(found["same_as"] for found in findings)
        return (order, known) if self.failed else (len(_FAILED) + 1 - self.warned, order)

    def lines(self) -> Iterator[bytes]:
        """The turns, as JSON on one line each."""
        for spot in self.spots:
            with open(spot.file, "rb") as file:
                file.seek(spot.start)
                yield file.read(spot.length)


@dataclass
class Collected:
    """A report before it is written.

    Attributes:
        runs: The processes, as in ``RunRecord``.
        tests: The tests, failed ones first, then those with warnings.
        summary: What they did, counted.
        problems: Why something may be missing.
        unused: Golden snapshots that no test compared with, if anyone saw all tests.
    """

    runs: list[dict[str, Any]]
    tests: list[TestFound]
    summary: Summary
    problems: list[str]
    unused: list[UnusedRecord] = field(default_factory=list)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many tests ended how."""
        counts = Counter(test.record["outcome"] for test in self.tests)
        return {outcome: counts[outcome] for outcome in _ORDER if counts[outcome]}

    @property
    def violations(self) -> dict[str, dict[str, int]]:
        """How often each rule was broken, by status."""
        counts: dict[str, Counter[str]] = {}
        for test in self.tests:
            for violation in test.violations:
                counts.setdefault(violation["status"], Counter())[violation["rule"]] += 1
        return {status: dict(rules.most_common()) for status, rules in sorted(counts.items())}


def collect(directory: Path, problems: Sequence[str] = ()) -> Collected:
    """Read the JSON lines of a report directory.

    Args:
        directory: The directory.
        problems: What is known to be missing.

    Raises:
        UsageError: It is no report directory, or of a newer version.
    """
    reader = _Reader(problems)
    for file in record_files(directory):
        reader.read(file)
    return reader.collected()


def merge(directories: Iterable[Path], into: Path) -> None:
    """Put the records and pending snapshots of several runs into one directory; the reports are made there later.

    Args:
        directories: Report directories, such as those of the shards of a CI run.
        into: The directory of the merged report; may be one of them.

    Raises:
        UsageError: One of them is no report directory, or the merged one cannot be written.
    """
    sources = list(dict.fromkeys(directory.resolve() for directory in directories))
    into = into.resolve()
    found = {directory: record_files(directory) for directory in sources}
    if into not in sources:
        if into.is_dir() and any(into.iterdir()) and not (into / RECORDS).is_dir():
            raise UsageError(f"{into} is no report directory and not empty; name another one with --into.")
        if (into / RECORDS / _MERGED).is_file():  # what was pending there came from shards, too
            shutil.rmtree(into / "pending", ignore_errors=True)
        prepare(into)
    problems: list[str] = []
    try:
        for number, (directory, files) in enumerate(found.items(), 1):
            if directory != into:
                for file in files:
                    shutil.copyfile(file, into / RECORDS / f"{number}-{directory.name}-{file.name}")
                for file in sorted((directory / "pending").glob("*.json")):
                    (into / "pending").mkdir(exist_ok=True)
                    problems += _add_pending(file, into / "pending" / file.name)
                for file in sorted((directory / REPRODUCERS).glob("*.py")):
                    (into / REPRODUCERS).mkdir(exist_ok=True)
                    shutil.copyfile(file, into / REPRODUCERS / file.name)
        if len(sources) > 1:
            merged = MergedRecord(reports=len(sources), problems=problems)
            (into / RECORDS / _MERGED).write_bytes(as_line(merged))
    except OSError as error:
        raise UsageError(f"The merged report cannot be written to {into}: {error.strerror or error}.") from error


def _add_pending(file: Path, target: Path) -> Iterator[str]:
    """Copy a pending snapshot; if there is one of its name that saw something else, that one stays, and is told."""
    if target.is_file() and target.read_bytes() != file.read_bytes():
        try:
            one, other = (json.loads(path.read_bytes()) for path in (target, file))
            if one["new"] != other["new"]:
                yield (
                    f"Two of the reports saw different things for the snapshot {one['name']!r} in {one['golden']}; to "
                    f"be reviewed here is what the first one saw, and not {file}."
                )
                return
        except (ValueError, KeyError, TypeError):
            pass  # whoever reads it says what is wrong with it
    shutil.copyfile(file, target)


class _Reader:
    """Reads files of records, one after the other."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.runs: list[dict[str, Any]] = []
        self.tests: list[TestFound] = []
        self.problems = list(problems)
        self.summary = Summary()
        self._ids: Counter[str] = Counter()
        self._goldens = GoldenUse()

    def read(self, path: Path) -> None:
        begun: dict[str, TestFound] = {}
        start = 0
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = json.loads(line)
                    self._take(record, begun, Spot(path, start, len(line.rstrip(b"\n"))))
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    # The last line is cut short where a process was killed while it wrote.
                    self.problems.append(f"{path.name}, line {number} cannot be read ({error!r}); it is left out.")
                start += len(line)
        for test in begun.values():
            test.record["message"] = "The process that ran it ended before it did; what it did until then is shown."
            self.tests.append(test)

    def collected(self) -> Collected:
        def place(test: TestFound) -> Any:
            return test.rank, test.record["test"]

        told_once([test.record for test in sorted(self.tests, key=place)])
        tests = sorted(self.tests, key=place)  # what is the same as elsewhere comes after that
        return Collected(self.runs, tests, self.summary, self.problems, self._goldens.unused())

    def _take(self, record: dict[str, Any], begun: dict[str, TestFound], spot: Spot) -> None:
        match record["kind"]:
            case "run":
                if record["format"] > FORMAT:
                    raise UsageError(
                        f"{spot.file} was written by a newer chatkit-sim; upgrade it: pip install --upgrade chatkit-sim"
                    )
                self.runs.append(record)
            case "turn":
                test = begun.get(record["test"]) or self._begin(record["test"], begun)
                test.turns.append(_overview(record))
                test.spots.append(spot)
            case "test":
                test = begun.get(record["test"]) or self._begin(record["test"], begun)
                del begun[record["test"]]
                _ORDER.index(record["outcome"])  # none of these is no outcome
                test.record.update(record)
                self.tests.append(test)
                if record["summary"]:
                    self.summary += Summary.from_json(record["summary"])
            case "snapshots":
                self._goldens.add(record)
            case "merged":
                self._goldens.merged = True
                self.problems += record["problems"]
            case other:
                raise ValueError(f"no such record: {other!r}")

    def _begin(self, node_id: str, begun: dict[str, TestFound]) -> TestFound:
        digest = hashlib.sha256(node_id.encode("utf-8", "backslashreplace")).hexdigest()[:10]
        self._ids[digest] += 1
        again = f"-{self._ids[digest]}" if self._ids[digest] > 1 else ""
        record = {
            "kind": "test",
            "test": node_id,
            "outcome": "unfinished",
            "scenario": False,
            "title": "",
            "file": node_id.partition("::")[0],
            "line": 0,
            "seconds": 0.0,
            "message": "",
            "parts": [],
            "violations": [],
            "findings": [],
            "summary": {},
        }
        begun[node_id] = test = TestFound(digest + again, record)
        return test


def _overview(turn: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "index": turn["index"],
        "number": turn["number"],
        "thread": turn["thread"],
        "asked": turn["asked"],
        "steps": sum(len(stream["events"]) + len(stream["run"]) for stream in turn["streams"]),
        "violations": turn["violations"],
    }
