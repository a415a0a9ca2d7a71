"""What every ChatKit store must do, as promises that can be tried on any store.

``StoreConformance`` and ``AttachmentStoreConformance`` are test classes with all of them; without pytest,
``check_store`` tries them all and ``check_promise`` tries one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attachment_stores import (
    ATTACHMENT_PROMISES,
    AttachmentKit,
    check_attachment_promise,
    check_attachment_store,
)
from .checking import PROMISES, StoreReport, check_promise, check_store
from .kit import Kit
from .ordered_loop import OrderedLoop
from .promise import Promise, PromiseBroken, PromiseNotChecked, Reliance

if TYPE_CHECKING:
    from .classes import AttachmentStoreConformance, StoreConformance

__all__ = [
    "ATTACHMENT_PROMISES",
    "PROMISES",
    "AttachmentKit",
    "AttachmentStoreConformance",
    "Kit",
    "OrderedLoop",
    "Promise",
    "PromiseBroken",
    "PromiseNotChecked",
    "Reliance",
    "StoreConformance",
    "StoreReport",
    "check_attachment_promise",
    "check_attachment_store",
    "check_promise",
    "check_store",
]


def __getattr__(name: str) -> Any:
    """The test classes, which alone need pytest."""
    if name in ("AttachmentStoreConformance", "StoreConformance"):
        from . import classes

        return getattr(classes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
