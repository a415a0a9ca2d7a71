"""The review in a terminal: one pending snapshot after the other, and a key for each decision.

Each decision is carried out at once, so that whoever stops half-way has lost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..errors import UsageError
from ..transcript import Line, difference
from .pending import Pending, PendingSnapshots

_KEYS = {
    "a": "accept",
    "r": "reject",
    "s": "skip",
    "f": "accept all in this file",
    "v": "view all of it",
    "u": "undo",
    "q": "quit",
}
_STYLES = {"-": "red", "+": "green", "@": "bold cyan", "…": "dim"}
_SIDE = 100  # columns from which before and after stand side by side
_LEAST = 8  # lines of a conversation that are shown without being asked for, however small the screen
_AROUND = 10  # lines of the screen for what stands around conversations


@dataclass(frozen=True)
class _Decision:
    """What was decided at which place, so that it can be undone."""

    place: int
    what: str
    about: tuple[Pending, ...]


class Review:
    """Walks through pending snapshots.

    Args:
        store: Where they are kept.
        pending: Those to walk through, in order.
        console: Where to show them and ask; the terminal by default.
    """

    def __init__(self, store: PendingSnapshots, pending: Sequence[Pending], console: Console | None = None) -> None:
        self._store, self._pending = store, pending
        self._console = console or Console(highlight=False)
        self._decisions: list[_Decision] = []
        self._place = 0

    def run(self) -> int:
        """Ask until all is decided or the user quits; returns the exit code."""
        shown = -1
        while self._place < len(self._pending):
            if shown != self._place:
                self._show(self._pending[self._place])
                shown = self._place
            key = self._key()
            if key == "q":
                break
            try:
                shown = self._carry_out(key, shown)
            except (UsageError, OSError) as error:
                self._say(f"That could not be done: {error}", "bold red")
        self._sum_up()
        return 0

    def _key(self) -> str:
        keys = "  ".join(f"[bold]{key}[/] {what}" for key, what in _KEYS.items())
        self._console.print(keys)
        try:
            answer = self._console.input("[bold]> [/]").strip().lower()
        except (EOFError, KeyboardInterrupt):
            self._console.print()
            return "q"
        return answer[:1]

    def _carry_out(self, key: str, shown: int) -> int:
        """Do what a key says; returns the place that is on show, -1 to show the present one again."""
        present = self._pending[self._place]
        if key == "a":
            self._store.accept(present)
            self._decided("accepted", (present,))
        elif key == "r":
            self._store.drop(present)
            self._decided("rejected", (present,))
        elif key == "s":
            self._decided("skipped", (present,))
        elif key == "f":
            self._accept_file(present)
        elif key == "v":
            self._whole(present)
        elif key == "u":
            return self._undo()
        else:
            self._say("One of the letters above, and Enter.", "yellow")
        return shown

    def _decided(self, what: str, about: tuple[Pending, ...]) -> None:
        self._decisions.append(_Decision(self._place, what, about))
        self._place += len(about)
        if what != "skipped":
            names = ", ".join(each.name for each in about)
            self._say(f"{what}: {names}", "green" if what == "accepted" else "red")

    def _accept_file(self, present: Pending) -> None:
        accepted: list[Pending] = []
        try:
            for each in self._pending[self._place :]:
                if each.golden != present.golden:
                    break
                self._store.accept(each)
                accepted.append(each)
        finally:
            if accepted:  # also those before one that could not be accepted
                self._decided("accepted", tuple(accepted))

    def _undo(self) -> int:
        if not self._decisions:
            self._say("There is nothing to undo.", "yellow")
            return self._place
        last = self._decisions[-1]
        for each in reversed(last.about):
            if last.what != "skipped":
                self._store.restore(each)
        self._decisions.pop()
        self._place = last.place
        return -1

    def _show(self, pending: Pending) -> None:
        number = f"{self._place + 1} of {len(self._pending)}"
        self._console.print(Rule(_plain(f"{number}  {pending.test}"), align="left"))
        self._console.print(_plain(f"{pending.place}   {pending.name}   {pending.golden}"), style="dim")
        if pending.old is None:
            self._say("a new snapshot", "bold green")
            self._console.print(_conversation("the conversation", pending.new, self._room(0)))
            return
        lines = difference(pending.old, pending.new)
        room = self._room(len(lines)) // (1 if self._wide else 2)
        self._console.print(self._before_and_after(pending.old, pending.new, lines, max(room, _LEAST)))
        self._say("the difference", "bold")
        for line in lines:
            self._console.print(_plain(str(line)), style=_STYLES.get(line.sign, ""))

    @property
    def _wide(self) -> bool:
        return self._console.width >= _SIDE

    def _room(self, others: int) -> int:
        """How many lines of a conversation stand on one screen beside so many others."""
        return max(self._console.height - others - _AROUND, _LEAST)

    def _whole(self, pending: Pending) -> None:
        if pending.old is None:
            self._console.print(_conversation("the conversation", pending.new, None))
        else:
            lines = difference(pending.old, pending.new)
            self._console.print(self._before_and_after(pending.old, pending.new, lines, None))

    def _before_and_after(self, old: str, new: str, lines: Sequence[Line], limit: int | None) -> Table:
        before = _conversation("before", old, limit, {line.text for line in lines if line.sign == "-"}, "red")
        after = _conversation("after", new, limit, {line.text for line in lines if line.sign == "+"}, "green")
        table = Table.grid(expand=True)
        if self._wide:
            table.add_column(ratio=1)
            table.add_column(ratio=1)
            table.add_row(before, after)
        else:
            table.add_row(before)
            table.add_row(after)
        return table

    def _say(self, text: str, style: str) -> None:
        self._console.print(_plain(text), style=style)

    def _sum_up(self) -> None:
        counts = {what: 0 for what in ("accepted", "rejected", "skipped")}
        for decision in self._decisions:
            counts[decision.what] += len(decision.about)
        left = len(self._store.all())
        said = ", ".join(f"{count} {what}" for what, count in counts.items())
        self._say(f"{said}; {left} still pending", "bold")


def _conversation(
    title: str, text: str, limit: int | None, marked: frozenset[str] | set[str] = frozenset(), style: str = ""
) -> Panel:
    lines = text.split("\n")
    # Around what changed, if it does not all fit.
    first = next((number for number, line in enumerate(lines) if line in marked), 0)
    start = 0 if limit is None or len(lines) <= limit else max(min(first - limit // 3, len(lines) - limit), 0)
    shown = lines[start:] if limit is None else lines[start : start + limit]
    body = Text()
    if start:
        body.append(f"… {start:,} lines above\n", "dim")
    for line in shown:
        heading = "bold" if line and not line.startswith(" ") else ""
        body.append(_visible(line) + "\n", style if line in marked else heading)
    left = len(lines) - start - len(shown)
    if left:
        body.append(f"… {left:,} lines below\n", "dim")
    body.rstrip()
    return Panel(body, title=title, title_align="left", border_style="dim")


def _plain(text: str) -> Text:
    return Text(_visible(text))


def _visible(text: str) -> str:
    # The directory may come from anywhere, and a terminal obeys what it is told.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\u200d" else c.encode("unicode_escape").decode() for c in text)
