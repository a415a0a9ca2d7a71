"""Virtual time: waiting costs nothing, and happens in the right order."""

import asyncio
import time

import pytest
from broken.servers import Handwritten, handwritten
from chatkit.types import ThreadItemDoneEvent

from chatkit_sim import SimulatedClient, UsageError
from chatkit_sim.simulation import Clock, DeadlockError, VirtualLoop


def run(work):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def test_waiting_takes_no_time_and_timers_go_off_in_order():
    went = []

    async def sleep(seconds):
        await asyncio.sleep(seconds)
        went.append(seconds)

    async def work():
        await asyncio.gather(sleep(3600), sleep(1), sleep(60))
        return asyncio.get_running_loop().time()

    begun = time.monotonic()
    assert run(work()) == 3600
    assert went == [1, 60, 3600]
    assert time.monotonic() - begun < 5


def test_a_timeout_of_the_app_times_out():
    async def work():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)

    run(work())


def test_the_clock_stands_still_while_an_executor_works():
    async def work():
        slow = asyncio.create_task(asyncio.to_thread(time.sleep, 0.05))
        waiting = asyncio.create_task(asyncio.sleep(1000))
        await slow
        assert not waiting.done()
        await waiting
        return asyncio.get_running_loop().time()

    assert run(work()) == 1000


def test_a_deadlock_is_named():
    async def nobody_sets_it():
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match=r"every task waits.*\n.*waits in .*Event\.wait.*nobody_sets_it"):
        run(nobody_sets_it())


def reply(reply):
    async def answer():
        await asyncio.sleep(1800)
        yield ThreadItemDoneEvent(item=reply.message("At last."))

    return answer()


def test_a_client_on_a_virtual_clock():
    with SimulatedClient(handwritten(reply)) as client:
        clock = Clock(client._core.bench)
        assert clock.now() == 0
        assert client.send("Take your time").text == "At last."
        assert clock.now() >= 1800
        clock.advance(60)
        assert clock.now() >= 1860


def test_the_clock_has_to_be_there_first():
    with SimulatedClient(handwritten(reply)) as client:
        client._core.bench.run(lambda: asyncio.sleep(0))
        with pytest.raises(UsageError, match="before any client"):
            Clock(client._core.bench)


class Racing(Handwritten):
    """Remembers the thread it serves, and looks again after it has waited once."""

    def __init__(self, store):
        super().__init__(store, self.reply_to)
        self.served = ""

    async def reply_to(self, reply):
        await asyncio.sleep(0)
        self.served = reply.thread.id
        await asyncio.sleep(0)
        yield ThreadItemDoneEvent(item=reply.message("mine" if self.served == reply.thread.id else "not mine"))


def answers(switches):
    with SimulatedClient(lambda store: Racing(store)) as client:
        clock = Clock(client._core.bench)
        other = client.another()
        clock.order(switches)
        return [turn.text for turn in clock.at_once((client.send, "a"), (other.send, "b"))]


def test_moves_at_once_run_in_the_order_that_is_chosen():
    assert answers(None) == answers(None) == answers({})
    orders = {tuple(answers({place: 1})) for place in range(0, 40, 2)}
    assert len({*orders, tuple(answers(None))}) > 1


def test_at_once_takes_moves_of_clients():
    with SimulatedClient(handwritten(reply)) as client:
        clock = Clock(client._core.bench)
        with pytest.raises(UsageError, match="a client's method"):
            clock.at_once((print, "Hi"))
