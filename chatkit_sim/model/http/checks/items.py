"""The input items of the Responses API: calls and outputs in balance, ids that are used once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .refusal import Refusal

_PREFIXES = {"function_call": "fc", "reasoning": "rs", "message": "msg"}
_OUTPUTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_ID_LENGTH = 64
_BALANCE = (
    "Send each function call together with its output, in this order: a history that is cut at a limit, or filtered, "
    "must not fall between the two."
)


def check_items(items: Any, *, remembered: bool, served: Collection[str]) -> Iterator[Refusal]:
    """What is wrong with the input.

    Args:
        items: The input; a text has nothing to check.
        remembered: Whether the provider holds earlier items, which these may refer to.
        served: The ids that the app was given in earlier answers.
    """
    if not isinstance(items, Sequence) or isinstance(items, str):
        return
    known = [item for item in items if isinstance(item, Mapping)]
    yield from _check_ids(items, served)
    yield from _check_balance(items, remembered or any(item.get("type") == "item_reference" for item in known))
    yield from _check_reasoning(items)


def _check_ids(items: Sequence[Any], served: Collection[str]) -> Iterator[Refusal]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        id_ = item.get("id") if isinstance(item, Mapping) else None
        if not isinstance(id_, str):
            continue
        place = f"input[{index}].id"
        if id_ in seen:
            yield Refusal(
                f"Duplicate item found with id {id_}. Remove duplicate items from your input and try again.",
                place,
                remedy="Each item of the history is sent once. Items of a store need ids of their own: two answers of "
                "a provider without ids, which all are called the same, cannot both be kept under theirs.",
            )
        seen.add(id_)
        prefix = _PREFIXES.get(item.get("type", ""))
        if prefix is not None and id_ not in served and not id_.startswith(prefix):
            yield Refusal(
                f"Invalid '{place}': '{id_}'. Expected an ID that begins with '{prefix}'.",
                place,
                "invalid_value",
                "Send the id that the provider gave, or none: the id of a thread item is not one of the provider's.",
            )
        if len(id_) > _ID_LENGTH:
            yield Refusal(
                f"Invalid '{place}': string too long. Expected a string with maximum length {_ID_LENGTH}, but got a "
                f"string with length {len(id_)} instead.",
                place,
                "string_above_max_length",
            )


def _check_balance(items: Sequence[Any], remembered: bool) -> Iterator[Refusal]:
    called: dict[tuple[str, str], int] = {}
    answered: set[tuple[str, str]] = set()
    for index, item in enumerate(items):
        kind = item.get("type", "") if isinstance(item, Mapping) else ""
        if kind in _OUTPUTS.values():
            called[kind, str(item.get("call_id"))] = index
        elif kind in _OUTPUTS:
            key = _OUTPUTS[kind], str(item.get("call_id"))
            answered.add(key)
            if key not in called and not remembered:
                yield Refusal(
                    f"No tool call found for {_words(kind)} with call_id {key[1]}.", f"input[{index}]", remedy=_BALANCE
                )
    for key, index in called.items():
        if key not in answered:
            message = f"No tool output found for {_words(key[0])} {key[1]}."
            yield Refusal(message, f"input[{index}]", remedy=_BALANCE)


def _check_reasoning(items: Sequence[Any]) -> Iterator[Refusal]:
    for index, item in enumerate(items):
        if not isinstance(item, Mapping) or item.get("type") != "reasoning":
            continue
        following = items[index + 1] if index + 1 < len(items) else {}
        if not _is_output(following):
            yield Refusal(
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.",
                f"input[{index}]",
                remedy="Keep reasoning together with the message or call that came after it, or send neither.",
            )


def _is_output(item: Any) -> bool:
    if not isinstance(item, Mapping):
        return False
    kind = str(item.get("type", "message"))
    if kind == "message":
        return item.get("role") == "assistant"
    return kind in ("reasoning", "item_reference") or kind.endswith("_call")


def _words(kind: str) -> str:
    return kind.replace("_", " ")
