"""The simulated client for tests that run on an event loop of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, Unpack

from chatkit.types import (
    Attachment,
    AttachmentBase,
    StructuredInputItem,
    ThreadItem,
    ThreadMetadata,
    WidgetItem,
)

from ..errors import ViolationError
from ..recording import ThreadView, Turn
from ..wire import Request
from . import attachments, clicking, history
from .composer import Content, SendOptions
from .face import SAME, ClientFace
from .isolation import check_isolation
from .structured_input import Answer
from .turn_streams import AsyncTurnStream
from .widget_actions import NOT_GIVEN


class AsyncSimulatedClient(ClientFace):
    """``SimulatedClient`` with the same names, awaitable, on the test's own event loop.

    Example::

        async with AsyncSimulatedClient(TodoServer(MemoryStore()), model=ModelScript(says("Hello!"))) as client:
            turn = await client.send("Hi")
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            if error is None:
                self._core.bench.conclude()
        finally:
            await self._core.bench.aclose()

    async def close(self) -> None:
        """See ``SimulatedClient.close``."""
        __tracebackhide__ = True
        await self.__aexit__(None, None, None)

    async def send(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> Turn:
        """See ``SimulatedClient.send``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.message(content, options))).unwrap()

    async def retry(self, item_id: str | None = None) -> Turn:
        """See ``SimulatedClient.retry``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.retrying(item_id))).unwrap()

    async def action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """See ``SimulatedClient.action``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._core.acting(type, payload, item))).unwrap()

    async def sync_action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """See ``SimulatedClient.sync_action``."""
        __tracebackhide__ = True
        return (await clicking.sync_action(self._core, type, payload, item)).unwrap()

    async def click(
        self,
        widget: WidgetItem | str | None = None,
        target: str | None = None,
        /,
        *,
        id: str | None = None,
        key: str | None = None,
        label: str | None = None,
        value: Any = NOT_GIVEN,
        form: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> Turn:
        """See ``SimulatedClient.click``."""
        __tracebackhide__ = True
        names = {"id": id, "key": key, "label": label}
        planned = self._click(widget, target, names, value, form, force)
        if planned.way != "client":
            return (await clicking.send(self._core, planned)).unwrap()
        for waiting in clicking.told(self._core, planned):
            await waiting
        return clicking.still_turn(self._core, planned)

    async def answer(
        self,
        item: StructuredInputItem | str | Mapping[str, Answer] | None = None,
        answers: Mapping[str, Answer] | None = None,
        /,
        *,
        force: bool = False,
    ) -> Turn:
        """See ``SimulatedClient.answer``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._answer(item, answers, force))).unwrap()

    async def skip(self, item: StructuredInputItem | str | None = None, /, *, force: bool = False) -> Turn:
        """See ``SimulatedClient.skip``."""
        __tracebackhide__ = True
        return (await self._core.drive(self._skip(item, force))).unwrap()

    async def upload(
        self,
        file: str | Path | bytes,
        /,
        *,
        name: str | None = None,
        mime_type: str | None = None,
        force: bool = False,
    ) -> Attachment:
        """See ``SimulatedClient.upload``."""
        __tracebackhide__ = True
        return await attachments.upload(self._core, attachments.LocalFile.read(file, name, mime_type), force=force)

    async def remove(self, attachment: AttachmentBase | str, /) -> None:
        """See ``SimulatedClient.remove``."""
        __tracebackhide__ = True
        await attachments.remove(self._core, attachment)

    async def transcribe(self, audio: bytes, mime_type: str = history.DICTATION[0], /, *, force: bool = False) -> str:
        """See ``SimulatedClient.transcribe``."""
        __tracebackhide__ = True
        return await history.transcribe(self._core, audio, mime_type, force=force)

    async def feedback(
        self,
        kind: history.Feedback,
        items: Turn | ThreadItem | str | Sequence[ThreadItem | str] | None = None,
        /,
    ) -> None:
        """See ``SimulatedClient.feedback``."""
        __tracebackhide__ = True
        await history.feedback(self._core, kind, items)

    async def threads(self, *, limit: int = 9999, order: Literal["asc", "desc"] = "desc") -> tuple[ThreadMetadata, ...]:
        """See ``SimulatedClient.threads``."""
        __tracebackhide__ = True
        return await history.threads(self._core, limit, order)

    async def open(self, thread: str | ThreadMetadata, /) -> ThreadView:
        """See ``SimulatedClient.open``."""
        __tracebackhide__ = True
        return await history.open_thread(self._core, thread)

    async def rename(self, title: str, /, thread: str | ThreadMetadata | None = None) -> ThreadMetadata:
        """See ``SimulatedClient.rename``."""
        __tracebackhide__ = True
        return await history.rename(self._core, title, thread)

    async def delete(self, thread: str | ThreadMetadata | None = None, /) -> None:
        """See ``SimulatedClient.delete``."""
        __tracebackhide__ = True
        await history.delete(self._core, thread)

    def stream(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> AsyncTurnStream:
        """See ``SimulatedClient.stream``; used with ``async with`` and ``async for``."""
        return AsyncTurnStream(self._core, self._core.message(content, options))

    async def reload(self) -> ThreadView:
        """See ``SimulatedClient.reload``."""
        __tracebackhide__ = True
        return await self._core.reload()

    async def check_isolation(self, context: Any = SAME, *, headers: Mapping[str, str] | None = None) -> None:
        """See ``SimulatedClient.check_isolation``."""
        __tracebackhide__ = True
        judged = await check_isolation(self._core, self._other_core(context, None, headers))
        if judged.raised:
            raise ViolationError(judged.raised)

    async def request(self, type: str, /, **params: Any) -> Any:
        """See ``SimulatedClient.request``."""
        __tracebackhide__ = True
        return await self._core.ask(Request(type, params))

    def another(
        self, *, context: Any = SAME, thread_id: str | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncSimulatedClient:
        """See ``SimulatedClient.another``."""
        return AsyncSimulatedClient._over(self._other_core(context, thread_id, headers))
