"""Warnings of the SDKs about themselves, which nobody who uses them can mend."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_WIDGET_NOISE = "Direct usage of named widget classes"
_NOISY = ("abc", "pydantic.main", "pydantic.type_adapter")  # not the project's own modules: there it is news


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Import chatkit where warnings are errors: it warns of its own widget classes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _WIDGET_NOISE, DeprecationWarning)
        yield


def quieten_sdks(config: pytest.Config) -> None:
    """Ignore warnings of the SDKs about themselves, which projects that make errors of warnings cannot mend.

    chatkit warns of its own widget classes when it is imported, and whenever a widget is read or copied. A run of the
    Agents SDK cancelled before its first step leaves a coroutine behind, which is noticed in whichever test is next.
    """
    lines = [
        *(f"ignore:{_WIDGET_NOISE}:DeprecationWarning:{module}" for module in _NOISY),
        "ignore:coroutine 'run_single_turn' was never awaited:RuntimeWarning",
    ]
    for line in lines:
        config.addinivalue_line("filterwarnings", line)
    from_flags = config.known_args_namespace.pythonwarnings
    if from_flags:  # these come after those of the ini file
        from_flags += lines
