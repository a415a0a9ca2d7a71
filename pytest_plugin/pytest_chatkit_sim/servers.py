"""Servers and contexts named by MODULE:ATTR."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .options import Settings

NO_SERVER = """Name it in one of these ways:

  in conftest.py:       @pytest.fixture
                        def chatkit_server(chatkit_store):
                            return MyServer(store=chatkit_store)

  or, as an ASGI app:   @pytest.fixture
                        def chatkit_app():
                            return app

  on the command line:  --chatkit-server mypackage.server:MyServer
  in the ini file:      chatkit_server = mypackage.server:MyServer"""

_STORE_NAMES = ("store", "data_store", "chatkit_store")


def load(name: str, root: Path, what: str) -> Any:
    """Import what MODULE:ATTR names; the root directory is importable, as for uvicorn.

    Args:
        name: ``MODULE:ATTR``; dots within ATTR go into what it holds.
        root: The root directory of the run.
        what: Who names it, for the message, such as ``--chatkit-server``.

    Raises:
        pytest.UsageError: There is nothing of this name.
    """
    module_name, colon, path = name.partition(":")
    if not colon or not module_name or not path:
        raise pytest.UsageError(f"{what} takes MODULE:ATTR, such as todo.server:TodoServer, not {name!r}.")
    value: Any = _import(module_name, root, f"{what} {name}")
    for attribute in path.split("."):
        try:
            value = getattr(value, attribute)
        except AttributeError:
            raise pytest.UsageError(_no_attribute(value, attribute, f"{what} {name}")) from None
    return value


def filled_from_fixtures(function: Any, request: pytest.FixtureRequest) -> Any:
    """A function whose parameters are taken from the fixtures of the same names.

    Parameters without a fixture keep their default; the only parameter of a factory is the store, whatever its name.

    Args:
        function: What was named; a value, or a function without parameters, is returned as it is.
        request: The request of the fixture that needs it.

    Raises:
        pytest.UsageError: A parameter has neither a fixture nor a default.
    """
    if not callable(function) or _is_server(function):
        return function
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return function
    takes = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p for p in takes if p.default is p.empty]
    named: dict[str, Any] = {}
    for parameter in takes:
        is_store = parameter.name in _STORE_NAMES or required == [parameter]
        found, value = _fixture(request, parameter.name)
        if not found and is_store:
            found, value = _fixture(request, "chatkit_store")
        if found:
            named[parameter.name] = value
        elif parameter.default is parameter.empty:
            raise pytest.UsageError(_no_fixture(function, parameter.name))
    return functools.partial(function, **named) if named else function


def named_server(settings: Settings, request: pytest.FixtureRequest) -> Any:
    """The server that the options name, or the one of several that is the fixture's parameter."""
    if not settings.servers:
        pytest.fail(f"There is no ChatKit server to test. {NO_SERVER}", pytrace=False)
    name = getattr(request, "param", settings.servers[0])
    source = load(name, request.config.rootpath, settings.names_from)
    return as_factory(filled_from_fixtures(source, request))


def server_fixture(settings: Settings) -> Any:
    """The fixture ``chatkit_server`` as a member of a class, for servers named by MODULE:ATTR.

    Several servers are its parameters: what uses it runs with each of them.
    """
    several = len(settings.servers) > 1

    @pytest.fixture(
        name="chatkit_server",
        params=settings.servers if several else None,
        ids=_short_names(settings.servers) if several else None,
    )
    def chatkit_server(self: Any, request: pytest.FixtureRequest) -> Any:
        """The server under test, as the options name it."""
        return named_server(settings, request)

    return chatkit_server


def _short_names(names: Sequence[str]) -> list[str]:
    short = [name.partition(":")[2] for name in names]
    return short if len(set(short)) == len(short) else list(names)


def as_factory(source: Any) -> Any:
    """A filled function as a factory without parameters, whatever kind of function it is."""
    if not isinstance(source, functools.partial):
        return source
    from chatkit_sim.client.serving import call

    return lambda: call(source)


def _fixture(request: pytest.FixtureRequest, name: str) -> tuple[bool, Any]:
    try:
        return True, request.getfixturevalue(name)
    except pytest.FixtureLookupError as error:
        if error.argname != name:
            raise  # the fixture is there, and misses one of its own
        return False, None


def _import(module_name: str, root: Path, what: str) -> ModuleType:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # Only when the module itself is missing: a missing import inside of it is the app's, and shows as it is.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise pytest.UsageError(
            f"{what}: there is no module {error.name!r}. It is looked for in {root} and on sys.path."
        ) from None


def _no_attribute(holder: Any, attribute: str, what: str) -> str:
    names = [name for name, value in vars(holder).items() if _looks_like_a_server(value)]
    hint = f" It has {', '.join(sorted(names))}." if names else ""
    return f"{what}: {getattr(holder, '__name__', holder)!r} has no {attribute!r}.{hint}"


def _looks_like_a_server(value: Any) -> bool:
    server = _server_class()
    return server is not None and (
        isinstance(value, server) or (inspect.isclass(value) and issubclass(value, server) and value is not server)
    )


def _is_server(value: Any) -> bool:
    server = _server_class()
    return server is not None and isinstance(value, server)


def _server_class() -> type | None:
    # What is not imported yet, nothing can be an instance of.
    found: type | None = getattr(sys.modules.get("chatkit.server"), "ChatKitServer", None)
    return found


def _no_fixture(factory: Any, parameter: str) -> str:
    name = getattr(factory, "__qualname__", repr(factory))
    return (
        f"The server factory {name} has a parameter {parameter!r}, and there is neither a fixture of that name nor a "
        f"default. Define the fixture `{parameter}`, or the fixture `chatkit_server` that returns the finished server."
    )
