"""Reports: what a run did, for people and for machines."""

from .summary import Summary, summarize
from .terminal import ignored, render, times

__all__ = ["Summary", "ignored", "render", "summarize", "times"]
