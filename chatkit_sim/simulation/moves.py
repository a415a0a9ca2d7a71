"""What users do: concrete moves of the clients in a story, which can be made again exactly as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from chatkit.types import ThreadItem, ThreadItemDoneEvent, ThreadStreamEvent, UserMessageItem, WidgetItem

from ..client import AsyncSimulatedClient
from ..client.composer import Content
from ..errors import UsageError
from .forged import send_forged
from .workers import hire_worker

How = Literal["cancel", "disconnect"]
"""The user presses stop, or the page goes away."""

SecondUser = Literal["context", "headers"]
"""By what a second user is known: the request context, or over HTTP the headers."""


@dataclass(frozen=True)
class Stop:
    """Where a user leaves a response.

    Attributes:
        at: At which event of the turn, from 1; ``"client tool"`` for the moment when a client tool is asked for.
        how: How.
    """

    at: int | Literal["client tool"]
    how: How = "disconnect"

    def is_now(self, count: int, event: ThreadStreamEvent) -> bool:
        """Whether this event, the ``count``-th, is the one."""
        if self.at != "client tool":
            return count == self.at
        return isinstance(event, ThreadItemDoneEvent) and getattr(event.item, "status", None) == "pending"


@dataclass(frozen=True)
class File:
    """A file that a user attaches.

    Attributes:
        name: Its name.
        mime_type: Its type.
        content: Its bytes.
        uploaded: Whether the bytes are sent too; where no app is under test, the file is only registered.
    """

    name: str
    mime_type: str
    content: bytes = b"x"
    uploaded: bool = True

    async def attach(self, client: AsyncSimulatedClient) -> str:
        """Upload it; returns the attachment's id."""
        if self.uploaded:
            return (await client.upload(self.content, name=self.name, mime_type=self.mime_type)).id
        size = len(self.content)
        made = await client.request("attachments.create", name=self.name, size=size, mime_type=self.mime_type)
        return str(made["id"])


@dataclass(frozen=True)
class Reaction:
    """What the page makes of a client tool call.

    Attributes:
        outcome: Whether the tool answers, or fails in the browser.
        value: The JSON that is posted.
        delay: How many seconds it takes.
        wrong: Whether the value was drawn to be of a wrong shape.
        promised: Whether the page declares what it returns, so that no plainer value may take its place.
    """

    outcome: Literal["answers", "fails"] = "answers"
    value: Any = field(default_factory=lambda: {"ok": True})
    delay: float = 0
    wrong: bool = field(default=False, compare=False)
    promised: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Move:
    """Something that a client does.

    Attributes:
        client: Which of the clients, from 0; those after the first come with ``Join``.
    """

    client: int = field(default=0, kw_only=True)

    async def make(self, client: AsyncSimulatedClient) -> None:
        """Make the move.

        Raises:
            UsageError: A user of the page could not do that now.
        """
        raise NotImplementedError

    @property
    def clients(self) -> frozenset[int]:
        """The clients that take part."""
        return frozenset([self.client])


@dataclass(frozen=True)
class Send(Move):
    """A user writes a message, and may not wait for the whole response."""

    content: Content | Sequence[Content] = "Hello!"
    options: Mapping[str, Any] = field(default_factory=dict)
    stop: Stop | None = None
    files: Sequence[File] = ()

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        options = dict(self.options)
        if self.files:
            options["attachments"] = [await file.attach(client) for file in self.files]
        if self.stop is None:
            await client.send(self.content, **options)
            return
        async with client.stream(self.content, **options) as stream:
            count = 0
            async for event in stream:
                count += 1
                if self.stop.is_now(count, event):
                    # Where the server allows no stop there is no button, and only the page can go away.
                    leave = stream.cancel if self.how(client) == "cancel" else stream.disconnect
                    await leave()
                    break

    def how(self, client: AsyncSimulatedClient) -> How:
        """How the response is left, as far as the server's options allow it."""
        return self.stop.how if self.stop is not None and client.view.allow_cancel else "disconnect"


@dataclass(frozen=True)
class Retry(Move):
    """A user has a message responded to again.

    Attributes:
        back: Which of the user's messages, counted from the last one.
    """

    back: int = 0

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        messages = user_messages_of(client.view.items)
        if self.back >= len(messages):
            raise UsageError("There is no such message to retry.")
        await client.retry(messages[-1 - self.back].id)


@dataclass(frozen=True)
class Reload(Move):
    """The page is reloaded."""

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await client.reload()


@dataclass(frozen=True)
class NewThread(Move):
    """The user begins a new thread with a message."""

    content: Content | Sequence[Content] = "Hello!"

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await client.send(self.content, new_thread=True)


@dataclass(frozen=True)
class Open(Move):
    """A user opens a thread of the history.

    Attributes:
        number: Which of those that the story made, from 0 for the oldest.
    """

    number: int = 0


@dataclass(frozen=True)
class Rename(Move):
    """A user gives the present thread a title."""

    title: str = "A title"

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await client.rename(self.title)


@dataclass(frozen=True)
class Delete(Move):
    """A user deletes the present thread."""

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await client.delete()


@dataclass(frozen=True)
class Feedback(Move):
    """A user presses thumbs up or down below the latest answer."""

    kind: Literal["positive", "negative"] = "positive"

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await client.feedback(self.kind)


@dataclass(frozen=True)
class Click(Move):
    """A user clicks in a widget.

    Attributes:
        widget: Which of the widgets on show, from 0.
        target: What is clicked: keywords of ``client.click``.
        words: What is chosen and entered.
    """

    widget: int = 0
    target: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        widgets = widgets_of(client.view.items)
        if self.widget >= len(widgets):
            raise UsageError("There is no such widget on show.")
        words: dict[str, Any] = {**self.target, **self.words}
        await client.click(widgets[self.widget], **words)


@dataclass(frozen=True)
class Answer(Move):
    """A user answers structured input, or skips it.

    Attributes:
        answers: By the question's id; ``None`` skips all of it.
    """

    answers: Mapping[str, Any] | None = None

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await (client.skip() if self.answers is None else client.answer(self.answers))


@dataclass(frozen=True)
class Join(Move):
    """A further client comes: a second tab, or another user.

    Attributes:
        other_user: By what somebody else is known; ``None`` for the same user.
        opens: Whether the second tab opens the first client's thread.
    """

    other_user: SecondUser | None = None
    opens: bool = False


@dataclass(frozen=True)
class Wait(Move):
    """Nobody does anything for a while.

    Attributes:
        seconds: How long.
    """

    seconds: float = 60


@dataclass(frozen=True)
class AtOnce(Move):
    """Several clients move at the same time.

    Attributes:
        moves: One for each of them.
    """

    moves: tuple[Move, ...] = ()

    @property
    def clients(self) -> frozenset[int]:
        """The clients that take part."""
        return frozenset().union(*(move.clients for move in self.moves))


@dataclass(frozen=True)
class Forge(Move):
    """A client sends what only a broken one does.

    Attributes:
        kind: What: one of ``chatkit_sim.simulation.forged.FORGERIES``.
    """

    kind: str = ""

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await send_forged(client._core, self.kind)


@dataclass(frozen=True)
class Pry(Move):
    """The second user names what is this one's, in every request that can.

    Attributes:
        other_user: By what the second user is known.
    """

    other_user: SecondUser = "context"


@dataclass(frozen=True)
class Workers(Move):
    """From now on the client's requests go to two workers in turn."""

    async def make(self, client: AsyncSimulatedClient) -> None:
        """See ``Move``."""
        await hire_worker(client._core)


def user_messages_of(items: Sequence[ThreadItem]) -> list[UserMessageItem]:
    """The user's messages on show."""
    return [item for item in items if isinstance(item, UserMessageItem)]


def widgets_of(items: Sequence[ThreadItem]) -> list[WidgetItem]:
    """The widgets on show."""
    return [item for item in items if isinstance(item, WidgetItem)]
