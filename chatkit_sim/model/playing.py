"""Steps to what ``agents.testing.ScriptedModel`` plays: output items with ids of their own, and how they stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from agents.items import ModelResponse, TResponseOutputItem
from agents.testing import ModelScriptError, ModelStep, ScriptedModel, assistant_message, function_call
from openai.types.responses import ResponseOutputMessage, ResponseOutputRefusal, ResponseOutputText
from openai.types.responses.response_output_item import ImageGenerationCall
from openai.types.responses.response_reasoning_item import ResponseReasoningItem, Summary

from ..errors import UsageError
from .failures import TERMINAL_KINDS, ProviderFailure
from .ids import LaneIds
from .steps import Calls, Cites, Draws, Fails, Refuses, Says, Slowly, Step, Thinks, split

# What agents.testing gives to every message and every response: no id that a server could store twice.
_ANONYMOUS_MESSAGE = assistant_message("").id
_ANONYMOUS_RESPONSE = ModelStep().response_id


@dataclass(frozen=True)
class Delivery:
    """How one model response is delivered.

    Attributes:
        step: What ``ScriptedModel`` plays; its output holds everything that can stream by itself.
        output: All output items, in order.
        chunks: The deltas of a message's text, by its id.
        partials: The partial images of an image, by its id.
        failure: What is raised.
        fails_after: Where: after so many events; ``None`` for instead of the end.
        fails_in: Where: in the middle of this output item.
        provider: The failure as the provider's, when the script says one.
        pause: The seconds before each event.
        improvised: Whether nobody wrote it: a function answers whatever no step answers.
    """

    step: ModelStep
    output: tuple[TResponseOutputItem, ...] = ()
    chunks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    partials: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failure: Exception | None = None
    fails_after: int | None = None
    fails_in: int | None = None
    provider: ProviderFailure | None = None
    pause: float = 0.0
    improvised: bool = False

    @property
    def tells(self) -> ProviderFailure | None:
        """The failure that the provider tells of in the stream, instead of an exception."""
        return self.provider if self.provider is not None and self.provider.kind in TERMINAL_KINDS else None


def check_step(step: Any) -> None:
    """Raise when something is not a step, before a run meets it.

    Raises:
        UsageError: It is not.
    """
    if isinstance(step, Step) or callable(step):
        return
    hint = f" Write says({step!r})." if isinstance(step, str) else ""
    try:
        ScriptedModel([step])
    except (ModelScriptError, TypeError) as error:
        raise UsageError(
            f"{step!r} is not a step of a model script: {error}{hint} Steps are says, calls, thinks, cites, draws, "
            "refuses and fails, what agents.testing takes, or a function (call) -> step."
        ) from error


def deliver(step: Any, ids: LaneIds) -> Delivery:
    """Give ids to what a step says.

    Args:
        step: A step, or anything that ``agents.testing.ScriptedModel`` takes except a responder.
        ids: The ids of the lane.
    """
    if isinstance(step, Step):
        return _deliver_parts(step, ids)
    plain = as_model_step(step)
    if plain.error is not None:
        return Delivery(plain, failure=plain.error)
    output = [_named(item, ids) for item in plain.output]
    if plain.response_id == _ANONYMOUS_RESPONSE:
        plain = replace(plain, response_id=ids("resp"))
    return Delivery(replace(plain, output=output), tuple(output))


def as_model_step(step: Any) -> ModelStep:
    """Anything that ``ScriptedModel`` takes, as its ``ModelStep``."""
    if isinstance(step, ModelStep):
        return step
    if isinstance(step, Exception):
        return ModelStep.raise_error(step)
    if isinstance(step, ModelResponse):
        plain = ModelStep(output=step.output, usage=step.usage, response_id=step.response_id)
        return replace(plain, request_id=step.request_id, raw_usage=step.raw_usage)
    return ModelStep(**step) if isinstance(step, Mapping) else ModelStep(output=step)


def _deliver_parts(step: Step, ids: LaneIds) -> Delivery:
    failure = next((part for part in step.parts if isinstance(part, Fails)), None)
    parts = [part for part in step.parts if not isinstance(part, Fails)]
    # A failure hides what would have come after it.
    if failure is not None:
        parts = parts[: step.parts.index(failure)]
    fails_after, fails_in = None, None
    if failure is not None:
        if isinstance(failure.after, Step):
            parts += [part for part in failure.after.parts if not isinstance(part, Fails)]
            fails_in = len(parts) - 1
        elif failure.after is not None:
            parts += [part for part in step.parts[len(parts) + 1 :] if not isinstance(part, Fails)]
            fails_after = failure.after
        elif not parts:
            fails_after = 0
        if parts and failure.provider is not None and failure.provider.kind == "status":
            raise UsageError(f"{step!r}: a status comes before anything is answered, so it has to stand alone.")
    items = [(part, _item(part, ids)) for part in parts]
    streamed = [item for part, item in items if not isinstance(part, Draws)]
    return Delivery(
        ModelStep(output=streamed, response_id=ids("resp")),
        tuple(item for _, item in items),
        {_id(item): split(part.text, part.chunks) for part, item in items if isinstance(part, Says | Cites | Refuses)},
        {_id(item): part.partial for part, item in items if isinstance(part, Draws)},
        failure.make() if failure is not None else None,
        fails_after,
        fails_in,
        failure.provider if failure is not None else None,
        step.seconds if isinstance(step, Slowly) else 0.0,
    )


def _item(part: Step, ids: LaneIds) -> TResponseOutputItem:
    match part:
        case Says():
            return assistant_message(part.text, item_id=ids("msg"))
        case Cites():
            content = {"type": "output_text", "text": part.text, "annotations": [dict(part.annotation)], "logprobs": []}
            return _message(ids, ResponseOutputText.model_validate(content))
        case Refuses():
            return _message(ids, ResponseOutputRefusal(type="refusal", refusal=part.text))
        case Calls():
            return function_call(part.tool, part.arguments, call_id=ids("call"), item_id=ids("fc"))
        case Thinks():
            summaries = [Summary(type="summary_text", text=summary) for summary in part.summaries]
            return ResponseReasoningItem(id=ids("rs"), type="reasoning", summary=summaries)
        case Draws():
            image = part.image_base64
            return ImageGenerationCall(id=ids("ig"), type="image_generation_call", status="completed", result=image)
        case _:
            raise UsageError(f"{part!r} cannot be played by a model.")


def _message(ids: LaneIds, content: ResponseOutputText | ResponseOutputRefusal) -> ResponseOutputMessage:
    return ResponseOutputMessage(id=ids("msg"), type="message", role="assistant", status="completed", content=[content])


def _named(item: TResponseOutputItem, ids: LaneIds) -> TResponseOutputItem:
    if isinstance(item, ResponseOutputMessage) and item.id == _ANONYMOUS_MESSAGE:
        return item.model_copy(update={"id": ids("msg")})
    return item


def _id(item: TResponseOutputItem) -> str:
    return str(cast("Any", item).id)
