"""Simulation: scenarios and campaigns that play on any ChatKit server, with a model and users that are improvised."""

from .arguments import example
from .campaigns import Campaign, run_campaign
from .cast import AgentSeen, Asking, Cast, ToolSeen
from .clock import Clock, DeadlockError, VirtualLoop
from .findings import CampaignError, CampaignResult, Finding
from .forged import FORGERIES, forge
from .goals import GOALS, HOSTILE, Goal
from .machine import ChatKitMachine, StoryError, chatkit_state_machine
from .profile import conversation_settings
from .scenarios import SCENARIOS
from .schemas import NothingFits
from .simulate import Conversation, simulate
from .simulation import NotApplicable, Scenario, ScenarioError, Simulation
from .users import KINDS
from .workers import two_workers

__all__ = [
    "FORGERIES",
    "GOALS",
    "HOSTILE",
    "KINDS",
    "SCENARIOS",
    "AgentSeen",
    "Asking",
    "Campaign",
    "CampaignError",
    "CampaignResult",
    "Cast",
    "ChatKitMachine",
    "Clock",
    "Conversation",
    "DeadlockError",
    "Finding",
    "Goal",
    "NotApplicable",
    "NothingFits",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "StoryError",
    "ToolSeen",
    "VirtualLoop",
    "chatkit_state_machine",
    "conversation_settings",
    "example",
    "forge",
    "run_campaign",
    "simulate",
    "two_workers",
]
