"""Events, items, widgets and requests as readable text.

One line for each, for messages and lists; ``short_transcript`` tells a whole turn on one screen.
"""

from .events import describe_event, describe_step
from .items import describe_item
from .requests import describe_request
from .short import short_transcript
from .widgets import describe_widget
from .words import call_text, quoted, value_text

__all__ = [
    "call_text",
    "describe_event",
    "describe_item",
    "describe_request",
    "describe_step",
    "describe_widget",
    "quoted",
    "short_transcript",
    "value_text",
]
