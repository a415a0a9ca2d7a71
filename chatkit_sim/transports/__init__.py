"""Transports: how requests reach a server. In process, an ASGI app, real HTTP."""

from .asgi import AsgiTransport
from .asgi_app import AsgiApp
from .base import Attempt, Response, Transport
from .browser import upload
from .errors import (
    AnswerError,
    ContentTypeError,
    CutBodyError,
    LifespanError,
    RedirectError,
    StatusError,
    TransportError,
    UnreachableError,
    UploadError,
)
from .http import HttpTransport
from .in_process import InProcess
from .uvicorn import UvicornServer

__all__ = [
    "AnswerError",
    "AsgiApp",
    "AsgiTransport",
    "Attempt",
    "ContentTypeError",
    "CutBodyError",
    "HttpTransport",
    "InProcess",
    "LifespanError",
    "RedirectError",
    "Response",
    "StatusError",
    "Transport",
    "TransportError",
    "UnreachableError",
    "UploadError",
    "UvicornServer",
    "upload",
]
