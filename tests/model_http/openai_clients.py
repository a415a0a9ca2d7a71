"""The two APIs, sync and async, streamed and not, behind one face."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

QUESTION = "When do you open?"


@dataclass
class Asking:
    """Asks one of the APIs in one of the ways.

    `events` gives what a stream brought; `text` the words of the answer.
    """

    wire: str
    sync: bool
    streamed: bool
    base_url: str | None = None

    def __str__(self) -> str:
        return "-".join([self.wire, "sync" if self.sync else "async", "streamed" if self.streamed else "whole"])

    def ask(self, **options: Any) -> Any:
        """What the client gave: a list of events or chunks, or the response."""
        if self.sync:
            # Without certificates: loading them is most of what a client costs.
            http_client = DefaultHttpxClient(verify=False)
            with OpenAI(api_key="any", base_url=self.base_url, http_client=http_client) as client:
                answer = self._create(client, options)
                return list(answer) if self.streamed else answer
        return asyncio.run(self._ask(options))

    def text(self, **options: Any) -> str:
        """The words of the answer."""
        return words_of(self.ask(**options))

    async def _ask(self, options: dict[str, Any]) -> Any:
        http_client = DefaultAsyncHttpxClient(verify=False)
        async with AsyncOpenAI(api_key="any", base_url=self.base_url, http_client=http_client) as client:
            answer = await self._create(client, options)
            return [event async for event in answer] if self.streamed else answer

    def _create(self, client: Any, options: dict[str, Any]) -> Any:
        shared = {"model": "gpt-5", "stream": self.streamed, **options}
        if self.wire == "responses":
            return client.responses.create(**{"input": QUESTION, **shared})
        messages = [{"role": "user", "content": QUESTION}]
        return client.chat.completions.create(**{"messages": messages, **shared})


def words_of(answer: Any) -> str:
    """The text of a response, a completion, or of what a stream brought."""
    if not isinstance(answer, list):
        return answer.output_text if hasattr(answer, "output_text") else answer.choices[0].message.content
    deltas = []
    for event in answer:
        if hasattr(event, "choices"):
            deltas += [choice.delta.content or "" for choice in event.choices]
        elif event.type == "response.output_text.delta":
            deltas.append(event.delta)
    return "".join(deltas)


EVERY_WAY = [
    Asking(wire, sync, streamed)
    for wire in ("responses", "chat")
    for sync in (False, True)
    for streamed in (False, True)
]
