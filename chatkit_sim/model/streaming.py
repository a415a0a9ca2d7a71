"""One model response, streamed or whole: ``ScriptedModel`` plays it, deltas, images and failures are worked in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from agents.items import ModelResponse, TResponseOutputItem, TResponseStreamEvent
from agents.testing import ModelCall, ScriptedModel
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseErrorEvent,
    ResponseFailedEvent,
    ResponseImageGenCallCompletedEvent,
    ResponseImageGenCallGeneratingEvent,
    ResponseImageGenCallInProgressEvent,
    ResponseImageGenCallPartialImageEvent,
    ResponseIncompleteEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseRefusalDeltaEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_output_item import ImageGenerationCall

from .playing import Delivery

_SETTLE_SECONDS = 0.01
_ENDINGS: dict[str, Any] = {
    "error": ResponseErrorEvent,
    "failed": ResponseFailedEvent,
    "incomplete": ResponseIncompleteEvent,
}


async def stream(
    delivery: Delivery, model: ScriptedModel, call: ModelCall, arrived: Callable[[], int] = lambda: 0
) -> AsyncIterator[TResponseStreamEvent]:
    """Stream a response as the provider would.

    Args:
        delivery: What to deliver.
        model: A ``ScriptedModel`` that holds the delivery's step.
        call: The model call.
        arrived: How many events have reached the client by now.
    """
    sent, tells = 0, delivery.tells
    begun: Response | None = None
    played = model.stream_response(**_arguments(call))
    if delivery.step.stream_events is not None:
        async for event in played:
            yield event
        return
    async for event in _with_images(played, delivery):
        for piece in _pieces(event, delivery):
            if isinstance(piece, ResponseCreatedEvent):
                begun = piece.response
            if delivery.pause:
                await asyncio.sleep(delivery.pause)
            if delivery.failure is not None and _is_failing(delivery, piece, sent):
                if tells is not None and begun is not None:
                    yield _ENDINGS[tells.kind].model_validate(tells.terminal_event(begun.model_dump(), sent))
                    return
                if sent:
                    await _settle(arrived)
                raise delivery.failure
            piece.sequence_number = sent
            sent += 1
            yield piece


async def respond(delivery: Delivery, model: ScriptedModel, call: ModelCall) -> ModelResponse:
    """Answer a call that does not stream; see ``stream``."""
    if delivery.pause:
        await asyncio.sleep(delivery.pause)
    if delivery.tells is not None and delivery.tells.kind != "error":
        # What a failed response holds is handed on; the SDK does not look at its status.
        output = [item.model_copy(deep=True) for item in delivery.output] if delivery.tells.kind == "incomplete" else []
        return ModelResponse(output=output, usage=delivery.step.usage, response_id=delivery.step.response_id)
    if delivery.failure is not None and delivery.step.error is None:
        raise delivery.failure
    response = await model.get_response(**_arguments(call))
    if delivery.partials:
        response.output = [item.model_copy(deep=True) for item in delivery.output]
    return response


async def _settle(arrived: Callable[[], int]) -> None:
    """Wait until what was sent has arrived: a run that fails drops the events that it has not handed on."""
    before = -1
    while before != (now := arrived()):
        before = now
        await asyncio.sleep(_SETTLE_SECONDS)


def _arguments(call: ModelCall) -> dict[str, Any]:
    facts = dict(vars(call))
    del facts["streamed"]
    return facts


def _is_failing(delivery: Delivery, event: TResponseStreamEvent, sent: int) -> bool:
    if delivery.tells is not None and event.type in ("response.created", "response.in_progress"):
        return False  # a failure that is told in the stream comes after its beginning
    if delivery.fails_in is not None:
        return event.type.endswith(".done") and getattr(event, "output_index", -1) == delivery.fails_in
    if delivery.fails_after is not None:
        return sent >= delivery.fails_after or event.type == "response.completed"
    return event.type == "response.completed"


async def _with_images(
    events: AsyncIterator[TResponseStreamEvent], delivery: Delivery
) -> AsyncIterator[TResponseStreamEvent]:
    """Put the images, which ``ScriptedModel`` cannot stream, where they belong among the other outputs."""
    if not delivery.partials:
        async for event in events:
            yield event
        return
    places = [index for index, item in enumerate(delivery.output) if not isinstance(item, ImageGenerationCall)]
    begun = 0
    async for event in events:
        if isinstance(event, ResponseOutputItemAddedEvent | ResponseCompletedEvent):
            place = len(delivery.output)
            if isinstance(event, ResponseOutputItemAddedEvent):
                place = places[event.output_index]
            for index in range(begun, place):
                for image_event in _image_events(delivery, index):
                    yield image_event
            begun = place + 1
        if isinstance(event, ResponseCompletedEvent):
            event.response.output = [item.model_copy(deep=True) for item in delivery.output]
        elif hasattr(event, "output_index"):
            event.output_index = places[event.output_index]
        yield event


def _image_events(delivery: Delivery, index: int) -> Iterator[TResponseStreamEvent]:
    item: TResponseOutputItem = delivery.output[index]
    if not isinstance(item, ImageGenerationCall):
        return
    where: dict[str, Any] = {"output_index": index, "sequence_number": 0}
    image: dict[str, Any] = {**where, "item_id": item.id}
    begun = item.model_copy(update={"result": None, "status": "in_progress"})
    stem = "response.image_generation_call"
    yield ResponseOutputItemAddedEvent(type="response.output_item.added", item=begun, **where)
    yield ResponseImageGenCallInProgressEvent(type=f"{stem}.in_progress", **image)  # type: ignore[arg-type]
    yield ResponseImageGenCallGeneratingEvent(type=f"{stem}.generating", **image)  # type: ignore[arg-type]
    for number, partial in enumerate(delivery.partials[item.id]):
        yield ResponseImageGenCallPartialImageEvent(
            type="response.image_generation_call.partial_image",
            partial_image_index=number,
            partial_image_b64=partial,
            **image,
        )
    yield ResponseImageGenCallCompletedEvent(type=f"{stem}.completed", **image)  # type: ignore[arg-type]
    yield ResponseOutputItemDoneEvent(type="response.output_item.done", item=item.model_copy(deep=True), **where)


def _pieces(event: TResponseStreamEvent, delivery: Delivery) -> Iterator[Any]:
    if not isinstance(event, ResponseTextDeltaEvent | ResponseRefusalDeltaEvent):
        yield event
        return
    chunks = delivery.chunks.get(event.item_id)
    if chunks is None:
        yield event
        return
    for chunk in chunks:
        yield event.model_copy(update={"delta": chunk})
