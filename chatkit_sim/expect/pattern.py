"""A pattern: what an event, an item or a client tool call should be like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..transcript import describe_step, value_text
from ..wire import OneEvent, Step
from .differences import MISSING, Difference, differences, first_differences
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
        """The first few of ``differences``, for a message; a predicate that raises is said to."""
        found = self.differences(subject)
        return None if found is None else first_differences(found, limit)

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


def written(step: Step, like: Pattern | None = None) -> str:
    """A step as the pattern that one would write for it.

    Args:
        step: The step.
        like: Name the fields that this pattern names, if it is about steps of this kind.
    """
    subject = step.event if isinstance(step, OneEvent) else step
    if like is not None and like.fields:
        holder = holder_of(KINDS[like.kind], subject)
        if holder is not None and like.fields.get("type", ...) in (..., value_of(holder, "type")):
            names = dict.fromkeys([KINDS[like.kind].first, *like.fields])
            values = {name: value_of(holder, name) for name in names}
            return _written(
                like.kind, {name: value for name, value in values.items() if name in like.fields or _telling(value)}
            )
    for kind in KINDS.values():
        holder = holder_of(kind, subject)
        if holder is not None:
            values = {name: value_of(holder, name) for name in kind.shown}
            return _written(kind.name, {name: value for name, value in values.items() if _telling(value)})
    return describe_step(step)


def _telling(value: Any) -> bool:
    return value not in (None, "", {}) and value is not MISSING


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
