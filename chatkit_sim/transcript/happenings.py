"""Events that are about no item: a heading, and what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatkit.types import (
    ClientEffectEvent,
    ErrorEvent,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptionsEvent,
    ThreadCreatedEvent,
    ThreadUpdatedEvent,
)

from .aliases import own
from .bodies import arguments_lines, thread_lines
from .payloads import indented, inline, text_lines

if TYPE_CHECKING:
    from chatkit.types import ThreadStreamEvent


def happening(event: ThreadStreamEvent, *, times: bool = True) -> list[str]:
    """An event as a heading and what stands below it."""
    match event:
        case ThreadCreatedEvent():
            return [f"new thread{own(event.thread.id)}", *indented(thread_lines(event.thread, times=times))]
        case ThreadUpdatedEvent():
            return [f"thread updated{own(event.thread.id)}", *indented(thread_lines(event.thread, times=times))]
        case StreamOptionsEvent():
            return [f"options allow_cancel: {inline(event.stream_options.allow_cancel)}"]
        case ProgressUpdateEvent():
            return [f"progress {inline(event.text)}{f' ({event.icon})' if event.icon else ''}"]
        case ClientEffectEvent():
            return [f"effect {event.name}", *indented(arguments_lines(event.data, times=times))]
        case NoticeEvent():
            title = f" {inline(event.title)}" if event.title is not None else ""
            return [f"notice ({event.level}){title}", *indented(text_lines(event.message))]
        case ErrorEvent():
            retry = ", retry allowed" if event.allow_retry else ""
            code = str(getattr(event.code, "value", event.code))
            return [f"error {code}{retry}", *indented(text_lines(event.message) if event.message is not None else [])]
        case _:
            return [event.type]
