"""A page that has every client tool the server asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..client.client_tools import ClientTool, ClientToolError, ClientTools

Mood = Literal["answers", "fails", "lacks"]


@dataclass
class AnyClientTools(ClientTools):
    """Client tools that take any arguments, made when they are asked for.

    Attributes:
        mood: Whether they answer, fail in the browser, or are not there at all.
    """

    mood: Mood = field(default="answers", kw_only=True)

    def get(self, name: str) -> ClientTool | None:
        """The tool of this name; there is one, unless the page lacks them."""
        if self.mood == "lacks":
            return None
        if super().get(name) is None:
            self.add(name, self._fails if self.mood == "fails" else self._answers)
        return super().get(name)

    def copy(self) -> AnyClientTools:
        """The same for another client."""
        return AnyClientTools(mood=self.mood)

    def _answers(self, **arguments: Any) -> dict[str, Any]:
        return {"ok": True}

    def _fails(self, **arguments: Any) -> None:
        raise ClientToolError({"error": "The client tool failed."})
