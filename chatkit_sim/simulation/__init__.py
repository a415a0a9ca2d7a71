"""Simulation: scenarios that play on any ChatKit server, with a model that is improvised."""

from .arguments import example
from .cast import AgentSeen, Asking, Cast, ToolSeen
from .scenarios import SCENARIOS
from .simulation import NotApplicable, Scenario, ScenarioError, Simulation

__all__ = [
    "SCENARIOS",
    "AgentSeen",
    "Asking",
    "Cast",
    "NotApplicable",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "ToolSeen",
    "example",
]
