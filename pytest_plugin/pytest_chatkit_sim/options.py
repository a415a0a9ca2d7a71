"""Options of the command line and the ini file, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

NETWORK = ("closed", "strict", "open")
TOOLS = ("real", "stub")

MARKERS = (
    'chatkit(ignore=["RULE: reason"], boundary="http"): what chatkit-sim does for one test; RULE[tool=NAME] narrows an '
    "ignore, boundary says where the model script answers (model or http)",
    "chatkit_sim: the simulation items that --chatkit-sim adds (select them with -m chatkit_sim)",
)

_INI: tuple[tuple[str, Literal["string", "linelist", "bool"], Any, str], ...] = (
    ("chatkit_server", "linelist", [], "The ChatKit server under test, as MODULE:ATTR; one for each line"),
    ("chatkit_context", "string", "", "The request context, or a function that makes it, as MODULE:ATTR"),
    ("chatkit_ignore", "linelist", [], 'Rules to ignore, as "RULE: reason"; one for each line'),
    (
        "chatkit_sim_tools",
        "string",
        "real",
        "What runs in a simulation when the model calls a server tool: real or stub",
    ),
    (
        "chatkit_sim_faults",
        "string",
        "48",
        "Faults of the store that a simulation tries, evenly spread; all for every one",
    ),
    ("chatkit_limit_rounds", "string", "", "Client tool calls in one turn before the client gives up (10)"),
    ("chatkit_limit_events", "string", "", "Events in one stream before the client gives up (100000)"),
    ("chatkit_limit_seconds", "string", "", "Seconds for one stream before the client gives up (60)"),
    (
        "chatkit_network",
        "string",
        "closed",
        "While a chatkit fixture is active: closed stops global addresses, strict private ones too, open stops none",
    ),
    ("chatkit_reload", "string", "on", "Read the thread back after each turn and compare: on or off"),
    ("chatkit_allow_network", "linelist", [], "Hosts that may be reached all the same; one for each line"),
    (
        "chatkit_dummy_key",
        "bool",
        False,
        "Set OPENAI_API_KEY to a dummy before any conftest is loaded, if it is not set, for apps that build "
        "an OpenAI client on import",
    ),
)


@dataclass(frozen=True)
class Settings:
    """What the options come to.

    Attributes:
        simulate: Whether ``--chatkit-sim`` was given.
        servers: The servers named by MODULE:ATTR: those of the command line, else those of the ini file.
        named_by_flag: Whether the servers come from the command line.
        context: The request context, by MODULE:ATTR.
        ignores: ``(text, origin)`` of each ignore, origin being ``ini`` or ``flag``.
        tools: What runs in a simulation in place of a server tool.
        faults: How many faults of the store a simulation tries; ``None`` for every one.
        limits: The limits that are set, by name.
        reload_check: Whether the thread is read back after each turn.
        network: ``closed``, ``strict`` or ``open``.
        allow_network: Hosts that may be reached.
    """

    simulate: bool
    servers: tuple[str, ...]
    named_by_flag: bool
    context: str
    ignores: tuple[tuple[str, str], ...]
    tools: Literal["real", "stub"]
    faults: int | None
    limits: dict[str, Any]
    reload_check: bool
    network: str
    allow_network: tuple[str, ...]

    @property
    def names_from(self) -> str:
        """Who names the servers, for messages."""
        return "--chatkit-server" if self.named_by_flag else "The ini option chatkit_server"


SETTINGS = pytest.StashKey[Settings]()


def add_options(parser: pytest.Parser) -> None:
    """Declare every option."""
    group = parser.getgroup("chatkit-sim", "ChatKit servers (chatkit-sim)")
    group.addoption(
        "--chatkit-sim",
        action="store_true",
        help="Simulate conversations with the server under test, without a test written: adds one item for each "
        "scenario. The bodies of its server tools run for real; the run lists them before it calls them, and the "
        "fixture `chatkit_tools` or --chatkit-sim-tools=stub replaces them.",
    )
    group.addoption(
        "--chatkit-server",
        action="append",
        default=[],
        metavar="MODULE:ATTR",
        help="The ChatKit server under test, or a factory of it, where no fixture `chatkit_server` names one. "
        "May be given several times.",
    )
    group.addoption(
        "--chatkit-context",
        default=None,
        metavar="MODULE:ATTR",
        help="The request context, or a function that makes it for each request.",
    )
    group.addoption(
        "--chatkit-ignore",
        action="append",
        default=[],
        metavar="RULE: reason",
        help='Do not fail for a rule, as in "no-network: the geocoder is cached"; RULE[tool=NAME] narrows it.',
    )
    group.addoption(
        "--chatkit-sim-tools",
        default=None,
        choices=TOOLS,
        help="What runs when the simulated model calls a server tool: its real body (the default), or a stub that "
        "answers 'ok'. With stub, a tool that asks for a client tool does not ask any more.",
    )
    for name, type_, default, help_text in _INI:
        parser.addini(name, help_text, type=type_, default=default)


def read_settings(config: pytest.Config) -> Settings:
    """Read the options.

    Raises:
        pytest.UsageError: A value is none of those that are possible.
    """
    flags: Sequence[str] = config.getoption("chatkit_server")
    tools = config.getoption("chatkit_sim_tools")
    ignores = [(text, "ini") for text in config.getini("chatkit_ignore")]
    ignores += [(text, "flag") for text in config.getoption("chatkit_ignore")]
    return Settings(
        simulate=config.getoption("chatkit_sim") or any("::chatkit-sim" in str(arg) for arg in config.args),
        servers=tuple(flags or config.getini("chatkit_server")),
        named_by_flag=bool(flags),
        context=config.getoption("chatkit_context") or config.getini("chatkit_context"),
        ignores=tuple(ignores),
        tools="stub" if "stub" in (tools, _choice(config, "chatkit_sim_tools", TOOLS)) and tools != "real" else "real",
        faults=_faults(config),
        limits={name: value for name in ("rounds", "events", "seconds") if (value := _limit(config, name)) is not None},
        reload_check=_choice(config, "chatkit_reload", ("on", "off")) == "on",
        network=_choice(config, "chatkit_network", NETWORK),
        allow_network=tuple(config.getini("chatkit_allow_network")),
    )


def _choice(config: pytest.Config, name: str, choices: Sequence[str]) -> str:
    value = str(config.getini(name)).strip()
    if value not in choices:
        raise pytest.UsageError(f"The ini option {name} is {value!r}; it can be {' or '.join(choices)}.")
    return value


def _faults(config: pytest.Config) -> int | None:
    text = str(config.getini("chatkit_sim_faults")).strip()
    if text == "all":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise pytest.UsageError(f"The ini option chatkit_sim_faults is {text!r}; it takes a positive number, or all.")
    return int(text)


def _limit(config: pytest.Config, name: str) -> float | None:
    text = str(config.getini(f"chatkit_limit_{name}")).strip()
    if not text:
        return None
    try:
        value = float(text) if name == "seconds" else int(text)
    except ValueError:
        value = 0
    if value <= 0:
        raise pytest.UsageError(f"The ini option chatkit_limit_{name} is {text!r}; it takes a positive number.")
    return value
