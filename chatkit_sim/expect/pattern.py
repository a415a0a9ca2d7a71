"""A pattern: what an event, an item or a client tool call should be like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..errors import UsageError
from ..transcript import value_text
from ..wire import OneEvent, Step
from .differences import MISSING, Difference, differences
from .kinds import KINDS, check_fields, check_type, holder_of, value_of


@dataclass(frozen=True, eq=False, repr=False)
class Pattern:
    """What an event, an item or a client tool call should be like; make one with the functions of this package.

    It compares with ``==`` to events, thread items, records of client tool calls, and other patterns; its ``repr``
    is what one writes to make it.

    Attributes:
        kind: The function that makes it, such as ``item_done``.
        fields: What each named field should be.
    """

    kind: str
    fields: Mapping[str, Any]
    _text: str = field(init=False)

    def __post_init__(self) -> None:
        kind = KINDS[self.kind]
        type_name = self.fields.get("type", ...) if kind.first == "type" else ...
        if type_name is not ...:
            check_type(kind, type_name)
        check_fields(kind, None if type_name is ... else type_name, self.fields)
        # Written down now: objects of dirty-equals print differently once they have matched.
        object.__setattr__(self, "_text", _written(self.kind, self.fields))

    def having(self, **fields: Any) -> Pattern:
        """The same pattern with further fields.

        Where the keyword arguments are taken, as by ``client_tool_call``, this names the rest.

        Raises:
            UsageError: There is no such field.

        Example:
            ``client_tool_call("add_to_todo_list", item="milk").having(output={"added": "milk"})``
        """
        return Pattern(self.kind, {**self.fields, **fields})

    def matches(self, subject: object) -> bool:
        """Whether an event, a step, a thread item or the record of a client tool call is like this."""
        found = self.differences(subject)
        return found is not None and next(found, None) is None

    def differences(self, subject: object) -> Iterator[Difference] | None:
        """The fields in which the subject differs; ``None`` when it is of another kind altogether."""
        holder = holder_of(KINDS[self.kind], subject.event if isinstance(subject, OneEvent) else subject)
        return None if holder is None else self._compared(holder)

    def explain(self, subject: object, limit: int = 6) -> list[Difference] | None:
        """The first few differences, for a message; a predicate that raises is one of them."""
        try:
            found = self.differences(subject)
            return None if found is None else list(islice(found, limit))
        except Exception as error:  # said in the message: explaining one failure must not raise another
            return [Difference("", f"{type(error).__name__}: {error}", subject, "raised")]

    def _compared(self, holder: object) -> Iterator[Difference]:
        for name, expected in self.fields.items():
            yield from differences(expected, value_of(holder, name), name)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Pattern):
            return (self.kind, self.fields) == (other.kind, other.fields)
        return self.matches(other)

    __hash__ = None  # type: ignore[assignment]  # equal to what it matches, so no hash could agree

    def __repr__(self) -> str:
        return self._text


def pattern_of(step: Step, like: Pattern | None = None) -> Pattern:
    """The pattern that one would write for a step.

    Args:
        step: The step.
        like: Name the fields that this pattern names, if it is about events of this kind.
    """
    subject = step.event if isinstance(step, OneEvent) else step
    names = [like.kind, *KINDS] if like else list(KINDS)
    for name in names:
        kind = KINDS[name]
        holder = holder_of(kind, subject)
        if holder is None:
            continue
        chosen = dict.fromkeys([*kind.shown[:1], *like.fields]) if like and like.kind == name else kind.shown
        values = {field: value_of(holder, field) for field in chosen}
        if like is None or like.kind != name:
            values = {field: value for field, value in values.items() if value not in (None, "", {}, False, MISSING)}
            values |= {"allow_cancel": value_of(holder, "allow_cancel")} if name == "options" else {}
        known = {field: value for field, value in values.items() if value is not MISSING}
        return _unchecked(name, known)
    raise UsageError(f"No pattern is about {type(subject).__name__}.")


def _unchecked(kind: str, fields: Mapping[str, Any]) -> Pattern:
    return Pattern(kind, fields)


def _written(kind_name: str, fields: Mapping[str, Any]) -> str:
    kind = KINDS[kind_name]
    rest = dict(fields)
    parts = [value_text(rest.pop(kind.first))] if kind.first in rest else []
    if kind_name != "client_tool_call":
        return f"{kind_name}({', '.join([*parts, *_keywords(rest)])})"
    arguments = rest.pop("arguments", ...)
    if arguments is not ...:
        parts = parts or ["..."]
        named = isinstance(arguments, Mapping) and all(isinstance(k, str) and k.isidentifier() for k in arguments)
        parts += _keywords(arguments) if named and arguments else [value_text(arguments)]
    having = f".having({', '.join(_keywords(rest))})" if rest else ""
    return f"{kind_name}({', '.join(parts)}){having}"


def _keywords(fields: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value_text(value)}" for name, value in fields.items()]
