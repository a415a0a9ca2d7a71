"""The model of an observed run: asks the script, or hands the call to the app's own model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelProvider, ModelSettings, MultiProvider
from agents.items import ModelResponse, TResponseStreamEvent
from agents.models import get_default_model_settings
from agents.testing import ModelCall, ScriptedModel

from .playing import Delivery
from .runs import ObservedRun
from .streaming import respond, stream

_ENDINGS = ("error", ".failed", ".incomplete")


class RoutingModel(Model):
    """Serves every agent of one run.

    Attributes:
        own: What the app set as ``run_config.model``.
    """

    def __init__(self, run: ObservedRun, own: str | Model | None, provider: ModelProvider | None) -> None:
        self.own = own
        self._run = run
        self._provider = provider
        self._last: Model | None = None

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """See ``agents.Model``."""
        call = _as_call(args, kwargs, streamed=False)
        place = self._run.model_called(call)
        delivery = None
        try:
            delivery = await self._delivery(call)
            if delivery is None:
                response = await self._own_model().get_response(*self._own_arguments(args), **kwargs)
            else:
                response = await respond(delivery, self._play(delivery), call)
        except Exception as error:
            self._failed(place, delivery, error)
            raise
        self._run.model_answered(place, scripted=delivery is not None, output=response.output)
        return response

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[TResponseStreamEvent]:
        """See ``agents.Model``."""
        call = _as_call(args, kwargs, streamed=True)
        place = self._run.model_called(call)
        delivery = None
        try:
            delivery = await self._delivery(call)
            if delivery is None:
                events = self._own_model().stream_response(*self._own_arguments(args), **kwargs)
            else:
                events = stream(delivery, self._play(delivery), call, self._run.exchange.recorder.events_sent)
            async for event in events:
                if delivery is not None and delivery.tells is not None and event.type.endswith(_ENDINGS):
                    self._told_failure(delivery)
                if event.type == "response.completed":
                    scripted = delivery is not None
                    self._run.model_answered(place, scripted=scripted, output=event.response.output)
                yield event
        except Exception as error:
            self._failed(place, delivery, error)
            raise

    def get_retry_advice(self, request: Any) -> Any:
        """See ``agents.Model``."""
        return self._last.get_retry_advice(request) if self._last is not None else None

    async def _delivery(self, call: ModelCall) -> Delivery | None:
        run, script = self._run, self._run.script
        if script is None:
            return None
        own_model = isinstance(self.own, Model) or (self.own is None and isinstance(run.agent.model, Model))
        return await script.answer(run.caller(own_model=own_model), call)

    def _play(self, delivery: Delivery) -> ScriptedModel:
        self._last = model = ScriptedModel([delivery.step])
        return model

    def _failed(self, place: int, delivery: Delivery | None, error: Exception) -> None:
        script = self._run.script
        if script is not None and delivery is not None and error is delivery.failure:
            script.injected.append(error)
            error.chatkit_sim_injected = True  # type: ignore[attr-defined]  # rules tell it apart by this mark
        self._run.model_answered(place, scripted=self._run.script is not None, error=error)

    def _told_failure(self, delivery: Delivery) -> None:
        # The SDK makes an exception of the event.
        script = self._run.script
        if script is not None and delivery.failure is not None:
            script.injected.append(delivery.failure)
            script.broke(self._run.exchange)

    def _own_model(self) -> Model:
        # As the SDK chooses it, had nobody set run_config.model.
        choice = self.own if self.own is not None else self._run.agent.model
        if not isinstance(choice, Model):
            if self._provider is None:
                self._provider = MultiProvider()
            choice = self._provider.get_model(choice)
        self._last = choice
        return choice

    def _own_arguments(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        system_instructions, given, settings, *rest = args  # in the order of Model.get_response
        return system_instructions, given, self._own_settings(settings), *rest

    def _own_settings(self, settings: ModelSettings) -> ModelSettings:
        # For a Model instance, as this one is, the SDK drops the defaults that it has for the model's name.
        name, agent = self._run.agent.model, self._run.agent
        if isinstance(self.own, Model) or isinstance(name, Model) or agent.model_settings != _defaults(name):
            return settings
        return _defaults(self.own if self.own is not None else name).resolve(settings)


def _defaults(name: str | None) -> ModelSettings:
    return get_default_model_settings(name) if name is not None else get_default_model_settings()


def _as_call(args: tuple[Any, ...], kwargs: dict[str, Any], *, streamed: bool) -> ModelCall:
    names = ("system_instructions", "input", "model_settings", "tools", "output_schema", "handoffs", "tracing")
    facts = {**dict(zip(names, args, strict=False)), **kwargs}
    return ModelCall(**facts, streamed=streamed)
