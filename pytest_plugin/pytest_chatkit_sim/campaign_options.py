"""The options of campaigns."""

from __future__ import annotations

from typing import Any

import pytest

_OPTIONS = (
    (
        "examples",
        int,
        "N",
        "How many conversations each campaign of --chatkit-sim plays (by default 20, or what Hypothesis' profile says)",
    ),
    (
        "time",
        float,
        "SECONDS",
        "When each campaign of --chatkit-sim ends at the latest (by default after 300 s); the summary says which did",
    ),
    (
        "seed",
        int,
        "N",
        "Make the choices of the campaigns of --chatkit-sim again: the same run on every machine, whatever Hypothesis' "
        "database holds",
    ),
    (
        "shards",
        int,
        "N",
        "Into how many items each campaign is split, each with choices and a share of the conversations of its own, "
        "for the workers of pytest-xdist or the jobs of a CI run (by default one for every 100 conversations)",
    ),
    (
        "fail_under",
        float,
        "PERCENT",
        "Fail a run of --chatkit-sim with less tool-flow coverage than this: of every client tool with each outcome, "
        "every server tool, handoff and widget action",
    ),
)
_HOSTILE = (
    "Let the clients of campaigns also send what only a broken client does: outputs twice or unasked, unknown ids, "
    "malformed requests, actions on widgets that are gone"
)
_CONVERSATIONS = 100  # that one item plays, where nothing else is said
_ZERO = ("seed", "fail_under")  # may be nothing


def add_campaign_options(parser: pytest.Parser) -> None:
    """Declare the options, and their twins in the ini file."""
    group = parser.getgroup("chatkit-sim")
    for name, type_, metavar, help_text in _OPTIONS:
        group.addoption(_flag(name), type=type_, default=None, metavar=metavar, help=f"{help_text}.")
        parser.addini(f"chatkit_sim_{name}", help_text, default="")
    group.addoption("--chatkit-sim-hostile", action="store_true", default=None, help=f"{_HOSTILE}.")
    parser.addini("chatkit_sim_hostile", _HOSTILE, type="bool", default=False)
    parser.addini(
        "chatkit_sim_virtual_time",
        "Whether campaigns run on a virtual clock; a server that needs an event loop of real time says no",
        type="bool",
        default=True,
    )


def is_hostile(config: pytest.Config) -> bool:
    """Whether campaigns have clients that are broken."""
    return bool(config.getoption("chatkit_sim_hostile") or config.getini("chatkit_sim_hostile"))


def campaign_option(config: pytest.Config, name: str) -> Any:
    """What an option comes to; ``None`` when nothing was said.

    Args:
        config: The run's.
        name: ``examples``, ``time``, ``seed``, ``shards`` or ``fail_under``.

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
    if value < 0 or (value == 0 and name not in _ZERO) or (name == "fail_under" and value > 100):
        where = _flag(name) if given is not None else f"The ini option chatkit_sim_{name}"
        what = "a percentage" if name == "fail_under" else "a positive number"
        raise pytest.UsageError(f"{where} takes {what}, not {text if given is None else given!r}.")
    return value


def shards(config: pytest.Config) -> int:
    """Into how many items a campaign is split.

    Raises:
        pytest.UsageError: The option makes no sense.
    """
    given: int | None = campaign_option(config, "shards")
    return given or -(-conversations(config) // _CONVERSATIONS)


def conversations(config: pytest.Config) -> int:
    """How many conversations all items of a campaign play together.

    Raises:
        pytest.UsageError: The option makes no sense.
    """
    from hypothesis import settings

    from chatkit_sim.simulation.profile import examples_of

    given: int | None = campaign_option(config, "examples")
    return given or examples_of(settings())


def _flag(name: str) -> str:
    return f"--chatkit-sim-{name.replace('_', '-')}"
