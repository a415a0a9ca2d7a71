"""Promises about what comes back: every type, every value, its time and its id."""

from __future__ import annotations

import inspect
import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, get_args

from chatkit.store import StoreItemType
from chatkit.types import ActiveStatus, ThreadMetadata

from ...errors import ChatKitSimWarning
from . import samples
from .compare import short, time_difference
from .promise import Reliance, promise

if TYPE_CHECKING:
    from .kit import Kit

_SHOWN_AGAIN = Reliance(
    "server.py",
    "return self._serialize(items)",
    "what the store gives back is what the page shows after a reload, and what the model is given as history",
)
_WHOLE_JSON = "Store item.model_dump_json() and load it with TypeAdapter(ThreadItem).validate_json(...)."


@promise(
    "every-item-type-survives",
    family="fidelity",
    must_hold="Every type of thread item, with every type of content, task, source and attachment, comes back whole.",
    relies=_SHOWN_AGAIN,
    remedy=f"{_WHOLE_JSON} Columns or subclasses for each type forget those that come later.",
)
async def _every_item_type_survives(kit: Kit) -> None:
    await _survives(kit, samples.ITEMS)


@promise(
    "every-widget-survives",
    family="fidelity",
    must_hold="Every widget root and component comes back whole.",
    relies=Reliance(
        "server.py",
        "if item and not isinstance(item, WidgetItem):",
        "a button of a widget is looked up in the stored widget, also days later",
    ),
    remedy=_WHOLE_JSON,
)
async def _every_widget_survives(kit: Kit) -> None:
    await _survives(kit, [samples.widget(root) for root in samples.ROOTS])


@promise(
    "unknown-fields-survive",
    family="fidelity",
    must_hold="Fields of a widget that this version of ChatKit does not know come back with it.",
    relies=Reliance(
        "widgets.py",
        'model_config = ConfigDict(extra="allow")',
        "widgets built from .widget files carry fields and components that are newer than the server's SDK",
    ),
    remedy=_WHOLE_JSON,
)
async def _unknown_fields_survive(kit: Kit) -> None:
    component = {"type": "Sparkle", "value": "x", "glow": {"color": "red", "steps": [1, 2]}, "children": []}
    root = {"type": "Basic", "children": [component], "parallax": 0.5, "theme": {"name": "night"}}
    await _survives(kit, [samples.widget(root)])


@promise(
    "unicode-survives",
    family="fidelity",
    must_hold="Text in any script comes back as it was, character by character.",
    relies=_SHOWN_AGAIN,
    remedy="Keep text as UTF-8 (utf8mb4 on MySQL), neither normalised, nor stripped, nor escaped.",
)
async def _unicode_survives(kit: Kit) -> None:
    texts = (
        "Grüße, 買い物, молоко, שלום, مرحبا",
        "\U0001f95b \U0001f469\u200d\U0001f373 \ufb01ne \u00e9 e\u0301",  # joined emoji, a ligature, both accents
        "  spaces \t around \r\n and lines \u2028 ",
        "quotes ' \" ` \\ ; -- % _ {} $1 :name ?",
        "<b>&amp;</b>",
    )
    await _survives(kit, [{"type": "assistant_message", "content": [{"text": text}]} for text in texts])


@promise(
    "any-value-survives",
    family="fidelity",
    must_hold="Arguments, outputs and hidden context come back as the JSON value they were: null, true, 1, '1', [].",
    relies=Reliance(
        "server.py",
        "tool_call.output = request.params.result",
        "the result of a client tool is stored verbatim, and given to the model from there",
    ),
    remedy=f"{_WHOLE_JSON} Leave no null out, and turn nothing into text.",
)
async def _any_value_survives(kit: Kit) -> None:
    values: tuple[Any, ...] = (
        {"null": None, "true": True, "false": False, "one": 1, "text": "1", "empty": "", "list": [], "dict": {}},
        [None, [], {}, 0, -1, 2**53 + 1, 0.1, 1e-7, "null"],
        {"a.b": 1, "$c": 2, "": 3, "d e": {"__class__": "x"}},
        "text",
        0,
        False,
    )
    await _survives(kit, [{"type": "hidden_context_item", "content": value} for value in values])
    call = {"type": "client_tool_call", "call_id": "call_1", "name": "tool", "arguments": values[0]}
    await _survives(kit, [{**call, "status": "completed", "output": value} for value in values])


@promise(
    "large-and-deep-values-survive",
    family="fidelity",
    must_hold="Long texts and deep values come back whole.",
    relies=_SHOWN_AGAIN,
    remedy="Use columns without a limit (TEXT, JSONB): VARCHAR(n) and MySQL's TEXT cut or refuse.",
)
async def _large_and_deep_values_survive(kit: Kit) -> None:
    deep: Any = "bottom"
    for number in range(60):
        deep = {"in": deep} if number % 2 else [deep]
    long = "milk and eggs, " * 20_000  # 300 kB: a pasted document, or the output of a tool
    await _survives(
        kit,
        [
            {"type": "assistant_message", "content": [{"text": long}]},
            {"type": "hidden_context_item", "content": deep},
            {"type": "hidden_context_item", "content": {f"key {number}": number for number in range(2000)}},
        ],
    )


@promise(
    "metadata-survives",
    family="fidelity",
    must_hold="A thread's metadata comes back as it was, null values and nested ones too.",
    relies=Reliance(
        "server.py",
        "last_thread = thread.model_copy(deep=True)",
        "an app keeps its own state there, and ChatKit saves it whenever it changed",
    ),
    remedy="Store the thread as one JSON document, with the nulls in it.",
)
async def _metadata_survives(kit: Kit) -> None:
    metadata = {"previous_response_id": None, "nested": {"list": [1, None, {"a": True}], "": {}}, "n": 0, "on": False}
    thread = await kit.saved_thread(metadata=metadata)
    kit.same(thread, await kit.load_thread(thread.id))
    page = await kit.store.load_threads(limit=1, after=None, order="desc", context=kit.context)
    for found in page.data:
        if found.id == thread.id:
            kit.same(thread, found)


@promise(
    "items-of-older-releases-load",
    family="fidelity",
    must_hold="Items and threads as earlier releases of ChatKit wrote them, with fewer fields, are kept and loaded.",
    relies=_SHOWN_AGAIN,
    remedy="Let ChatKit's types fill in what is missing (validate, do not model_construct); require no field.",
)
async def _items_of_older_releases_load(kit: Kit) -> None:
    await _survives(kit, samples.OLD_ITEMS)
    bare = kit.thread("old thread")
    thread = ThreadMetadata.model_validate({"id": bare.id, "created_at": bare.created_at, "future_field": 1})
    await kit.store.save_thread(thread, context=kit.context)
    loaded = await kit.load_thread(thread.id)
    kit.same(thread, loaded)
    if not isinstance(loaded.status, ActiveStatus):
        kit.broken(stored="a thread without a status", came_back=f"the status {loaded.status!r}")


@promise(
    "created-at-is-kept",
    family="fidelity",
    must_hold="created_at comes back as the instant it was, to the second: naive (local time) or with a time zone.",
    relies=Reliance(
        "agents.py",
        "delta = datetime.now() - item.created_at",
        "ChatKit writes naive times and subtracts what it loads from datetime.now(): that is how long a thought took",
    ),
    remedy="Keep the time that came (the JSON has it); do not replace it by the database's NOW().",
)
async def _created_at_is_kept(kit: Kit) -> None:
    naive = datetime.now() - timedelta(days=3)
    for time in (naive, datetime.now(UTC) - timedelta(days=2), datetime.now(timezone(timedelta(hours=5))), naive):
        thread = await kit.saved_thread(created_at=time)
        (message,) = await kit.added(thread, "hello", at=time)
        found = (
            ("thread", (await kit.load_thread(thread.id)).created_at),
            ("item", (await kit.load_item(thread, message.id)).created_at),
            ("listed item", (await kit.page(thread)).data[0].created_at),
        )
        for what, loaded in found:
            if said := time_difference(time, loaded):
                kit.broken(stored=f"the {what}", came_back=said)
    (message,) = await kit.added(thread, "hello", at=naive)
    loaded = (await kit.load_item(thread, message.id)).created_at
    if loaded.tzinfo is not None:
        warnings.warn(
            f"created-at-is-kept: a naive created_at came back with a time zone ({loaded.isoformat()}). A workflow that"
            " goes on after a client tool fails on it: datetime.now() - item.created_at raises TypeError in"
            " chatkit/agents.py. Load the time from the stored JSON instead of a TIMESTAMPTZ column.",
            ChatKitSimWarning,
            stacklevel=2,
        )


@promise(
    "naive-and-aware-times-mix",
    family="fidelity",
    must_hold="A thread may hold items with naive and with aware times, and lists them by instant.",
    relies=Reliance(
        "server.py",
        "created_at=datetime.now(),",
        "ChatKit writes naive times and many apps datetime.now(timezone.utc); sorting both raises TypeError in Python,"
        " and texts of different zones sort wrongly in a database",
    ),
    remedy="Order by a sequence, or by time.timestamp(); do not compare the times, or their texts, themselves.",
)
async def _naive_and_aware_times_mix(kit: Kit) -> None:
    thread = await kit.saved_thread()
    start = datetime.now() - timedelta(minutes=5)
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-8))
    times = {
        "naive": start,
        "utc": (start + timedelta(seconds=2)).astimezone(UTC),
        "east": (start + timedelta(seconds=4)).astimezone(east),
        "naive again": start + timedelta(seconds=6),
        "west": (start + timedelta(seconds=8)).astimezone(west),
        "naive at last": start + timedelta(seconds=10),
    }
    for name, time in times.items():
        await kit.added(thread, name, at=time)
    found = await kit.texts(thread)
    # Where the server's clock is not on UTC, a store that takes naive times for UTC orders them by that: its choice.
    as_utc = sorted(times, key=lambda name: (times[name].replace(tzinfo=times[name].tzinfo or UTC)).timestamp())
    if found != as_utc:
        kit.equal(list(times), found)


@promise(
    "ids-are-unique",
    family="fidelity",
    must_hold="generate_thread_id and generate_item_id give a new text each time, for every type of item.",
    relies=Reliance(
        "server.py",
        'id=self.store.generate_item_id("message", thread, context)',
        "an id that is given twice overwrites an earlier item; these methods are called without await",
    ),
    remedy="Draw from uuid4 or a database sequence, in plain (not async) methods.",
)
async def _ids_are_unique(kit: Kit) -> None:
    store = kit.raw_store
    thread = kit.thread()
    types = get_args(StoreItemType)
    made = [store.generate_thread_id(kit.context) for _ in range(100)]
    made += [store.generate_item_id(kind, thread, kit.context) for kind in types if kind != "thread" for _ in range(50)]
    odd: list[Any] = [made_id for made_id in made if not isinstance(made_id, str) or not made_id]
    if odd:
        for coroutine in filter(inspect.iscoroutine, odd):
            coroutine.close()
        kit.broken(stored="a call for an id", came_back=f"{short(odd[0])}, which is no text")
    if len(set(made)) < len(made):
        twice = next(made_id for made_id in made if made.count(made_id) > 1)
        kit.broken(stored=f"{len(made)} calls for an id", came_back=f"{twice!r} more than once")


@promise(
    "ids-of-others-are-kept",
    family="fidelity",
    must_hold="An item may have any text for an id, and is found by just that.",
    relies=Reliance(
        "agents.py",
        "id=item.id,",
        "the messages of an Agents SDK run keep the ids that the model's API gave them, whatever generate_item_id does",
    ),
    remedy="Use a text column for item ids (no UUID, no number, no short VARCHAR), and compare it as it is.",
)
async def _ids_of_others_are_kept(kit: Kit) -> None:
    thread = await kit.saved_thread()
    mark = kit.item_id(thread, "mark")  # in a store that is used again, these ids too must be new
    # The model's API gives ids of up to 68 characters; upper and lower case are different ids.
    ids = [
        kit.names.give(made, made) for made in (f"msg_{mark:0>64}", f"fc_{mark}", f"msg_{mark}", f"MSG_{mark}", mark)
    ]
    messages = [kit.message(thread, item_id, item_id=item_id) for item_id in ids]
    for message in messages:
        await kit.add(thread, message)
    for message in messages:
        kit.same(message, await kit.load_item(thread, message.id))
    kit.equal(ids, await kit.texts(thread))


async def _survives(kit: Kit, items: Any) -> None:
    thread = await kit.saved_thread()
    stored = []
    for number, data in enumerate(items, 1):
        name = f"{data['type']} {number}"
        item = samples.item(data, item_id=kit.item_id(thread, name), thread_id=thread.id, created_at=kit.later())
        await kit.add(thread, item)
        stored.append(item)
    page = await kit.page(thread)
    kit.equal(kit.called(stored), kit.called(page.data))
    for item, listed in zip(stored, page.data, strict=True):
        kit.same(item, listed)
        kit.same(item, await kit.load_item(thread, item.id))


PROMISES = (
    _every_item_type_survives,
    _every_widget_survives,
    _unknown_fields_survive,
    _unicode_survives,
    _any_value_survives,
    _large_and_deep_values_survive,
    _metadata_survives,
    _items_of_older_releases_load,
    _created_at_is_kept,
    _naive_and_aware_times_mix,
    _ids_are_unique,
    _ids_of_others_are_kept,
)
