"""Campaigns draw in their own thread, also for an app that runs in another."""

import asyncio
import threading

import pytest
from chatkit.server import StreamingResult
from simulation_servers import AgentServer, agent, lookup
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chatkit_sim import MemoryStore
from chatkit_sim.simulation import GOALS, Campaign
from chatkit_sim.simulation.own_thread import OwnThread
from chatkit_sim.simulation.scene import World


def test_work_of_another_thread_is_done_in_the_own_one():
    own = OwnThread()
    assert own.do(threading.get_ident) == threading.get_ident()

    def fails():
        raise LookupError("here")

    async def ask():
        own.loop = asyncio.get_running_loop()
        with pytest.raises(LookupError, match="here"):
            await asyncio.to_thread(own.do, fails)
        return await asyncio.to_thread(own.do, threading.get_ident)

    assert asyncio.run(ask()) == threading.get_ident()


def test_a_campaign_over_a_real_server_draws_what_its_model_says():
    server = AgentServer(MemoryStore(), agent("Assistant", lookup))

    async def chatkit(request):
        result = await server.process(await request.body(), {})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
    world = World(virtual_time=False, options={"app": app, "path": "/chatkit", "transport": "http"})
    [conversation] = [goal for goal in GOALS if goal.slug == "conversation"]
    result = Campaign(world=world, goal=conversation, examples=5, seed=1).run()

    assert not result.findings
    assert result.coverage.flows["server_tools"]["lookup"] > 0  # a model that only answers plainly calls none
