"""The pytest plugin of chatkit-sim: thin, and nothing heavy is imported before a test needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from . import options
from .fixtures import (
    _chatkit_stage,
    async_chatkit_client,
    chatkit_client,
    chatkit_context,
    chatkit_model,
    chatkit_other_context,
    chatkit_server,
    chatkit_store,
    chatkit_tools,
)
from .stage import STAGE, let_chatkit_be_imported

__all__ = [
    "_chatkit_stage",
    "async_chatkit_client",
    "chatkit_client",
    "chatkit_context",
    "chatkit_model",
    "chatkit_other_context",
    "chatkit_server",
    "chatkit_store",
    "chatkit_tools",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Prepare for conftests that import chatkit, or build an OpenAI client."""
    let_chatkit_be_imported(early_config)
    if early_config.getini("chatkit_dummy_key"):
        os.environ.setdefault("OPENAI_API_KEY", "sk-chatkit-sim-dummy")
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and declare the markers."""
    for marker in options.MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[options.SETTINGS] = options.read_settings(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the rules about the whole test speak after its body, so that the test itself fails and xfail works."""
    __tracebackhide__ = True
    result = yield
    stage = item.stash.get(STAGE, None)
    if stage is not None:
        stage.conclude()
    return result


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Explain differences of client tool calls, items and events."""
    expect = sys.modules.get("chatkit_sim.expect")
    return expect.explain_difference(left, right) if expect is not None and op in ("==", "!=") else None
