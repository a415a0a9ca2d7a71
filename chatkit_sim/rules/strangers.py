"""Items that do not belong into the stream that sends them: of another thread, or in the user's name."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Violation
from .base import Evidence, place
from .history import StreamHistory
from .words import item_name


def answers_user(history: StreamHistory) -> bool:
    """Whether the stream answers the user.

    An action may well put words into the user's mouth: a button that "sends" a message.
    """
    return history.stream.request.type != "threads.custom_action"


def item_in_this_thread(evidence: Evidence) -> Iterable[Violation]:
    """Speak of items and threads that the stream does not answer in."""
    for history in evidence.histories:
        here = history.thread_id
        strangers = [
            (step, item_name(item.type, item.id), item.thread_id, item.id)
            for step, item in history.items
            if item.thread_id != here
        ] + [
            (step, "thread.updated event", thread.id, thread.id)
            for step, thread in history.threads
            if thread.id != here
        ]
        said: set[str] = set()
        for step, what, there, subject in strangers:
            if here is None or subject in said:
                continue
            said.add(subject)
            yield Violation(
                rule="item-in-this-thread",
                place=place(evidence.turn, history.stream, step.number),
                reason=f'The {what} belongs to thread "{there}", but this stream answers in thread "{here}". The page '
                "shows it here; the thread that it names never does.",
                remedy="Set thread_id=thread.id, from the `thread` that respond and action are given.",
                subjects={"item": subject},
            )


def no_user_message_from_responder(evidence: Evidence) -> Iterable[Violation]:
    """Speak of user messages that the user did not send."""
    for history in evidence.histories:
        stream = history.stream
        if not answers_user(history):
            continue
        known = {life.item_id for life in history.lives if life.origin}
        # Without a preamble, the first user message may be the user's own.
        skip = 1 if stream.preamble_length == 0 else 0
        for step, item in history.items:
            if item.type != "user_message" or step.number <= stream.preamble_length:
                continue
            if skip or (item.id in known and step.event.type == "thread.item.replaced"):
                skip = 0
                continue
            yield Violation(
                rule="no-user-message-from-responder",
                place=place(evidence.turn, stream, step.number),
                reason=f"The responder sent the {item_name(item.type, item.id)}. The SDK has stored and sent what the "
                "user wrote before respond began: the message stands there twice, or words the user never wrote do.",
                remedy="Yield what the assistant says. What only the model should know is a HiddenContextItem.",
                subjects={"item": item.id},
            )
            break
