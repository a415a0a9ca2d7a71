"""``--chatkit-sim-contract FILE``: what the server asked of its page in the tests of a run, as one file."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .keys import is_simulated
from .quiet import quiet_imports
from .stage import STAGE

_NAME = "chatkit_sim_contract"


def add_contract_options(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.getgroup("chatkit-sim").addoption(
        "--chatkit-sim-contract",
        default=None,
        metavar="FILE",
        help="Write to FILE, as JSON, what the server asked of the web page in tests and scenarios: client tools with "
        "their arguments, effects, widget actions, ids of the composer.",
    )


def register_contract(config: pytest.Config) -> None:
    """Write a contract if one is asked for; a run without one pays nothing."""
    given = config.getoption(_NAME)
    if given and not config.option.collectonly:
        file = (config.invocation_params.dir / given).resolve()
        setattr(config.option, _NAME, str(file))  # workers of pytest-xdist inherit it
        config.pluginmanager.register(ContractFile(config, file), "chatkit-sim-contract")


class ContractFile:
    """The hooks of a run that writes a contract.

    Args:
        config: The run's.
        file: Where to.
    """

    def __init__(self, config: pytest.Config, file: Path) -> None:
        self._config = config
        self._file = file
        self._found: list[dict[str, Any]] = []
        self._said = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Take what a test recorded, while its bench is there; campaigns ask for something else on every run."""
        stage = item.stash.get(STAGE, None)
        campaign = is_simulated(item) and item.name.startswith("campaign-")
        if stage is not None and not campaign and stage.bench.turns:
            from chatkit_sim.client.contract import contract, merge_contracts

            self._found = [merge_contracts([*self._found, contract(stage.bench.turns, stage.bench.frontend)])]
        return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has finished."""
        self._found += (getattr(node, "workeroutput", None) or {}).get(_NAME, [])

    @pytest.hookimpl(wrapper=True, trylast=True)  # within the wrapper that writes the terminal's summary
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Write it, or give it to the controller of pytest-xdist."""
        result = yield
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_NAME] = self._found
        else:
            self._write()
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where it is."""
        terminalreporter.write_line(self._said)

    def _write(self) -> None:
        with quiet_imports():
            from chatkit_sim.client.contract import merge_contracts
            from chatkit_sim.client.contract_command import contract_json, told
        found = merge_contracts(self._found)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(contract_json(found), encoding="utf-8")
        except OSError as error:
            self._said = f"chatkit-sim contract: {self._file} could not be written ({error.strerror or error})"
            return
        self._said = f"chatkit-sim contract: {self._file} ({told(found)})"
