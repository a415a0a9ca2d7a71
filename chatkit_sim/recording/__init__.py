"""Recordings: frozen data that every rule, assertion, snapshot and report reads."""

from .exercised import CLIENT_OUTCOMES, COUNTED, exercised
from .reload import Comparison, Reading, Reload
from .stream import ClientToolCall, Note, RecordedStream, StreamEnd
from .surroundings import Answer, LateWork, LostCancellation, OutlivingTask, Trespass
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
    "CLIENT_OUTCOMES",
    "COUNTED",
    "SERVING",
    "Answer",
    "ClientToolAssigned",
    "ClientToolCall",
    "Comparison",
    "Exchange",
    "Fold",
    "HandedOff",
    "LateWork",
    "LostCancellation",
    "ModelCalled",
    "Note",
    "OutlivingTask",
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
    "Trespass",
    "Turn",
    "current_observer",
    "exercised",
    "find_component",
]
