"""What campaigns are after."""

from __future__ import annotations

from dataclasses import dataclass


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


GOALS: tuple[Goal, ...] = (
    Goal("client-tools", "Any model asks for client tools, and the page does anything with them.", ("send", "stop")),
    Goal(
        "conversation",
        "Users talk, retry, click, answer, and go through their threads.",
        ("send", "retry", "new_thread", "open", "rename", "delete", "feedback", "click", "answer"),
    ),
    Goal(
        "cancel-and-reload",
        "Users leave responses in the middle, reload the page, and go on.",
        ("send", "stop", "reload", "retry"),
    ),
    Goal(
        "two-clients",
        "Tabs and users get in each other's way, in any order of tasks.",
        ("send", "join", "at_once", "stop", "reload", "open"),
    ),
    Goal(
        "everything",
        "Users do anything at any time.",
        (
            *("send", "stop", "retry", "reload", "new_thread", "open", "rename", "delete", "feedback"),
            *("click", "answer", "join", "at_once", "wait"),
        ),
    ),
)
"""The campaigns of ``--chatkit-sim``, one item for each."""
