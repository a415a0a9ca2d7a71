"""Transports: how requests reach a server."""

from .base import Response, Transport
from .in_process import InProcess

__all__ = ["InProcess", "Response", "Transport"]
