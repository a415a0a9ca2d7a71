"""Whether what came back is what was stored, and where it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from chatkit.types import Attachment, Thread, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from pydantic import BaseModel

PRECISION = 1.0
"""Seconds by which a store may round a time."""


def difference(stored: BaseModel, loaded: Any) -> str | None:
    """Say where a loaded thread, item or attachment is not what was stored; ``None`` when it is the same.

    ``created_at`` is left out: it has promises of its own. ChatKit's own types do not bring every widget back from JSON
    as it was; what they lose is not the store's doing, and is not held against it.

    Args:
        stored: What the store was given.
        loaded: What it gave back.
    """
    wanted_type = ThreadMetadata if isinstance(stored, Thread) else type(stored)
    if type(loaded) is not wanted_type:
        return f"a {type(loaded).__name__} instead of a {wanted_type.__name__}"
    found = _data(loaded)
    differences = [_first_difference(_data(wanted), found, "") for wanted in (stored, _through_json(stored))]
    return differences[0] if all(differences) else None


def time_difference(stored: datetime, loaded: datetime) -> str | None:
    """Say how two times are not the same instant; ``None`` when they are.

    A naive time is the server's local time, as in ``datetime.now()``; stores that read it as UTC are let through.
    """
    if any(abs(one - two) <= PRECISION for one in _instants(stored) for two in _instants(loaded)):
        return None
    return f"created_at: stored {stored.isoformat()}, came back {loaded.isoformat()}"


def short(value: Any, limit: int = 200) -> str:
    """A value on one line, cut in the middle when it is long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 4 :]} ({len(text)} characters)"


def _instants(time: datetime) -> list[float]:
    return [time.timestamp()] if time.tzinfo else [time.timestamp(), time.replace(tzinfo=UTC).timestamp()]


def _data(value: BaseModel) -> Any:
    data = json.loads(value.model_dump_json(by_alias=True))
    data.pop("created_at", None)
    data.pop("items", None)
    return data


def _through_json(value: BaseModel) -> BaseModel:
    back: BaseModel = _adapter(_union_of(value)).validate_json(value.model_dump_json(by_alias=True))
    return back


def _union_of(value: BaseModel) -> Any:
    if isinstance(value, ThreadMetadata):
        return type(value)
    return ThreadItem if hasattr(value, "created_at") else Attachment


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def _first_difference(wanted: Any, found: Any, path: str) -> str | None:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return _dict_difference(wanted, found, path)
    if isinstance(wanted, list) and isinstance(found, list):
        return _list_difference(wanted, found, path)
    # In Python True == 1; a page that shows "true" as "1" would notice.
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return None
    return f"{path or 'it'}: stored {short(repr(wanted))}, came back {short(repr(found))}"


def _dict_difference(wanted: dict[str, Any], found: dict[str, Any], path: str) -> str | None:
    for key in [*wanted, *(key for key in found if key not in wanted)]:
        where = f"{path}.{key}" if path else key
        if key not in found:
            return f"{where}: stored {short(repr(wanted[key]))}, came back without it"
        if key not in wanted:
            return f"{where}: not stored, came back as {short(repr(found[key]))}"
        if described := _first_difference(wanted[key], found[key], where):
            return described
    return None


def _list_difference(wanted: list[Any], found: list[Any], path: str) -> str | None:
    if len(wanted) != len(found):
        return f"{path or 'it'}: stored {len(wanted)} elements, came back with {len(found)}"
    pairs = enumerate(zip(wanted, found, strict=True))
    return next(
        (text for number, (one, two) in pairs if (text := _first_difference(one, two, f"{path}[{number}]"))), None
    )
