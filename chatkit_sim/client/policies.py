"""What the simulated client does where the protocol leaves it open, and when it gives up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the client gives up, with a clear error and what was seen so far.

    Attributes:
        rounds: Client tool calls in one turn. The web client has no cap, so an endless loop there burns tokens.
        events: Events in one stream.
        seconds: Wall-clock seconds for one stream. A responder that blocks its thread cannot be interrupted.
        settle: Wall-clock seconds that background tasks of the app (a title agent) get to finish after a turn.
    """

    rounds: int = 10
    events: int = 100_000
    seconds: float = 60.0
    settle: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rounds", "events", "seconds"):
            if getattr(self, name) <= 0:
                raise UsageError(f"Limits({name}=...) must be positive, not {getattr(self, name)!r}.")


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What the client does where ChatKit does not document it.

    Attributes:
        handler_error: A client tool handler raised something that is neither ``ClientToolError`` nor an
            ``AssertionError``. ``raise``: the exception reaches the test, nothing is posted (the default: it is most
            likely a bug of the test). ``post``: ``{"error": "..."}`` is posted, as many pages do. ``halt``: nothing
            is posted and the turn ends, as when ``onClientTool`` rejects.
    """

    handler_error: Literal["raise", "post", "halt"] = "raise"
