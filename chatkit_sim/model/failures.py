"""How a provider fails, as its clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import httpx2
import openai

from ..errors import UsageError

FailureKind = Literal["status", "timeout", "reset", "cut", "error", "failed", "incomplete"]
"""An HTTP status; no answer in time; a connection reset; a stream that stops in the middle; an ``error`` event;
``response.failed``; ``response.incomplete``."""

NAMED_KINDS = tuple(kind for kind in get_args(FailureKind) if kind != "status")
TERMINAL_KINDS = ("error", "failed", "incomplete")
"""Failures that the provider tells of in the stream itself."""

_RESPONSES_URL = "https://api.openai.com/v1/responses"
_SORRY = "The server had an error while processing your request. Sorry about that!"
_BODIES: dict[int, dict[str, Any]] = {
    401: {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"},
    403: {"message": "You are not allowed to use this model.", "type": "invalid_request_error", "code": None},
    404: {"message": "The model does not exist.", "type": "invalid_request_error", "code": "model_not_found"},
    429: {"message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded"},
    503: {"message": "The engine is currently overloaded, please try again later.", "type": "server_error"},
}
_ERRORS: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


@dataclass(frozen=True)
class ProviderFailure:
    """One way to fail.

    Attributes:
        kind: Which.
        status: The HTTP status.
        retry_after: The seconds that the provider asks a client to wait.
        times: How many attempts of one model call it fails; ``None`` for all.
        message: What the provider says, where it says anything; a sentence of the provider's own when empty.
    """

    kind: FailureKind
    status: int = 500
    retry_after: float | None = None
    times: int | None = None
    message: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The provider's body for the status."""
        known = _BODIES.get(self.status, {"message": _SORRY, "type": "server_error"})
        error = {"param": None, "code": None, **known}
        return {"error": {**error, "message": self.message or error["message"]}}

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the status; the delay that clients really keep is a millisecond."""
        asked = {} if self.retry_after is None else {"retry-after": f"{self.retry_after:g}"}
        return {"retry-after-ms": "1", "x-request-id": "req_chatkit_sim", **asked}

    def exception(self) -> Exception:
        """What the OpenAI client raises once its retries are used up; a response that is not streamed has no events."""
        request = httpx2.Request("POST", _RESPONSES_URL)
        if self.kind == "status" or self.kind in TERMINAL_KINDS:
            response = httpx2.Response(self.status, headers=self.headers, json=self.body, request=request)
            error_class = _ERRORS.get(self.status, openai.InternalServerError)
            return error_class(f"Error code: {self.status} - {self.body}", response=response, body=self.body["error"])
        error: Exception = openai.APIConnectionError(request=request)
        if self.kind == "timeout":
            error = openai.APITimeoutError(request)
        error.__cause__ = getattr(httpx2, self.transport_error[0])(self.transport_error[1])
        return error

    @property
    def transport_error(self) -> tuple[str, str]:
        """What an HTTP client raises: the exception's name, the same in httpx and httpx2, and its text."""
        if self.kind == "timeout":
            return "ReadTimeout", "The read operation timed out."
        if self.kind == "reset":
            return "ReadError", "[Errno 104] Connection reset by peer"
        text = "peer closed connection without sending complete message body (incomplete chunked read)"
        return "RemoteProtocolError", text

    def terminal_event(self, response: Mapping[str, Any], sequence_number: int) -> dict[str, Any]:
        """The event that ends the stream.

        Args:
            response: The response as it stands.
            sequence_number: The event's number.
        """
        message = self.message or _SORRY
        numbered: dict[str, Any] = {"sequence_number": sequence_number}
        if self.kind == "error":
            return {"type": "error", "code": "server_error", "message": message, "param": None, **numbered}
        if self.kind == "failed":
            error = {"code": "server_error", "message": message}
            ended = {**response, "status": "failed", "error": error}
        else:
            ended = {**response, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        return {"type": f"response.{self.kind}", "response": ended, **numbered}


def provider_failure(error: Any, retry_after: float | None, times: int | None) -> ProviderFailure:
    """The failure that ``fails(...)`` names.

    Raises:
        UsageError: It names none.
    """
    if times is not None and times < 1:
        raise UsageError(f"fails({error!r}, times={times}): at least one attempt fails.")
    if isinstance(error, int) and not isinstance(error, bool) and 400 <= error <= 599:
        return ProviderFailure("status", error, retry_after, times)
    if retry_after is not None:
        raise UsageError(f"fails({error!r}, retry_after=...): only a status has a retry-after header.")
    for kind in NAMED_KINDS:
        if error == kind:
            return ProviderFailure(kind, times=times)
    raise UsageError(
        f"fails() takes the exception to raise, the HTTP status of an error (400 to 599), or one of "
        f"{', '.join(map(repr, NAMED_KINDS))}; {error!r} is none of them."
    )


def as_provider_failure(error: Exception) -> ProviderFailure:
    """The failure of the provider that brings about an exception, as nearly as there is one."""
    if isinstance(error, openai.APIStatusError):
        after = error.response.headers.get("retry-after", "")
        retry_after = float(after) if after.replace(".", "", 1).isdigit() else None
        body = error.body if isinstance(error.body, Mapping) else {}
        message = str(body.get("message") or error.message)
        return ProviderFailure("status", error.status_code, retry_after, message=message)
    name = type(error).__name__
    if isinstance(error, TimeoutError | openai.APITimeoutError) or name.endswith("Timeout"):
        return ProviderFailure("timeout")
    if isinstance(error, ConnectionError | openai.APIConnectionError) or name in ("ReadError", "ConnectError"):
        return ProviderFailure("reset")
    return ProviderFailure("status", 500, message=str(error) or name)
