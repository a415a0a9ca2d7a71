"""Stores for tests, and what every store must do."""

from .memory import MemoryStore

__all__ = ["MemoryStore"]
