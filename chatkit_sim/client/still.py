"""A turn without a stream: an action that was answered at once, or that the page handled by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatkit.types import ThreadItem, ThreadItemReplacedEvent

from ..recording import Turn
from ..transcript import short_transcript
from ..transcript.widgets import describe_action
from ..wire import OneEvent, Request

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
        head = f"<Turn {self.number}>"
        if self.asked.type == ON_ACTION:
            params = self.asked.params
            return f"{head}\n  page         {describe_action(params['action'])} on {params['item_id']}"
        item = self.updated_item
        steps = [OneEvent(1, ThreadItemReplacedEvent(item=item))] if item is not None else []
        return f"{head}\n{short_transcript([(self.asked, steps)])}"
