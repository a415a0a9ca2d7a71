"""A sequence of store calls, written as a test that can be pasted."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = """\
import asyncio
from datetime import datetime, timedelta

{pytest}from chatkit.store import NotFoundError
from chatkit.types import {types}


def test_store_calls(chatkit_store):  # the store itself; with a factory, call it
    asyncio.run(store_calls(chatkit_store, context={{}}))


async def store_calls(store, context):
"""

_HELPERS = """

def at(seconds):
    return datetime(2025, 1, 1) + timedelta(seconds=seconds)
"""

_MESSAGE = """

def message(store, context, thread, created_at, text):
    return AssistantMessageItem(
        id=store.generate_item_id("message", thread, context),
        thread_id=thread.id,
        created_at=created_at,
        content=[AssistantMessageContent(text=text)],
    )
"""

_TYPES = ("AssistantMessageContent", "AssistantMessageItem", "Page", "Thread", "ThreadMetadata")


def written_test(lines: Sequence[str]) -> str:
    """Write the test.

    Args:
        lines: The calls and assertions, as Python that awaits, with the names ``store`` and ``context``.
    """
    body = "\n".join(lines)
    helpers = _HELPERS + (_MESSAGE if "message(" in body else "")
    rest = body + helpers
    raises = "pytest.raises" in body
    head = _HEAD.format(
        pytest="import pytest\n" if raises else "",
        types=", ".join(name for name in _TYPES if f"{name}(" in rest),
    )
    if not raises:
        head = head.replace("from chatkit.store import NotFoundError\n", "")
    return head + textwrap.indent(body, "    ") + "\n" + helpers
