"""Recordings: frozen data that every rule, assertion, snapshot and report reads."""

from .reload import Reading, Reload
from .stream import ClientToolCall, Note, RecordedStream, StreamEnd
from .timeline import (
    SERVING,
    ClientToolAssigned,
    Exchange,
    HandedOff,
    ModelCalled,
    RunEnded,
    RunEntry,
    RunObserver,
    RunStarted,
    RunTimeline,
    TimelineRecorder,
    ToolEnded,
    ToolStarted,
    current_observer,
)
from .turn import Turn
from .view import Fold, ThreadView, find_component

__all__ = [
    "SERVING",
    "ClientToolAssigned",
    "ClientToolCall",
    "Exchange",
    "Fold",
    "HandedOff",
    "ModelCalled",
    "Note",
    "Reading",
    "RecordedStream",
    "Reload",
    "RunEnded",
    "RunEntry",
    "RunObserver",
    "RunStarted",
    "RunTimeline",
    "StreamEnd",
    "ThreadView",
    "TimelineRecorder",
    "ToolEnded",
    "ToolStarted",
    "Turn",
    "current_observer",
    "find_component",
]
