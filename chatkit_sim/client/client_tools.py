"""Client tools: the callbacks that the page registers, run by the simulated client."""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, TypeVar, overload

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from ..errors import UsageError
from ..rules import ClientToolContract

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])


class ClientToolError(Exception):
    """Raised in a client tool handler: the tool fails in the browser, and ``payload`` is posted as its output.

    Args:
        payload: What the page would post, as a JSON value.

    Example::

        @chatkit_client.client_tool
        def read_clipboard() -> str:
            raise ClientToolError({"error": "permission denied"})
    """

    def __init__(self, payload: Any = "The client tool failed.") -> None:
        super().__init__(payload)
        self.payload = payload


class SimplestResult:
    """A client tool that is declared by a Hypothesis strategy for its results; it answers the simplest of them.

    Campaigns draw from the strategy, and a test may register a handler of its own in its place.

    Args:
        strategy: The strategy.
    """

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        self._found: list[Any] = []

    def __call__(self, **arguments: Any) -> Any:
        """The simplest result, the same in every run."""
        if not self._found:
            import hypothesis

            settings = hypothesis.settings(database=None)
            self._found.append(hypothesis.find(self.strategy, lambda result: True, settings=settings))
        return self._found[0]


def is_strategy(value: Any) -> bool:
    """Whether it is a Hypothesis strategy; where Hypothesis is not imported, nothing can be."""
    strategies = sys.modules.get("hypothesis.strategies")
    return strategies is not None and isinstance(value, strategies.SearchStrategy)


@dataclass(frozen=True)
class ClientTool:
    """A handler, and how its arguments are checked.

    Attributes:
        name: The client tool's name.
        handler: The callback; it takes the arguments as keywords.
        parameters: A validator for each parameter.
        required: The parameters without a default.
        open: Whether it takes any further keyword (``**kwargs``).
    """

    name: str
    handler: Callable[..., Any]
    parameters: Mapping[str, TypeAdapter[Any]]
    required: frozenset[str]
    open: bool

    @classmethod
    def from_handler(cls, name: str, handler: Callable[..., Any]) -> ClientTool:
        """Read the handler's signature.

        Raises:
            UsageError: It cannot be called with keywords, or an annotation cannot be understood.
        """
        if not callable(handler):
            raise UsageError(
                f"The client tool {name!r} needs a function as its handler, or a Hypothesis strategy for its results, "
                f"not {handler!r}."
            )
        try:
            signature = inspect.signature(handler)
            hints = typing.get_type_hints(handler, include_extras=True) if inspect.isroutine(handler) else {}
        except (NameError, TypeError, ValueError) as error:
            raise UsageError(
                f"The signature of the handler of client tool {name!r} cannot be read: {error}. "
                "Define the types of its annotations at module level, or leave the annotation out."
            ) from error
        parameters: dict[str, TypeAdapter[Any]] = {}
        required: set[str] = set()
        takes_any = False
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                takes_any = True
                continue
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                raise UsageError(
                    f"The handler of client tool {name!r} has the parameter {parameter!s}: "
                    "a client tool gets its arguments by name, so take them as ordinary parameters or **kwargs."
                )
            parameters[parameter.name] = _adapter(name, parameter.name, hints.get(parameter.name, Any))
            if parameter.default is parameter.empty:
                required.add(parameter.name)
        return cls(name, handler, parameters, frozenset(required), takes_any)

    def problem(self, arguments: Mapping[str, Any]) -> str | None:
        """Why these arguments do not fit the handler; ``None`` when they do."""
        return self._validate(arguments)[1]

    async def run(self, arguments: Mapping[str, Any]) -> tuple[Literal["answered", "failed"], Any]:
        """Call the handler with arguments that fit it; returns the outcome and the JSON value to post.

        Raises:
            UsageError: What it returned is no JSON value.
        """
        values, problem = self._validate(arguments)
        if problem is not None:
            raise UsageError(f"The arguments of client tool {self.name!r} do not fit its handler: {problem}.")
        try:
            result = self.handler(**values)
            if inspect.isawaitable(result):
                result = await result
        except ClientToolError as error:
            return "failed", _json_value(self.name, error.payload)
        return "answered", _json_value(self.name, result)

    def _validate(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
        missing = [name for name in sorted(self.required) if name not in arguments]
        surplus = [name for name in arguments if name not in self.parameters]
        problems = [f"{name!r} is missing" for name in missing]
        if surplus and not self.open:
            takes = ", ".join(self.parameters) or "none"
            problems += [f"{name!r} is not a parameter of the handler (it takes: {takes})" for name in surplus]
        values: dict[str, Any] = {name: arguments[name] for name in surplus}
        for name, adapter in self.parameters.items():
            if name not in arguments:
                continue
            try:
                # As JSON and strictly: the page gets what the wire carries, "5" is no number there.
                values[name] = adapter.validate_json(json.dumps(arguments[name]), strict=True)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join([name, *map(str, first["loc"])])
                problems.append(f"{where}={first['input']!r}: {first['msg']}")
        return values, "; ".join(problems) or None


@dataclass
class ClientTools:
    """The client tools of one client."""

    _tools: dict[str, ClientTool] = field(default_factory=dict)

    def get(self, name: str) -> ClientTool | None:
        """The tool of this name, if it is registered."""
        return self._tools.get(name)

    def copy(self) -> ClientTools:
        """The same tools for another client."""
        return ClientTools(dict(self._tools))

    def handlers(self) -> Mapping[str, Callable[..., Any]]:
        """The handlers, by name."""
        return MappingProxyType({name: tool.handler for name, tool in self._tools.items()})

    def contracts(self) -> dict[str, ClientToolContract]:
        """What rules need to know of each tool."""
        return {name: ClientToolContract(name, tool.problem) for name, tool in self._tools.items()}

    def add(self, name: str, handler: Callable[..., Any], *, replace: bool = False) -> None:
        """Register a handler.

        Raises:
            UsageError: There is one of this name already, or its signature does not work.
        """
        if is_strategy(handler):
            handler = SimplestResult(handler)
        existing = self._tools[name].handler if name in self._tools else None
        if existing is not None and not (replace or isinstance(existing, SimplestResult)):
            raise UsageError(
                f"A client tool {name!r} is registered already ({_where(existing)}). "
                "Give the second one another name, or pass replace=True to take its place."
            )
        self._tools[name] = ClientTool.from_handler(name, handler)

    def suggest(self, name: str) -> str:
        """A hint for a name that is not registered."""
        close = get_close_matches(name, self._tools, 1)
        return f" Did you mean {close[0]!r}?" if close else ""

    @overload
    def decorate(self, handler: HandlerT, /, *, name: str | None = None, replace: bool = False) -> HandlerT: ...
    @overload
    def decorate(self, /, *, name: str | None = None, replace: bool = False) -> Callable[[HandlerT], HandlerT]: ...
    def decorate(self, handler: Any = None, /, *, name: str | None = None, replace: bool = False) -> Any:
        """The decorator behind ``client.client_tool``, with and without parentheses."""
        if isinstance(handler, str):
            raise UsageError(f"Write client_tool(name={handler!r}), with the name as a keyword.")
        if handler is not None:
            self.add(name or str(getattr(handler, "__name__", handler)), handler, replace=replace)
            return handler

        def register(function: HandlerT) -> HandlerT:
            self.add(name or function.__name__, function, replace=replace)
            return function

        return register


def _adapter(tool: str, parameter: str, annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError as error:
        raise UsageError(
            f"Parameter {parameter!r} of client tool {tool!r} is annotated with {annotation!r}, which no JSON value "
            "can be checked against. Use a type that Pydantic knows, or Any."
        ) from error


def _json_value(tool: str, result: Any) -> Any:
    try:
        return json.loads(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The handler of client tool {tool!r} gave {_short(result)}, which is no JSON value ({error}). "
            "The page posts JSON: return dicts, lists, strings, numbers, booleans or None."
        ) from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _where(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)
