"""The options of campaigns."""

from __future__ import annotations

from typing import Any

import pytest

_OPTIONS = (
    ("examples", int, "N", "How many conversations each campaign of --chatkit-sim plays (by default 20)"),
    ("time", float, "SECONDS", "When each campaign of --chatkit-sim ends at the latest"),
    ("seed", int, "N", "Make the choices of the campaigns of --chatkit-sim again: the same run, on every machine"),
)


def add_campaign_options(parser: pytest.Parser) -> None:
    """Declare the options, and their twins in the ini file."""
    group = parser.getgroup("chatkit-sim")
    for name, type_, metavar, help_text in _OPTIONS:
        group.addoption(f"--chatkit-sim-{name}", type=type_, default=None, metavar=metavar, help=help_text)
        parser.addini(f"chatkit_sim_{name}", help_text, default="")
    parser.addini(
        "chatkit_sim_virtual_time",
        "Whether campaigns run on a virtual clock; a server that needs an event loop of real time says no",
        type="bool",
        default=True,
    )


def campaign_option(config: pytest.Config, name: str) -> Any:
    """What an option comes to; ``None`` when nothing was said.

    Args:
        config: The run's.
        name: ``examples``, ``time`` or ``seed``.

    Raises:
        pytest.UsageError: It is no number, or none that makes sense.
    """
    given = config.getoption(f"chatkit_sim_{name}")
    text = str(config.getini(f"chatkit_sim_{name}")).strip()
    if given is None and not text:
        return None
    kind = next(type_ for known, type_, _, _ in _OPTIONS if known == name)
    try:
        value = kind(text if given is None else given)
    except ValueError:
        value = -1
    if value < 0 or (value == 0 and name != "seed"):
        where = f"--chatkit-sim-{name}" if given is not None else f"The ini option chatkit_sim_{name}"
        raise pytest.UsageError(f"{where} takes a positive number, not {text if given is None else given!r}.")
    return value
