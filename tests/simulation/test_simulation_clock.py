"""Virtual time: waiting costs nothing, and happens in the right order."""

import asyncio
import itertools
import time
from datetime import datetime, timedelta
from functools import partial

import pytest
import time_machine
from broken.servers import Handwritten, handwritten
from chatkit.types import ThreadItemDoneEvent

from chatkit_sim import SimulatedClient, UsageError
from chatkit_sim.simulation import Clock, DeadlockError, VirtualLoop
from chatkit_sim.simulation.wall_clock import WallClock


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
    assert run(work()) == pytest.approx(3600, abs=0.1)
    assert went == [1, 60, 3600]
    assert time.monotonic() - begun < 5


def test_a_timeout_of_the_app_times_out():
    async def work():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)

    run(work())


def test_what_is_due_at_the_same_time_goes_off_in_the_order_of_its_making():
    async def work():
        went = []

        async def sleep(number):
            await asyncio.sleep(0.1)
            went.append(number)

        await asyncio.gather(*(sleep(number) for number in range(9)))
        return went

    assert run(work()) == list(range(9))


def test_who_looks_at_the_clock_again_and_again_sees_it_go_on():
    async def work():
        loop, other = asyncio.get_running_loop(), asyncio.create_task(asyncio.sleep(0.1))
        end = loop.time() + 0.5
        while loop.time() < end:
            await asyncio.sleep(0)
        return other.done()

    assert run(work())


def test_who_is_busy_for_ever_is_named():
    async def spins():
        while True:
            await asyncio.sleep(0)

    with (
        pytest.raises(DeadlockError, match=r"busy and never waits, in 5,000 rounds.*\n.*waits in .*spins"),
        asyncio.Runner(loop_factory=partial(VirtualLoop, endless=5000)) as runner,
    ):
        runner.run(spins())


def test_a_thread_may_wait_for_the_loop_that_waits_for_it():
    async def step():
        await asyncio.sleep(0.2)
        return "done"

    async def work():
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(step(), loop).result(10))

    assert run(work()) == "done"


def test_no_more_time_passes_than_an_executor_works():
    async def work():
        slow = asyncio.create_task(asyncio.to_thread(time.sleep, 0.05))
        waiting = asyncio.create_task(asyncio.sleep(1000))
        await slow
        assert not waiting.done()
        await waiting
        return asyncio.get_running_loop().time()

    assert run(work()) == pytest.approx(1000, abs=0.1)


def test_what_threads_do_quickly_ends_in_the_order_of_its_beginning():
    async def work():
        ended = []

        async def job(seconds):
            await asyncio.to_thread(time.sleep, seconds)
            ended.append(seconds)

        await asyncio.gather(job(0.01), job(0.005), job(0))
        return ended

    assert run(work()) == [0.01, 0.005, 0]


def test_what_threads_raise_is_raised():
    async def work():
        await asyncio.to_thread(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        run(work())


def test_a_set_of_tasks_has_one_order():
    async def work():
        tasks = {asyncio.create_task(asyncio.sleep(number, number)) for number in range(9)}
        done, _ = await asyncio.wait(tasks)
        return [task.result() for task in done]

    assert run(work()) == list(range(9))


def test_a_deadlock_is_named():
    async def nobody_sets_it():
        await asyncio.Event().wait()

    with pytest.raises(
        DeadlockError, match=r"every task waits.*\n.*waits in .*Event\.wait.*called by .*nobody_sets_it"
    ):
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


def test_the_time_of_day_follows():
    async def reply_to(reply):
        before = datetime.now(), time.time(), time.monotonic()
        await asyncio.sleep(1800)
        later = (datetime.now() - before[0]).total_seconds(), time.time() - before[1], time.monotonic() - before[2]
        yield ThreadItemDoneEvent(item=reply.message(" ".join(f"{seconds:.0f}" for seconds in later)))

    with SimulatedClient(handwritten(reply_to)) as client:
        clock = Clock(client._core.bench)
        today = datetime.now()
        assert client.send("Take your time").text == "1800 1800 1800"
        clock.advance(86400)
        assert datetime.now() - today >= timedelta(days=1, minutes=30)
    assert datetime.now() - today < timedelta(days=1)


def test_what_follows_is_later_and_nothing_goes_back():
    async def work():
        times = []
        for _ in range(3):
            times.append(time.time())
            await asyncio.sleep(0)
        return times

    with WallClock() as wall:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(wall)) as runner:
            times = runner.run(work())
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.001
        wall.advance(60)
    with wall:
        assert time.time() > times[-1] + 59


def test_a_time_that_is_frozen_stays_so(monkeypatch):
    def refuses(*arguments, **options):
        raise RuntimeError("time-machine cannot start when freezegun is active.")

    monkeypatch.setattr(time_machine.travel, "start", refuses)
    before = time.time()
    with WallClock() as wall:
        wall.advance(60)
        assert time.time() < before + 50
