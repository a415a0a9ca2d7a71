"""Attributes set for a while and put back exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Patches:
    """Reversible changes, undone in reverse order."""

    _undo: list[Callable[[], None]] = field(default_factory=list)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a class, module or object.

        What someone else has put in its place in the meantime is left alone when it is undone.
        """
        had = name in vars(owner)
        before = vars(owner).get(name)
        setattr(owner, name, value)

        def restore() -> None:
            if vars(owner).get(name) is not value:
                return
            if had:
                setattr(owner, name, before)
            else:
                delattr(owner, name)

        self._undo.append(restore)

    def undone_by(self, undo: Callable[[], None]) -> None:
        """Add an action that undoes a change made elsewhere."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()
