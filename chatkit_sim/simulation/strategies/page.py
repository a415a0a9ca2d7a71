"""What pages do: what they make of client tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from ..moves import Reaction
from ..schema_reading import fits, tidied
from ..schemas import Strategy, values_of

WRONG: tuple[Any, ...] = (None, [], "", 0, "no JSON object", {"error": "timeout"}, {"unexpected": [{"deep": None}]})
_DELAYS = (1.0, 30.0, 300.0)


def page_reactions(results: Strategy | None = None, *, promised: bool = False, waiting: bool = True) -> Strategy:
    """What a page makes of a client tool call, as a ``Reaction``: it answers, at once or late, or wrongly, or fails.

    Args:
        results: What the client tool returns; ``client_tool_results()`` by default.
        promised: Whether the page keeps to that, so that it neither fails nor answers anything else.
        waiting: Whether it may take its time.
    """
    right = client_tool_results() if results is None else results
    delays = st.sampled_from(_DELAYS) if waiting else st.just(0)
    answers = partial(st.builds, Reaction, st.just("answers"))
    kinds: dict[str, Strategy] = {
        "right": answers(right, promised=st.just(promised)),
        "wrong": answers(wrong_client_tool_results(), wrong=st.just(True)),
        "failing": st.just(Reaction("fails", {"error": "The client tool failed."})),
        "late": answers(right, delays, promised=st.just(promised)),
    }
    weights = {"right": 6, "late": 1} if promised else {"right": 6, "wrong": 2, "failing": 2, "late": 1}
    names = [name for name, weight in weights.items() for _ in range(weight)]
    return st.sampled_from(names).flatmap(kinds.__getitem__)


def client_tool_results(shape: Any = None) -> Strategy:
    """What a client tool may return, as a JSON value.

    Args:
        shape: A JSON schema, or a return annotation that Pydantic understands; ``None`` for a plain success.
    """
    if shape is None:
        return st.just({"ok": True}) | st.sampled_from([None, True, "done", {"ok": False}, [1, 2]])
    return values_of(shape if isinstance(shape, Mapping) else TypeAdapter(shape).json_schema(mode="serialization"))


def wrong_client_tool_results(shape: Any = None) -> Strategy:
    """What a page with a bug may return in its place: JSON of another shape than was promised.

    Args:
        shape: What was promised; see ``client_tool_results``.
    """
    if shape is None:
        return st.sampled_from(WRONG)
    if isinstance(shape, Mapping):
        schema = tidied(shape)
        valid = fits(schema, schema)
        return st.sampled_from(WRONG).filter(lambda value: not valid(value))
    adapter = TypeAdapter(shape)
    return st.sampled_from(WRONG).filter(lambda value: not _validates(adapter, value))


def _validates(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValueError:
        return False
    return True
