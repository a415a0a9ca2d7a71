"""What makes many turns fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import chatkit.server
from pydantic import TypeAdapter

from ..model.patches import Patches


@contextmanager
def cached_request_adapter() -> Iterator[None]:
    """Keep the adapter that ``ChatKitServer.process`` builds anew for every request; it costs more than most turns."""
    patches = Patches()
    patches.set(chatkit.server, "TypeAdapter", _Adapters())
    try:
        yield
    finally:
        patches.undo()


class _Adapters:
    """Stands in for the class ``TypeAdapter``: ``TypeAdapter[Type](Type)``."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, TypeAdapter[Any]]] = {}

    def __getitem__(self, type_: Any) -> _Adapters:
        return self

    def __call__(self, type_: Any) -> TypeAdapter[Any]:
        # The type is kept along with its id, so that the id stays its own.
        if id(type_) not in self._made:
            self._made[id(type_)] = (type_, TypeAdapter(type_))
        return self._made[id(type_)][1]
