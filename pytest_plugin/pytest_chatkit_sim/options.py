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
    (
        "chatkit_severity",
        "linelist",
        [],
        'What a rule is to be, as "RULE: error" or "RULE: warning"; one for each line',
    ),
    (
        "chatkit_background_tasks",
        "linelist",
        [],
        "Names of tasks, or of their coroutine functions, that may outlive a turn (no-leaked-tasks); * stands for any",
    ),
    ("chatkit_sim_baseline", "string", "", "The file of --chatkit-sim-baseline, relative to the root directory"),
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


@dataclass(frozen=True, repr=False, eq=False)  # what pytest waits for at its start is kept small
class Settings:
    """What the options come to.

    Attributes:
        simulate: Whether ``--chatkit-sim`` was given.
        servers: The servers named by MODULE:ATTR: those of the command line, else those of the ini file.
        named_by_flag: Whether the servers come from the command line.
        context: The request context, by MODULE:ATTR.
        severities: What rules are to be, by slug.
        background_tasks: Tasks that may outlive a turn.
        baseline: The file of what is known and does not fail.
        write_baseline: Whether that file is to be written.
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
    severities: tuple[tuple[str, Any], ...]
    background_tasks: tuple[str, ...]
    baseline: str | None
    write_baseline: bool
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
        "--chatkit-severity",
        action="append",
        default=[],
        metavar="RULE: SEVERITY",
        help='Let a rule fail tests (error) or only warn (warning), as in "server-tool-raised: error".',
    )
    group.addoption(
        "--chatkit-sim-baseline",
        default=None,
        metavar="FILE",
        help="What FILE lists, one line for each with a reason, is reported and does not fail; what nothing needs any "
        "more fails a complete run.",
    )
    group.addoption(
        "--chatkit-sim-write-baseline",
        action="store_true",
        help="Write that file: what is broken now, with the reasons that it has. Rules fail no test in this run.",
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
        severities=_severities(config),
        background_tasks=tuple(config.getini("chatkit_background_tasks")),
        baseline=_baseline(config),
        write_baseline=config.getoption("chatkit_sim_write_baseline"),
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


def _severities(config: pytest.Config) -> tuple[tuple[str, Any], ...]:
    found: dict[str, str] = {}
    said = [(text, "The ini option chatkit_severity") for text in config.getini("chatkit_severity")]
    said += [(text, "--chatkit-severity") for text in config.getoption("chatkit_severity")]
    for text, where in said:
        rule, _, severity = (part.strip() for part in text.partition(":"))
        if severity not in ("error", "warning"):
            raise pytest.UsageError(f"{where} says {text!r}; write RULE: error, or RULE: warning.")
        found[rule] = severity
    return tuple(found.items())


def _baseline(config: pytest.Config) -> str | None:
    name = "chatkit_sim_baseline"
    given, said = config.getoption(name), str(config.getini(name)).strip()
    if not given and not said:
        if config.getoption("chatkit_sim_write_baseline"):
            raise pytest.UsageError(
                "--chatkit-sim-write-baseline does not know where to. Name the file: --chatkit-sim-baseline FILE, or "
                "the ini option chatkit_sim_baseline."
            )
        return None
    path = config.invocation_params.dir / given if given else config.rootpath / said
    setattr(config.option, name, str(path.resolve()))  # workers of pytest-xdist inherit it
    return str(path.resolve())


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
