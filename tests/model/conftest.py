"""Fixtures for trying the model side on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agents import Agent
from model_harness import Server, Simulation, answering

from chatkit_sim.model import Instrumentation, ModelScript


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def instrumentation() -> Iterator[Instrumentation]:
    with Instrumentation.active() as active:
        yield active


@pytest.fixture
def script() -> ModelScript:
    return ModelScript()


@pytest.fixture
def simulate(instrumentation: Instrumentation, script: ModelScript, loop: asyncio.Runner) -> Callable[..., Simulation]:
    """`simulate(agent_or_server)`: a simulation of it with the fixture `script`."""

    def make(what: Agent[Any] | Server, script: ModelScript | None = script, **options: Any) -> Simulation:
        return Simulation(what if isinstance(what, Server) else answering(what, **options), loop, script)

    return make
