"""The wire: requests as the web client sends them, frames, and frames to typed events."""

import warnings

with warnings.catch_warnings():
    # chatkit warns of its own widget classes while it is imported, which `filterwarnings = error` turns into a crash.
    warnings.simplefilter("ignore", DeprecationWarning)
    import chatkit.types  # noqa: F401

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
