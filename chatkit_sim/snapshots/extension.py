"""The syrupy extension: a turn, a conversation or a list of events against its golden file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from syrupy.assertion import SnapshotAssertion
from syrupy.data import Snapshot, SnapshotCollection, SnapshotCollections
from syrupy.extensions.base import AbstractSyrupyExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from ..errors import UsageError
from ..transcript import HEAD, Redaction, full_transcript
from .golden import SUFFIX, SnapshotFileError, names_in, read_golden, write_golden
from .mismatch import mismatch_lines, short_mismatch
from .pending import Pending
from .recorder import expected_directory, pending_in, shows_everything, updating
from .usage import SEEN, Owners, Watch, saw_everything, watch_of

if TYPE_CHECKING:
    from typing import Literal

    from syrupy.location import PyTestLocation
    from syrupy.types import PropertyFilter, PropertyMatcher, SerializableData, SerializedData, SnapshotIndex


@dataclass
class _Asserted:
    """The assertion that an extension is in the middle of: what syrupy's doors told one after the other."""

    location: PyTestLocation
    golden: str
    name: str
    old: str | None = None
    new: str = ""
    kept: str = ""


class TranscriptSnapshots(AbstractSyrupyExtension):
    """What both extensions share: transcripts in golden files, pending snapshots, differences that can be read.

    Subclass it to say what the transcripts of a project are like.

    Attributes:
        detail: ``turn`` or ``events``: see ``full_transcript``.
        redact: Keys, paths, patterns or functions: see ``full_transcript``.
        times: Whether times and durations become placeholders.

    Example:
        ::

            class OurSnapshots(ThreadStreamSnapshotExtension):
                redact = ("*.email", re.compile("ORD-[0-9]+"))

            @pytest.fixture
            def chatkit_snapshot_extension():
                return OurSnapshots
    """

    detail: ClassVar[Literal["turn", "events"]] = "turn"
    redact: ClassVar[Sequence[Redaction]] = ()
    times: ClassVar[bool] = True

    file_extension = SUFFIX
    write_immediately = True  # so that a file which cannot be written fails its own test

    def __init__(self) -> None:
        self._asserted: _Asserted | None = None
        self._texts: dict[str, str] = {}
        self._watch: Watch | None = None

    def serialize(
        self,
        data: SerializableData,
        *,
        exclude: PropertyFilter | None = None,
        include: PropertyFilter | None = None,
        matcher: PropertyMatcher | None = None,
    ) -> SerializedData:
        """The transcript of what is asserted.

        Raises:
            UsageError: A transcript cannot be made of it, or two tests share a name.
        """
        if include is not None:
            raise UsageError("A transcript takes `exclude` and `matcher`; `include` would leave nothing to tell.")
        whole = full_transcript(
            data, detail=self.detail, redact=self.redact, matcher=_users(matcher), exclude=exclude, times=self.times
        )
        text = whole.removeprefix(HEAD).strip("\n")
        if self._asserted is not None:
            self._tell_names_apart(self._asserted, text)
            self._keep(text)
        return text

    def read_snapshot(self, *, test_location: PyTestLocation, index: SnapshotIndex, session_id: str) -> SerializedData:
        """Read as every extension does, and remember which assertion that is for."""
        self._asserted = _Asserted(
            test_location,
            self.get_location(test_location=test_location, index=index),
            self.get_snapshot_name(test_location=test_location, index=index),
        )
        return super().read_snapshot(test_location=test_location, index=index, session_id=session_id)

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> SerializableData | None:
        """The transcript in a golden file; ``None`` if there is none.

        Raises:
            SnapshotFileError: The file is damaged or of a newer version.
        """
        text = read_golden(Path(snapshot_location)).get(snapshot_name)
        if self._asserted is not None:
            self._asserted.old = text
        return text

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """The names in a golden file, also of a damaged one: whose tests are used does not hang on that."""
        collection = SnapshotCollection(location=snapshot_location)
        for name in names_in(Path(snapshot_location)) or ["(damaged)"]:
            collection.add(Snapshot(name=name))
        return collection

    def discover_snapshots(
        self, *, test_location: PyTestLocation, ignore_extensions: list[str] | None = None
    ) -> SnapshotCollections:
        """The snapshots that are unused unless a test uses them.

        Syrupy counts as unused what a test that failed, or that never ran, did not get to; and deletes it when it
        updates. At the end of a run those are left out, and all of them where the run did not see everything.
        """
        others = [each for each in ignore_extensions or () if each != SUFFIX]  # which are kept from our files
        found: SnapshotCollections = super().discover_snapshots(test_location=test_location, ignore_extensions=others)
        config = test_location.item.config
        watch = self._watch = watch_of(config)
        if watch is None:
            return found
        watch.compared = True
        if not watch.finished:
            return found
        judged = SnapshotCollections()
        if not updating(config, new=False) and not saw_everything(config, watch):
            return judged
        owners = Owners(watch)
        for collection in found:
            location = Path(collection.location)
            left = SnapshotCollection(location=collection.location)
            for snapshot in collection:
                if location.suffix != f".{SUFFIX}" or owners.state(location, snapshot.name) != "waiting":
                    left.add(snapshot)
            if left.has_snapshots or not collection.has_snapshots:
                judged.add(left if collection.has_snapshots else collection)
        return judged

    @classmethod
    def write_snapshot_collection(
        cls, *, snapshot_collection: SnapshotCollection, name_order: dict[str, int] | None = None
    ) -> None:
        """Put transcripts into their golden file; the others in it stay.

        Raises:
            SnapshotFileError: The file is damaged or cannot be written.
        """
        changes = {snapshot.name: str(snapshot.data) for snapshot in snapshot_collection}
        write_golden(Path(snapshot_collection.location), changes, name_order)

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Take unused transcripts out of a golden file; a damaged one is left alone, and its tests say so."""
        path = Path(snapshot_location)
        try:
            read_golden(path)
        except SnapshotFileError:
            return
        self._delete(path, snapshot_names)

    def _delete(self, path: Path, names: Iterable[str]) -> None:
        try:
            write_golden(path, dict.fromkeys(names))
        except SnapshotFileError as error:
            if self._watch is None:
                raise
            self._watch.problems.append(f"Unused snapshots were not deleted. {error}")  # no test is left to fail

    def diff_snapshots(self, serialized_data: SerializedData, snapshot_data: SerializedData) -> SerializedData:
        """What ``chatkit_snapshot(diff=...)`` keeps: how this transcript differs from another one."""
        text = "\n".join(line for line in mismatch_lines(str(snapshot_data), str(serialized_data), limit=1000))
        if self._asserted is not None:
            self._keep(text)
        return text

    def diff_lines(self, serialized_data: SerializedData, snapshot_data: SerializedData) -> Iterator[str]:
        """From the first difference on, with what stands around it."""
        old, new = str(snapshot_data), str(serialized_data)
        asserted = self._asserted
        lines = mismatch_lines(old, new, color=True)
        footer = _footer(asserted) if asserted is not None else []
        if asserted is None or shows_everything(asserted.location.item.config):
            yield from [*lines, *footer]
            return
        # pytest cuts long explanations, so the whole of it gets a section of its own.
        asserted.location.item.add_report_section("call", "snapshot difference", "\n".join([*lines, *footer]) + "\n")
        yield from short_mismatch(old, new)

    def _keep(self, text: str) -> None:
        """Keep what was seen as pending if the golden file says otherwise; forget what was pending if it agrees."""
        asserted = self._asserted
        if asserted is None:
            return
        asserted.new = text
        config = asserted.location.item.config
        pending = _pending(asserted)
        store = pending_in(config)
        if text == asserted.old or updating(config, new=asserted.old is None):
            store.drop(pending)
            return
        try:
            store.add(pending)
            asserted.kept = str(expected_directory(config))
        except OSError as error:
            asserted.kept = f"nowhere ({error.strerror or error}: {store.directory})"

    def _tell_names_apart(self, asserted: _Asserted, text: str) -> None:
        test = asserted.location.nodeid
        seen = asserted.location.item.config.stash.setdefault(SEEN, {})
        first = seen.setdefault((asserted.golden, asserted.name), test)
        if first != test:
            raise SnapshotFileError(
                f"Two tests have one snapshot, {asserted.name!r} in {asserted.golden}: {first} and {test}. Give one of "
                "them another name or id, or keep one file for each test module."
            )
        if self._texts.setdefault(asserted.name, text) != text:
            raise SnapshotFileError(
                f"{test} compares two different things with one snapshot, {asserted.name!r}: give each assertion a "
                "name of its own."
            )


class ThreadStreamSnapshotExtension(TranscriptSnapshots):
    """Transcripts of ChatKit streams, in one golden file for each test module.

    Example:
        ::

            def test_greets(chatkit_client, snapshot):
                turn = chatkit_client.send("Hello")
                assert turn == snapshot.use_extension(ThreadStreamSnapshotExtension)
    """


class OneFilePerTestExtension(TranscriptSnapshots, SingleFileSnapshotExtension):
    """The same with one golden file for each snapshot, in a directory for each test module."""

    _write_mode = WriteMode.TEXT

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        """Whether a file holds a snapshot of a test, also where its id has characters that files cannot have."""
        path, name = Path(snapshot_location), cls.get_snapshot_name(test_location=test_location)
        named = path.stem == name or path.stem.startswith((f"{name}.", f"{name}["))
        known: bool = test_location.matches_snapshot_location(snapshot_location)
        return known or (named and path.parent.name == test_location.basename)

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """The name of the file's only snapshot, which is the file's own."""
        return SingleFileSnapshotExtension.read_snapshot_collection(self, snapshot_location=snapshot_location)

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Delete an unused golden file; a damaged one is left alone."""
        path = Path(snapshot_location)
        self._delete(path, names_in(path))


def _users(matcher: PropertyMatcher | None) -> PropertyMatcher | None:
    """The matcher, unless it is only the one that syrupy puts around that of the user, with none within.

    Asking it about every value of every event would take longer than everything else.
    """
    for cell in getattr(matcher, "__closure__", None) or ():
        assertion = cell.cell_contents
        if isinstance(assertion, SnapshotAssertion) and getattr(assertion, "_matcher", matcher) is None:
            return None
    return matcher


def _pending(asserted: _Asserted) -> Pending:
    location = asserted.location
    return Pending(
        _relative(asserted.golden, location),
        asserted.name,
        location.nodeid,
        _relative(location.filepath, location),
        _line_in(location.filepath),
        asserted.old,
        asserted.new,
    )


def _relative(path: str, location: PyTestLocation) -> str:
    root = location.item.config.rootpath
    try:
        return Path(path).relative_to(root).as_posix()
    except ValueError:
        return Path(path).as_posix()


def _line_in(filename: str) -> int:
    """The line of the test's file that is being executed; 0 if the assertion is not in it."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == filename:
            return int(frame.f_lineno)
        frame = frame.f_back
    return 0


def _footer(asserted: _Asserted) -> list[str]:
    if asserted.kept.startswith("nowhere"):
        return [f"What this run saw is kept {asserted.kept}. Accept it with: pytest --snapshot-update"]
    return [f"Kept in {asserted.kept}. Look at it with: chatkit-sim review   Accept it: pytest --snapshot-update"]
