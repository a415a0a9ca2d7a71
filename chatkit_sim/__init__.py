"""chatkit-sim: test ChatKit servers with a simulated client, rules over every stream, and simulation.

The names below are imported when they are first used: ``import chatkit_sim`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AsyncSimulatedClient as AsyncSimulatedClient
    from .client import AttachmentLimits as AttachmentLimits
    from .client import ClientToolError as ClientToolError
    from .client import ComposerModel as ComposerModel
    from .client import ComposerTool as ComposerTool
    from .client import DirectUpload as DirectUpload
    from .client import Entity as Entity
    from .client import Frontend as Frontend
    from .client import Limits as Limits
    from .client import Policies as Policies
    from .client import SimulatedClient as SimulatedClient
    from .client import fake_request as fake_request
    from .errors import ChatKitSimError as ChatKitSimError
    from .errors import ChatKitSimWarning as ChatKitSimWarning
    from .errors import UsageError as UsageError
    from .errors import Violation as Violation
    from .errors import ViolationError as ViolationError
    from .model import ModelScript as ModelScript
    from .model import calls as calls
    from .model import cites as cites
    from .model import draws as draws
    from .model import fails as fails
    from .model import refuses as refuses
    from .model import says as says
    from .model import thinks as thinks
    from .recording import RunObserver as RunObserver
    from .recording import Turn as Turn
    from .recording import current_observer as current_observer
    from .rules import Rule as Rule
    from .stores import MemoryStore as MemoryStore
    from .stores import SQLiteStore as SQLiteStore

_HOMES = {
    "AsyncSimulatedClient": "client",
    "AttachmentLimits": "client",
    "ChatKitSimError": "errors",
    "ChatKitSimWarning": "errors",
    "ClientToolError": "client",
    "ComposerModel": "client",
    "ComposerTool": "client",
    "DirectUpload": "client",
    "Entity": "client",
    "Frontend": "client",
    "Limits": "client",
    "MemoryStore": "stores",
    "ModelScript": "model",
    "Policies": "client",
    "Rule": "rules",
    "RunObserver": "recording",
    "SQLiteStore": "stores",
    "SimulatedClient": "client",
    "Turn": "recording",
    "UsageError": "errors",
    "Violation": "errors",
    "ViolationError": "errors",
    "calls": "model",
    "cites": "model",
    "current_observer": "recording",
    "draws": "model",
    "fails": "model",
    "fake_request": "client",
    "refuses": "model",
    "says": "model",
    "thinks": "model",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
