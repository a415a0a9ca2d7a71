"""Values as short, readable Python: the words that transcripts, patterns and messages are made of."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

TEXT_LIMIT = 80
"""How many characters of a text are shown, unless the caller knows better."""

_DEPTH = 20  # of values within values: what is deeper, or holds itself, is not shown


def quoted(text: str, limit: int | None = TEXT_LIMIT) -> str:
    r"""A text in double quotes on one line; a long one is cut, and its length said.

    Args:
        text: The text.
        limit: How many of its characters to show; ``None`` for all.

    Example:
        >>> quoted("Hello\nworld", 7)
        '"Hello\\nw…" (11 characters)'
    """
    if limit is None or len(text) <= limit:
        return f'"{escaped(text)}"'
    return f'"{escaped(text[:limit])}…" ({len(text):,} characters)'


def escaped(text: str) -> str:
    """The text on one line, with everything that cannot be seen written as an escape."""
    line = json.dumps(text, ensure_ascii=False)[1:-1]
    if line.isprintable():
        return line
    # U+200D joins emoji (a family is one picture); it is the one invisible character worth keeping.
    return "".join(c if c.isprintable() or c == "\u200d" else c.encode("unicode_escape").decode() for c in line)


def value_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """A value as one would write it in a test, at most about ``limit`` characters of it.

    JSON values, enums and models read well; anything else is its ``repr``, cut. The cost follows the limit, not
    the size of the value; what holds itself, or is nested deep, ends in ``[…]``.

    Example:
        >>> value_text({"added": "milk", "left": [1, 2]})
        '{"added": "milk", "left": [1, 2]}'
    """
    return _text(value, limit, ())


def _text(value: Any, limit: int, within: tuple[int, ...]) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return quoted(value, max(limit, 12))
    if isinstance(value, (BaseModel, Mapping, list, tuple)):
        if id(value) in within or len(within) >= _DEPTH:
            return "[…]" if isinstance(value, (list, tuple)) else "{…}"
        within = (*within, id(value))
    if isinstance(value, BaseModel):
        return _call(type(value).__name__, _given(value), limit, within)
    if isinstance(value, Mapping):
        pairs = ((f"{_text(key, limit, within)}: ", item) for key, item in value.items())
        return _joined("{", pairs, "}", len(value), limit, within)
    if isinstance(value, (list, tuple)):
        # "(x,)" is the only way to write a tuple of one.
        brackets = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
        return _joined(brackets[0], (("", item) for item in value), brackets[1], len(value), limit, within)
    text = _name_text(value) or repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def call_text(name: str, arguments: Mapping[str, Any], limit: int = 2 * TEXT_LIMIT) -> str:
    """A call as one would write it.

    Example:
        >>> call_text("add_to_todo_list", {"item": "milk"})
        'add_to_todo_list(item="milk")'
    """
    return _call(name, arguments, limit, ())


def _call(name: str, arguments: Mapping[str, Any], limit: int, within: tuple[int, ...]) -> str:
    if all(isinstance(key, str) and key.isidentifier() for key in arguments):
        pairs = ((f"{key}=", item) for key, item in arguments.items())
        return _joined(f"{name}(", pairs, ")", len(arguments), limit, within)
    return f"{name}(**{_text(arguments, limit, within)})"


def counted(count: int, thing: str) -> str:
    """A number and its noun.

    Example:
        >>> counted(1, "delta"), counted(1200, "delta")
        ('1 delta', '1,200 deltas')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _name_text(value: Any) -> str:
    """What one writes for types, functions and ``...``."""
    if value is ...:
        return "..."
    if isinstance(value, type):
        # A metaclass with a repr of its own knows better how its classes are written.
        return value.__name__ if type(value).__repr__ is type.__repr__ else ""
    code = getattr(value, "__code__", None)
    if code is not None and value.__name__ == "<lambda>":
        return f"<lambda, {os.path.basename(code.co_filename)}:{code.co_firstlineno}>"
    return str(value.__name__) if inspect.isroutine(value) else ""


def _given(model: BaseModel) -> dict[str, Any]:
    given = {**model.__dict__, **(model.model_extra or {})}
    return {key: value for key, value in given.items() if key in model.model_fields_set and value is not None}


def _joined(start: str, pairs: Any, end: str, count: int, limit: int, within: tuple[int, ...]) -> str:
    parts: list[str] = []
    used = 0
    for done, (label, value) in enumerate(pairs):
        if used >= limit:
            parts.append(f"… {count - done:,} more")
            break
        parts.append(label + _text(value, limit - used, within))
        used += len(parts[-1]) + 2
    return f"{start}{', '.join(parts)}{end}"
