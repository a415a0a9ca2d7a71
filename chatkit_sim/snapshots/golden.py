"""Golden files: several named transcripts in one file of text, read with care and written so that none is lost."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import UsageError
from ..transcript import HEAD, VERSION
from .locking import locked

SUFFIX = "chatkit"
"""Of golden files, without the dot."""

_VERSION = re.compile(r"# chatkit-sim transcript (\d+)")
_NAME, _END = "# name: ", "# end"
_CONFLICT = re.compile(r"<{7}(?: |$)|={7}$|>{7}(?: |$)|\|{7}(?: |$)")
_NUMBER = re.compile(r"(\d+)")


class SnapshotFileError(UsageError):
    """A golden file cannot be read or written; it is left as it was."""


def read_golden(path: Path) -> Mapping[str, str]:
    """The transcripts in a golden file by name; none if there is no such file.

    Raises:
        SnapshotFileError: It was cut short, merged with conflicts, edited beyond recognition, is of a newer version,
            or cannot be read at all.
    """
    try:
        state = path.stat()
        return _read(path, (state.st_mtime_ns, state.st_size, state.st_ino))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SnapshotFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def names_in(path: Path) -> list[str]:
    """The names in a golden file, also in one that is damaged."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return []  # whoever needs what is in it is told why it cannot be read
    return [_unescaped(line[len(_NAME) :]) for line in text.splitlines() if line.startswith(_NAME)]


def write_golden(path: Path, changes: Mapping[str, str | None], order: Mapping[str, int] | None = None) -> None:
    """Put transcripts into a golden file, or take them out (``None``); the others stay as they are.

    The new file takes the place of the old one in one step, so that a full disk or a kill leaves the old one whole.
    Several processes may write to one file.

    Args:
        path: The file; it goes when nothing is left in it.
        changes: Transcripts by name.
        order: Numbers of names that are to stand in that order; the others follow by name.

    Raises:
        SnapshotFileError: The file is damaged or cannot be written.
    """
    with locked(path):
        _read.cache_clear()  # two writes may leave one state: clocks of file systems tick slowly
        snapshots = {**read_golden(path), **changes}
        left = {name: text for name, text in snapshots.items() if text is not None}
        names = sorted(left, key=lambda name: ((order or {}).get(name, len(order or {})), _natural(name)))
        try:
            if left:
                write_whole(path, _written([(name, left[name]) for name in names]))
            else:
                path.unlink(missing_ok=True)
            _read.cache_clear()
        except OSError as error:
            raise SnapshotFileError(
                f"{path} could not be written: {error.strerror or error}. The file is as it was."
            ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: all of it, or nothing.

    Raises:
        OSError: It could not be written; what was there before is there still.
    """
    if path.exists() and not path.stat().st_mode & stat.S_IWUSR:
        raise PermissionError(None, "it is read-only")  # replacing it would go around that
    path.parent.mkdir(parents=True, exist_ok=True)
    # A dot-file: syrupy takes any other file beside the golden ones for an unused snapshot.
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(beside, stat.S_IMODE(path.stat().st_mode))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@lru_cache(maxsize=16)
def _read(path: Path, state: tuple[int, int, int]) -> Mapping[str, str]:
    """Read once for each state of the file: a module's tests all read the same one."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # reads CRLF as LF, should git have made it so
    except UnicodeDecodeError as error:
        raise SnapshotFileError(f"{path} is no text in UTF-8 ({error.reason}). {_AGAIN}") from error
    return _parse(path, text.split("\n"))


_AGAIN = "Restore it from version control, or delete it and write it again with `pytest --snapshot-update`."


def _parse(path: Path, lines: Sequence[str]) -> Mapping[str, str]:
    for number, line in enumerate(lines, 1):
        if _CONFLICT.match(line):
            raise SnapshotFileError(
                f"{path}:{number} is the mark of an unfinished merge ({line[:30]!r}). Keep either side of it, delete "
                "the marks, and run the tests: what differs can then be reviewed with `chatkit-sim review`."
            )
    version = _VERSION.fullmatch(lines[0])
    if version is None:
        raise SnapshotFileError(f"{path} does not begin with {HEAD!r} but with {lines[0][:60]!r}. {_AGAIN}")
    if int(version[1]) > VERSION:
        raise SnapshotFileError(
            f"{path} is of transcript version {version[1]}, and this chatkit-sim reads up to {VERSION}. Upgrade it: "
            "pip install --upgrade chatkit-sim"
        )
    if _END not in [line.rstrip() for line in lines[-3:]]:
        raise SnapshotFileError(f"{path} was cut short: its last line is not {_END!r}. {_AGAIN}")
    return _snapshots(path, lines)


def _snapshots(path: Path, lines: Sequence[str]) -> dict[str, str]:
    bodies: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    body: list[str] | None = None
    for number, line in enumerate(lines[1:], 2):
        if line.startswith(_NAME):
            name = _unescaped(line[len(_NAME) :].rstrip())
            if name in bodies:
                raise SnapshotFileError(
                    f"{path} holds the snapshot {name!r} twice, in lines {places[name]} and {number}. Delete one of "
                    "them, and run the tests."
                )
            body, places[name] = [], number
            bodies[name] = body
        elif line.rstrip() == _END:
            body = None
        elif line.startswith("#") or (line.strip() and body is None):
            raise SnapshotFileError(
                f"{path}:{number} is no line of a transcript: {line[:60]!r}. Golden files are not written by hand. "
                f"{_AGAIN}"
            )
        elif body is not None:
            body.append(line)
    return {name: "\n".join(body).strip("\n") for name, body in bodies.items()}


def _written(snapshots: Sequence[tuple[str, str]]) -> str:
    parts = [HEAD]
    for name, text in snapshots:
        parts += [f"{_NAME}{_escaped(name)}", "", text, ""]
    return "\n".join([*parts, _END, ""])


def _escaped(name: str) -> str:
    return name if name.isprintable() and "\\" not in name else name.encode("unicode_escape").decode()


def _unescaped(name: str) -> str:
    return name.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in name else name


def _natural(name: str) -> list[tuple[int, int | str]]:
    # "test.2" before "test.10".
    return [(0, int(part)) if part.isdigit() else (1, part) for part in _NUMBER.split(name)]
