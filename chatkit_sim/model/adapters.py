"""Type adapters kept instead of built anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class KeptAdapters:
    """Stands in for ``TypeAdapter`` in ``chatkit.server``.

    ``process()`` writes ``TypeAdapter[ChatKitReq](ChatKitReq)`` for every request: 3 to 7 ms of work with the same
    result each time, most of what a short request costs.

    Attributes:
        build: The real ``TypeAdapter``.
    """

    build: Callable[[Any], Any]
    _kept: dict[int, tuple[Any, Any]] = field(default_factory=dict)  # with the type itself, so that its id stays its

    def __getitem__(self, kind: Any) -> KeptAdapters:
        return self

    def __call__(self, kind: Any) -> Any:
        """The adapter of a type."""
        if id(kind) not in self._kept:
            self._kept[id(kind)] = (kind, self.build(kind))
        return self._kept[id(kind)][1]
