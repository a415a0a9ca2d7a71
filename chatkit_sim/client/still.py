"""A turn without a stream: an action that was answered at once, or that the page handled by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatkit.types import ThreadItem

from ..recording import Turn
from ..transcript import describe_item
from ..transcript.requests import describe_request
from ..wire import Request

ON_ACTION = "widgets.onAction"


@dataclass(frozen=True, repr=False)
class StillTurn(Turn):
    """A turn in which nothing was streamed: a sync action, or an action that the page handled by itself.

    It has no streams and no events. What a sync action changed is in ``items`` and ``widgets``, as ever.

    Attributes:
        asked: What was sent; of type ``widgets.onAction`` when the page handled the action and nothing was.
        updated_item: The item that the server answered with, if it did.
    """

    asked: Request = field(default=Request("", {}))
    updated_item: ThreadItem | None = None

    @property
    def request(self) -> Request:
        """What the user's input was sent as, or was told to the page as."""
        return self.asked

    def __repr__(self) -> str:
        lines = [f"<Turn {self.number}>", f"  {describe_request(self.asked)}"]
        if self.updated_item is not None:
            lines.append(f"  updated {describe_item(self.updated_item)}")
        return "\n".join(lines)
