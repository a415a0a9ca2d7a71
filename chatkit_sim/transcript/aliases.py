"""Ids become aliases: by kind, in the order in which the reader meets them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

# Ids that a transcript writes on purpose stand between marks that no text can contain: texts are written with
# everything unprintable escaped, and these are.
_REFERENCE, _OWN, _END = "\ue000", "\ue001", "\ue002"

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
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_PREFIXED = re.compile(rf"({'|'.join(_PREFIXES)})[_-](?=[A-Za-z]*[0-9])[0-9A-Za-z]{{8,}}")
_GENERATED = re.compile(r"(?=.*\d)(?:.{8,}|[A-Za-z]{1,12}[_-][\w-]+)", re.DOTALL)
_PLAIN = re.compile(r"[\w-]+")
# A word with a digit in it, as generated ids have; a newline may stand before it as an escape.
_WORD = r"(?<![\w-])(?:(?<=\\)[nrt])?+([A-Za-z_-]*+\d[\w-]*+)"
_MAY_HAVE = re.compile(rf"[\d{_REFERENCE}{_OWN}]")
_SHORTEST = 11  # of an id that is known by its prefix alone
_ODD = 200  # ids with other characters than words have, that are looked for one by one


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
        lines = text.split("\n")
        some = [number for number, line in enumerate(lines) if _MAY_HAVE.search(line)]
        written = self._written("\n".join(lines[number] for number in some))
        for number, line in zip(some, written.split("\n"), strict=True) if some else ():
            lines[number] = line
        return "\n".join(lines)

    def _written(self, text: str) -> str:
        # Ids that look like words ("welcome") are not looked for in texts: there they are words.
        loose = {each for each in self._kinds if _GENERATED.fullmatch(each)}
        lengths = sorted({len(each) for each in loose}, reverse=True)
        shortest = min([*lengths, _SHORTEST])
        pattern = _pattern(loose)
        within: dict[str, list[tuple[int, int]]] = {}
        times: Counter[str] = Counter()
        for marked, word, odd in pattern.findall(text):
            if word:
                spans = within.get(word)
                if spans is None:
                    spans = within[word] = list(_within(word, loose, lengths)) if len(word) >= shortest else []
                for start, end in spans:
                    times[word[start:end]] += 1
            else:
                times[marked or odd] += 1

        numbers: dict[str, int] = {}
        aliases: dict[str, str] = {}

        def alias(item_id: str) -> str:
            known = aliases.get(item_id)
            if known is None:
                kind = self._kind(item_id)
                numbers[kind] = numbers.get(kind, 0) + 1
                known = aliases[item_id] = f"<{kind}:{numbers[kind]}>"
            return known

        def written(match: re.Match[str]) -> str:
            marked, word, odd = match.groups()
            if word:
                spans, done, out = within[word], 0, ""
                for start, end in spans:
                    out += word[done:start] + alias(word[start:end])
                    done = end
                return match[0] if not spans else match[0][: match.start(2) - match.start()] + out + word[done:]
            if odd:
                return alias(odd)
            if match[0][0] == _REFERENCE:
                return alias(marked)
            # Nothing else speaks of it, so its number would only make later ones change.
            return f" {alias(marked)}" if times[marked] > 1 else ""

        return pattern.sub(written, text)

    def _kind(self, item_id: str) -> str:
        kind = self._kinds.get(item_id)
        if kind is None:
            prefixed = _PREFIXED.fullmatch(item_id)
            kind = _PREFIXES[prefixed[1]] if prefixed else "uuid" if _UUID.fullmatch(item_id) else "item"
        return kind


def _pattern(ids: Iterable[str]) -> re.Pattern[str]:
    odd = sorted((each for each in ids if not _PLAIN.fullmatch(each)), key=lambda each: (-len(each), each))[:_ODD]
    literal = f"(?<![A-Za-z0-9])({'|'.join(map(re.escape, odd))})(?![A-Za-z0-9])" if odd else "(?!)()"
    return re.compile(rf"[{_REFERENCE}{_OWN}]([^{_END}]*){_END}|{_WORD}|{literal}")


def _within(word: str, ids: Collection[str], lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where in a word ids stand: it may be one, or be made of several and other words."""
    if word in ids or _UUID.fullmatch(word) or _PREFIXED.fullmatch(word):
        yield 0, len(word)
        return
    start = 0
    while start < len(word):
        end = next((start + length for length in lengths if _is_id(word, start, start + length, ids)), 0)
        if not end:
            other = _UUID.match(word, start) or _PREFIXED.match(word, start)
            end = other.end() if other and not word[other.end() : other.end() + 1].isalnum() else 0
        if end:
            yield start, end
        start = end or start + 1
        while start < len(word) and word[start - 1].isalnum():
            start += 1


def _is_id(word: str, start: int, end: int, ids: Collection[str]) -> bool:
    return word[start:end] in ids and not word[end : end + 1].isalnum()
