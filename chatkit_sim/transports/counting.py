"""How many events an app has sent: where the run's doings belong, also when the client has not read them yet."""

from __future__ import annotations

from ..recording import Exchange
from ..wire import FrameDecoder
from .lifespan import Message


class SentEvents:
    """Counts the events of one response on the app's side, for the timeline of the run behind it.

    Args:
        exchange: What is being served; its recorder asks here from the beginning of the stream on.

    Attributes:
        exact: Whether they can be counted: a stream of events that nothing has compressed.
    """

    def __init__(self, exchange: Exchange | None) -> None:
        self.exact = False
        self._exchange = exchange
        self._frames = FrameDecoder()
        self._count = 0

    def see(self, message: Message) -> None:
        """Take note of a message that the app sends."""
        if self.exact:
            body = message.get("body")
            if body:
                self._count += len(self._frames.feed(bytes(body)))
        elif message["type"] == "http.response.start" and self._exchange is not None:
            headers = {name.lower(): value for name, value in message.get("headers", ())}
            self.exact = headers.get(b"content-type", b"").startswith(b"text/event-stream") and (
                b"content-encoding" not in headers
            )
            if self.exact:
                self._exchange.recorder.events_sent = self.count

    def count(self) -> int:
        """How many there were by now."""
        return self._count
