"""What a project takes out of its snapshots does not stand in its reports either."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..transcript import Redaction
from ..transcript.masking import REDACTED
from ..transcript.redaction import Redactor
from ..transcript.words import escaped
from .files import as_values
from .records import TurnRecord

# What programs read: kinds, places, and ids that link one thing with another.
_MACHINE = frozenset("kind test file line rule status outcome request ended type who note item call thread".split())

# What the app, the model and the user say: every text in it is theirs.
_APPS = frozenset({"params", "payload", "arguments", "output", "widget"})


class Redacting:
    """Redacts the records of one test.

    Keys, paths and functions are applied to events, requests, arguments and outputs, as in a transcript. What they
    take out is then also taken out of every text, such as the line that describes the event, or a later prompt.

    Args:
        redact: Keys, paths, patterns or functions: see ``full_transcript``.
    """

    def __init__(self, redact: Sequence[Redaction]) -> None:
        self._redactor = Redactor(redact)
        self._gone: set[str] = set()

    def turns(self, records: Iterable[TurnRecord | None]) -> list[dict[str, Any]]:
        """All turns of the test, as JSON values, without what is to be taken out."""
        turns = [as_values(record) for record in records if record is not None]
        for turn in turns:
            for each in turn["chat"]:
                each["widget"] = self._value(each["widget"], "item", "widget")
            for stream in turn["streams"]:
                self._stream(stream)
        return [self.texts(turn) for turn in turns]

    def texts(self, value: Any) -> Any:
        """A record without what was taken out of the turns, and without what patterns match."""
        words = sorted(self._gone, key=len, reverse=True)
        gone = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words)) if words else None
        return self._walk(value, gone)

    def _stream(self, stream: dict[str, Any]) -> None:
        stream["params"] = self._value(stream["params"])
        for event in stream["events"]:
            under = ("update", "delta") if isinstance(event["payload"], str) else ()
            event["payload"] = self._value(event["payload"], *under)
        for step in stream["run"]:
            step["payload"] = self._value(step["payload"])
        call = stream["call"]
        if call is not None:
            call["arguments"] = self._value(call["arguments"], "item", "arguments")
            call["output"] = self._value(call["output"], "item", "output")

    def _value(self, value: Any, *under: str) -> Any:
        """A value, as if it stood under these keys."""
        value = _parsed(value)
        whole = value
        for key in reversed(under):
            whole = {key: whole}
        shown = self._redactor.value(whole)
        for key in under:
            shown = shown[key]
        self._note(value, shown)
        return shown

    def _note(self, before: Any, after: Any) -> None:
        """Remember what is gone."""
        if before is after or before == after:
            return
        if isinstance(before, dict) and isinstance(after, dict):
            for key, value in before.items():
                self._note(value, after.get(key))
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for old, new in zip(before, after, strict=True):
                self._note(old, new)
        else:
            for leaf in _leaves(before):
                self._gone |= {leaf, escaped(leaf)}

    def _walk(self, value: Any, gone: re.Pattern[str] | None, kept: frozenset[str] = _MACHINE) -> Any:
        if isinstance(value, str):
            text = gone.sub(REDACTED, value) if gone is not None else value
            return self._redactor.text(text)
        if isinstance(value, list):
            return [self._walk(each, gone, kept) for each in value]
        if isinstance(value, dict):
            shown = {}
            for key, each in value.items():
                whole = key in kept and not isinstance(each, (dict, list))
                shown[key] = each if whole else self._walk(each, gone, frozenset() if key in _APPS else kept)
            return shown
        return REDACTED if not kept and not isinstance(value, bool) and str(value) in self._gone else value


def _parsed(value: Any) -> Any:
    """A value with the JSON in its texts read: models write arguments as such."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, list):
        return [_parsed(each) for each in value]
    if isinstance(value, dict):
        return {key: _parsed(each) for key, each in value.items()}
    return value


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield str(value)
