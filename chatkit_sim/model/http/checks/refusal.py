"""What the provider answers to a request that it does not accept."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ....rules.base import RefusedRequest

_SHORT = 200
_WIRES = {"responses": "Responses", "chat": "Chat Completions"}


@dataclass(frozen=True)
class Refusal:
    """Why a request is not accepted.

    Attributes:
        message: What the provider says.
        param: The offending place.
        code: The provider's code.
        remedy: What the author of the app can do.
        item: What is found at the place.
        wire: Which API.
    """

    message: str
    param: str | None = None
    code: str | None = None
    remedy: str = ""
    item: str = ""
    wire: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The provider's body of the 400."""
        error = {"message": self.message, "type": "invalid_request_error", "param": self.param, "code": self.code}
        return {"error": error}

    def with_item(self, body: Any, wire: str) -> Refusal:
        """The same, with what stands at its place in the request."""
        item = json.dumps(found_at(body, self.param), ensure_ascii=False) if self.param else ""
        return replace(self, item=item if len(item) <= _SHORT else item[:_SHORT] + "...", wire=_WIRES[wire])

    def told_of(self, agent: str) -> RefusedRequest:
        """For the rule that speaks of it."""
        return RefusedRequest(agent, self.wire, self.message, self.param or "", self.item, self.remedy)


def found_at(body: Any, path: str) -> Any:
    """What stands at a place such as ``input[2].content``, or in the nearest item around it."""
    found, around = body, body
    for step in path.replace("]", "").replace("[", ".").split("."):
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = around = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            break
    return around if around is not body else found
