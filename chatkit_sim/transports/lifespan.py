"""The lifespan of an ASGI app: started and ended once, in one task, as a server does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import copy_context
from typing import Any, Literal

from ..recording import SERVING
from .errors import LifespanError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


class Lifespan:
    """Runs an app's lifespan on the present event loop, from ``start`` to ``stop``.

    An app that does not know the protocol (it raises before it has answered) is served without, as servers do.

    Attributes:
        state: What the lifespan yields; each request gets a copy as ``request.state``.
    """

    def __init__(self, app: Application, url: str) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._url = url
        self._stopping = asyncio.Event()
        self._answered = asyncio.Event()
        self._asked = 0
        self._failed: tuple[Literal["startup", "shutdown"], str] | None = None
        self._raised: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Run the app up to the end of its startup.

        Raises:
            LifespanError: The startup failed; what it raised is the cause.
        """
        # Workers that the app starts here serve no request, whichever was the first.
        context = copy_context()
        context.run(SERVING.set, None)
        name = "chatkit-sim: lifespan of the app"
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name, context=context)
        await self._answered.wait()
        if self._failed is not None:
            await asyncio.wait([self._task])
            self._raise_failure()

    async def stop(self) -> None:
        """Run the app's shutdown.

        Raises:
            LifespanError: The shutdown failed; what it raised is the cause.
        """
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failed is not None:
            phase, why = self._failed
            self._failed = None
            raise LifespanError(self._url, phase, why) from self._raised

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            self._raised = error
            if self._answered.is_set() and self._failed is None:
                self._failed = ("shutdown", f"{type(error).__name__}: {error}")
        finally:
            self._answered.set()

    async def _receive(self) -> Message:
        self._asked += 1
        if self._asked == 1:
            return {"type": "lifespan.startup"}
        await self._stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            self._failed = ("startup", message.get("message", ""))
        elif message["type"] == "lifespan.shutdown.failed":
            self._failed = ("shutdown", message.get("message", ""))
        self._answered.set()
