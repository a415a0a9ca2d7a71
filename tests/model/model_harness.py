"""A simulation without the client: a real server, a small store, and requests as the web page posts them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import Page, ThreadItem, ThreadMetadata, ThreadStreamEvent
from pydantic import TypeAdapter

from chatkit_sim.model import ModelScript
from chatkit_sim.recording import SERVING, Exchange, RunTimeline, TimelineRecorder

EVENT = TypeAdapter(ThreadStreamEvent)
ITEM = TypeAdapter(ThreadItem)


class DictStore(Store[Any]):
    """Keeps JSON in dicts."""

    def __init__(self) -> None:
        self.threads: dict[str, str] = {}
        self.items: dict[str, dict[str, bytes]] = {}
        self.count = 0

    def generate_thread_id(self, context: Any) -> str:
        self.count += 1
        return f"thr_{self.count}"

    def generate_item_id(self, item_type: str, thread: ThreadMetadata, context: Any) -> str:
        self.count += 1
        return f"{item_type}_{self.count}"

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return ThreadMetadata.model_validate_json(self.threads[thread_id])

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        self.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"})).model_dump_json()

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        items = [ITEM.validate_json(raw) for raw in self.items.get(thread_id, {}).values()]
        items = items if order == "asc" else items[::-1]
        return Page(data=items[:limit], has_more=len(items) > limit)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        self.items.setdefault(thread_id, {})[item.id] = ITEM.dump_json(item)

    save_item = add_thread_item

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        return ITEM.validate_json(self.items[thread_id][item_id])

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        del self.threads[thread_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        del self.items[thread_id][item_id]

    async def load_threads(self, limit: int, after: str | None, order: str, context: Any) -> Page[ThreadMetadata]:
        raise NotImplementedError

    async def save_attachment(self, attachment: Any, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Any:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotImplementedError


Respond = Callable[[AgentContext[Any], list[Any]], AsyncIterator[ThreadStreamEvent]]


class Server(ChatKitServer[Any]):
    """A ChatKit server whose `respond` is a function of the agent context and the input items."""

    def __init__(self, respond: Respond, context_type: type[AgentContext[Any]] = AgentContext) -> None:
        super().__init__(DictStore())
        self._respond = respond
        self._context_type = context_type

    async def respond(self, thread: ThreadMetadata, item: Any, context: Any) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 50, "desc", context)
        agent_context = self._context_type(thread=thread, store=self.store, request_context=context)
        async for event in self._respond(agent_context, await simple_to_agent_input(page.data[::-1])):
            yield event


def answering(agent: Agent[Any], **options: Any) -> Server:
    """A server that streams a run of the agent."""

    async def respond(context: AgentContext[Any], items: list[Any]) -> AsyncIterator[ThreadStreamEvent]:
        result = Runner.run_streamed(agent, items, context=context, **options)
        async for event in stream_agent_response(context, result):
            yield event

    return Server(respond)


@dataclass
class Stream:
    """One response: its events, and what was observed behind it."""

    exchange: Exchange
    events: list[Any] = field(default_factory=list)
    raised: Exception | None = None

    @property
    def timeline(self) -> RunTimeline:
        return self.exchange.recorder.timeline()

    @property
    def text(self) -> str:
        return "".join(self.deltas)

    @property
    def deltas(self) -> list[str]:
        updates = [event.update for event in self.events if event.type == "thread.item.updated"]
        return [u.delta for u in updates if u.type == "assistant_message.content_part.text_delta"]

    @property
    def done(self) -> list[Any]:
        return [e.item for e in self.events if e.type == "thread.item.done" and e.item.type != "user_message"]

    @property
    def errors(self) -> list[Any]:
        return [event for event in self.events if event.type == "error"]

    def of(self, kind: type[Any]) -> list[Any]:
        return self.timeline.of(kind)


@dataclass
class Simulation:
    """Posts requests to a server while its runs are observed."""

    server: Server
    loop: asyncio.Runner
    script: ModelScript | None = field(default_factory=ModelScript)
    thread_id: str | None = None

    def send(self, text: str = "Hello", exchange: Exchange | None = None) -> Stream:
        return self.loop.run(self.sending(text, exchange))

    def answer(self, result: Any) -> Stream:
        params = {"thread_id": self.thread_id, "result": result}
        return self.loop.run(self.post(self.exchange(), "threads.add_client_tool_output", **params))

    def exchange(self) -> Exchange:
        return Exchange(TimelineRecorder(), self.script, self.thread_id)

    async def sending(self, text: str = "Hello", exchange: Exchange | None = None) -> Stream:
        message = {
            "content": [{"type": "input_text", "text": text}],
            "quoted_text": "",
            "attachments": [],
            "inference_options": {},
        }
        exchange = exchange or self.exchange()
        if self.thread_id is None:
            return await self.post(exchange, "threads.create", input=message)
        return await self.post(exchange, "threads.add_user_message", input=message, thread_id=self.thread_id)

    async def post(self, exchange: Exchange, request: str, **params: Any) -> Stream:
        stream = Stream(exchange)
        stream.exchange.recorder.events_sent = lambda: len(stream.events)
        token = SERVING.set(stream.exchange)
        try:
            body = json.dumps({"type": request, "params": params})
            result = await self.server.process(body.encode(), {})
            assert isinstance(result, StreamingResult)
            async for frame in result:
                event = EVENT.validate_json(frame.removeprefix(b"data: "))
                stream.events.append(event)
                if event.type == "thread.created":
                    self.thread_id = stream.exchange.thread_id = event.thread.id
        except Exception as error:
            stream.raised = error
        finally:
            SERVING.reset(token)
        return stream
