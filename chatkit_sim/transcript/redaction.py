"""What a user does not want to see in a transcript, taken out of events before they are written."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from ..errors import UsageError
from ..wire import OneEvent, Step, TextRun
from .masking import REDACTED, Placeholder

Path = tuple[tuple[Any, type], ...]
"""A place within an event, as syrupy writes it: each name or index, with the type of the value found there."""

Matcher = Callable[..., Any]
"""Called with ``data`` and ``path`` for every value; what it returns is shown instead."""

Redaction = str | re.Pattern[str] | Callable[[str, Any], Any]
"""A key or a path with ``*`` (``"*.email"``), whose value is replaced; a pattern, each match of which is replaced; or
a function of path and value that returns what to show."""

T = TypeVar("T")


class Redactor:
    """Applies redactions and a matcher to events and requests. Nothing that it is given is changed."""

    def __init__(
        self, redact: Iterable[Redaction] = (), matcher: Matcher | None = None, exclude: Matcher | None = None
    ) -> None:
        self._globs: list[str] = []
        self.patterns: list[re.Pattern[str]] = []
        self._functions: list[Callable[[str, Any], Any]] = []
        for each in [redact] if isinstance(redact, (str, re.Pattern)) else redact:
            if isinstance(each, str):
                self._globs.append(each)
            elif isinstance(each, re.Pattern):
                self.patterns.append(each)
            elif callable(each):
                self._functions.append(each)
            else:
                raise UsageError(
                    f"A redaction is a key or path ('*.email'), a compiled pattern, or a function of path and value; "
                    f"not {each!r}."
                )
        self._matcher, self._exclude = matcher, exclude
        self._active = bool(self._globs or self._functions or matcher or exclude)

    def steps(self, steps: Iterable[Step]) -> Iterable[Step]:
        """The steps without what is to be taken out."""
        return map(self._step, steps) if self._active else steps

    def value(self, value: T) -> T:
        """An event, an item or the parameters of a request without what is to be taken out."""
        if not self._active:
            return value
        shown: T = self._walk(value, (), "")
        return shown

    def text(self, text: str) -> str:
        """A finished text without what the patterns match."""
        for pattern in self.patterns:
            text = pattern.sub(REDACTED, text)
        return text

    def _step(self, step: Step) -> Step:
        if isinstance(step, TextRun):
            path = (("update", dict), ("delta", str))
            text = self._leaf(step.text, path, "update.delta")
            return step if text is step.text else replace(step, text=str(text))
        return OneEvent(step.number, self.value(step.event))

    def _walk(self, value: Any, path: Path, dotted: str) -> Any:
        value = self._leaf(value, path, dotted) if path else value
        if isinstance(value, BaseModel):
            given = {**value.__dict__, **(value.model_extra or {})}
            changed = self._children(given.items(), value, path, dotted)
            return value.model_copy(update=changed) if changed else value
        if isinstance(value, Mapping):
            changed = self._children(value.items(), value, path, dotted)
            return {k: changed.get(k, v) for k, v in value.items() if changed.get(k, v) is not _GONE}
        if isinstance(value, (list, tuple)):
            changed = self._children(enumerate(value), value, path, dotted)
            return (
                [changed.get(i, v) for i, v in enumerate(value) if changed.get(i, v) is not _GONE] if changed else value
            )
        return value

    def _children(self, pairs: Iterable[tuple[Any, Any]], parent: Any, path: Path, dotted: str) -> dict[Any, Any]:
        """What is to be shown in place of some of the values, by name."""
        changed: dict[Any, Any] = {}
        for name, value in pairs:
            if name == "type" and isinstance(parent, BaseModel):
                continue  # it says what the rest means
            if self._exclude is not None and self._exclude(prop=name, path=path):
                changed[name] = _default(parent, name)
                continue
            shown = self._walk(value, (*path, (name, type(value))), f"{dotted}.{name}" if dotted else str(name))
            if shown is not value:
                changed[name] = shown
        return changed

    def _leaf(self, value: Any, path: Path, dotted: str) -> Any:
        for glob in self._globs:
            if glob == path[-1][0] or fnmatch.fnmatchcase(dotted, glob):
                return Placeholder(REDACTED)
        for function in self._functions:
            value = _shown(function(dotted, value), value)
        if self._matcher is not None:
            value = _shown(self._matcher(data=value, path=path), value)
        return value


class _Gone:
    """The type of ``_GONE``."""


_GONE = _Gone()


def _default(parent: Any, name: Any) -> Any:
    if not isinstance(parent, BaseModel):
        return _GONE
    field = type(parent).model_fields.get(str(name))
    if field is not None and not field.is_required():
        return field.get_default(call_default_factory=True)
    return Placeholder("")


def _shown(new: Any, old: Any) -> Any:
    # A matcher may return any object, such as syrupy's Repr; it stands in the text as it prints.
    if new is old or new is None or isinstance(new, (str, int, float, bool, list, tuple, dict, BaseModel)):
        return new
    return Placeholder(repr(new))
