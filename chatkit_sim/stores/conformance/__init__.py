"""What every ChatKit store must do, as promises that can be tried on any store.

A test class with all of them is ``chatkit_sim.stores.conformance.classes.StoreConformance``; without pytest,
``check_store`` tries them all and ``check_promise`` tries one.
"""

from .checking import PROMISES, StoreReport, check_promise, check_store
from .kit import Kit
from .promise import Promise, PromiseBroken, PromiseNotChecked, Reliance

__all__ = [
    "PROMISES",
    "Kit",
    "Promise",
    "PromiseBroken",
    "PromiseNotChecked",
    "Reliance",
    "StoreReport",
    "check_promise",
    "check_store",
]
