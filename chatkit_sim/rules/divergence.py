"""Why the page and the store part ways: what is meant to be so, and the likely cause of the rest."""

from __future__ import annotations

from dataclasses import dataclass

from chatkit.types import ClientToolCallItem, WorkflowItem

from ..recording import Turn
from .base import Evidence
from .comparing import Difference, Differences, is_lost, side_by_side
from .excuses import run_errors
from .ordering import disorderly
from .origins import Origin, Origins, left_early, unfinished_by_accident
from .words import listed

_OUTPUT = "threads.add_client_tool_output"
_RELOADED = "otherwise after a reload."


@dataclass(frozen=True)
class Cause:
    """What made items differ; items of one cause are told once.

    Attributes:
        name: Its slug.
        what: What the user notices, after "The message is" or "30 items are".
        why: The cause, as a sentence.
        remedy: What to change.
        by_turn: Whether the turn as a whole did it, rather than the event that last spoke of the item.
    """

    name: str
    what: str
    why: str
    remedy: str
    by_turn: bool = False


Found = dict[Cause, list[tuple[str, str, str]]]


def divergences(evidence: Evidence, now: Differences, before: Differences | None, origins: Origins) -> Found:
    """The differences that this turn made and that are not meant to be, by cause: id, type, both versions."""
    told = {difference.key for difference in before.found} if before is not None else set()
    scope = _Scope(evidence, now, origins)
    found: Found = {}
    for difference in now.found:
        if difference.key in told or scope.excuses(difference):
            continue
        table = side_by_side(difference.fields) if difference.fields else ""
        found.setdefault(scope.cause(difference), []).append((difference.id, difference.type, table))
    return found


class _Scope:
    """What can be said of a turn's items: which are its own, which nobody can know of."""

    def __init__(self, evidence: Evidence, now: Differences, origins: Origins) -> None:
        self.evidence = evidence
        self.now = now
        self.origins = origins
        turn = evidence.turn
        # A view that was never compared with the store may lack what was there before.
        self.whole = evidence.compared is not None or turn.request.type == "threads.create"
        self.shown_before = (
            {item.id: item for item in evidence.compared.view.items} if evidence.compared is not None else {}
        )
        self.unsettled = _unsettled_calls([*evidence.earlier, turn])
        self.disorderly = disorderly(evidence)
        self.position = {item_id: index for index, item_id in enumerate(now.stored)}
        self.first_new = next((self.position[item_id] for item_id in now.stored if self._is_new(item_id)), None)

    def excuses(self, difference: Difference) -> bool:
        """Whether the difference is meant to be, or is not the server's doing."""
        origin = self.origins.by_id.get(difference.id)
        if self.origins.injected:
            return True
        if (self.evidence.shared or not self.whole) and origin is None:
            return True  # somebody else may have changed it, or it was there before anyone looked
        if origin is not None and left_early(origin.history):
            return True  # what handle_stream_cancelled makes of it shows on a reload only
        if difference.kind == "thread" and self.origins.left:
            return True  # what the responder changed of it by then was saved, and nobody was there to be told
        if difference.kind in ("missing", "extra") and difference.id in self.disorderly:
            return True  # reload-order-matches says so, in the turn that showed it first
        if difference.kind == "extra":
            return self._excuses_extra(difference)
        item = difference.live
        if isinstance(item, ClientToolCallItem):
            return self._excuses_call(difference, item)
        if isinstance(item, WorkflowItem) and origin is not None and origin.life.origin and origin.updated_last:
            # The SDK goes on with the workflow before a client tool call, and finishes it anew unless its run fails.
            return unfinished_by_accident(self.evidence, origin)
        if item is not None and item.id in self.evidence.turn.view.open_items:
            if isinstance(item, WorkflowItem) and difference.kind == "changed":
                return True  # it goes on in the next stream, and is stored without `done`
            return origin is None or unfinished_by_accident(self.evidence, origin)
        return False

    def cause(self, difference: Difference) -> Cause:
        """The likely cause."""
        match difference.kind:
            case "missing":
                return self._missing(difference)
            case "extra":
                return self._extra(difference)
            case "thread":
                return _THREAD
            case "changed":
                return self._changed(difference)

    def _excuses_call(self, difference: Difference, item: ClientToolCallItem) -> bool:
        # The server deletes what is pending beside the call that was answered, and takes no output for a call that
        # is not the newest item: the rules about client tools speak.
        if item.id in self.unsettled:
            return True
        return difference.kind == "missing" and item.status == "pending" and self._posted()

    def _posted(self) -> bool:
        return any(stream.request.type == _OUTPUT for stream in self.evidence.turn.streams)

    def _excuses_extra(self, difference: Difference) -> bool:
        if difference.id in self.shown_before or difference.id in self.origins.by_id:
            return False  # it was on the page, and is gone from there only
        if self.evidence.shared or not self.whole or self.origins.left:
            return True
        item = self.now.stored[difference.id]
        if isinstance(item, WorkflowItem) and not item.workflow.tasks:
            return True  # AgentContext.start_workflow waits for a task before it shows anything, and stores it anyway
        if self.first_new is None:
            return False
        return self.position[difference.id] < self.first_new  # stored between the turns

    def _is_new(self, item_id: str) -> bool:
        origin = self.origins.by_id.get(item_id)
        return origin is not None and origin.new

    def _missing(self, difference: Difference) -> Cause:
        origin = self.origins.by_id.get(difference.id)
        if origin is not None and difference.id in self.evidence.turn.view.open_items:
            return _DISPLACED if _is_displaced(origin) else _NEVER_DONE
        if origin is not None and origin.life.done is None and origin.life.replaced is not None:
            return _NOT_SAVED
        return _NOT_KEPT

    def _extra(self, difference: Difference) -> Cause:
        origin = self.origins.by_id.get(difference.id)
        if origin is not None and origin.life.removed is not None:
            return _NOT_DELETED
        if difference.id in self.shown_before:
            retried = self.evidence.turn.request.type == "threads.retry_after_item"
            return _NOT_DELETED_ON_RETRY if retried else _NOT_DELETED
        return _NOT_TOLD

    def _changed(self, difference: Difference) -> Cause:
        origin = self.origins.by_id.get(difference.id)
        if difference.paths == {"created_at"}:
            return _TIME
        if origin is None and self.evidence.turn.request.type == "threads.sync_custom_action":
            return _SYNC_NOT_SAVED
        if origin is not None and origin.updated_last:
            return _LATE_UPDATE
        if is_lost(difference.fields):
            return _lost(difference)
        if self.evidence.reload is not None and self.evidence.reload.shares_objects:
            return _SHARED_OBJECT
        return _overwritten(origin)


def _is_displaced(origin: Origin) -> bool:
    # AgentContext has one workflow at a time, and chatkit finishes the one that it has.
    history, begun = origin.history, origin.life.added
    if origin.life.type != "workflow" or begun is None or not history.stream.timeline.main_runs:
        return False
    return any(life.type == "workflow" and (life.added or 0) > begun for life in history.lives)


def _unsettled_calls(turns: list[Turn]) -> set[str]:
    # Calls whose output was posted and not taken.
    found: set[str] = set()
    for turn in turns:
        for stream, following in zip(turn.streams, turn.streams[1:], strict=False):
            if stream.call is not None and following.request.type == _OUTPUT and following.ended != "complete":
                found.add(stream.call.item_id)
    return found


def _lost(difference: Difference) -> Cause:
    paths = sorted(difference.paths)
    return Cause(
        f"lost-{'-'.join(paths)}",
        f"without {listed(f'`{path}`' for path in paths[:4])} after a reload.",
        "The store does not keep it.",
        "Store the whole item, as JSON (`item.model_dump_json()`), rather than the fields known today.",
    )


def _overwritten(origin: Origin | None) -> Cause:
    if origin is None:
        return Cause(
            "saved-silently",
            _RELOADED,
            "No event of this turn speaks of it, so it was changed in the store alone.",
            "Tell the page of what you save: yield ThreadItemReplacedEvent(item=...), which saves the item as well.",
            by_turn=True,
        )
    runs = bool(run_errors(origin.history.stream))
    return Cause(
        "saved-otherwise",
        _RELOADED,
        "What is stored is not what was sent last"
        + (
            ", and the run behind it failed."
            if runs
            else ": it was saved again by other code, or the store changes it."
        ),
        "Let one door change an item: yield ThreadItemDoneEvent or ThreadItemReplacedEvent and leave the saving to the "
        "SDK; and see that the store gives back what it was given.",
    )


_LATE_UPDATE = Cause(
    "late-update",
    _RELOADED,
    "It was updated after it was done. The page shows updates, but the server stores only what `done` and `replaced` "
    "carry.",
    "Yield updates before ThreadItemDoneEvent. To change an item that is there, yield ThreadItemReplacedEvent with the "
    "whole of it.",
)
_SYNC_NOT_SAVED = Cause(
    "sync-not-saved",
    _RELOADED,
    "It was the answer of a sync action, which the SDK sends to the page and does not store.",
    "Save it in sync_action: `await self.store.save_item(thread.id, item, context)`.",
    by_turn=True,
)
_SHARED_OBJECT = Cause(
    "shared-object",
    _RELOADED,
    "The store gives out the very object that it keeps, so what the responder does to an item after its last event "
    "changes what is stored, and nobody tells the page.",
    "Let the store keep JSON (`item.model_dump_json()`) or copies (`item.model_copy(deep=True)`) and give copies out; "
    "and change an item by yielding ThreadItemReplacedEvent.",
)
_NEVER_DONE = Cause(
    "never-done",
    "gone after a reload.",
    "It was added and never done, and only `done` stores an item.",
    "Yield ThreadItemDoneEvent(item=...) when it is complete, on every way out of the responder.",
)
_DISPLACED = Cause(
    "displaced-workflow",
    "gone after a reload.",
    "Another workflow began while this one was open. AgentContext has one at a time, so nothing ever finishes this "
    "one. (The SDK itself begins one for the model's reasoning, which is open while a tool runs that was called next.)",
    "Add to the one that is open with add_workflow_task; or end it before start_workflow, and let the stream read its "
    "end: `if context.workflow_item: await context.end_workflow(); await asyncio.sleep(0.01)`.",
)
_NOT_SAVED = Cause(
    "not-saved",
    "gone after a reload.",
    "It was only ever sent with `replaced`, which calls the store's save_item, and the store saves only what it has.",
    "Yield ThreadItemDoneEvent for a new item; ThreadItemReplacedEvent is for one that is there.",
)
_NOT_KEPT = Cause(
    "not-kept",
    "gone after a reload.",
    "It was sent with `done`, so the store was given it (add_thread_item), and the store does not give it back.",
    "See what the store's add_thread_item and load_thread_items do with items of this type and thread_id, and whether "
    "the transaction is committed.",
)
_NOT_TOLD = Cause(
    "not-told",
    "stored and not on the page: a reload makes it appear.",
    "No event told the page of it.",
    "Yield ThreadItemDoneEvent(item=...), which stores the item as well, instead of calling store.add_thread_item. "
    "What is meant for the model only is a HiddenContextItem.",
)
_NOT_DELETED = Cause(
    "not-deleted",
    "gone from the page and still stored: a reload brings it back.",
    "It was removed, so the store was told to delete it (delete_thread_item).",
    "See that the store's delete_thread_item deletes by the item's id, in this thread.",
)
_NOT_DELETED_ON_RETRY = Cause(
    "not-deleted-on-retry",
    "gone from the page and still stored: a reload brings it back.",
    "A retry deletes everything after the user's message (delete_thread_item), newest first.",
    "See that the store's delete_thread_item deletes by the item's id, and that load_thread_items gives `desc` newest "
    "first, page after page.",
)
_TIME = Cause(
    "created-at",
    "stored with another time than it had on the page.",
    "The store changes created_at.",
    "Store the instant that the item says, with its time zone if it has one, and give it back unchanged.",
)
_THREAD = Cause(
    "thread",
    _RELOADED,
    "What thread.updated told the page is not what is stored.",
    "Change the `thread` that respond is given (`thread.title = ...`): the SDK saves it and tells the page. Do not "
    "yield ThreadUpdatedEvent yourself, and let save_thread keep title, status and allowed_image_domains.",
)
