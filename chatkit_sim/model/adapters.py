"""Type adapters kept instead of built anew."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter


class KeptAdapters:
    """Stands in for ``TypeAdapter`` in ``chatkit.server``.

    ``process()`` writes ``TypeAdapter[ChatKitReq](ChatKitReq)`` for every request: 3 to 12 ms of work with the same
    result each time, most of what a short request costs.
    """

    def __getitem__(self, kind: Any) -> KeptAdapters:
        return self

    def __call__(self, kind: Any) -> TypeAdapter[Any]:
        """The adapter of a type."""
        return _adapter(kind)


@cache  # it depends on the type alone, so one serves every test and example of a process
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
