"""Server-sent events, as ChatKit writes them: bytes in chunks of any size become the payloads of frames."""

from __future__ import annotations


class FrameDecoder:
    """Splits a response body into the payloads of its frames.

    ChatKit writes ``data: <json>`` and a blank line, with no other fields; a chunk that is just that, as in process,
    takes the short way. Anything else a proxy or framework may do to the body is handled by the standard's rules
    (lines end in LF, CR or CRLF; several ``data`` lines join; comments and other fields are skipped).
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # pieces of a line; joined at its end, since a large frame comes in many
        self._data: list[bytes] = []
        self._skip_newline = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the body and return the payloads that they complete."""
        if (
            not self._rest
            and not self._data
            and chunk.startswith(b"data: ")
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk.endswith(b"\n\n")
            and b"\r" not in chunk
        ):
            return [chunk[6:-2]]
        return self._feed_lines(chunk)

    def finish(self) -> bytes:
        """End the body; returns what was left of a frame that was cut short, or ``b""``."""
        rest = b"".join(self._rest)
        left = b"\n".join([*(b"data: " + line for line in self._data), *([rest] if rest else [])])
        self._rest, self._data = [], []
        return left

    def _feed_lines(self, chunk: bytes) -> list[bytes]:
        if self._skip_newline and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._skip_newline = chunk.endswith(b"\r")
        first, *others = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if first:
            self._rest.append(first)
        if not others:
            return []
        *lines, rest = [b"".join(self._rest), *others]
        self._rest = [rest] if rest else []
        payloads: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                payloads.append(b"\n".join(self._data))
                self._data = []
        return payloads
