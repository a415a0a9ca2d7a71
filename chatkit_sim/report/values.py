"""Any value as JSON, without what nobody should read: the secrets in it are masked, as in transcripts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Set
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel

from ..transcript import value_text
from ..transcript.masking import mask_text, mask_value

_DEPTH = 60  # of nested values; what is deeper is not shown
_TEXT = 400  # characters of a value that JSON cannot say


def json_value(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it, whatever it is: models by their fields, what JSON cannot say as text.

    Values of keys that look like secrets, secrets within texts, and long ``data:`` URLs are replaced.

    Args:
        value: Anything: an event, a tool's output, an exception.
        depth: How deep in another value it was found.
    """
    if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return json_value(value.value, depth)
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth >= _DEPTH:
        return f"… ({type(value).__name__}, nested too deep to be shown)"
    if isinstance(value, BaseModel):
        given = {**value.__dict__, **(value.model_extra or {})}
        return _mapping({name: each for name, each in given.items() if each is not None}, depth)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, (list, tuple)):
        return [json_value(each, depth + 1) for each in value]
    if isinstance(value, Set):
        return sorted((json_value(each, depth + 1) for each in value), key=repr)
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _mapping({one.name: getattr(value, one.name) for one in dataclasses.fields(value)}, depth)
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value):,} bytes>"
    try:
        return masked(value_text(value, _TEXT))
    except Exception as error:  # a broken repr of the app's must not break the report
        return f"<{type(value).__name__}; its repr raised {type(error).__name__}>"


def masked(text: str) -> str:
    """A text without the secrets in it."""
    return mask_text(text, times=False)


def _mapping(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in values.items():
        name = str(key.value if isinstance(key, Enum) else key)
        shown[name] = json_value(mask_value(name, value, times=False), depth + 1)
    return shown
