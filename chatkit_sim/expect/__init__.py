"""Event patterns and sequence assertions.

A pattern says what an event should be like; ``EventSequence`` (``turn.events``, ``turn.response``) asserts patterns
over a sequence. Patterns also compare with ``==`` to events, thread items and client tool calls.
"""

from .explain import explain_difference
from .pattern import Pattern
from .patterns import (
    client_tool_call,
    effect,
    error,
    item_added,
    item_done,
    item_removed,
    item_replaced,
    item_updated,
    notice,
    options,
    progress,
    text,
    thread_created,
    thread_updated,
)
from .sequence import EventSequence

__all__ = [
    "EventSequence",
    "Pattern",
    "client_tool_call",
    "effect",
    "error",
    "explain_difference",
    "item_added",
    "item_done",
    "item_removed",
    "item_replaced",
    "item_updated",
    "notice",
    "options",
    "progress",
    "text",
    "thread_created",
    "thread_updated",
]
