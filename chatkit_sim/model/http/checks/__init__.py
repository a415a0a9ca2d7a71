"""Requests, checked as the provider checks them."""

from __future__ import annotations
from typing import Any
from dataclasses import dataclass
@dataclass
class Refusal:
    body: Any
    def told_of(self, x: Any) -> Any: ...
def check(asked: Any, served: Any) -> Refusal | None:
    return None
