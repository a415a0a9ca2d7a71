"""What a cassette must not hold: secrets, and what is different in every run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_RANDOM = frozenset(
    {"obfuscation", "prompt_cache_key", "safety_identifier", "service_tier", "system_fingerprint", "user"}
)
_TIMES = frozenset({"created", "created_at", "completed_at", "expires_at"})
_IDS = frozenset({"id", "item_id", "call_id", "tool_call_id", "encrypted_content"})
_REPEATED: dict[str, Any] = {"instructions": None, "tools": []}  # of the request, in each snapshot of the response
_SECRETS = (
    re.compile(r"\bsk-[A-Za-z0-9_\-]{8,}"),
    re.compile(r"\b(?:org|proj)-[A-Za-z0-9]{12,}\b"),
    re.compile(r"\bBearer\s+[A-Za-z0-9._~+/\-]{8,}=*", re.IGNORECASE),
)
_REDACTED = "[redacted]"


@dataclass
class Cleaner:
    """Cleans the requests and responses of one cassette; an id is called the same wherever it comes again.

    Attributes:
        secrets: Texts that are removed wherever they stand, such as the key of the request.
    """

    secrets: set[str] = field(default_factory=set)
    _names: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a request."""
        return {name: self._value(value) for name, value in body.items() if name not in _RANDOM}

    def response(self, body: Any) -> Any:
        """An event, or a whole body."""
        self._learn(body)
        return self._value(_trimmed(body))

    def _learn(self, value: Any, key: str = "") -> None:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                self._learn(inner, name)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner)
        elif isinstance(value, str) and value and key in _IDS and value not in self._names:
            stem = "encrypted" if key == "encrypted_content" else re.split(r"[_-]", value)[0]
            self._counts[stem] += 1
            self._names[value] = f"{stem}_{self._counts[stem]}"

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._value(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value in self._names:
            return self._names[value]
        for secret in self.secrets:
            value = value.replace(secret, _REDACTED)
        for pattern in _SECRETS:
            value = pattern.sub(_REDACTED, value)
        return value


def _trimmed(value: Any) -> Any:
    if isinstance(value, list):
        return [_trimmed(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    whole = value.get("object") == "response"
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        if name in _RANDOM:
            continue
        if name in _TIMES and isinstance(inner, int | float):
            kept[name] = 0
        else:
            kept[name] = _REPEATED[name] if whole and name in _REPEATED else _trimmed(inner)
    return kept
