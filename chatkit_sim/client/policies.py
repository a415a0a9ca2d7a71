"""What the simulated client does where the protocol leaves it open, and when it gives up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args, get_origin, get_type_hints

from ..errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the client gives up, with a clear error and what was seen so far.

    Attributes:
        rounds: Client tool calls in one turn. The web client has no cap, so an endless loop there burns tokens.
        events: Events in one stream.
        seconds: Wall-clock seconds for one stream. A responder that blocks its thread cannot be interrupted.
        settle: Wall-clock seconds that background tasks of the app (a title agent) get to finish after a turn.
    """

    rounds: int = 10
    events: int = 100_000
    seconds: float = 60.0
    settle: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rounds", "events", "seconds"):
            if getattr(self, name) <= 0:
                raise UsageError(f"Limits({name}=...) must be positive, not {getattr(self, name)!r}.")


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What the client does where ChatKit does not document it; each says what is known, and from where.

    Two things are not documented either and are no choice here: a client tool's result that is no JSON value is an
    error of the test, and a call that is found pending when a thread is opened or reloaded is not run again.

    Attributes:
        handler_error: A client tool handler raised something that is neither ``ClientToolError`` nor an
            ``AssertionError``. Known: ``onClientTool`` returns a promise, which may reject (types of
            ``@openai/chatkit`` 1.9); what is posted then is not. ``raise``: the exception reaches the test, nothing is
            posted (the default: it is most likely a bug of the test). ``post``: ``{"error": "..."}`` is posted, as many
            pages do. ``halt``: nothing is posted and the turn ends.
        no_handler: The server asked for a client tool that the page does not have; the rule
            ``client-tool-registered`` speaks of it. Known: the page has one ``onClientTool`` for all names, and what it
            does with a foreign one is its own affair. ``halt``: nothing is posted (the default). ``post``:
            ``{"error": "..."}`` is posted.
        blank_fields: A field of a form in which nothing is entered and nothing stands. Known: every action from inside
            a form carries the form's values (ChatKit guide, "Create custom forms with widgets"), not what stands for
            none. ``empty``: a text is ``""`` and a box ``False``; a choice or a date that was not made is left out
            (the default). ``left-out``: all of them are.
        put_upload: The body of an upload whose descriptor says ``PUT``. Known: with ``POST`` it is
            ``multipart/form-data`` with a field ``file`` (ChatKit guide, "Accept rich user input"); of ``PUT`` nothing
            is said, and places that take it (presigned URLs) want the bare file. ``raw`` (the default) or
            ``multipart``.
        default_model: A message for which the user picked no model while the page marks one as its default. Known:
            ``ModelOption.default`` is "the default selected option" (types of ``@openai/chatkit`` 1.9). ``sent``: its
            id is sent (the default). ``left-out``: the server is to choose.
        background_tasks: Names of the app's tasks, or of their coroutine functions, that may outlive a turn; with
            ``*`` as in file names. They are not waited for, and ``no-leaked-tasks`` does not speak of them.
    """

    handler_error: Literal["raise", "post", "halt"] = "raise"
    no_handler: Literal["halt", "post"] = "halt"
    blank_fields: Literal["empty", "left-out"] = "empty"
    put_upload: Literal["raw", "multipart"] = "raw"
    default_model: Literal["sent", "left-out"] = "sent"
    background_tasks: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, annotation in get_type_hints(type(self)).items():
            if get_origin(annotation) is Literal and getattr(self, name) not in get_args(annotation):
                allowed = ", ".join(map(repr, get_args(annotation)))
                raise UsageError(f"Policies({name}=...) is one of {allowed}, not {getattr(self, name)!r}.")
