"""Rules about what is stored: a page reload shows the thread as the user saw it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import ValidationError

from ..errors import Violation, describe_exception
from ..recording import Reading
from .base import Evidence, Rule, place
from .comparing import Differences, compare
from .divergence import Cause, divergences
from .excuses import chain, told_elsewhere
from .ordering import order_problems, stored_twice
from .origins import Origins, where
from .words import item_name, listed, times

_NOT_READ = "the thread was not read back after the turn"
_UNREADABLE = "the thread could not be read back"


def _unread(evidence: Evidence) -> str | None:
    if evidence.reload is None:
        return _NOT_READ
    missing = next(
        (one.failed for one in evidence.reload.readings if isinstance(one.failed, NotImplementedError)), None
    )
    return None if missing is None else f"the store cannot be read: {type(missing).__name__}: {missing}".rstrip(": ")


def _unreadable(evidence: Evidence) -> str | None:
    why = _unread(evidence)
    if why is None and evidence.reload is not None and not evidence.reload.opened.complete:
        return f"{_UNREADABLE}, as reload-works says"
    return why


def _reload_works(evidence: Evidence) -> Iterable[Violation]:
    if evidence.reload is None:
        return
    by_failure: dict[str, list[Reading]] = {}
    for reading in evidence.reload.readings:
        if not reading.complete and not told_elsewhere(reading.failed):
            failure = f"{type(reading.failed).__name__}: {reading.failed}" if reading.failed else reading.problem
            by_failure.setdefault(failure, []).append(reading)
    for readings in by_failure.values():
        error = readings[0].failed
        asked = listed(dict.fromkeys(f"`{reading.how}`" for reading in readings))
        yield Violation(
            rule="reload-works",
            place=place(evidence.turn),
            reason=f"After this turn the thread cannot be read back: {asked} "
            + (f"raised {type(error).__name__}." if error else f"does not come to an end: {readings[0].problem}.")
            + " Whoever reloads the page or opens the thread again sees nothing of it.",
            details=["\n".join(describe_exception(error))] if error else [],
            remedy=_mend_reading(error),
            subjects={"exception": type(error).__name__} if error else {},
            cause=error,
        )


def _mend_reading(error: BaseException | None) -> str:
    if error is None:
        return (
            "Let load_thread_items set `after` to the id of the page's last item wherever `has_more` is true, and go "
            "on behind that item when it is given as `after`."
        )
    if any(
        isinstance(link, TypeError) and "multiple values" in str(link) and "items" in str(link) for link in chain(error)
    ):
        return (
            "The store keeps the whole Thread that the SDK hands to save_thread when a new thread changes in its "
            "first response. Keep its metadata: `ThreadMetadata(**thread.model_dump(exclude={'items'}))`."
        )
    if isinstance(error, ValidationError):
        return "The answer is no thread or page of items as ChatKit knows them: see what the store gives back."
    if type(error).__name__ == "NotFoundError":
        return "See that save_thread and load_thread of the store mean the same thread, for the same request context."
    return "Mend the store's load_thread or load_thread_items, named above."


def _reload_matches(evidence: Evidence) -> Iterable[Violation]:
    if evidence.reload is None:
        return
    now = compare(evidence.turn.view, evidence.reload)
    if not now.found and not now.zones:
        return
    before = compare(evidence.compared.view, evidence.compared.reload) if evidence.compared is not None else None
    origins = Origins.of(evidence)
    for cause, found in divergences(evidence, now, before, origins).items():
        yield _divergence(evidence, origins, cause, found)
    if now.zones and (before is None or not before.zones):
        yield _zone(evidence, origins, now)


def _divergence(evidence: Evidence, origins: Origins, cause: Cause, found: Sequence[tuple[str, str, str]]) -> Violation:
    # `found` is (id, type, both versions) for each item.
    item_id, type_name, table = found[0]
    name = "thread" if type_name == "thread" else item_name(type_name, item_id)
    who = f"The {name} is" if len(found) == 1 else f"{len(found)} items are (the first: the {name})"
    details = [table] if table else []
    if len(found) > 1:
        details.append("the items: " + ", ".join(one for one, _, _ in found[:8]) + (", ..." if len(found) > 8 else ""))
    return Violation(
        rule="reload-matches-live-view",
        place=place(evidence.turn) if cause.by_turn else where(evidence, origins, item_id),
        reason=f"{who} {cause.what} {cause.why}",
        details=details,
        remedy=cause.remedy,
        subjects={"item": item_id, "type": type_name, "cause": cause.name},
        items=tuple(one for one, _, _ in found),
    )


def _zone(evidence: Evidence, origins: Origins, now: Differences) -> Violation:
    first = now.zones[0]
    count = f" ({times(len(now.zones), 'time')} of this thread)" if len(now.zones) > 1 else ""
    return Violation(
        rule="reload-matches-live-view",
        place=where(evidence, origins, first),
        reason=f"created_at has a time zone on one side only{count}: the store changes naive times into aware ones, or "
        "the other way round. A browser reads a time without a zone as its own local time, so the two can be hours "
        "apart on the page.",
        remedy="Make times aware where they are made, `datetime.now(timezone.utc)`, and store them with their zone.",
        subjects={"item": first, "cause": "time-zone"},
        severity="warning",
        items=now.zones,
    )


def _reload_order(evidence: Evidence) -> Iterable[Violation]:
    if evidence.reload is None or not evidence.reload.opened.complete:
        return
    origins = Origins.of(evidence)
    for problem in order_problems(evidence, origins):
        yield Violation(
            rule="reload-order-matches",
            place=where(evidence, origins, problem.items[0]),
            reason=problem.reason,
            details=problem.details,
            remedy=problem.remedy,
            subjects={"item": problem.items[0]},
            severity=problem.severity,
            items=problem.items,
        )


def _stored_once(evidence: Evidence) -> Iterable[Violation]:
    reload = evidence.reload
    if reload is None or not reload.opened.complete:
        return
    twice = stored_twice(reload)
    if evidence.compared is not None:
        before = Counter(item.id for item in evidence.compared.reload.opened.items)
        twice = [item_id for item_id in twice if before[item_id] < 2]
    if not twice:
        return
    origins = Origins.of(evidence)
    types = {item.id: item.type for item in reload.opened.items}
    workflows = [item_id for item_id in twice if types[item_id] == "workflow"]
    for group, again in ((workflows, True), ([i for i in twice if i not in workflows], False)):
        if group:
            yield _twice(evidence, origins, group, types, again)


def _twice(
    evidence: Evidence, origins: Origins, ids: Sequence[str], types: Mapping[str, str], workflow: bool
) -> Violation:
    name = item_name(types[ids[0]], ids[0])
    who = f"The {name} is" if len(ids) == 1 else f"{len(ids)} items (the first: the {name}) are"
    why = (
        " The SDK stores a workflow that is still open when a stream ends, and adds it again when it is done."
        if workflow
        else " The store was given it more than once, and keeps each as an item of its own."
    )
    return Violation(
        rule="item-stored-once",
        place=where(evidence, origins, ids[0]),
        reason=f"{who} stored more than once: a reload shows the same thing twice.{why}",
        remedy="Let add_thread_item and save_item of the store put an item in the place of the one with its id, as "
        "with INSERT ... ON CONFLICT DO UPDATE.",
        subjects={"item": ids[0], "type": types[ids[0]]},
        items=tuple(ids),
    )


PERSISTENCE_RULES = (
    Rule(
        slug="reload-works",
        family="persistence",
        must_hold="After a turn the thread can be read back, in both orders and in pages of any size.",
        why="The user reloads the page and the conversation is gone.",
        source="ChatKitServer._load_full_thread; ItemsListReq; chatkit.store.Store.load_thread_items",
        check=_reload_works,
        unable=_unread,
    ),
    Rule(
        slug="reload-matches-live-view",
        family="persistence",
        must_hold="A page reload shows every item as it was on the page, field by field, and nothing else.",
        why="What the user read a moment ago is gone or different after a reload.",
        source="ChatKitServer._process_events stores on done, replaced and removed, and nothing on updated",
        check=_reload_matches,
        unable=_unreadable,
        yields_to=(
            "item-finished",
            "item-in-this-thread",
            "replaced-item-exists",
            "removed-item-exists",
            "unique-item-ids",
            "item-done-once",
            "item-stored-once",
            "reload-order-matches",
        ),
    ),
    Rule(
        slug="reload-order-matches",
        family="persistence",
        must_hold="Items are stored in the order of the page, and both orders and all page sizes agree.",
        why="Messages change places on a reload, and the model is told the conversation in the wrong order.",
        source="chatkit.store.Store.load_thread_items(order): desc is the reverse of asc",
        check=_reload_order,
        unable=_unreadable,
    ),
    Rule(
        slug="item-stored-once",
        family="persistence",
        must_hold="Each item is stored once.",
        why="A reload shows the same thing twice.",
        source="chatkit.store.Store.add_thread_item; stream_agent_response stores open workflows again",
        check=_stored_once,
        unable=_unreadable,
        yields_to=("item-done-once", "unique-item-ids"),
    ),
)

RELOAD_RULES = frozenset(rule.slug for rule in PERSISTENCE_RULES)
"""The slugs of the rules that hold a reload against the page."""
