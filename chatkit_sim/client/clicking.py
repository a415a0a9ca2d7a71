"""Clicks in widgets: a streaming action is a turn like any other, the others are answered without a stream."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Iterator, Mapping
from typing import Any

from chatkit.actions import Action
from chatkit.types import SyncCustomActionResponse, ThreadItem

from ..errors import UsageError
from ..wire import Request
from ..wire import requests as wire
from .core import ClientCore, Outcome
from .still import ON_ACTION, StillTurn
from .widget_actions import NOT_GIVEN, Dispatch, Target, dispatch, find


def plan(
    core: ClientCore,
    target: Target,
    *,
    value: Any = NOT_GIVEN,
    form: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Dispatch:
    """What a click comes to.

    Raises:
        UsageError: The user cannot click that, or not now.
    """
    planned = dispatch(find(core.view.items, target), form or {}, value, core.bench.policies, force=force)
    if planned.way == "stream":
        core.check_free("click")
    if planned.ignored:
        core.bench.remarks.append(
            f"The payload of {planned.source} has {', '.join(map(repr, planned.ignored))} already, so the web client "
            "ignores what the user entered there, and reports an error. Remedy: rename the form field, or take the "
            "key out of the action's payload."
        )
    return planned


async def send(core: ClientCore, planned: Dispatch) -> Outcome:
    """Send an action of a widget to the server."""
    if planned.way == "sync":
        return await sync_action(core, planned.type, planned.payload, planned.item)
    return await core.drive(core.acting(planned.type, planned.payload, planned.item))


async def sync_action(core: ClientCore, type: str, payload: Any, item: str | ThreadItem | None) -> Outcome:
    """Send a ``threads.sync_custom_action``, and show the item that it is answered with."""
    item_id = item if isinstance(item, str) or item is None else item.id
    request = wire.custom_action(core.active_thread("sync_action"), item_id, type, payload, streaming=False)
    before = core.view
    answer = _answer(await core.fetch(request))
    if answer.updated_item is not None:
        core.show(answer.updated_item)
    number = core.next_number()
    turn = StillTurn(number, (), before, core.view, asked=request, updated_item=answer.updated_item)
    return await core.judge(turn)


def told(core: ClientCore, planned: Dispatch) -> Iterator[Awaitable[Any]]:
    """Tell the page of an action that it handles itself; yields what its callbacks want awaited.

    Raises:
        UsageError: No callback takes it.
    """
    callbacks = [handler for type, handler in core.actions if type in (None, planned.type)]
    if not callbacks:
        raise UsageError(
            f'{planned.source} is handled by the page (handler: "client"), and nothing on the page takes it. '
            f'Register a callback: @client.on_action(type="{planned.type}") above def handler(action, item).'
        )
    action: Action[str, Any] = Action[str, Any](type=planned.type, payload=planned.payload)
    for callback in callbacks:
        waiting = callback(action, planned.item)
        if isinstance(waiting, Awaitable):
            yield waiting


def still_turn(core: ClientCore, planned: Dispatch) -> StillTurn:
    """The turn of an action that the page handled by itself."""
    params = wire.custom_action(core.active_thread("click"), planned.item.id, planned.type, planned.payload).params
    view = core.view
    return StillTurn(len(core.turns), (), view, view, asked=Request(ON_ACTION, params))


def _answer(body: bytes) -> SyncCustomActionResponse:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # chatkit warns of every named widget it reads
        return SyncCustomActionResponse.model_validate_json(body)
