"""The pytest plugin of chatkit-sim: thin, and nothing heavy is imported before a test needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from . import (
    baselines,
    campaign_coverage,
    campaign_findings,
    campaign_options,
    collection,
    contract_file,
    failures,
    hookspecs,
    http_fixture,
    options,
    playing,
    report_files,
    snapshot_watch,
    summing_up,
)
from .campaign_fixtures import chatkit_arguments, chatkit_clock, chatkit_reset
from .fixtures import (
    _chatkit_stage,
    async_chatkit_client,
    chatkit_client,
    chatkit_context,
    chatkit_model,
    chatkit_other_context,
    chatkit_server,
    chatkit_store,
    chatkit_tools,
)
from .homes import ServerHome
from .http_fixture import chatkit_cassette, chatkit_openai_api
from .page_fixtures import (
    _chatkit_page,
    chatkit_app,
    chatkit_frontend,
    chatkit_headers,
    chatkit_other_headers,
    chatkit_path,
    chatkit_transport,
    chatkit_url,
)
from .quiet import quieten_sdks
from .servers import server_fixture
from .snapshot_fixture import add_snapshot_options, chatkit_snapshot, chatkit_snapshot_extension
from .stage import STAGE

__all__ = [
    "_chatkit_page",
    "_chatkit_stage",
    "async_chatkit_client",
    "chatkit_app",
    "chatkit_arguments",
    "chatkit_cassette",
    "chatkit_client",
    "chatkit_clock",
    "chatkit_context",
    "chatkit_frontend",
    "chatkit_headers",
    "chatkit_model",
    "chatkit_openai_api",
    "chatkit_other_context",
    "chatkit_other_headers",
    "chatkit_path",
    "chatkit_reset",
    "chatkit_server",
    "chatkit_snapshot",
    "chatkit_snapshot_extension",
    "chatkit_store",
    "chatkit_tools",
    "chatkit_transport",
    "chatkit_url",
]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a conftest.py may implement."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)
    report_files.add_report_options(parser)
    contract_file.add_contract_options(parser)
    http_fixture.add_http_options(parser)
    campaign_options.add_campaign_options(parser)
    add_snapshot_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Prepare for conftests that import chatkit, or build an OpenAI client."""
    quieten_sdks(early_config)
    if early_config.getini("chatkit_dummy_key"):
        os.environ.setdefault("OPENAI_API_KEY", "sk-chatkit-sim-dummy")
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and declare the markers."""
    for marker in options.MARKERS:
        config.addinivalue_line("markers", marker)
    settings = config.stash[options.SETTINGS] = options.read_settings(config)
    report_files.register_report(config)
    contract_file.register_contract(config)
    config.pluginmanager.register(snapshot_watch.SnapshotWatch(config), snapshot_watch.NAME)
    http_fixture.register_comparison(config)
    if len(settings.servers) > 1:
        # A fixture whose parameters are what the options name cannot be written down beforehand.
        several = type("SeveralServers", (), {"chatkit_server": server_fixture(settings)})()
        config.pluginmanager.register(several, "chatkit-sim-servers")
    if settings.simulate:
        config.pluginmanager.register(playing.Announcer(config), "chatkit-sim-announcer")
        campaign_findings.register_findings(config)
        campaign_coverage.register_fail_under(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Find the files that simulation items hang under."""
    collection.find_hosts(session)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
    """Claim the files that simulation items hang under."""
    made: list[Any] = yield
    home = None if any(isinstance(one, ServerHome) for one in made) else collection.home_of(file_path, parent)
    return made if home is None else [*made, home]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """The same where pytest takes them for test modules, because they were named as arguments."""
    return collection.home_of(module_path, parent)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> Generator[None, Any, Any]:
    """Hang simulation items under a test module that defines the server."""
    made = yield
    simulations = collection.simulations_in(collector, obj)
    return made if simulations is None else simulations


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """See that there was a server to simulate, and that the baseline can be read."""
    collection.check_found(session, items)
    baselines.check(session, items)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note that the run is not a complete one, whoever left tests out."""
    if items:
        baselines.needs_of(items[0].config).partial = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the rules about the whole test speak after its body, so that the test itself fails and xfail works."""
    __tracebackhide__ = True
    http_fixture.set_boundary(item)
    result = yield
    stage = item.stash.get(STAGE, None)
    if stage is not None:
        stage.conclude()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say plainly what is wrong, and sum up."""
    failures.prepare(item, call)
    report = yield
    failures.improve(item, call, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Sum up what the test did, and let go of it."""
    summing_up.add_test(item)
    try:
        return (yield)
    finally:
        if STAGE in item.stash:
            del item.stash[STAGE]


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Pass the summary on, and see whether the run has failed for a reason of ours."""
    result = yield
    summing_up.hand_over(session.config)
    summing_up.settle_exit_status(session)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has finished."""
    summing_up.take_over(node.config, getattr(node, "workeroutput", None) or {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the summary."""
    summing_up.write(terminalreporter)


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Explain differences of client tool calls, items and events."""
    expect = sys.modules.get("chatkit_sim.expect")
    explained: list[str] | None = expect.explain_difference(left, right) if expect and op == "==" else None
    return explained
