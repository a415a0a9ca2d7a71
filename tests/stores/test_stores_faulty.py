"""A store that fails on demand."""

import asyncio
import time
from datetime import datetime

import pytest
from chatkit.store import NotFoundError, Store
from chatkit.types import ThreadMetadata

from chatkit_sim.errors import UsageError
from chatkit_sim.stores import Fault, FaultyStore, MemoryStore, StoreFault
from chatkit_sim.stores.conformance import OrderedLoop, check_store

THREAD = ThreadMetadata(id="thr_1", created_at=datetime(2025, 1, 1), title="Shopping")


async def save_and_load(store):
    await store.save_thread(THREAD, context={})
    return await store.load_thread(THREAD.id, {})


def test_without_a_plan_it_is_as_the_store_it_wraps():
    with asyncio.Runner(loop_factory=OrderedLoop) as runner:
        report = runner.run(check_store(lambda: FaultyStore(MemoryStore()), examples=5))

    assert not report.broken, str(report)


def test_it_is_a_store_and_counts_calls():
    store = FaultyStore(MemoryStore())

    assert asyncio.run(save_and_load(store)) == THREAD
    assert isinstance(store, Store)
    assert [(call.number, call.method, call.reads) for call in store.calls] == [
        (1, "save_thread", False),
        (2, "load_thread", True),
    ]
    assert store.calls[1].arguments == ("thr_1", {})
    assert store.faulted == ()


def test_it_fails_before_the_write():
    store = FaultyStore(MemoryStore(), fail_at=1)

    with pytest.raises(StoreFault, match="broke before store call 1, save_thread, as planned"):
        asyncio.run(save_and_load(store))
    with pytest.raises(NotFoundError):
        asyncio.run(store.load_thread("thr_1", {}))
    assert [call.number for call in store.faulted] == [1]


def test_it_fails_after_the_write():
    store = FaultyStore(MemoryStore(), fail_at=1, when="after")

    with pytest.raises(ConnectionError, match="broke after"):
        asyncio.run(save_and_load(store))
    assert asyncio.run(store.load_thread("thr_1", {})) == THREAD


def test_it_fails_at_several_calls_and_with_any_error():
    store = FaultyStore(MemoryStore(), fail_at={2, 3}, error=TimeoutError("slow"))

    with pytest.raises(TimeoutError, match="slow"):
        asyncio.run(save_and_load(store))
    with pytest.raises(TimeoutError):
        asyncio.run(store.load_thread("thr_1", {}))
    assert asyncio.run(store.load_thread("thr_1", {})) == THREAD


def test_it_is_late():
    store = FaultyStore(MemoryStore(), fail_at=2, error=None, delay=0.05)

    start = time.perf_counter()
    assert asyncio.run(save_and_load(store)) == THREAD
    assert time.perf_counter() - start >= 0.05


def test_it_loses_the_connection_until_it_is_restored():
    store = FaultyStore(MemoryStore(), fail_at=1, when="after", lost=True)

    for _ in range(3):
        with pytest.raises(StoreFault):
            asyncio.run(save_and_load(store))
    store.restore()

    assert asyncio.run(store.load_thread("thr_1", {})) == THREAD
    assert [call.method for call in store.faulted] == ["save_thread"] * 3


def test_it_follows_a_plan():
    by_number = FaultyStore(MemoryStore(), {2: Fault(error=KeyError)})
    by_method = FaultyStore(MemoryStore(), lambda call: Fault() if call.reads else None)

    with pytest.raises(KeyError):
        asyncio.run(save_and_load(by_number))
    with pytest.raises(StoreFault, match="load_thread"):
        asyncio.run(save_and_load(by_method))


def test_ids_and_other_attributes_are_those_of_the_wrapped_store():
    class Named(MemoryStore):
        name = "mine"

        def generate_thread_id(self, context):
            return "thr_own"

        def generate_item_id(self, item_type, thread, context):
            return f"{item_type}_own"

    store = FaultyStore(Named())

    assert store.generate_thread_id({}) == "thr_own"
    assert store.generate_item_id("message", THREAD, {}) == "message_own"
    assert store.name == "mine"
    with pytest.raises(AttributeError):
        _ = store.no_such_thing


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"when": "during"}, "before.*after"),
        ({"delay": -1}, "cannot be delayed"),
        ({"lost": True, "error": None}, "needs an error"),
        ({"fail_at": 0}, "count from 1"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault, says):
    with pytest.raises(UsageError, match=says):
        FaultyStore(MemoryStore(), **{"fail_at": 1, **fault})
