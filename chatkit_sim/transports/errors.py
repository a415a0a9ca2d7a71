"""What can go wrong between the client and a server behind HTTP: each says what was received, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..errors import ChatKitSimError
from .base import Attempt


class TransportError(ChatKitSimError):
    """Base of the errors of a transport.

    When the app runs in this process and raised something, that exception is the ``__cause__``.

    Attributes:
        url: Where the request went.
    """

    def __init__(self, url: str, message: str) -> None:
        self.url = url
        super().__init__(message)


class UnreachableError(TransportError):
    """Nothing answered at the URL, or what did does not speak HTTP."""


class RedirectError(TransportError):
    """The redirects have no end, or lead to where HTTP does not go."""


class CutBodyError(TransportError):
    """The body ended before it was complete.

    Attributes:
        received: How many bytes had come.
    """

    def __init__(self, url: str, received: int, last: bytes, why: object) -> None:
        self.received = received
        tail = last if len(last) <= 200 else b"..." + last[-200:]
        super().__init__(
            url,
            f"The body of the answer from {url} was cut after {received:,} bytes: {why}\n"
            f"  last bytes: {tail!r}\n"
            "  A browser shows an error and keeps what came. Remedy: see the server's log for what ended the request: "
            "an exception in the responder, a time limit of the server or of a proxy.",
        )


class LifespanError(TransportError):
    """The app's lifespan failed, so the app serves nothing (or did not end as it should).

    Attributes:
        phase: ``startup`` or ``shutdown``.
    """

    def __init__(self, url: str, phase: Literal["startup", "shutdown"], why: str) -> None:
        self.phase = phase
        last = why.strip().splitlines()[-1] if why.strip() else "it gave no reason"
        super().__init__(
            url,
            f"The {phase} of the ASGI app failed in its lifespan: {last}\n"
            f"  Remedy: make the app's lifespan work under test (what it needs: environment variables, databases), "
            "or give the tests an app built with a lifespan of their own.",
        )


class AnswerError(TransportError):
    """The server answered, but not what a ChatKit endpoint answers.

    Attributes:
        answer: The last answer.
        refused: The answers before it, to the same request: the client posts again up to 5 times.
    """

    def __init__(self, url: str, message: str, remedy: str, answer: Attempt, refused: Sequence[Attempt] = ()) -> None:
        self.answer = answer
        self.refused = tuple(refused)
        lines = [message, f"  received: {answer}"]
        if refused:
            before = ", ".join(str(attempt.status) for attempt in refused)
            lines.append(f"  posted {len(refused) + 1} times, as the web client does; answered before: {before}")
        super().__init__(url, "\n".join([*lines, f"  Remedy: {remedy}"]))


class StatusError(AnswerError):
    """The server answered with a status that is no success."""


class ContentTypeError(AnswerError):
    """The server answered with success, but with something that is neither a stream of events nor JSON."""


class UploadError(AnswerError):
    """An upload was refused."""


def remedy_for_status(status: int, routes: Sequence[str], redirected: bool) -> str:
    """What to change when an endpoint answers with ``status``.

    Args:
        status: The HTTP status.
        routes: The routes of the app, such as ``POST /chatkit``, where they are known.
        redirected: Whether a redirect was followed on the way.
    """
    if redirected and status in (404, 405):
        return (
            "a 301, 302 or 303 turns the POST into a GET: give the URL that it leads to, or redirect with 307 or 308."
        )
    if status in (404, 405):
        known = f" The app has: {', '.join(routes)}." if routes else ""
        return f"give the path (chatkit_path, or the URL) at which the app takes POST for ChatKit.{known}"
    if status in (401, 403):
        return "give the client the headers that the app wants (headers=..., fixture `chatkit_headers`)."
    if status == 422:
        return "the endpoint's parameters do not fit a plain JSON body: read it with `await request.body()`."
    if 300 <= status < 400:
        return "give the final URL of the endpoint: this redirect names no place to go."
    if status >= 500:
        return "see the server's log for what it raised."
    return "see why the app refuses the request."


def remedy_for_content(answer: Attempt, redirected: bool, streaming: bool) -> str:
    """What to change when an endpoint answers with the wrong kind of content."""
    if streaming and answer.start.startswith((b"data:", b":", b"event:")):
        return 'name the content type: StreamingResponse(result, media_type="text/event-stream").'
    if not streaming and answer.content_type.startswith("text/event-stream"):
        return 'answer what is no StreamingResult with Response(result.json, media_type="application/json").'
    if redirected:
        return "the request was redirected; give the URL of the endpoint itself, and the headers that the app wants."
    if "html" in answer.content_type:
        return "this is a web page: check the path (chatkit_path, or the URL), and what stands in front of the app."
    return "the endpoint returns StreamingResponse for a StreamingResult and Response(result.json) for the others."
