"""In which order a thread is stored: as on the page, the same in both directions, whatever the size of the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chatkit.types import ThreadItem, ThreadItemDoneEvent

from ..errors import Severity
from ..recording import Comparison, Reading, Reload, ThreadView
from ..wire import TextRun
from .base import Evidence
from .comparing import precision_of
from .history import HIDDEN
from .origins import Origin, Origins
from .words import item_name, listed

DEFAULT_PAGE_SIZE = 20  # of ChatKitServer, which rules do not import
_MOST_SHOWN = 6


@dataclass(frozen=True)
class OrderProblem:
    """Items that change places.

    Attributes:
        reason: What the user notices.
        remedy: What to change.
        items: The ids of the items concerned.
        details: The orders that disagree.
        severity: A warning where the responder itself finished items in another order than it began them.
    """

    reason: str
    remedy: str
    items: tuple[str, ...]
    details: tuple[str, ...] = ()
    severity: Severity = "error"


def order_problems(evidence: Evidence, origins: Origins) -> Iterator[OrderProblem]:
    """What is wrong with the order, new in this turn; one problem for each cause."""
    reload = evidence.reload
    if reload is None:
        return
    told = _known_pairs(evidence.compared)
    # Around an item that is stored twice, pages cannot agree.
    disagreeing = [] if stored_twice(reload) else [pair for pair in _disagreeing(reload) if pair not in told]
    swapped = _swapped(evidence, origins, reload, told)
    ties = _ties(evidence.turn.view, reload)
    tied = {item_id for group in ties for item_id in group}
    if disagreeing:
        yield _of_readings(reload, disagreeing, ties)
        swapped = [pair for pair in swapped if not set(pair) <= tied]
    if swapped:
        yield _of_page(evidence, origins, reload, swapped, ties)


def disorderly(evidence: Evidence) -> set[str]:
    """Items of one created_at in a store that orders by nothing else: it may find and delete the wrong ones."""
    reload, before = evidence.reload, evidence.compared
    if reload is None:
        return set()
    if not _disagreeing(reload) and (before is None or not _disagreeing(before.reload)):
        return set()
    return {item_id for group in _ties(evidence.turn.view, reload) for item_id in group}


def stored_twice(reload: Reload) -> list[str]:
    """The ids of items that are stored more than once; what only some way of paging gives twice is not."""
    counts = [Counter(item.id for item in reading.items) for reading in reload.readings if reading.complete]
    opened, others = counts[0], counts[1:]
    one_page = len(reload.opened.items) <= DEFAULT_PAGE_SIZE
    return [
        item_id
        for item_id, count in opened.items()
        if count > 1 and (one_page or all(other[item_id] > 1 for other in others))
    ]


Pair = tuple[str, str]


def _known_pairs(compared: Comparison | None) -> set[Pair]:
    if compared is None:
        return set()
    return {*_disagreeing(compared.reload), *_descents(_page_order(compared.view), compared.reload.opened)}


def _disagreeing(reload: Reload) -> list[Pair]:
    """What another reading has in its place; twice the same id for what one of them lacks or repeats."""
    opened = [item.id for item in reload.opened.items]
    found: dict[Pair, None] = {}
    for reading in reload.others:
        if not reading.complete:
            continue
        order = [item.id for item in reading.items]
        if " desc" in reading.how:
            order.reverse()
        if order == opened:
            continue
        found |= dict.fromkeys(_moved(opened, order))
    return list(found)


def _moved(one: Sequence[str], other: Sequence[str]) -> Iterator[Pair]:
    missing = set(one) ^ set(other)
    yield from ((item_id, item_id) for item_id in dict.fromkeys([*one, *other]) if item_id in missing)
    left, right = ([i for i in dict.fromkeys(order) if i not in missing] for order in (one, other))
    yield from ((a, b) for a, b in zip(left, right, strict=True) if a != b)
    if not missing and left == right:  # the same but for repetitions
        counts, others = Counter(one), Counter(other)
        yield from ((item_id, item_id) for item_id in counts if counts[item_id] != others[item_id])


def _page_order(view: ThreadView) -> list[str]:
    return [item.id for item in view.items if item.type not in HIDDEN]


def _descents(page: Sequence[str], opened: Reading) -> list[Pair]:
    """Neighbours in the store that stand the other way round on the page."""
    rank = {item_id: index for index, item_id in enumerate(page)}
    order = [item.id for item in opened.items if item.id in rank]
    return [(a, b) for a, b in pairwise(order) if rank[a] > rank[b]]


def _swapped(evidence: Evidence, origins: Origins, reload: Reload, told: set[Pair]) -> list[Pair]:
    if origins.injected:
        return []
    # What stays open over a client tool call is stored when it is done, after the call.
    unsure = {
        item_id
        for item_id, origin in origins.by_id.items()
        if origin.history.stream.ended != "complete" or origin.life.left_open
    }
    # And what the user stopped, whenever the server gets to it.
    unsure.update(*(turn.view.open_items for turn in evidence.earlier))
    page = [item_id for item_id in _page_order(evidence.turn.view) if item_id not in unsure]
    pairs = [pair for pair in _descents(page, reload.opened) if pair not in told and not _by_sdk(origins, pair)]
    if evidence.shared or evidence.compared is None:
        pairs = [pair for pair in pairs if any(item_id in origins.by_id for item_id in pair)]
    return pairs


def _ties(view: ThreadView, reload: Reload) -> list[list[str]]:
    """Items that have one created_at, as exactly as the store keeps it."""
    precision = precision_of(reload.opened.items)
    by_time: dict[object, list[str]] = {}
    items = {item.id: item for item in (*view.items, *(i for reading in reload.readings for i in reading.items))}
    for item in items.values():
        moment = item.created_at
        if precision.total_seconds() >= 1:
            moment = moment.replace(microsecond=0)
        elif precision.microseconds >= 1000:
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        by_time.setdefault(moment.replace(tzinfo=None), []).append(item.id)
    return [group for group in by_time.values() if len(group) > 1]


def _of_readings(reload: Reload, pairs: Sequence[Pair], ties: Sequence[Sequence[str]]) -> OrderProblem:
    ids = tuple(dict.fromkeys(item_id for pair in pairs for item_id in pair))
    opened = [item.id for item in reload.opened.items]
    other = next(reading for reading in reload.others if reading.complete and _asc(reading) != opened)
    lost = set(opened) ^ set(_asc(other)) or len(opened) != len(_asc(other))
    tied = [group for group in ties if set(group) & set(ids)]
    details = (
        f"{reload.opened.how}: {_order(reload.opened.items, ids)}",
        f"{other.how}{', read backwards' if ' desc' in other.how else ''}: {_order(_asc_items(other), ids)}",
        *_tie_details(reload, tied),
    )
    what = "do not give the same items" if lost else "give the items in different orders"
    reason = f"`{reload.opened.how}` and `{other.how}` {what}."
    if tied:
        remedy = (
            "Order by created_at and then by the order of insertion (a sequence, a rowid), in both directions, and "
            "page by that pair too: two items may well have one created_at."
        )
        ids = tuple(dict.fromkeys([*ids, *(item_id for group in tied for item_id in group)]))
        reason += " They have one created_at, and the store orders by nothing else."
    else:
        remedy = (
            "Let load_thread_items give one order: `desc` is `asc` backwards, and the page after an item begins with "
            "its neighbour, whatever the limit."
        )
    return OrderProblem(
        reason
        + " The page, a reload and the history that the model is given show the conversation in different orders.",
        remedy,
        ids,
        details,
    )


def _of_page(
    evidence: Evidence, origins: Origins, reload: Reload, pairs: Sequence[Pair], ties: Sequence[Sequence[str]]
) -> OrderProblem:
    first, second = pairs[0]
    types = {item.id: item.type for item in reload.opened.items}
    ids = tuple(dict.fromkeys(item_id for pair in pairs for item_id in pair))
    tied = [group for group in ties if set(group) & set(ids)]
    later, earlier = item_name(types[first], first), item_name(types[second], second)
    reason = f"On the page the {earlier} stands before the {later}; stored, and so after a reload, it comes after it."
    details = (
        f"on the page: {_order(evidence.turn.view.items, ids)}",
        f"stored: {_order(reload.opened.items, ids)}",
        *_tie_details(reload, tied),
    )
    if any({first, second} <= set(group) for group in tied):
        remedy = (
            "Order by created_at and then by the order of insertion (a sequence, a rowid): two items may well have one "
            "created_at."
        )
        return OrderProblem(reason, remedy, tuple(dict.fromkeys([*ids, *(i for g in tied for i in g)])), details)
    if all(_finished_so(origins, pair) for pair in pairs):
        return OrderProblem(
            f"{reason} It was begun first and finished last, and the store keeps the order in which items are done.",
            "Finish items in the order in which they are begun, or let the store order by created_at.",
            ids,
            details,
            "warning",
        )
    return OrderProblem(
        reason,
        "Let the store give items in the order in which they were added; an item that is saved again keeps its place.",
        ids,
        details,
    )


def _by_sdk(origins: Origins, pair: Pair) -> bool:
    # It finishes a workflow when the next message begins, and what a model drew meanwhile is stored before it.
    late = origins.by_id.get(pair[1])
    return late is not None and late.life.type == "workflow" and bool(late.history.stream.timeline.main_runs)


def _finished_so(origins: Origins, pair: Pair) -> bool:
    done = [origins.by_id[item_id] for item_id in pair if item_id in origins.by_id]
    if len(done) < 2:
        return False
    first, second = ((o.history.stream.number, _stored_at(o)) for o in done)
    return (0 < first[1]) and first < second


def _stored_at(origin: Origin) -> int:
    # The first `done` decides: what is stored again keeps its place.
    dones = (step for step in origin.life.steps if not isinstance(step, TextRun))
    return next((step.number for step in dones if isinstance(step.event, ThreadItemDoneEvent)), 0)


def _tie_details(reload: Reload, tied: Sequence[Sequence[str]]) -> Iterator[str]:
    times = {item.id: item.created_at for reading in reload.readings for item in reading.items}
    for group in tied[:2]:
        moment = next((times[item_id].isoformat() for item_id in group if item_id in times), "")
        yield f"one created_at ({moment}): {listed(group[:_MOST_SHOWN])}"


def _asc(reading: Reading) -> list[str]:
    return [item.id for item in _asc_items(reading)]


def _asc_items(reading: Reading) -> list[ThreadItem]:
    return list(reversed(reading.items)) if " desc" in reading.how else list(reading.items)


def _order(items: Sequence[ThreadItem], ids: Sequence[str]) -> str:
    concerned = [item.id for item in items if item.id in ids]
    return ", ".join(concerned[:_MOST_SHOWN]) + (", ..." if len(concerned) > _MOST_SHOWN else "")
