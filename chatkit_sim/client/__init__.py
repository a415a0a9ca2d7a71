"""The simulated client: client tools, turns, the sync and the async face."""

from .async_client import AsyncSimulatedClient
from .bench import Bench, Judged
from .client_tools import ClientToolError
from .contract import contract
from .doors import Door
from .expectations import Caught, ExpectationError
from .frontend import AttachmentLimits, ComposerModel, ComposerTool, DirectUpload, Entity, Frontend
from .policies import Limits, Policies
from .serving import fake_request
from .sync_client import SimulatedClient
from .turn_streams import AsyncTurnStream, TurnStream

__all__ = [
    "AsyncSimulatedClient",
    "AsyncTurnStream",
    "AttachmentLimits",
    "Bench",
    "Caught",
    "ClientToolError",
    "ComposerModel",
    "ComposerTool",
    "DirectUpload",
    "Door",
    "Entity",
    "ExpectationError",
    "Frontend",
    "Judged",
    "Limits",
    "Policies",
    "SimulatedClient",
    "TurnStream",
    "contract",
    "fake_request",
]
