"""The model as OpenAI's HTTP API: one script answers whatever client the app has."""

from .cassette import Cassette
from .errors import AnswerFailed, UnmatchedRequest
from .router import OpenAIAPI

__all__ = ["AnswerFailed", "Cassette", "OpenAIAPI", "UnmatchedRequest"]
