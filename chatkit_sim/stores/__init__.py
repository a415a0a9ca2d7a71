"""Stores for tests, a store that fails on demand, and (in ``conformance``) what every store must do."""

from .delegating import DelegatingStore, StoreCall
from .faulty import Fault, FaultyStore, StoreFault
from .memory import MemoryStore
from .sqlite import SQLiteStore

__all__ = [
    "DelegatingStore",
    "Fault",
    "FaultyStore",
    "MemoryStore",
    "SQLiteStore",
    "StoreCall",
    "StoreFault",
]
