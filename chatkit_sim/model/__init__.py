"""The model side: the script that answers model calls, and the observing of Agents SDK runs."""

from .instrumentation import Instrumentation
from .network import NetworkBlocked, NetworkGuard
from .requests import ModelRequest
from .runner import UnattributedRun
from .script import Caller, ModelScript, UnscriptedModelCall
from .steps import InjectedFailure, Step, calls, cites, draws, fails, refuses, says, thinks

__all__ = [
    "Caller",
    "InjectedFailure",
    "Instrumentation",
    "ModelRequest",
    "ModelScript",
    "NetworkBlocked",
    "NetworkGuard",
    "Step",
    "UnattributedRun",
    "UnscriptedModelCall",
    "calls",
    "cites",
    "draws",
    "fails",
    "refuses",
    "says",
    "thinks",
]
