"""Requests for a model's answer, answered from a script."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import httpx
from agents.items import TResponseStreamEvent
from agents.testing import ModelCall, ScriptedModel

from ...recording import SERVING, Exchange
from ..failures import ProviderFailure, as_provider_failure
from ..playing import Delivery
from ..runs import ObservedRun
from ..script import ModelScript, UnscriptedModelCall
from ..streaming import respond, stream
from .asking import Asked, as_call
from .bodies import StreamedBody
from .callers import caller_of, calling_run
from .chat_wire import ChatWire
from .checks import Refusal, check
from .errors import AnswerFailed
from .responses_wire import ResponsesWire

_SSE = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_chatkit_sim"}


class Answering:
    """Answers from one script.

    Args:
        script: What the model will say.
    """

    def __init__(self, script: ModelScript) -> None:
        self._script = script
        self._failing: dict[str, Delivery] = {}
        self._served: set[str] = set()

    async def answer(self, asked: Asked, request: httpx.Request) -> httpx.Response | None:
        """The response to a request; ``None`` when nobody answers.

        Raises:
            UnscriptedModelCall: No step answers.
            Exception: What a function in the script raised.
        """
        exchange, run = SERVING.get(), calling_run()
        refusal = check(asked, self._served)
        if refusal is not None:
            await self._pass_over(asked, run)
            return self._refuse(refusal, asked, run, exchange)
        call = as_call(asked, run.agent if run is not None else None)
        if run is not None:
            run.model_given(call)
        delivery = await self._delivery(asked, call, run)
        return None if delivery is None else await self._deliver(delivery, asked, call, exchange)

    async def _pass_over(self, asked: Asked, run: ObservedRun | None) -> None:
        """Take the step of a call that is refused, so that the others go where they belong."""
        given = asked.body.get("input") or asked.body.get("messages") or ""
        legible = replace(asked, wire="responses", body={"model": asked.model, "input": given})
        try:
            await self._delivery(asked, as_call(legible), run)
        except UnscriptedModelCall:
            self._script.unscripted.pop()  # one cause speaks once
        self._failing.pop(asked.key, None)

    def _refuse(
        self, refusal: Refusal, asked: Asked, run: ObservedRun | None, exchange: Exchange | None
    ) -> httpx.Response:
        self._script.refused.append(refusal.told_of(run.agent.name if run is not None else asked.model))
        if exchange is not None:
            self._script.broke(exchange)
        return httpx.Response(400, json=refusal.body, headers={"x-request-id": "req_chatkit_sim"})

    async def _delivery(self, asked: Asked, call: ModelCall, run: ObservedRun | None) -> Delivery | None:
        failing = self._failing.pop(asked.key, None) if asked.retry else None
        if failing is not None:
            times = failing.provider.times if failing.provider is not None else None
            if times is None or asked.retry < times:
                self._failing[asked.key] = failing
                return failing
        delivery = await self._script.answer(caller_of(asked, run), call, attempt=asked.retry)
        if delivery is not None and delivery.failure is not None:
            self._failing[asked.key] = delivery
        return delivery

    async def _deliver(
        self, delivery: Delivery, asked: Asked, call: ModelCall, exchange: Exchange | None
    ) -> httpx.Response:
        failure = delivery.failure
        if failure is not None:
            self._script.injected.append(failure)
            if exchange is not None:
                self._script.broke(exchange)
            provider = delivery.provider or as_provider_failure(failure)
            if (delivery.fails_after == 0 and delivery.tells is None) or delivery.step.error is not None:
                return _failed(provider, asked)
        if asked.streamed:
            arrived = exchange.recorder.events_sent if exchange is not None else lambda: 0
            return httpx.Response(
                200, headers=_SSE, stream=StreamedBody(lambda: self._frames(delivery, asked, call, arrived))
            )
        return await self._whole(delivery, asked, call)

    async def _whole(self, delivery: Delivery, asked: Asked, call: ModelCall) -> httpx.Response:
        status = "completed"
        if delivery.failure is not None:
            provider = delivery.provider or as_provider_failure(delivery.failure)
            if provider.kind not in ("failed", "incomplete"):
                return _failed(
                    ProviderFailure("cut", times=provider.times) if provider.kind == "status" else provider, asked
                )
            status = provider.kind
        response = await respond(delivery, ScriptedModel([delivery.step]), call)
        for item in response.output:
            self._note(item)
        return httpx.Response(200, json=_wire(asked, delivery).whole(response, status))

    async def _frames(
        self, delivery: Delivery, asked: Asked, call: ModelCall, arrived: Callable[[], int]
    ) -> AsyncGenerator[bytes, None]:
        wire = _wire(asked, delivery)
        try:
            async for event in stream(delivery, ScriptedModel([delivery.step]), call, arrived):
                self._see(event)
                for frame in wire.event(event):
                    yield frame
        except Exception as error:
            if error is not delivery.failure:
                raise AnswerFailed(str(error)) from error
            raise _broken(delivery.provider or ProviderFailure("cut"), asked) from error
        for frame in wire.end():
            yield frame

    def _see(self, event: TResponseStreamEvent) -> None:
        self._note(getattr(event, "item", None))

    def _note(self, item: Any) -> None:
        """Remember the ids that the app was given, and may give back."""
        self._served |= {id_ for id_ in (getattr(item, "id", None), getattr(item, "call_id", None)) if id_}


def _wire(asked: Asked, delivery: Delivery) -> ResponsesWire | ChatWire:
    if asked.wire == "responses":
        return ResponsesWire(asked.body)
    return ChatWire(asked.body, leave_out=delivery.improvised)


def _failed(provider: ProviderFailure, asked: Asked) -> httpx.Response:
    """The response of a provider that fails before it has answered anything.

    Raises:
        Exception: There is no response.
    """
    if provider.kind in ("status", "error"):
        return httpx.Response(provider.status, json=provider.body, headers=provider.headers)
    raise _broken(provider, asked)


def _broken(provider: ProviderFailure, asked: Asked) -> Exception:
    """What a client meets when the connection fails."""
    if asked.openai_client and provider.times is None:
        error = provider.exception()  # as it comes out after all retries, for which nothing shortens the delays
    else:
        name, text = provider.transport_error
        error = getattr(httpx, name)(text)
    error.chatkit_sim_injected = True  # type: ignore[attr-defined]  # rules tell it apart by this mark
    return error
