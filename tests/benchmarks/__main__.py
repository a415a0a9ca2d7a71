"""Measure the budgets of the design, as ratios within one run: ``python tests/benchmarks``.

Nothing here is asserted; a person reads the table. Give names to run only some: ``python tests/benchmarks deltas``.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from datetime import datetime

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

from agents import Agent, Runner  # noqa: E402
from agents.testing import ScriptedModel, assistant_message  # noqa: E402
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response  # noqa: E402
from chatkit.server import ChatKitServer, StreamingResult  # noqa: E402
from chatkit.types import (  # noqa: E402
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadStreamEvent,
)
from fastapi import FastAPI, Request, Response  # noqa: E402
from fastapi.responses import StreamingResponse  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402
from syrupy.data import Snapshot, SnapshotCollection  # noqa: E402
from syrupy.extensions.amber.serializer import AmberDataSerializer  # noqa: E402

from chatkit_sim import Limits, MemoryStore, ModelScript, SimulatedClient, says  # noqa: E402
from chatkit_sim.snapshots.golden import read_golden, write_golden  # noqa: E402
from chatkit_sim.transcript import HEAD, full_transcript  # noqa: E402
from chatkit_sim.wire import requests as wire  # noqa: E402

EVENT = TypeAdapter(ThreadStreamEvent)
HELLO = wire.create_thread(wire.user_input([{"type": "input_text", "text": "Hi"}])).body()


class Talker(ChatKitServer):
    """Messages of many text deltas, without an agent."""

    def __init__(self, deltas, messages=1):
        super().__init__(MemoryStore())
        self.deltas, self.messages = deltas, messages

    async def respond(self, thread, input_user_message, context):
        for number in range(self.messages):
            base = {"id": f"msg_{number}", "thread_id": thread.id, "created_at": datetime.now()}
            yield ThreadItemAddedEvent(item=AssistantMessageItem(**base, content=[]))
            update = AssistantMessageContentPartTextDelta(content_index=0, delta="word ")
            for _ in range(self.deltas):
                yield ThreadItemUpdatedEvent(item_id=f"msg_{number}", update=update)
            text = AssistantMessageContent(text="word " * self.deltas)
            yield ThreadItemDoneEvent(item=AssistantMessageItem(**base, content=[text]))


class OneReply(ChatKitServer):
    """The smallest server on the Agents SDK."""

    def __init__(self, model):
        super().__init__(MemoryStore())
        self.agent = Agent(name="Assistant", model=model)

    async def respond(self, thread, input_user_message, context):
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        items = await simple_to_agent_input([input_user_message])
        result = Runner.run_streamed(self.agent, items, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


async def bare(server):
    """A hand-written loop that decodes and validates each event: what everyone has today."""
    result = await server.process(HELLO, {})
    return [EVENT.validate_json(chunk[6:-2]) async for chunk in result]


def best(work, times=3):
    """The least CPU seconds of several runs: beside other work the wall clock tells about that work."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def bare_deltas(count, messages=1):
    with asyncio.Runner() as runner:
        return runner.run(bare(Talker(count, messages)))


def simulated_deltas(count, messages=1):
    with SimulatedClient(Talker(count, messages), limits=Limits(events=10**8, seconds=3600)) as client:
        return client.send("Hi")


def measure_deltas():
    simulated_deltas(1000), bare_deltas(1000)
    plain = best(lambda: bare_deltas(100_000))
    ours = best(lambda: simulated_deltas(100_000))
    yield "client, fold and all rules / bare loop, 100,000 deltas", ours / plain, 1.25


def measure_growth():
    def growth(work):
        # A hundred messages rather than one: chatkit's server copies a message's text at each delta.
        return best(lambda: work(10_000, 100), 1) / 100 / best(lambda: work(10_000))

    # Python's collector alone makes an event of a bare list of a million dearer (1.4 times).
    plain = growth(bare_deltas)
    yield "an event at 1,000,000 / at 10,000, beside the same of a bare loop", growth(simulated_deltas) / plain, 1.2


def measure_memory():
    def held(make):
        gc.collect()
        tracemalloc.start()
        kept = make()
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del kept
        return size

    plain = held(lambda: bare_deltas(50_000))
    yield "memory of a turn / a plain list of its events", held(lambda: simulated_deltas(50_000)) / plain, 1.3


def measure_agent():
    turns = 40
    script = [[assistant_message("Hello there!")] for _ in range(turns)]

    def plain():
        async def many():
            server = OneReply(ScriptedModel(script))
            for _ in range(turns):
                await bare(server)

        with asyncio.Runner() as runner:
            runner.run(many())

    def ours():
        model = ModelScript()
        model.script(*[says("Hello there!", chunks=1) for _ in range(turns)])
        with SimulatedClient(OneReply("gpt-5"), model=model) as client:
            for _ in range(turns):
                client.send("Hi", new_thread=True)

    plain(), ours()
    yield "a scripted one-reply turn / bare process()", best(ours, 5) / best(plain, 5), 1.2


def measure_snapshots():
    """Write a golden file and compare with it: transcripts against syrupy's default serializer, in its own files."""

    def events_of(count):
        events = bare_deltas(count - 4)
        for number, event in enumerate(events):
            if number % 10 == 9 and isinstance(event, ThreadItemUpdatedEvent):  # a stream is not one text only
                events[number] = ProgressUpdateEvent(text=f"Step {number}")
        return events

    def transcripts(events, path):
        def round_trip():
            path.unlink(missing_ok=True)
            write_golden(path, {"test_many": full_transcript(events).removeprefix(HEAD).strip("\n")})
            return read_golden(path)["test_many"] == full_transcript(events).removeprefix(HEAD).strip("\n")

        return round_trip

    def amber(events, path):
        def round_trip():
            path.unlink(missing_ok=True)
            collection = SnapshotCollection(location=str(path))
            collection.add(Snapshot(name="test_many", data=AmberDataSerializer.serialize(events)))
            AmberDataSerializer.write_file(collection)
            (read,) = AmberDataSerializer.read_file(str(path))
            return read.data == AmberDataSerializer.serialize(events)

        return round_trip

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "golden")
        few, many = events_of(10_000), events_of(100_000)
        for trip in (transcripts(few[:50], path), amber(few[:50], path)):
            assert trip(), "what was read is not what was written"
        ours, theirs = best(transcripts(few, path)), best(amber(few, path))
        yield f"snapshot of 10,000 events ({ours:.3f} s) / syrupy's Amber ({theirs:.3f} s)", ours / theirs, 1
        yield "an event's snapshot at 100,000 / at 10,000", best(transcripts(many, path)) / ours / 10, 1.2


def measure_start():
    """CPU time of an empty run: beside other work the wall clock tells about that work."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "test_nothing.py").write_text("")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        # Bytecode is kept, as an installed wheel has it: compiling the plugin would be most of what is measured.
        alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}

        def run(*more):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*command, *more], capture_output=True, cwd=folder, check=False, env={**os.environ, **alone})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        pairs = [(run(), run("-p", "pytest_chatkit_sim.plugin")) for _ in range(15)]
    without, with_plugin = (min(seconds) for seconds in zip(*pairs, strict=True))
    yield f"plugin installed, not used: milliseconds on top of {without * 1000:.0f}", (with_plugin - without) * 1000, 15


def measure_transports():
    """CPU time of a turn of 100 deltas over each way to the server, the reload check apart; turn by turn in turns."""

    def app_of(server):
        app = FastAPI()

        @app.post("/chatkit")
        async def chatkit(request: Request) -> Response:
            result = await server.process(await request.body(), {})
            if isinstance(result, StreamingResult):
                return StreamingResponse(result, media_type="text/event-stream")
            return Response(result.json, media_type="application/json")

        return app

    def seconds(client):
        gc.collect()
        start = time.process_time()
        client.send("Hi", new_thread=True)
        return time.process_time() - start

    ways = ("in-process", "asgi", "asgi-2.4", "http")
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(
                SimulatedClient(Talker(100), reload_check=False)
                if way == "in-process"
                else SimulatedClient(app=app_of(Talker(100)), transport=way, reload_check=False)
            )
            for way in ways
        ]
        plain, *others = (
            min(turns) for turns in zip(*([seconds(one) for one in clients] for _ in range(60)), strict=True)
        )
    for way, budget, measured in zip(ways[1:], (1.5, 1.5, None), others, strict=True):
        yield f"a turn of 100 deltas over {way} / in process", measured / plain, budget


MEASURES = {
    "start": measure_start,
    "deltas": measure_deltas,
    "growth": measure_growth,
    "memory": measure_memory,
    "agent": measure_agent,
    "snapshots": measure_snapshots,
    "transports": measure_transports,
}


def main(names):
    """Run the measures and print a line for each."""
    results = []
    for name in names or MEASURES:
        for what, measured, budget in MEASURES[name]():
            results.append({"what": what, "measured": round(measured, 3), "budget": budget})
            verdict = (
                "no budget" if budget is None else f"budget {budget:g}, {'within' if measured <= budget else 'OVER'}"
            )
            print(f"{measured:8.2f}  ({verdict})  {what}", flush=True)
    pathlib.Path(tempfile.gettempdir(), "chatkit-sim-benchmarks.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
