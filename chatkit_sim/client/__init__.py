"""The simulated client: client tools, turns, the sync and the async face."""

from .async_client import AsyncSimulatedClient, AsyncTurnStream
from .bench import Bench, Judged
from .client_tools import ClientToolError
from .expectations import Caught, ExpectationError
from .policies import Limits, Policies
from .serving import fake_request
from .sync_client import SimulatedClient, TurnStream

__all__ = [
    "AsyncSimulatedClient",
    "AsyncTurnStream",
    "Bench",
    "Caught",
    "ClientToolError",
    "ExpectationError",
    "Judged",
    "Limits",
    "Policies",
    "SimulatedClient",
    "TurnStream",
    "fake_request",
]
