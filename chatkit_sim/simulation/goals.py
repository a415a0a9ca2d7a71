"""What campaigns are after."""

from __future__ import annotations

from dataclasses import dataclass, replace

HOSTILE = ("forge_output", "forge_message", "forge_item", "pry")
"""The kinds of move that only a broken client makes, or a curious one."""


@dataclass(frozen=True)
class Goal:
    """What a campaign is after.

    Attributes:
        slug: Its name in item ids.
        title: What happens in it, one sentence.
        kinds: The moves that its users make.
    """

    slug: str
    title: str
    kinds: tuple[str, ...]

    def hostile(self) -> Goal:
        """The same, with what only a broken client sends."""
        return replace(self, kinds=(*self.kinds, *(kind for kind in HOSTILE if kind not in self.kinds)))


GOALS: tuple[Goal, ...] = (
    Goal(
        "client-tools",
        "Any model asks for client tools, and the page does anything with them.",
        ("send", "stop", "repeat"),
    ),
    Goal(
        "conversation",
        "Users talk, retry, click, answer, and go through their threads.",
        ("send", "retry", "new_thread", "open", "rename", "delete", "feedback", "click", "answer"),
    ),
    Goal(
        "cancel-and-reload",
        "Users leave responses in the middle, reload the page, and go on.",
        ("send", "stop", "reload", "retry", "workers"),
    ),
    Goal(
        "two-clients",
        "Tabs and users act at the same time, in any order of tasks; each writes into a thread of its own.",
        ("send", "join", "at_once", "stop", "reload", "open"),
    ),
    Goal(
        "everything",
        "Users do anything at any time.",
        (
            *("send", "stop", "retry", "reload", "new_thread", "open", "rename", "delete", "feedback"),
            *("click", "answer", "join", "at_once", "wait"),
            *("repeat", "workers"),
        ),
    ),
)
"""The campaigns of ``--chatkit-sim``, one item for each."""
