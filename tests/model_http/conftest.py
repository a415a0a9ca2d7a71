"""Fixtures for trying the mocked API: a script, the API over it, and clients of every kind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkit_sim.model import ModelScript, NetworkGuard
from chatkit_sim.model.http import OpenAIAPI

FIXTURES = Path(__file__).parents[2] / "fixtures"
for folder in (FIXTURES / "responders",):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture
def script() -> ModelScript:
    return ModelScript()


@pytest.fixture
def guard() -> Iterator[NetworkGuard]:
    with NetworkGuard() as guard:
        yield guard


@pytest.fixture
def api(script: ModelScript, guard: NetworkGuard) -> Iterator[OpenAIAPI]:
    with OpenAIAPI(script, guard) as api:
        yield api


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
