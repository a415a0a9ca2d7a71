"""What a promise of a store is, and what is raised when one is broken."""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...errors import ChatKitSimError

Rank = Literal["first", "", "last"]


@dataclass(frozen=True, slots=True)
class Reliance:
    """A place in ChatKit that relies on a promise.

    Attributes:
        file: The module's file, such as ``server.py``.
        code: What stands in that line; it finds the line in the installed version.
        use: What ChatKit does there, and what goes wrong when the promise is broken.
    """

    file: str
    code: str
    use: str

    def line(self) -> int | None:
        """The line in the installed ChatKit; ``None`` when this version reads differently."""
        lines = chatkit_file(self.file).read_text(encoding="utf-8").splitlines()
        return next((number for number, text in enumerate(lines, 1) if self.code in text), None)

    def __str__(self) -> str:
        line = self.line()
        where = f"chatkit/{self.file}:{line}" if line else f"chatkit/{self.file}"
        return f"{where} `{self.code}`: {self.use}"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Something that every store must do.

    Attributes:
        slug: Names it.
        must_hold: The promise, one sentence.
        relies: Where ChatKit relies on it.
        remedy: What to change in a store that breaks it.
        check: Tries it on the store of a ``Kit``; what is wrong it says by ``kit.broken(...)``.
        family: Which part of the store it is about.
        rank: ``first`` for what all others rest on: where it is broken, nothing else can be said. ``last`` for what
            sums up others: worth trying once those hold.
        two_users: Whether it takes the request context of a second user.
    """

    slug: str
    must_hold: str
    relies: Reliance
    remedy: str
    check: Callable[[Any], Awaitable[None]] = field(repr=False)
    family: str
    rank: Rank = ""
    two_users: bool = False


class PromiseBroken(ChatKitSimError, AssertionError):
    """A store broke a promise; the message says which, how, who relies on it, and what to change.

    Attributes:
        promise: The promise.
        stored: What the store was given; ``None`` where ``expected`` says more.
        expected: What it should have answered; ``None`` where ``stored`` says it.
        came_back: What it answered.
        calls: The calls that led there, readable.
        test: A test that shows it, where one was found by search.
    """

    def __init__(
        self,
        promise: Promise,
        *,
        came_back: str,
        stored: str | None = None,
        expected: str | None = None,
        calls: Sequence[str] = (),
        test: str | None = None,
    ) -> None:
        self.promise = promise
        self.stored = stored
        self.expected = expected
        self.came_back = came_back
        self.calls = tuple(calls)
        self.test = test
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [
            f"{self.promise.slug}: {self.promise.must_hold}",
            *_labelled("Stored", self.stored),
            *_labelled("Expected", self.expected),
            *_labelled("Came back", self.came_back),
        ]
        if self.calls:
            lines += _labelled("Calls", "\n".join(self.calls))
        lines += [
            *_labelled("Relied on by", _wrapped(str(self.promise.relies))),
            *_labelled("Remedy", _wrapped(self.promise.remedy)),
        ]
        if self.test:
            lines += _labelled("As a test", "\n" + self.test)
        return "\n".join(lines)


def held_back(promise: Promise, broken: Sequence[Promise]) -> str | None:
    """Why a promise is not worth trying after others were found broken; ``None`` when it is."""
    if ground := [one.slug for one in broken if one.rank == "first"]:
        return f"everything rests on what is broken: mend {', '.join(ground)} first"
    if promise.rank == "last" and broken:
        return f"it sums up promises that are broken: mend {', '.join(one.slug for one in broken)} first"
    return None


class PromiseNotChecked(ChatKitSimError):
    """A promise could not be checked on this store; the message is the reason."""


def promise(
    slug: str,
    *,
    family: str,
    must_hold: str,
    relies: Reliance,
    remedy: str,
    rank: Rank = "",
    two_users: bool = False,
) -> Callable[[Callable[[Any], Awaitable[None]]], Promise]:
    """Make a promise of the function that checks it; the arguments are those of ``Promise``."""

    def make(check: Callable[[Any], Awaitable[None]]) -> Promise:
        return Promise(
            slug=slug,
            must_hold=must_hold,
            relies=relies,
            remedy=remedy,
            check=check,
            family=family,
            rank=rank,
            two_users=two_users,
        )

    return make


def chatkit_file(name: str) -> Path:
    """The source file of a ChatKit module, found without importing it."""
    spec = importlib.util.find_spec("chatkit")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ChatKitSimError("openai-chatkit is not installed: pip install openai-chatkit")
    return Path(folders[0], name)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 110, break_long_words=False, break_on_hyphens=False)


def _labelled(label: str, text: str | None) -> list[str]:
    if text is None:
        return []
    first, *rest = text.splitlines() or ["(nothing)"]
    return [f"  {label}: {first}".rstrip(), *(f"    {line}".rstrip() for line in rest)]
