"""What makes many turns fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import chatkit.server
from pydantic import TypeAdapter

from ..model.adapters import KeptAdapters
from ..model.patches import Patches


@contextmanager
def cached_request_adapter() -> Iterator[None]:
    """Keep the adapter that ``ChatKitServer.process`` builds anew for every request, over several benches."""
    patches = Patches()
    patches.set(chatkit.server, "TypeAdapter", KeptAdapters(TypeAdapter))
    try:
        yield
    finally:
        patches.undo()
