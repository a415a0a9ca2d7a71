"""Script steps: what the model will say, one step for each model call."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ChatKitSimError, UsageError
from .failures import FailureKind, ProviderFailure, provider_failure

TINY_IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel, base64."""


class InjectedFailure(ChatKitSimError):
    """What ``fails()`` raises when it is given no error of its own."""


@dataclass(frozen=True)
class Step:
    """What the model answers to one call. ``a & b`` puts the outputs of both into one model response."""

    @property
    def parts(self) -> tuple[Step, ...]:
        """The outputs it consists of, in order."""
        return (self,)

    def slowly(self, *, seconds: float = 0.05) -> Slowly:
        """The same, each of its events coming so many seconds after the one before.

        Raises:
            UsageError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise UsageError(f"{self!r}.slowly(seconds={seconds}): an event cannot come before the one before it.")
        return Slowly(self, seconds)

    def __and__(self, other: Step) -> Together:
        if not isinstance(other, Step):
            raise UsageError(
                f"`&` joins steps such as says(...) and calls(...); {other!r} is not one. "
                "A step of agents.testing stands alone: put all of its output items into it."
            )
        if isinstance(self, Slowly) or isinstance(other, Slowly):
            raise UsageError(f"A response has one pace: write ({self!r} & {other!r}) first, then .slowly(...).")
        return Together((*self.parts, *other.parts))


@dataclass(frozen=True, repr=False)
class Together(Step):
    """Several outputs in one model response."""

    outputs: tuple[Step, ...]

    @property
    def parts(self) -> tuple[Step, ...]:
        """The outputs it consists of, in order."""
        return self.outputs

    def __repr__(self) -> str:
        return " & ".join(repr(part) for part in self.outputs)


@dataclass(frozen=True, repr=False)
class Slowly(Step):
    """A step whose events take their time."""

    step: Step
    seconds: float

    @property
    def parts(self) -> tuple[Step, ...]:
        """The outputs it consists of, in order."""
        return self.step.parts

    def __repr__(self) -> str:
        return f"{self.step!r}.slowly(seconds={self.seconds})"


@dataclass(frozen=True, repr=False)
class Says(Step):
    """An assistant message; ``chunks`` are its text deltas, or about how many there are."""

    text: str
    chunks: int | tuple[str, ...] = 3

    def __repr__(self) -> str:
        return _written("says", self.text, chunks=(self.chunks, 3))


@dataclass(frozen=True, repr=False)
class Calls(Step):
    """A tool call; ``arguments`` is the JSON text that the model writes."""

    tool: str
    arguments: str

    def __repr__(self) -> str:
        arguments = _parsed(self.arguments)
        if not isinstance(arguments, dict):
            return f"calls({_quoted(self.tool)}, {_quoted(self.arguments)})"
        if all(name.isidentifier() for name in arguments):
            words = [_quoted(self.tool), *(f"{name}={_quoted(value)}" for name, value in arguments.items())]
            return f"calls({', '.join(words)})"
        return f"calls({_quoted(self.tool)}, {arguments!r})"


@dataclass(frozen=True, repr=False)
class Thinks(Step):
    """Reasoning, seen through its summaries."""

    summaries: tuple[str, ...]

    def __repr__(self) -> str:
        return f"thinks({', '.join(map(_quoted, self.summaries))})"


@dataclass(frozen=True, repr=False)
class Cites(Step):
    """An assistant message with one annotation at its end."""

    text: str
    annotation: Mapping[str, Any]
    chunks: int | tuple[str, ...] = 3

    def __repr__(self) -> str:
        kind = self.annotation["type"]
        if kind == "url_citation":
            return _written(
                "cites", self.text, url=(self.annotation["url"], None), title=(self.annotation["title"], "")
            )
        filename, container = self.annotation["filename"], self.annotation.get("container_id")
        return _written("cites", self.text, filename=(filename, None), container_id=(container, None))


@dataclass(frozen=True, repr=False)
class Draws(Step):
    """A generated image, with the partial images that come before it."""

    image_base64: str
    partial: tuple[str, ...] = ()

    def __repr__(self) -> str:
        image = "" if self.image_base64 == TINY_IMAGE else f"{self.image_base64[:12]!r}..., "
        return f"draws({image}partial={len(self.partial)})"


@dataclass(frozen=True, repr=False)
class Refuses(Step):
    """A refusal instead of an answer."""

    text: str
    chunks: int | tuple[str, ...] = 3

    def __repr__(self) -> str:
        return f"refuses({_quoted(self.text)})"


@dataclass(frozen=True, repr=False)
class Fails(Step):
    """An error instead of an answer, or in the middle of one."""

    error: Exception | None = None
    after: int | Step | None = None
    provider: ProviderFailure | None = None

    def make(self) -> Exception:
        """The exception to raise."""
        if self.provider is not None:
            return self.provider.exception()
        return self.error or InjectedFailure("The model failed: the script says fails().")

    def __repr__(self) -> str:
        words = [] if self.error is None else [repr(self.error)]
        if (provider := self.provider) is not None:
            words.append(str(provider.status) if provider.kind == "status" else _quoted(provider.kind))
            given = {"retry_after": provider.retry_after, "times": provider.times}
            words += [f"{name}={value}" for name, value in given.items() if value is not None]
        return f"fails({', '.join([*words, *([] if self.after is None else [f'after={self.after!r}'])])})"


def says(text: str, *, chunks: int | Sequence[str] = 3) -> Says:
    """The model answers with a message.

    Args:
        text: The whole text. Structured output is its JSON text.
        chunks: About how many text deltas it comes in (words stay whole), or exactly these deltas.

    Raises:
        UsageError: The chunks do not join to the text.
    """
    _require_text("says", text)
    return Says(text, _checked_chunks("says", text, chunks))


def calls(tool: str, arguments: Mapping[str, Any] | str | None = None, /, **named: Any) -> Calls:
    """The model calls a tool: a server tool, one that asks for a client tool, or a handoff (``transfer_to_...``).

    Args:
        tool: The name of the function tool.
        arguments: The arguments by name; or raw text, for a model that writes broken JSON.
        named: The arguments, written as keywords.

    Raises:
        UsageError: Arguments that are no JSON, or given twice.

    Example::

        calls("add_to_todo_list", item="milk") & calls("add_to_todo_list", item="eggs")
    """
    if not isinstance(tool, str):
        raise UsageError(f"calls() takes the tool's name; {tool!r} is a {type(tool).__name__}.")
    if isinstance(arguments, str):
        if named:
            raise UsageError(f"calls({tool!r}, ...) has both raw text and keyword arguments; give one of them.")
        return Calls(tool, arguments)
    twice = sorted(set(arguments or ()) & set(named))
    if twice:
        raise UsageError(f"calls({tool!r}, ...) gives {', '.join(twice)} twice.")
    try:
        text = json.dumps({**(arguments or {}), **named}, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The arguments of calls({tool!r}, ...) must be JSON, as a model writes them: {error}."
        ) from error
    return Calls(tool, text)


def thinks(*summaries: str) -> Thinks:
    """The model reasons; ChatKit shows the summaries as a workflow of thoughts.

    Args:
        summaries: One text for each part of the summary.
    """
    for summary in summaries:
        _require_text("thinks", summary)
    return Thinks(summaries)


def cites(
    text: str,
    *,
    url: str | None = None,
    title: str = "",
    filename: str | None = None,
    file_id: str = "file_1",
    container_id: str | None = None,
    chunks: int | Sequence[str] = 3,
) -> Cites:
    """The model answers with a message that cites a web page or a file, at the end of its text.

    Args:
        text: The whole text.
        url: The web page.
        title: The page's title.
        filename: The file, instead of a page.
        file_id: The file's id.
        container_id: The container that the file lies in, for a container file citation.
        chunks: As in ``says``.

    Raises:
        UsageError: Neither or both of ``url`` and ``filename``.
    """
    _require_text("cites", text)
    if (url is None) == (filename is None):
        raise UsageError("cites() takes either url=... (with title=...) or filename=....")
    span = {"start_index": 0, "end_index": len(text)}
    annotation: dict[str, Any]
    if url is not None:
        annotation = {"type": "url_citation", "url": url, "title": title, **span}
    elif container_id is not None:
        file = {"file_id": file_id, "filename": filename}
        annotation = {"type": "container_file_citation", "container_id": container_id, **file, **span}
    else:
        annotation = {"type": "file_citation", "file_id": file_id, "filename": filename, "index": len(text)}
    return Cites(text, annotation, _checked_chunks("cites", text, chunks))


def draws(image_base64: str = TINY_IMAGE, *, partial: int | Sequence[str] = 1) -> Draws:
    """The model generates an image.

    Args:
        image_base64: The finished image, base64; by default a PNG of one pixel.
        partial: The partial images that come before it, base64; or how many.
    """
    return Draws(image_base64, (image_base64,) * partial if isinstance(partial, int) else tuple(partial))


def refuses(text: str = "I can't help with that.", *, chunks: int | Sequence[str] = 3) -> Refuses:
    """The model refuses.

    Args:
        text: What it says instead.
        chunks: As in ``says``.
    """
    _require_text("refuses", text)
    return Refuses(text, _checked_chunks("refuses", text, chunks))


def fails(
    error: Exception | type[Exception] | int | FailureKind | None = None,
    *,
    after: int | Step | None = None,
    retry_after: float | None = None,
    times: int | None = None,
) -> Fails:
    """The model's provider fails.

    Args:
        error: How. An HTTP status (``401``, ``429``, ``500``); ``"timeout"``; ``"reset"``, of the connection;
            ``"cut"``, a stream that stops in the middle; ``"error"``, an error event; ``"failed"`` and
            ``"incomplete"``, the ends of a response; or the exception to raise, by default an ``InjectedFailure``.
        after: Where. ``None``: before anything is answered, or, joined with ``&``, where it stands. A step: in the
            middle of it, as in ``fails("cut", after=says("Half an ans"))``. A number: after so many events of the
            response.
        retry_after: The seconds that a status asks the client to wait; it really waits a millisecond.
        times: How many attempts of the one model call fail; the retry after them gets the next step. All by default.
            At the model boundary, where there are no retries, the next step answers at once.

    Raises:
        UsageError: ``error`` is none of these.
    """
    if isinstance(error, type) and issubclass(error, Exception):
        error = error()
    if error is None or isinstance(error, Exception):
        if retry_after is not None or times is not None:
            raise UsageError("Only a failure of the provider has retry_after=... and times=...: fails(429, times=1).")
        return Fails(error, after)
    provider = provider_failure(error, retry_after, times)
    if provider.kind == "status" and after not in (None, 0):
        raise UsageError(f'fails({error}, after=...): a status comes before any event. Write fails("cut", after=...).')
    return Fails(None, after, provider)


def split(text: str, chunks: int | tuple[str, ...]) -> tuple[str, ...]:
    """Cut a text into its deltas; a single word is cut into pieces, other words stay whole."""
    if not isinstance(chunks, int):
        return chunks
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1][:-1]
    units: Sequence[str] = words if len(words) > 1 else text
    count = max(1, min(chunks, len(units)))
    edges = [len(units) * number // count for number in range(count + 1)]
    return tuple("".join(units[start:end]) for start, end in itertools.pairwise(edges))


def _checked_chunks(step: str, text: str, chunks: int | Sequence[str]) -> int | tuple[str, ...]:
    if isinstance(chunks, int):
        if chunks < 1:
            raise UsageError(f"{step}(..., chunks={chunks}): a text comes in at least one delta.")
        return chunks
    if isinstance(chunks, str) or "".join(chunks) != text:
        joined = chunks if isinstance(chunks, str) else "".join(chunks)
        raise UsageError(
            f"The chunks of {step}({text!r}) must be a list that joins to the text; they join to {joined!r}."
        )
    return tuple(chunks)


def _require_text(step: str, text: Any) -> None:
    if not isinstance(text, str):
        raise UsageError(
            f"{step}() takes text; {text!r} is a {type(text).__name__}. Structured output is its JSON text."
        )


def _written(name: str, text: str, **options: tuple[Any, Any]) -> str:
    given = [f"{key}={_quoted(value)}" for key, (value, default) in options.items() if value != default]
    return f"{name}({', '.join([_quoted(text), *given])})"


def _quoted(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
