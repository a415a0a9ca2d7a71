"""What the sync and the async client share: everything that does not wait for the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Self, TypeVar, Unpack, overload

from chatkit.actions import Action
from chatkit.types import ClientEffectEvent, StructuredInputItem, WidgetItem

from ..errors import UsageError
from ..model import ModelScript
from ..recording import ThreadView, Turn
from ..wire import Request
from ..wire import requests as wire
from .bench import Bench, BenchOptions
from .clicking import plan
from .client_tools import ClientTools
from .core import ClientCore
from .expectations import Caught, ErrorPattern
from .frontend import handlers
from .structured_input import SKIPPED, Answer, asked, submission
from .widget_actions import Dispatch, Target

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
EffectHandlerT = TypeVar("EffectHandlerT", bound=Callable[[ClientEffectEvent], Any])
ActionHandlerT = TypeVar("ActionHandlerT", bound=Callable[[Action[str, Any], WidgetItem], Any])


class _Same:
    """The type of ``SAME``."""

    def __repr__(self) -> str:
        return "<the same>"


SAME: Final = _Same()
"""Stands for "the same context as this client's"."""


class ClientFace:
    """The part of a client that is the same for sync and async tests."""

    _core: ClientCore

    def __init__(self, server: Any = None, /, *, context: Any = None, **options: Unpack[BenchOptions]) -> None:
        bench = server if isinstance(server, Bench) else Bench(server, context=context, **options)
        own_headers = options.get("headers") if bench is server else None
        self._core = ClientCore(
            bench, bench.context if context is None else context, ClientTools(), headers=own_headers
        )
        self._take_page()

    @classmethod
    def _over(cls, core: ClientCore) -> Self:
        client = cls.__new__(cls)
        client._core = core
        return client

    def __repr__(self) -> str:
        thread = f" in thread {self.thread_id}" if self.thread_id is not None else ""
        return f"<{type(self).__name__}{thread}, {len(self.turns)} turns>"

    @property
    def model(self) -> ModelScript:
        """What the model will say."""
        return self._core.bench.model

    @property
    def view(self) -> ThreadView:
        """The present thread as the user sees it now."""
        return self._core.view

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The finished turns of this client."""
        return tuple(self._core.turns)

    @property
    def thread_id(self) -> str | None:
        """The present thread; ``None`` before the first message."""
        return self._core.present_thread

    @property
    def client_tools(self) -> Mapping[str, Callable[..., Any]]:
        """The handlers of the registered client tools, by name; the page's own among them."""
        return self._core.tools.handlers()

    @overload
    def client_tool(self, handler: HandlerT, /, *, name: str | None = None, replace: bool = False) -> HandlerT: ...
    @overload
    def client_tool(self, /, *, name: str | None = None, replace: bool = False) -> Callable[[HandlerT], HandlerT]: ...
    def client_tool(self, handler: Any = None, /, *, name: str | None = None, replace: bool = False) -> Any:
        """Register a client tool: a sync or async function that takes the arguments by name and returns JSON.

        Its annotations check the arguments that the server sends. Raise ``ClientToolError(payload)`` for a tool that
        fails in the browser.

        Args:
            handler: The function, when used without parentheses, or called directly; its name is the tool's.
            name: The tool's name, when the function has another.
            replace: Take the place of a tool of this name (such as one of a fixture).

        Raises:
            UsageError: There is a tool of this name already, or the function cannot take arguments by name.

        Example::

            @chatkit_client.client_tool(name="get_location")
            async def locate(precise: bool = False) -> dict:
                return {"city": "Oslo"}
        """
        return self._core.tools.decorate(handler, name=name, replace=replace)

    @overload
    def on_effect(self, handler: EffectHandlerT, /) -> EffectHandlerT: ...
    @overload
    def on_effect(self, /, *, name: str) -> Callable[[EffectHandlerT], EffectHandlerT]: ...
    def on_effect(self, handler: Any = None, /, *, name: str | None = None) -> Any:
        """Register a callback for client effects: all of them, or those of one name.

        It gets the ``ClientEffectEvent``. Without one, effects are still in ``turn.effects``.
        """

        def register(function: EffectHandlerT) -> EffectHandlerT:
            self._core.effects.append((name, function))
            return function

        return register if handler is None else register(handler)

    @overload
    def on_action(self, handler: ActionHandlerT, /) -> ActionHandlerT: ...
    @overload
    def on_action(self, /, *, type: str) -> Callable[[ActionHandlerT], ActionHandlerT]: ...
    def on_action(self, handler: Any = None, /, *, type: str | None = None) -> Any:
        """Register a callback for widget actions with ``handler: "client"``: all of them, or those of one type.

        It gets the ``Action`` and the ``WidgetItem``, as ``widgets.onAction`` of ChatKit.js does. It may use the
        client, such as to send the server an action in its turn.

        Example::

            @chatkit_client.on_action(type="order.open")
            def open_order(action, item):
                chatkit_client.action("order.opened", action.payload, item=item)
        """

        def register(function: ActionHandlerT) -> ActionHandlerT:
            self._core.actions.append((type, function))
            return function

        return register if handler is None else register(handler)

    def expecting(
        self, *, error: ErrorPattern | None = None, violation: str | Sequence[str] | None = None
    ) -> AbstractContextManager[Caught]:
        """Say what is meant to go wrong within the block, and see that it does.

        Exactly these violations and errors are taken out of what the turns in the block raise.

        Args:
            error: Text within the error's code, message or exception; an exception type; True for any error.
            violation: The slug of a rule that must be broken, or several.

        Raises:
            ExpectationError: At the end of the block, when something of it did not happen.

        Example::

            with chatkit_client.expecting(error="quota") as caught:
                chatkit_client.send("One more")
            assert caught.errors[0].allow_retry
        """
        rules = [rule.slug for rule in self._core.bench.catalogue.rules]
        return self._core.expectations.expecting(rules, error, violation)

    def new_thread(self) -> None:
        """Leave the present thread for an empty new one, which begins with the next message.

        Raises:
            UsageError: A response is being streamed, or a thread loaded.
        """
        self._core.check_free("new_thread")
        self._core.leave_thread()

    def _take_page(self) -> None:
        frontend = self._core.bench.frontend
        if frontend is None:
            return
        for name, handler in frontend.client_tools.items():
            self._core.tools.add(name, handler)
        self._core.effects += handlers(frontend.effects)
        self._core.actions += handlers(frontend.actions)

    def _click(
        self,
        widget: WidgetItem | str | None,
        target: str | None,
        names: Mapping[str, str | None],
        value: Any,
        form: Mapping[str, Any] | None,
        force: bool,
    ) -> Dispatch:
        return plan(self._core, Target.read(widget, target, **names), value=value, form=form, force=force)

    def _answer(self, item: Any, answers: Mapping[str, Answer] | None, force: bool) -> Request:
        if isinstance(item, Mapping) and answers is None:
            item, answers = None, item
        if not isinstance(answers, Mapping):
            raise UsageError(f'answer() takes answers by question, such as {{"day": "Friday"}}, not {answers!r}.')
        return self._submitting(item, lambda questions: submission(questions, answers, force=force), force, "answer")

    def _skip(self, item: StructuredInputItem | str | None, force: bool) -> Request:
        return self._submitting(item, lambda questions: SKIPPED, force, "skip")

    def _submitting(
        self,
        item: StructuredInputItem | str | None,
        submit: Callable[[StructuredInputItem], Mapping[str, Any]],
        force: bool,
        move: str,
    ) -> Request:
        self._core.check_free(move)
        questions = asked(self._core.view, item, force=force)
        return wire.add_structured_input(self._core.active_thread(move), questions.id, submit(questions))

    def _other_core(self, context: Any, thread_id: str | None, headers: Mapping[str, str] | None) -> ClientCore:
        core = self._core
        other = ClientCore(
            core.bench,
            core.context if context is SAME else context,
            core.tools.copy(),
            thread_id,
            core.headers if headers is None else headers,
        )
        other.effects += core.effects
        other.actions += core.actions
        return other
