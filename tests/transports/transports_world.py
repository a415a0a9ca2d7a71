"""A small hand-written server behind every kind of endpoint, and a client's way of reading it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from chatkit_sim.client.live import LiveStream, new_exchange
from chatkit_sim.client.policies import Limits
from chatkit_sim.stores import MemoryStore
from chatkit_sim.transports import AsgiApp, AsgiTransport, InProcess, Transport, UvicornServer
from chatkit_sim.wire import Request as ChatKitRequest
from chatkit_sim.wire.requests import create_thread, user_input

KINDS = ("in process", "asgi 2.3", "asgi 2.4", "uvicorn")


class AwaitingStore(MemoryStore[dict[str, Any]]):
    """A store that really awaits, as a database does."""

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: dict[str, Any]) -> None:
        await asyncio.sleep(0.001)
        await super().add_thread_item(thread_id, item, context)


class EchoServer(ChatKitServer[dict[str, Any]]):
    """Answers with the words of the message, one delta each.

    ``wait`` waits for good, ``pause`` for a moment, ``die`` raises, ``long`` is a delta of 10 MB, ``forever`` never
    ends and never awaits; ``whoami`` is the user of the context.
    """

    def __init__(self, store: MemoryStore[dict[str, Any]] | None = None) -> None:
        super().__init__(store or MemoryStore())
        self.log: list[str] = []

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: dict[str, Any]
    ) -> AsyncIterator[ThreadStreamEvent]:
        text = input_user_message.content[0].text if input_user_message else ""
        item = AssistantMessageItem(id="answer", thread_id=thread.id, created_at=datetime.now(), content=[])
        said = ""
        yield ThreadItemAddedEvent(item=item)
        try:
            for word in text.split():
                delta = await self._word(word, context)
                said += delta
                self.log.append(f"said {word}")
                yield _delta(item, delta)
        except BaseException as error:
            self.log.append(f"left by {type(error).__name__}")
            raise
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [AssistantMessageContent(text=said)]}))

    async def _word(self, word: str, context: dict[str, Any]) -> str:
        if word == "die":
            raise ZeroDivisionError("the responder died")
        if word == "wait":
            self.log.append("waiting")
            await asyncio.sleep(3600)
        if word == "pause":
            await asyncio.sleep(0.02)
        if word == "long":
            return "x" * 10_000_000
        return context["user"] if word == "whoami" else f"{word} "


def _delta(item: AssistantMessageItem, text: str) -> ThreadItemUpdatedEvent:
    update = AssistantMessageContentPartTextDelta(content_index=0, delta=text)
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)


def echo_app(server: EchoServer) -> FastAPI:
    """The app around it, as ChatKit's README has it."""
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        user = request.headers.get("x-user-id")
        if user is None:
            raise HTTPException(401, "The header x-user-id is missing.")
        result = await server.process(await request.body(), {"user": user})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app


@dataclass
class World:
    """One server behind one kind of transport."""

    kind: str
    server: EchoServer
    _asgi: AsgiApp | None = None
    _uvicorn: UvicornServer | None = None
    _transports: list[Transport] = field(default_factory=list)

    def client(self, user: str = "ada") -> Client:
        headers = {"x-user-id": user}
        transport: Transport
        if self._uvicorn is not None:
            transport = self._uvicorn.transport(headers=headers)
        elif self._asgi is not None:
            version: Any = self.kind.removeprefix("asgi ")
            transport = AsgiTransport(self._asgi, headers=headers, spec_version=version)
        else:
            transport = InProcess(self.server)
        self._transports.append(transport)
        return Client(transport, {"user": user})


@asynccontextmanager
async def a_world(kind: str, server: EchoServer) -> AsyncIterator[World]:
    world = World(kind, server)
    if kind == "uvicorn":
        world._uvicorn = UvicornServer(echo_app(server))
        await asyncio.to_thread(world._uvicorn.start)
    elif kind != "in process":
        world._asgi = AsgiApp(echo_app(server))
    try:
        yield world
    finally:
        for transport in world._transports:
            await transport.aclose()
        if world._asgi is not None:
            await world._asgi.aclose()
        if world._uvicorn is not None:
            await asyncio.to_thread(world._uvicorn.stop)


@dataclass
class Client:
    """Sends requests over a transport as the simulated client does."""

    transport: Transport
    context: Any = None

    async def say(self, text: str, *, stop_after: int | None = None) -> LiveStream:
        """Send a message in a new thread; ``stop_after`` presses stop at that event."""
        return await self.stream(create_thread(user_input([{"type": "input_text", "text": text}])), stop_after)

    async def stream(self, request: ChatKitRequest, stop_after: int | None = None) -> LiveStream:
        live = LiveStream(1, request, new_exchange(None, None), Limits(seconds=30))

        async def listener(event: ThreadStreamEvent) -> None:
            if len(live.events) == stop_after:
                live.abort("cancelled")

        await live.run(self.transport, self.context, listener)
        return live

    async def ask(self, type: str, **params: Any) -> bytes:
        return (await self.transport.send(ChatKitRequest(type, params).body(), self.context)).body


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run an async test on an event loop of its own, and see that it leaves no task behind."""

    async def checked() -> None:
        await work()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:
            pytest.fail(f"left behind: {left}")

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(checked())


def shapes(live: LiveStream) -> list[str]:
    """A stream as its event types and texts."""
    return [
        f"{event.type} {event.update.delta.strip()[:9]}"
        if isinstance(event, ThreadItemUpdatedEvent) and isinstance(event.update, AssistantMessageContentPartTextDelta)
        else event.type
        for event in live.events
    ]
