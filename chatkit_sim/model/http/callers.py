"""Who asks over HTTP: a run of the Agents SDK, or a client of the app's own."""

from __future__ import annotations

from agents import Agent

from ..runs import RUN, ObservedRun
from ..script import Caller
from .asking import Asked


def calling_run() -> ObservedRun | None:
    """The run whose model call the current code works for; a tool's own request is not one of its run."""
    run = RUN.get()
    return run if run is not None and run.calling is not None else None


def caller_of(asked: Asked, run: ObservedRun | None) -> Caller:
    """Who calls; a client without agents goes by the name of the model that it asks for."""
    if run is not None:
        return run.caller()
    return Caller(Agent(name=asked.model), feeds_stream=True)
