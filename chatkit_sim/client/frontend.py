"""What the web page registers with ChatKit: its side of the contract, in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from ..errors import UsageError
from .client_tools import ClientTools, is_strategy

MAX_SIZE = 100 * 1024 * 1024
MAX_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class ComposerTool:
    """A tool of the composer's menu (``composer.tools``).

    Attributes:
        id: What ``inference_options.tool_choice`` carries.
        label: What the user reads.
        persistent: Whether it stays chosen after a message; by default it is cleared.
    """

    id: str
    label: str = ""
    persistent: bool = False


@dataclass(frozen=True, kw_only=True)
class ComposerModel:
    """A model of the composer's picker (``composer.models``).

    Attributes:
        id: What ``inference_options.model`` carries.
        label: What the user reads.
        disabled: Whether it is shown but cannot be chosen.
        default: Whether it is chosen from the start.
    """

    id: str
    label: str = ""
    disabled: bool = False
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class Entity:
    """Something that can be tagged in a message (``entities.onTagSearch``).

    In ``send``, it stands among the texts: ``client.send(["Summarize ", report])``.

    Attributes:
        id: Its id.
        title: What the tag says.
        group: The group it is listed under.
        interactive: Whether the tag can be clicked.
        data: What goes to the server with the tag.
    """

    id: str
    title: str
    group: str | None = None
    interactive: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)

    def tag(self) -> dict[str, Any]:
        """The content part of a message."""
        part: dict[str, Any] = {"type": "input_tag", "id": self.id, "text": self.title, "data": dict(self.data)}
        if self.group is not None:
            part["group"] = self.group
        return {**part, "interactive": self.interactive}


@dataclass(frozen=True, kw_only=True)
class AttachmentLimits:
    """Which files the composer takes (``composer.attachments``), with ChatKit.js' defaults.

    Attributes:
        max_size: Bytes of one file, for all or by pattern of MIME type (``"image/*"``; ``"*"`` or ``""`` for the rest).
        max_count: Attachments of one message.
        accept: Extensions by MIME type or pattern, such as ``{"image/*": [".png"], "text/plain": []}``; an empty list
            takes every extension. ``None`` takes every file.
    """

    max_size: int | Mapping[str, int] = MAX_SIZE
    max_count: int = MAX_COUNT
    accept: Mapping[str, Sequence[str]] | None = None

    def problem(self, name: str, size: int, mime_type: str) -> str | None:
        """Why the composer would not take this file; ``None`` when it would."""
        most = self._most(mime_type)
        if size > most:
            return f"it has {size:,} bytes, and the page takes at most {most:,} of {mime_type}"
        if self.accept is not None and not self._accepted(name, mime_type):
            listed = ", ".join(f"{mime} {' '.join(ends)}".strip() for mime, ends in self.accept.items())
            return f"its type {mime_type} ({name!r}) is not among those that the page takes: {listed or 'none'}"
        return None

    def _most(self, mime_type: str) -> int:
        if isinstance(self.max_size, int):
            return self.max_size
        fitting = [
            size for pattern, size in self.max_size.items() if pattern not in ("*", "") and _is(mime_type, pattern)
        ]
        return fitting[0] if fitting else self.max_size.get("*", self.max_size.get("", MAX_SIZE))

    def _accepted(self, name: str, mime_type: str) -> bool:
        return any(
            _is(mime_type, pattern) and (not ends or name.lower().endswith(tuple(end.lower() for end in ends)))
            for pattern, ends in (self.accept or {}).items()
        )


@dataclass(frozen=True, kw_only=True)
class DirectUpload:
    """Files go straight to one URL of the app (``uploadStrategy: {type: "direct", uploadUrl}``).

    Attributes:
        url: Where to; relative to the app, or absolute.
    """

    url: str


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """What the page registers: the options that it gives to ChatKit.js, as far as a server has to do with them.

    A client that was given one does only what a user of that page can do: it tags no entity, chooses no tool and
    uploads no file that the page does not offer. A client without one does whatever the test says.

    Attributes:
        client_tools: Handlers by name (``onClientTool``), see ``SimulatedClient.client_tool``; or Hypothesis strategies
            for what the tool returns: campaigns draw from them, and in tests the simplest result is posted, unless the
            test registers a handler.
        effects: Handlers of client effects by name (``chatkit.effect``), or just the names.
        actions: Handlers of widget actions with ``handler: "client"`` by type (``widgets.onAction``), or the types.
        tools: The composer's tools; a plain id is a tool that is cleared after each message.
        models: The composer's models; a plain id may stand for one.
        entities: What can be tagged: a list, or a search function ``(query) -> entities``.
        attachments: Which files the composer takes; ``None`` for none.
        upload: How files get to the server: ``"two_phase"`` or a ``DirectUpload``.
        feedback: Whether answers have thumbs up and down (``threadItemActions.feedback``).
        retry: Whether answers have a retry button (``threadItemActions.retry``).
        dictation: Whether the composer has a microphone (``composer.dictation``).

    Example::

        @pytest.fixture
        def chatkit_frontend():
            return Frontend(
                client_tools={"add_to_todo_list": lambda item: {"added": item}},
                tools=[ComposerTool(id="search", persistent=True)],
                attachments=AttachmentLimits(max_count=3, accept={"image/*": []}),
            )
    """

    client_tools: Mapping[str, Any] = field(default_factory=dict)
    effects: Mapping[str, Callable[..., Any]] | Iterable[str] = ()
    actions: Mapping[str, Callable[..., Any]] | Iterable[str] = ()
    tools: Sequence[ComposerTool | str] = ()
    models: Sequence[ComposerModel | str] = ()
    entities: Sequence[Entity] | Callable[[str], Any] = ()
    attachments: AttachmentLimits | None = None
    upload: Literal["two_phase"] | DirectUpload = "two_phase"
    feedback: bool = False
    retry: bool = False
    dictation: bool = False

    def __post_init__(self) -> None:
        tools = ClientTools()
        for name, handler in self.client_tools.items():
            tools.add(name, handler)  # says what is wrong with it here, where it is declared
        if self.upload != "two_phase" and not isinstance(self.upload, DirectUpload):
            raise UsageError(f'Frontend(upload=...) is "two_phase" or DirectUpload(url=...), not {self.upload!r}.')
        for what, ids in (("tools", self.tool_options), ("models", self.model_options)):
            if len({option.id for option in ids}) < len(ids):
                raise UsageError(f"Frontend({what}=...) has one id twice: {', '.join(option.id for option in ids)}.")

    @property
    def tool_options(self) -> tuple[ComposerTool, ...]:
        """The composer's tools."""
        return tuple(ComposerTool(id=tool) if isinstance(tool, str) else tool for tool in self.tools)

    @property
    def model_options(self) -> tuple[ComposerModel, ...]:
        """The composer's models."""
        return tuple(ComposerModel(id=model) if isinstance(model, str) else model for model in self.models)

    @property
    def results(self) -> dict[str, Any]:
        """The strategies among the client tools, by name."""
        return {name: value for name, value in self.client_tools.items() if is_strategy(value)}

    def tool(self, tool_id: str) -> ComposerTool:
        """The composer's tool of this id.

        Raises:
            UsageError: The page has none.
        """
        options = {tool.id: tool for tool in self.tool_options}
        if tool_id not in options:
            raise UsageError(_not_offered("tool", tool_id, options, "Frontend(tools=[...])"))
        return options[tool_id]

    def model(self, model_id: str) -> ComposerModel:
        """The composer's model of this id.

        Raises:
            UsageError: The page has none, or it cannot be chosen.
        """
        options = {model.id: model for model in self.model_options}
        if model_id not in options:
            raise UsageError(_not_offered("model", model_id, options, "Frontend(models=[...])"))
        if options[model_id].disabled:
            raise UsageError(f"The composer shows the model {model_id!r} as disabled, so nobody can choose it.")
        return options[model_id]

    def check_tag(self, tag_id: str) -> None:
        """See that a tag is one of the page's entities, as far as they are listed.

        Raises:
            UsageError: It is not.
        """
        if callable(self.entities):
            return  # a search: what it finds depends on the query
        known = {entity.id: entity for entity in self.entities}
        if tag_id not in known:
            raise UsageError(_not_offered("entity", tag_id, known, "Frontend(entities=[...])"))


def handlers(declared: Mapping[str, Callable[..., Any]] | Iterable[str]) -> list[tuple[str, Callable[..., Any]]]:
    """What handles each name; names that were only listed are handled by doing nothing."""
    if isinstance(declared, Mapping):
        return list(declared.items())
    return [(name, _nothing) for name in declared]


def _nothing(*arguments: Any) -> None:
    pass


def _not_offered(what: str, wanted: str, known: Iterable[str], where: str) -> str:
    return f"The page offers no {what} {wanted!r}; it offers {', '.join(map(repr, known)) or 'none'} ({where})."


def _is(mime_type: str, pattern: str) -> bool:
    return fnmatchcase(mime_type.split(";")[0].strip().lower(), pattern.lower())
