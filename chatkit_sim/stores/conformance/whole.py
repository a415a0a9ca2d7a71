"""Promises that sum up: any sequence of calls, and any order of tasks."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .concurrency import together
from .ordered_loop import Order, OrderedLoop
from .promise import PromiseBroken, PromiseNotChecked, Reliance, promise

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .kit import Kit


@promise(
    "any-calls-agree-with-a-model",
    family="whole",
    must_hold="After any sequence of calls the store answers as a plain list in memory would.",
    relies=Reliance(
        "server.py",
        "return self._serialize(self._to_thread_response(thread))",
        "a thread, after a day of messages, retries, deletions and renames, is what one long sequence of calls made it",
    ),
    remedy="Run the test below; it is the shortest sequence that was found.",
    rank="last",
)
async def _any_calls_agree_with_a_model(kit: Kit) -> None:
    from .machine import find_divergence  # here, so that only this promise needs Hypothesis

    found = await asyncio.to_thread(
        find_divergence, kit.raw_store, kit.context, asyncio.get_running_loop(), kit.examples
    )
    if found is not None:
        kit.broken(expected=found.wanted, came_back=found.found, test=found.test())


@promise(
    "any-task-order-is-safe",
    family="whole",
    must_hold="Calls made at once leave everything stored, in whatever order the event loop runs their tasks.",
    relies=Reliance(
        "server.py",
        "await asyncio.sleep(0)  # allow the response to start streaming",
        "tasks of several requests take turns at every await, and in production not in the order of the test",
    ),
    remedy="Hold an asyncio.Lock from the read to the write wherever the store awaits in between.",
    rank="last",
)
async def _any_task_order_is_safe(kit: Kit) -> None:
    from .task_order import find_order  # here, as above

    loop = asyncio.get_running_loop()
    if not isinstance(loop, OrderedLoop):
        raise PromiseNotChecked(
            f"the order of tasks cannot be chosen on a {type(loop).__name__}; run the check on a"
            " chatkit_sim.stores.conformance.OrderedLoop"
        )
    before = loop.calls_from_outside
    if not await _suspends(_one_by_one(kit)):
        return  # no call can come between the steps of another: any order of tasks is an order of whole calls
    if loop.calls_from_outside > before:
        raise PromiseNotChecked(
            "the store works in threads or over sockets, which have an order of their own; the promises about"
            " concurrency tried it for real"
        )

    async def run(order: Order) -> BaseException | None:
        loop.follow(order)
        try:
            async with asyncio.timeout(10):
                await _scenario(kit)
        except Exception as error:
            return error
        finally:
            loop.follow(None)
        return None

    found = await asyncio.to_thread(find_order, run, loop, examples=kit.examples)
    if found is None:
        return
    order, error = found
    changes = ", ".join(f"choice {number} took ready task {index}" for number, index in sorted(order.items()))
    what = error.came_back if isinstance(error, PromiseBroken) else f"{type(error).__name__}: {error}"
    kit.broken(
        stored="two threads, written by several tasks",
        came_back=f"{what}\n(order of tasks: {changes or 'as they came'})",
    )


async def _scenario(kit: Kit) -> None:
    thread, other = await kit.saved_thread("thread", title="before"), await kit.saved_thread("other thread")
    first, second = await kit.added(thread, "first", "second")
    renamed = thread.model_copy(update={"title": "after"})
    a, b, c = (kit.message(at, name) for at, name in ((thread, "a"), (thread, "b"), (other, "c")))
    changed = first.model_copy(update={"content": []})
    await together(
        kit.add(thread, a),
        kit.add(thread, b),
        kit.add(other, c),
        kit.store.save_item(thread.id, changed, context=kit.context),
        kit.store.delete_thread_item(thread.id, second.id, context=kit.context),
        kit.store.save_thread(renamed, context=kit.context),
    )
    kit.same(renamed, await kit.load_thread(thread.id))
    kit.same(changed, await kit.load_item(thread, first.id))
    found = await kit.texts(thread)
    kit.equal(["a", "b", "first"], sorted(found))
    kit.equal(["c"], await kit.texts(other))
    for left in (thread, other):
        await kit.store.delete_thread(left.id, context=kit.context)


async def _one_by_one(kit: Kit) -> None:
    thread = await kit.saved_thread()
    (message,) = await kit.added(thread, "message")
    await kit.store.save_item(thread.id, message, context=kit.context)
    await kit.load_item(thread, message.id)
    await kit.load_thread(thread.id)
    await kit.page(thread)
    await kit.store.delete_thread_item(thread.id, message.id, context=kit.context)
    await kit.store.delete_thread(thread.id, context=kit.context)


async def _suspends(call: Awaitable[Any]) -> bool:
    """Make a call, and say whether it ever gave way to other tasks."""
    count = 0

    @types.coroutine
    def counted() -> Generator[Any, Any, None]:
        nonlocal count
        steps = call.__await__()
        sent = None
        while True:
            try:
                waiting = steps.send(sent)
            except StopIteration:
                return
            count += 1
            sent = yield waiting

    await counted()
    return count > 0


PROMISES = (_any_calls_agree_with_a_model, _any_task_order_is_safe)
