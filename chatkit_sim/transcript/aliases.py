"""Ids become aliases: by kind, in the order in which the reader meets them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Ids that a transcript writes on purpose stand between marks that no text can contain: texts are written with
# everything unprintable escaped, and these are.
_REFERENCE, _OWN, _END = "\ue000", "\ue001", "\ue002"

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PREFIXES = {
    "thr": "thread",
    "msg": "message",
    "tc": "tool_call",
    "wf": "workflow",
    "tsk": "task",
    "atc": "attachment",
    "shcx": "hidden",
    "call": "call",
    "resp": "response",
    "fc": "tool_call",
    "rs": "reasoning",
    "chatcmpl": "response",
    "ig": "image",
}
_PREFIXED = rf"(?:{'|'.join(_PREFIXES)})[_-](?=[A-Za-z]*[0-9])[0-9A-Za-z]{{8,}}"
_GENERATED = re.compile(r"(?=.*\d)(?:.{8,}|[A-Za-z]{1,12}[_-][\w-]+)", re.DOTALL)
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"


def reference(item_id: str) -> str:
    """An id that the text speaks of: it is always shown, as its alias."""
    return f"{_REFERENCE}{item_id}{_END}"


def own(item_id: str) -> str:
    """The id of the very thing that is described here: shown, after a space, if something else speaks of it."""
    return f"{_OWN}{item_id}{_END}"


class Ids:
    """The ids of a recording, and what kind of thing each belongs to."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def add(self, kind: str, item_id: str | None) -> None:
        """Learn an id; the first kind that is more than a guess (``item``) stays."""
        if item_id and self._kinds.get(item_id, "item") == "item":
            self._kinds[item_id] = kind

    def apply(self, text: str) -> str:
        """Write aliases in place of every id in a text, also of those within words, payloads and URLs."""
        pieces = list(self._pieces(text))
        spoken_of = {piece.id for piece in pieces if isinstance(piece, _Id) and not piece.own}
        # An id that several things claim to have is worth showing too.
        owned: dict[str, int] = {}
        for piece in pieces:
            if isinstance(piece, _Id) and piece.own:
                owned[piece.id] = owned.get(piece.id, 0) + 1
        numbers: dict[str, int] = {}
        aliases: dict[str, str] = {}
        out: list[str] = []
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            if piece.own and piece.id not in spoken_of and owned[piece.id] < 2:
                continue
            alias = aliases.get(piece.id)
            if alias is None:
                numbers[piece.kind] = numbers.get(piece.kind, 0) + 1
                alias = aliases[piece.id] = f"<{piece.kind}:{numbers[piece.kind]}>"
            out.append(f" {alias}" if piece.own else alias)
        return "".join(out)

    def _pieces(self, text: str) -> Iterator[str | _Id]:
        # Ids that look like words ("welcome") are not looked for in texts: there they are words.
        loose = {each for each in self._kinds if _GENERATED.fullmatch(each)}
        lengths = sorted({len(each) for each in loose}, reverse=True)
        position = 0
        for match in _pattern(loose).finditer(text):
            start, end = match.span()
            if start < position:
                continue
            found: _Id | None = None
            if match["marked"] is not None:
                found = self._known(match["marked"], own=text[start] == _OWN)
            else:
                for length in lengths:
                    if (
                        text[start : start + length] in loose
                        and not text[start + length : start + length + 1].isalnum()
                    ):
                        found, end = self._known(text[start : start + length]), start + length
                        break
                else:
                    if match["uuid"] or match["prefixed"]:
                        found = self._known(match[0])
            if found is not None:
                yield text[position:start]
                yield found
                position = end
        yield text[position:]

    def _known(self, item_id: str, own: bool = False) -> _Id:
        kind = self._kinds.get(item_id)
        if kind is None:
            prefix = re.split("[_-]", item_id, maxsplit=1)[0]
            kind = "uuid" if re.fullmatch(_UUID, item_id) else _PREFIXES.get(prefix, "item")
        return _Id(item_id, kind, own)


class _Id:
    __slots__ = ("id", "kind", "own")

    def __init__(self, item_id: str, kind: str, own: bool) -> None:
        self.id, self.kind, self.own = item_id, kind, own


def _pattern(ids: Iterable[str]) -> re.Pattern[str]:
    # Where an id may begin: after the beginning of one, so that most of a text is passed over quickly.
    beginnings = {each[:3] for each in ids}
    if len(beginnings) > 64:
        beginnings = {each[:1] for each in ids}
    known = rf"|{_START}(?={'|'.join(sorted(map(re.escape, beginnings)))})" if beginnings else ""
    return re.compile(
        rf"[{_REFERENCE}{_OWN}](?P<marked>[^{_END}]*){_END}"
        rf"|{_START}(?P<uuid>{_UUID})(?![A-Za-z0-9])|{_START}(?P<prefixed>{_PREFIXED})(?![A-Za-z0-9]){known}"
    )
