"""Which literals Hypothesis draws from now and then: those of the app's own package, and the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis.internal import constants_ast
from hypothesis.internal.conjecture import providers

_FILES = 200  # of a package that are read


@contextmanager
def constants_of(server: Any) -> Iterator[None]:
    """While it lasts, Hypothesis draws from the literals of the package that a server is written in.

    By itself it takes those of all modules that happen to be imported: another choice for the same seed as soon as a
    further test module, a worker of pytest-xdist or a single item is run.

    Args:
        server: The server; ``None`` for one that runs elsewhere, of which nothing can be read.
    """
    provider: Any = providers.HypothesisProvider
    before = vars(provider).get("_local_constants")
    if before is None:  # a Hypothesis that keeps them elsewhere
        yield
        return
    constants = _read(_files(server))
    provider._local_constants = property(lambda self: constants)
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        provider._local_constants = before
        providers.CONSTANTS_CACHE.cache.clear()


def _files(server: Any) -> list[Path]:
    """The source files of the packages of a server's own classes, in an order that is always the same."""
    found: dict[str, Path] = {}
    for kind in type(server).__mro__:
        module = sys.modules.get(kind.__module__.partition(".")[0])
        file = getattr(module, "__file__", None)
        if file is None or "site-packages" in file or kind.__module__ in sys.stdlib_module_names:
            continue
        path = Path(file)
        paths = path.parent.rglob("*.py") if path.name == "__init__.py" else [path]
        found |= {one.relative_to(path.parent).as_posix(): one for one in paths if not one.name.startswith("test_")}
    return [found[name] for name in sorted(found)[:_FILES]]


@cache  # it depends on the text alone, which the campaigns of a run share
def _literals(source: bytes) -> Any:
    return constants_ast._constants_from_source(source, limit=True)


def _read(files: list[Path]) -> Any:
    literals = constants_ast.Constants()
    for file in files:
        try:
            literals |= _literals(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # nothing to be had there; Hypothesis has literals of its own
    # Sorted, since a set of texts has another order in each process.
    return constants_ast.Constants(
        integers=dict.fromkeys(sorted(literals.integers)),  # type: ignore[arg-type]  # only ever iterated
        floats=dict.fromkeys(sorted(literals.floats)),  # type: ignore[arg-type]
        bytes=dict.fromkeys(sorted(literals.bytes)),  # type: ignore[arg-type]
        strings=dict.fromkeys(sorted(literals.strings)),  # type: ignore[arg-type]
    )
