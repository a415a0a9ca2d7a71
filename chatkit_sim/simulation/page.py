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
        declared: The tools of a page that was declared: there are no others then, and they answer as it says.
    """

    mood: Mood = field(default="answers", kw_only=True)
    declared: ClientTools | None = field(default=None, kw_only=True)

    def get(self, name: str) -> ClientTool | None:
        """The tool of this name; there is one, unless the page lacks it."""
        of_page = self.declared.get(name) if self.declared is not None else None
        if self.mood == "lacks" or (self.declared is not None and of_page is None):
            return None
        if of_page is not None and self.mood == "answers":
            return of_page
        if super().get(name) is None:
            self.add(name, self._fails if self.mood == "fails" else self._answers)
        return super().get(name)

    def copy(self) -> AnyClientTools:
        """The same for another client."""
        return AnyClientTools(mood=self.mood, declared=self.declared)

    def _answers(self, **arguments: Any) -> dict[str, Any]:
        return {"ok": True}

    def _fails(self, **arguments: Any) -> None:
        raise ClientToolError({"error": "The client tool failed."})
