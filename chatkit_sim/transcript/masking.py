"""What differs from run to run, or nobody should read: times, durations, addresses and secrets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

TIME, DURATION, SECRET, REDACTED = "<time>", "<duration>", "<secret>", "<redacted>"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset(
    "password passwd passphrase secret token apikey authorization cookie credential credentials bearer".split()
)
_SECRET_PAIRS = frozenset(
    {("api", "key"), ("access", "key"), ("private", "key"), ("signing", "key"), ("session", "id")}
)
_TIME_WORDS = frozenset({"timestamp", "datetime"})
_DURATION_WORDS = frozenset({"duration", "elapsed", "latency"})
_NUMBERS_OF_NOW = 1_000_000_000  # seconds since 1970; what is smaller is no time of our days

_SECRET_VALUES = re.compile(
    r"\b(?:sk|pk|rk)-[\w-]{16,}"  # OpenAI and its like
    r"|\bgh[pousr]_\w{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"  # a JSON web token
    r"|(?<=\b[Bb]earer )[\w.~+/-]{12,}=*"
)
_SECRET_SIGNS = ("sk-", "pk-", "rk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "AKIA", "eyJ", "earer ")
_SECRET_PARAMETERS = re.compile(
    r"([?&][\w.-]*(?:token|signature|secret|password|credential|key|sig)[\w.-]*=)[^&\s\"#|)<>]+", re.IGNORECASE
)
_TIMES = re.compile(
    r"(?<![\w-])\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC)(?!\w)|[+-]\d\d:?\d\d(?!\d))?(?![\w:])"
)
_ADDRESSES = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[\w;=-]*,[^\s\"')]{120,}")


def mask_text(text: str, *, times: bool = True) -> str:
    """Replace what looks like a secret, an address in memory or, unless told otherwise, an ISO date with a time."""
    if "0x" in text:
        text = _ADDRESSES.sub("<address>", text)
    if "data:" in text:
        text = _DATA_URL.sub(_digest, text)
    if "=" in text:
        text = _SECRET_PARAMETERS.sub(rf"\1{SECRET}", text)
    if any(sign in text for sign in _SECRET_SIGNS):
        text = _SECRET_VALUES.sub(SECRET, text)
    return _TIMES.sub(TIME, text) if times else text


def mask_value(key: str, value: Any, *, times: bool = True) -> Any:
    """What to show in place of the value of a key: a placeholder for secrets, times and durations; else the value.

    Example:
        >>> mask_value("api_key", "abc"), mask_value("elapsed_ms", 12), mask_value("item", "milk")
        ('<secret>', '<duration>', 'milk')
    """
    if value is None or isinstance(value, bool) or value == "":
        return value
    nature = _nature(key)
    if nature is SECRET:
        return Placeholder(SECRET)
    if times and nature is not None and isinstance(value, (int, float)):
        if nature is DURATION or value >= _NUMBERS_OF_NOW:
            return Placeholder(nature)
    return value


@lru_cache(maxsize=1024)
def _nature(key: str) -> str | None:
    """Which placeholder a value of this name may need."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not _SECRET_WORDS.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in pairwise(words)):
        return SECRET
    if not _DURATION_WORDS.isdisjoint(words):
        return DURATION
    if words[-1:] in (["at"], ["ts"], ["time"]) or not _TIME_WORDS.isdisjoint(words):
        return TIME
    return None


class Placeholder(str):
    """A text that stands for a value, and so is shown without quotes."""

    __slots__ = ()


def _digest(match: re.Match[str]) -> str:
    # A picture within the text: its kind, its size, and enough to see that it changed.
    data = match[0]
    return (
        f"<data: {match[1] or 'text/plain'}, {len(data):,} characters, {hashlib.sha256(data.encode()).hexdigest()[:8]}>"
    )


def plain(value: Any) -> Any:
    """A value as JSON has it; sets in one order."""
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=repr)
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
