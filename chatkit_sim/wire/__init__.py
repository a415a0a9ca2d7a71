"""The wire: requests as the web client sends them, frames, and frames to typed events."""

from .events import FrameError, OneEvent, Step, TextRun, coalesce, decode_event, shorten
from .requests import Request
from .sse import FrameDecoder

__all__ = [
    "FrameDecoder",
    "FrameError",
    "OneEvent",
    "Request",
    "Step",
    "TextRun",
    "coalesce",
    "decode_event",
    "shorten",
]
