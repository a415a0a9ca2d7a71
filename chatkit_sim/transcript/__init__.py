"""Events, items, widgets and requests as readable text.

One line for each, for messages and lists; ``short_transcript`` tells a whole turn on one screen, and
``full_transcript`` tells everything, the same on every run and every machine.
"""

from .differences import Line, difference
from .events import describe_event, describe_step
from .full import HEAD, VERSION, full_transcript
from .items import describe_item
from .redaction import Redaction
from .requests import describe_request
from .short import short_transcript
from .widgets import describe_widget
from .words import call_text, quoted, value_text

__all__ = [
    "HEAD",
    "VERSION",
    "Line",
    "Redaction",
    "call_text",
    "describe_event",
    "describe_item",
    "describe_request",
    "describe_step",
    "describe_widget",
    "difference",
    "full_transcript",
    "quoted",
    "short_transcript",
    "value_text",
]
