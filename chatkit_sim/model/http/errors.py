"""What clients of the mocked API meet when it cannot answer."""

from __future__ import annotations

import openai

from ...errors import ChatKitSimError
from ..network import NetworkBlocked


class AnswerFailed(ChatKitSimError, openai.OpenAIError):
    """The script could not answer; the cause says why.

    An ``OpenAIError``, because the OpenAI client asks again after any other: each time it would take a step.
    """


class UnmatchedRequest(NetworkBlocked, openai.OpenAIError):
    """A request that no route matches, and that may not leave the machine.

    An ``OpenAIError``, because the OpenAI client repeats a request after any other.
    """
