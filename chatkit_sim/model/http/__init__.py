"""The model as OpenAI's HTTP API: one script answers whatever client the app has."""

from .router import OpenAIAPI

__all__ = ["OpenAIAPI"]
