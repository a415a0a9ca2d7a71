"""The simulated client for ordinary, synchronous tests."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
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
from .core import Outcome
from .face import SAME, ClientFace
from .isolation import check_isolation
from .structured_input import Answer
from .turn_streams import TurnStream
from .widget_actions import NOT_GIVEN


class SimulatedClient(ClientFace):
    """A simulated ChatKit web client that drives a real server, without a browser, a network or an API key.

    Every turn goes on through all client tools until the client is idle; then every rule is checked, and what is
    broken is raised once, as a ``ViolationError`` at the line of the test that drove the turn.

    Args:
        server: A ``ChatKitServer`` or a factory of one; or a ``Bench`` to share with other clients. Left out when the
            server is behind ``app`` or ``url``.
        context: The request context, or a function that makes it for each request.
        options: Further arguments of ``Bench``: ``app``, ``path``, ``headers``, ``url``, ``transport``, ``frontend``,
            ``store``, ``model``, ``catalogue``, ``limits``, ``policies``, ``allow_network``, ``strict_network``. With a
            ``Bench``, only ``headers``.

    Example::

        with SimulatedClient(TodoServer(MemoryStore()), model=ModelScript(says("Hello!"))) as client:
            assert client.send("Hi").text == "Hello!"
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        try:
            if error is None:
                self._core.bench.conclude()
        finally:
            self._core.bench.close()

    def close(self) -> None:
        """Judge the test as a whole (steps left over, the network), then release everything. May be called twice.

        Raises:
            ViolationError: A rule about the whole test is broken.
        """
        __tracebackhide__ = True
        self.__exit__(None, None, None)

    def send(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> Turn:
        """Send a message and drive the turn until the client is idle.

        Args:
            content: A text, an ``Entity`` to tag, a content part (``{"type": "input_tag", ...}``), or several.
            options: ``attachments``, ``quoted_text``, ``tool_choice``, ``model``, ``new_thread``, ``force``: see
                ``SendOptions``.

        Raises:
            ViolationError: A rule is broken.
            UsageError: The page would not send it: the client is busy, the thread locked, the choice not offered.
            TransportError: The server could not be reached, or did not answer as a ChatKit endpoint does.
            LimitError: A limit of the client was reached.
        """
        __tracebackhide__ = True
        return self._drive(self._core.message(content, options)).unwrap()

    def retry(self, item_id: str | None = None) -> Turn:
        """Have a user message (by default the last) responded to again; what followed it is gone.

        Raises:
            UsageError: There is none, the client is busy, or the page shows no retry button.
        """
        __tracebackhide__ = True
        return self._drive(self._core.retrying(item_id)).unwrap()

    def action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """Dispatch a custom action: of the widget ``item``, or of the page itself.

        Args:
            type: The action's type.
            payload: Its payload, a JSON value.
            item: The widget item, or its id.
        """
        __tracebackhide__ = True
        return self._drive(self._core.acting(type, payload, item)).unwrap()

    def sync_action(self, type: str, payload: Any = None, *, item: str | ThreadItem | None = None) -> Turn:
        """Dispatch an action that is answered without a stream (``streaming: false``); the view shows what it changed.

        It is a turn without streams: what changed is in its ``items`` and ``widgets``.

        Args:
            type: The action's type.
            payload: Its payload, a JSON value.
            item: The widget item, or its id.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: clicking.sync_action(self._core, type, payload, item)).unwrap()

    def click(
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
        """Click in a widget, and see the turn that follows to its end.

        The action goes where the widget says: to the ``on_action`` callbacks (``handler: "client"``), to the server
        without a stream (``streaming: false``), or to the server as a turn like any other. From inside a form it
        carries the form's values: what stands in the fields, and what ``form`` says the user has entered. Each click
        starts from what stands in the widget: the client keeps nothing that an earlier click entered.

        Args:
            widget: The widget item or its id; any on show when it is left out.
            target: What to click: what stands on it, its id, its key, the name of a field, or ``"confirm"`` and
                ``"cancel"`` of a card. Anything that triggers an action can be clicked: ``Button``, ``ListViewItem``,
                ``Card`` and ``Form``, and ``Select``, ``RadioGroup``, ``DatePicker``, ``Checkbox`` that change.
            id: The component's id, to be exact.
            key: The component's key.
            label: What stands on it.
            value: What is chosen in a ``Select``, ``RadioGroup`` or ``DatePicker`` (an option's value or label, a
                date; ``None`` clears it), or whether a ``Checkbox`` is checked (it toggles without one).
            form: What the user has entered into the form by then, by the fields' names.
            force: Submit a form that a browser would not (``required``, ``pattern``).

        Raises:
            UsageError: That cannot be clicked; the message lists what can.

        Example::

            turn = client.send("Show my list")
            client.click("Done")
            client.click(turn.widgets[0], "Save", form={"title": "Milk", "todo.amount": "2"})
            client.click(id="size", value="L")
        """
        __tracebackhide__ = True
        names = {"id": id, "key": key, "label": label}
        planned = self._click(widget, target, names, value, form, force)
        if planned.way != "client":
            return self._core.bench.run(lambda: clicking.send(self._core, planned)).unwrap()
        for waiting in clicking.told(self._core, planned):
            self._core.bench.run(lambda waiting=waiting: _awaited(waiting))  # type: ignore[misc]
        return clicking.still_turn(self._core, planned)

    def answer(
        self,
        item: StructuredInputItem | str | Mapping[str, Answer] | None = None,
        answers: Mapping[str, Answer] | None = None,
        /,
        *,
        force: bool = False,
    ) -> Turn:
        """Answer structured input.

        Args:
            item: The questions: the item or its id; the newest that wait for an answer when it is left out.
            answers: By the question's id: an option's value or free text, several where ``multiple`` allows it;
                ``None`` skips a question, as does leaving it out.
            force: Send what the server will ignore, cut or refuse.

        Raises:
            UsageError: The server would ignore or cut it.

        Example::

            client.answer({"days": ["Thursday", "Friday"], "note": "Ring twice"})
        """
        __tracebackhide__ = True
        return self._drive(self._answer(item, answers, force)).unwrap()

    def skip(self, item: StructuredInputItem | str | None = None, /, *, force: bool = False) -> Turn:
        """Skip structured input as a whole; by default the newest that waits for an answer."""
        __tracebackhide__ = True
        return self._drive(self._skip(item, force)).unwrap()

    def upload(
        self,
        file: str | Path | bytes,
        /,
        *,
        name: str | None = None,
        mime_type: str | None = None,
        force: bool = False,
    ) -> Attachment:
        """Upload a file as the page does; ``send(attachments=[...])`` takes what it returns.

        In two phases (``attachments.create``, then the upload that its descriptor names), or directly, as the
        ``Frontend`` says. Uploads to an app under test go through the app, others over the network.

        Args:
            file: A path, or bytes.
            name: The file's name; needed for bytes.
            mime_type: Its type; told from the name by default.
            force: Upload what the composer would refuse.

        Raises:
            UsageError: The composer refuses it: its size, its type.
            UploadError: The upload was refused.
        """
        __tracebackhide__ = True
        local = attachments.LocalFile.read(file, name, mime_type)
        return self._core.bench.run(lambda: attachments.upload(self._core, local, force=force))

    def remove(self, attachment: AttachmentBase | str, /) -> None:
        """Remove an uploaded attachment from the composer before it is sent."""
        __tracebackhide__ = True
        self._core.bench.run(lambda: attachments.remove(self._core, attachment))

    def transcribe(self, audio: bytes, mime_type: str = history.DICTATION[0], /, *, force: bool = False) -> str:
        """Dictate; returns the text that would stand in the composer.

        Args:
            audio: What was recorded.
            mime_type: Its type, one of those that the web client records.
            force: Send a type that it does not record.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: history.transcribe(self._core, audio, mime_type, force=force))

    def feedback(
        self,
        kind: history.Feedback,
        items: Turn | ThreadItem | str | Sequence[ThreadItem | str] | None = None,
        /,
    ) -> None:
        """Press thumbs up (``"positive"``) or down (``"negative"``) below an answer.

        Args:
            kind: Which.
            items: What it is about: a turn, items or their ids; by default all that follows the last user message.
        """
        __tracebackhide__ = True
        self._core.bench.run(lambda: history.feedback(self._core, kind, items))

    def threads(self, *, limit: int = 9999, order: Literal["asc", "desc"] = "desc") -> tuple[ThreadMetadata, ...]:
        """The user's threads, newest first, as the history panel lists them: every page.

        Args:
            limit: Threads on a page. The web client asks for 9999; less tries the server's paging.
            order: ``desc`` or ``asc``.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: history.threads(self._core, limit, order))

    def open(self, thread: str | ThreadMetadata, /) -> ThreadView:
        """Open a thread of the history; the conversation goes on there.

        Raises:
            UsageError: A response is being streamed, or a thread loaded.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: history.open_thread(self._core, thread))

    def rename(self, title: str, /, thread: str | ThreadMetadata | None = None) -> ThreadMetadata:
        """Give a thread another title; by default the present one."""
        __tracebackhide__ = True
        return self._core.bench.run(lambda: history.rename(self._core, title, thread))

    def delete(self, thread: str | ThreadMetadata | None = None, /) -> None:
        """Delete a thread; by default the present one, which gives way to an empty new thread."""
        __tracebackhide__ = True
        self._core.bench.run(lambda: history.delete(self._core, thread))

    def stream(self, content: Content | Sequence[Content] = "", /, **options: Unpack[SendOptions]) -> TurnStream:
        """Send a message and take its events one by one; takes what ``send`` takes.

        Example::

            with client.stream("Tell me everything") as stream:
                for event in stream:
                    if text in event: stream.cancel()
            assert stream.turn.text
        """
        return TurnStream(self._core, self._core.message(content, options))

    def reload(self) -> ThreadView:
        """Reload the page: the view becomes what the server has stored.

        In the middle of a stream, the page goes away from it first, which ends its turn as ``disconnected``.
        """
        __tracebackhide__ = True
        return self._core.bench.run(self._core.reload)

    def check_isolation(self, context: Any = SAME, *, headers: Mapping[str, str] | None = None) -> None:
        """See that a second user can do nothing with what is this user's.

        Every request that can name this client's thread, its items or attachments is sent as the second user. It must
        be refused or answered as not found, and must neither leak nor change anything. What a server lets happen does
        happen, so do this at the end of a test.

        Args:
            context: The second user's request context.
            headers: The second user's headers, where the server stands behind HTTP.

        Raises:
            ViolationError: The rule ``isolation`` is broken.

        Example::

            chatkit_client.send("My number is 17.")
            chatkit_client.check_isolation(chatkit_other_context)
        """
        __tracebackhide__ = True
        other = self._other_core(context, None, headers)
        judged = self._core.bench.run(lambda: check_isolation(self._core, other))
        if judged.raised:
            raise ViolationError(judged.raised)

    def request(self, type: str, /, **params: Any) -> Any:
        """Send any request, legal or not; returns the JSON, or a ``RecordedStream`` for requests that stream.

        No rule judges it, and the view does not change. What ``process()`` raises comes out as it is.
        """
        __tracebackhide__ = True
        return self._core.bench.run(lambda: self._core.ask(Request(type, params)))

    def another(
        self, *, context: Any = SAME, thread_id: str | None = None, headers: Mapping[str, str] | None = None
    ) -> SimulatedClient:
        """A second tab, or with a ``context`` of its own a second user, of the same server and the same test.

        Args:
            context: The other user's request context; the same by default.
            thread_id: The thread it goes on in, unseen; ``open`` shows one. None by default.
            headers: The other user's headers, where an app or a URL is under test; the same by default.
        """
        return SimulatedClient._over(self._other_core(context, thread_id, headers))

    def _drive(self, request: Request) -> Outcome:
        __tracebackhide__ = True
        return self._core.bench.run(lambda: self._core.drive(request))


async def _awaited(waiting: Awaitable[Any]) -> None:
    await waiting
