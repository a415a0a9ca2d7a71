"""Values and texts as lines: one fact a line, everything shown, nothing cut."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

from .masking import Placeholder, mask_value, plain

_WIDTH = 100  # of a line, before a text is broken after a sentence, or a list gets lines of its own
_DEPTH = 24  # of nested values; what is deeper stands on one line
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SENTENCE = re.compile(r"(?<=[.!?:;]) (?=\S)")


def indented(lines: Iterable[str]) -> list[str]:
    """The lines, two spaces deeper."""
    return [f"  {line}" for line in lines]


def text_lines(text: str) -> list[str]:
    r"""A text as it reads, each line of it behind a bar.

    A long line goes on, without a bar, after each sentence, so that a changed word changes one short line.

    Example:
        >>> text_lines("Your list:\n- milk")
        ['| Your list:', '| - milk']
    """
    lines: list[str] = []
    for line in str(text).split("\n"):
        if len(line) <= _WIDTH:
            lines.append(_bar(_visible(line)))
            continue
        first, *others = _SENTENCE.split(line)
        lines += [_bar(_visible(first)), *(f"  {_visible(each)}" for each in others)]
    return lines


def inline(value: Any, *, times: bool = True, within: tuple[int, ...] = ()) -> str:
    """A value on one line, as JSON; what is within itself is not told again."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        if isinstance(value, Placeholder):
            return value
        return '"' + _escaped(value).replace('"', '\\"') + '"'
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if id(value) in within:
        return "…"
    within = (*within, id(value))
    if isinstance(value, BaseModel):
        value = set_fields(value)
    value = plain(value)
    if isinstance(value, dict):
        shown = {key: inline(_shown(key, value[key], times), times=times, within=within) for key in sorted(value)}
        return f"{{{', '.join(f'{_key(key)}: {text}' for key, text in shown.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(inline(each, times=times, within=within) for each in value)}]"
    return _visible(repr(value))


def field_lines(key: str, value: Any, *, times: bool = True, depth: int = 0) -> list[str]:
    """A key and its value: on one line, or what is in it below.

    Example:
        >>> field_lines("options", {"urgent": True, "tags": ["a", "b"]})
        ['options', '  tags: ["a", "b"]', '  urgent: true']
    """
    value = _shown(key, value, times)
    line = _one_line(value, times, depth)
    if line is not None and len(line) <= _WIDTH:
        return [f"{_key(key)}: {line}"]
    return [_key(key), *indented(payload_lines(value, times=times, depth=depth + 1))]


def payload_lines(value: Any, *, times: bool = True, depth: int = 0) -> list[str]:
    """A JSON value as lines, keys in alphabetical order; secrets, times and durations by their keys are masked."""
    line = _one_line(value, times, depth)
    if line is not None and (len(line) <= _WIDTH or not isinstance(value, (str, list, tuple))):
        return [line]
    if isinstance(value, str):
        return text_lines(value)
    value = set_fields(value) if isinstance(value, BaseModel) else plain(value)
    if isinstance(value, dict):
        return [line for key in sorted(value) for line in field_lines(key, value[key], times=times, depth=depth)]
    lines: list[str] = []
    for each in value:
        first, *rest = payload_lines(each, times=times, depth=depth + 1)
        lines += [f"- {first}", *indented(rest)]
    return lines


def set_fields(model: BaseModel) -> dict[str, Any]:
    """What a model says, as the wire would have it: fields without a value are left out."""
    given = {**model.__dict__, **(model.model_extra or {})}
    return {key: value for key, value in given.items() if value is not None}


def _one_line(value: Any, times: bool, depth: int) -> str | None:
    """The value on one line, if that is how it should stand."""
    if type(value) is dict and value and depth < _DEPTH:
        return None
    if isinstance(value, BaseModel):
        value = set_fields(value)
    if isinstance(value, str) and not isinstance(value, Placeholder) and "\n" in value:
        return None
    if depth < _DEPTH and value and isinstance(value, (Mapping, list, tuple, set, frozenset)):
        if isinstance(value, Mapping):
            return None
        if any(isinstance(each, (Mapping, list, tuple, BaseModel)) or "\n" in str(each) for each in value):
            return None
    return inline(value, times=times)


def _shown(key: str, value: Any, times: bool) -> Any:
    return mask_value(key, value, times=times)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else inline(key)


def one_line(line: str) -> str:
    """A line of a transcript, whatever a name or an id in it was made of."""
    if line.isascii() and line.isprintable():
        return line
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), line)


def _bar(line: str) -> str:
    return f"| {line}" if line else "|"


def _visible(line: str) -> str:
    """A line in which everything can be seen: what cannot be printed, and a space at the end, as escapes."""
    line = _escaped(line)
    return f"{line[:-1]}\\x20" if line.endswith(" ") else line


def _escaped(text: str) -> str:
    if text.isprintable() and "\\" not in text:
        return text
    # U+200D joins emoji (a family is one picture); it is the one invisible character worth keeping.
    return "".join(
        c if c == "\u200d" or (c.isprintable() and c != "\\") else c.encode("unicode_escape").decode() for c in text
    )
