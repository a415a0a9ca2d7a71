"""A cassette: what a real provider answered, kept beside the test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ...errors import UsageError

_VERSION = 1
_SHORT = 160
_AGAIN = "Record it again, with a key: pytest --chatkit-sim-record"


@dataclass(frozen=True)
class Interaction:
    """One request, and what the provider answered.

    Attributes:
        path: The path of the request, such as ``/v1/responses``.
        request: Its body, cleaned.
        status: The status of the response.
        events: The data of its events, if it was streamed.
        body: Its body, if it was not.
    """

    path: str
    request: Mapping[str, Any]
    status: int = 200
    events: Sequence[Mapping[str, Any]] | None = None
    body: Any = None


@dataclass
class Cassette:
    """The interactions of one test, in the order in which they were finished.

    Attributes:
        path: The file.
        interactions: What was recorded.
        ignored: Places of requests that may be different, such as ``instructions`` or ``input[*].content``.
    """

    path: Path
    interactions: list[Interaction] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Cassette:
        """Read a cassette.

        Raises:
            UsageError: There is none, or the file is none.
        """
        if not path.exists():
            raise UsageError(f"There is no cassette {path}. {_AGAIN.replace(' again', '')}.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION:
                raise UsageError(f"The cassette {path} has the format {data['version']}, not {_VERSION}. {_AGAIN}.")
            return cls(path, [Interaction(**one) for one in data["interactions"]])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"The file {path} is no cassette ({error!r}). {_AGAIN}.") from error

    def save(self) -> None:
        """Write it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = [{name: value for name, value in asdict(one).items() if value is not None} for one in self.interactions]
        text = json.dumps({"version": _VERSION, "interactions": kept}, indent=1, ensure_ascii=False)
        self.path.write_text(text + "\n", encoding="utf-8")

    def ignore(self, *places: str) -> None:
        """Let requests be different in some places, such as instructions that tell the date.

        Args:
            places: Such as ``instructions`` or ``input[*].content``; ``*`` stands for anything.
        """
        self.ignored += places

    def changes(self, interaction: Interaction, path: str, request: Mapping[str, Any]) -> list[str]:
        """In what a request is not the recorded one, each place with both values."""
        if path != interaction.path:
            return [f"the path: recorded {interaction.path}, now {path}"]
        found = _differences(interaction.request, request, "")
        return [
            f"{place}: recorded {_short(before)}, now {_short(now)}"
            for place, before, now in found
            if not any(fnmatchcase(place, _pattern(ignored)) for ignored in self.ignored)
        ]

    def no_answer(self, number: int, changes: Sequence[str]) -> str:
        """Why a request has no answer, and what to do."""
        if not changes:
            return f"The cassette {self.path} has {len(self.interactions)} answers, and all were given. {_AGAIN}"
        more = f" (and {len(changes) - 3} more)" if len(changes) > 3 else ""
        place = changes[0].partition(":")[0]
        return (
            f"The request is not the one that the cassette {self.path} has as number {number}: "
            f'{"; ".join(changes[:3])}{more}. {_AGAIN}; or allow it: cassette.ignore("{place}")'
        )


_MISSING = object()


def _differences(before: Any, now: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in {**before, **now}:
            inner = f"{place}.{name}" if place else name
            yield from _differences(before.get(name, _MISSING), now.get(name, _MISSING), inner)
    elif isinstance(before, list) and isinstance(now, list):
        for index in range(max(len(before), len(now))):
            was, is_ = (one[index] if index < len(one) else _MISSING for one in (before, now))
            yield from _differences(was, is_, f"{place}[{index}]")
    elif before != now:
        yield place, before, now


def _short(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHORT else text[:_SHORT] + "..."


def _pattern(place: str) -> str:
    # For fnmatch, brackets are a set of characters.
    return place.replace("[", "[[]") + "*"
