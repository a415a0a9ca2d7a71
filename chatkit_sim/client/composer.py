"""The composer: what the user types, tags, attaches and chooses becomes a message; and when it takes none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from chatkit.types import AttachmentBase, ThreadMetadata

from ..errors import UsageError
from ..wire import requests as wire
from .frontend import MAX_COUNT, Entity, Frontend
from .policies import Policies

Content = str | Entity | Mapping[str, Any]


class SendOptions(TypedDict, total=False):
    """What the composer can add to a message.

    Attributes:
        attachments: What ``upload`` returned, or ids of attachments that the server knows.
        quoted_text: The text of a message the user replies to.
        tool_choice: The id of the composer tool; ``None`` chooses none.
        model: The id of the composer model; ``None`` chooses none.
        new_thread: Start a new thread instead of going on with the present one.
        force: Send although the page would not: the thread is locked or closed, too many attachments.
    """

    attachments: Sequence[str | AttachmentBase]
    quoted_text: str
    tool_choice: str | None
    model: str | None
    new_thread: bool
    force: bool


@dataclass
class Composer:
    """The composer of one tab, with what is chosen in it.

    A tool is cleared after a message unless the page declares it persistent; a model stays chosen. A page that was not
    declared offers everything, and keeps nothing.

    Attributes:
        frontend: What the page offers, if it was declared.
        policies: What is sent when nothing was chosen.
        tool: The tool that is chosen now.
        model: The model that is chosen now.
    """

    frontend: Frontend | None
    policies: Policies
    tool: str | None = None
    model: str | None = field(default=None)

    def __post_init__(self) -> None:
        models = self.frontend.model_options if self.frontend is not None else ()
        if self.policies.default_model == "sent":
            self.model = next((model.id for model in models if model.default), None)

    def submit(self, content: Content | Sequence[Content], options: SendOptions) -> dict[str, Any]:
        """The user's message, as the wire has it.

        Raises:
            UsageError: The page would not send it.
        """
        known = SendOptions.__annotations__
        unknown = [name for name in options if name not in known]
        if unknown:
            raise UsageError(f"send() has no option {unknown[0]!r}; it takes {', '.join(known)}.")
        attachments = [one if isinstance(one, str) else one.id for one in options.get("attachments", ())]
        if not options.get("force"):
            self._check_attachments(attachments)
        parts = self._parts(content)
        if not parts and not attachments:
            raise UsageError("The composer sends no empty message: give some text, content parts or attachments.")
        tool, model = self._choice(options)
        return wire.user_input(
            parts, attachments=attachments, quoted_text=options.get("quoted_text", ""), tool_choice=tool, model=model
        )

    def _choice(self, options: SendOptions) -> tuple[str | None, str | None]:
        tool, model = options.get("tool_choice", self.tool), options.get("model", self.model)
        if self.frontend is not None:
            self.tool = tool if tool is not None and self.frontend.tool(tool).persistent else None
            self.model = self.frontend.model(model).id if model is not None else None
        return tool, model

    def _parts(self, content: Content | Sequence[Content]) -> list[dict[str, Any]]:
        parts = content_parts(content)
        if self.frontend is not None:
            for part in parts:
                if part.get("type") == "input_tag":
                    self.frontend.check_tag(str(part.get("id")))
        return parts

    def _check_attachments(self, attachments: Sequence[str]) -> None:
        if not attachments:
            return
        limits = self.frontend.attachments if self.frontend is not None else None
        if self.frontend is not None and limits is None:
            raise UsageError(f"{NO_ATTACHMENTS} Or pass force=True to send them nevertheless.")
        most = limits.max_count if limits is not None else MAX_COUNT
        if len(attachments) > most:
            raise UsageError(
                f"The message has {len(attachments)} attachments, and the composer takes at most {most} "
                "(composer.attachments.maxCount). Pass force=True to send them nevertheless."
            )


NO_ATTACHMENTS = "The page takes no attachments: declare which with Frontend(attachments=AttachmentLimits(...))."


def content_parts(content: Content | Sequence[Content]) -> list[dict[str, Any]]:
    """What the user typed, as the composer's content parts; a plain string is one text."""
    parts: list[dict[str, Any]] = []
    for part in [content] if isinstance(content, (str, Entity, Mapping)) else content:
        if isinstance(part, str):
            if part:
                parts.append({"type": "input_text", "text": part})
        else:
            given = part.tag() if isinstance(part, Entity) else dict(part)
            # The types of ChatKit.js make it optional, and the server refuses a tag without.
            parts.append({**given, "data": given.get("data") or {}} if given.get("type") == "input_tag" else given)
    return parts


def check_open(thread: ThreadMetadata | None) -> None:
    """See that the thread takes messages: the page disables the composer of one that is locked or closed.

    The server itself would take them (ChatKit guide, "Let users browse past threads").

    Raises:
        UsageError: It does not.
    """
    if thread is None or thread.status.type == "active":
        return
    reason = f" ({thread.status.reason})" if thread.status.reason else ""
    shown = "disables its composer" if thread.status.type == "locked" else "shows a banner instead of the composer"
    raise UsageError(
        f"The thread {thread.id} is {thread.status.type}{reason}, so the page {shown}. "
        "Pass force=True to send nevertheless: a server has to refuse by itself, since ChatKitServer does not."
    )
