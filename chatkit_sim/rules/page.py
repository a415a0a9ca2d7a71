"""A rule about the web page: what the server asks of it is among what it declares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal

from chatkit.types import ClientEffectEvent, WidgetComponentUpdated, WidgetItem, WidgetRootUpdated
from pydantic import BaseModel

from ..errors import Place, Violation
from ..wire import TextRun
from .base import Evidence, Rule, place
from .words import listed

Kind = Literal["effect", "action"]


def _frontend_has_what_is_asked(evidence: Evidence) -> Iterable[Violation]:
    page = evidence.page
    if page is None:
        return
    declared = {"effect": page.effects, "action": page.actions}
    said: set[tuple[Kind, str]] = set()
    for where, kind, name, by in _asked(evidence):
        known = declared[kind]
        if known is not None and name not in known and (kind, name) not in said:
            said.add((kind, name))
            yield _missing(where, kind, name, by, known)


def _asked(evidence: Evidence) -> Iterator[tuple[Place, Kind, str, str]]:
    """Where something is asked of the page, its name, and what asks for it."""
    turn = evidence.turn
    for stream in turn.streams:
        for step in stream.steps:
            if isinstance(step, TextRun):
                continue
            event, where = step.event, place(turn, stream, step.number)
            if isinstance(event, ClientEffectEvent):
                yield where, "effect", event.name, "the server triggers it"
                continue
            update = getattr(event, "update", None)
            item = getattr(event, "item", None)
            shown: BaseModel | None = None
            if isinstance(update, WidgetRootUpdated):
                shown = update.widget
            elif isinstance(update, WidgetComponentUpdated):
                shown = update.component
            elif isinstance(item, WidgetItem):
                shown = item.widget
            for name in _client_actions(shown):
                yield where, "action", name, "a widget dispatches it"
    for widget in turn.widgets:  # of an action that was answered without a stream
        for name in _client_actions(widget.widget):
            yield place(turn), "action", name, "a widget dispatches it"


def _client_actions(shown: BaseModel | None) -> Iterator[str]:
    """The types of the actions that a widget leaves to the page, at any depth."""
    if shown is not None:
        yield from _within(shown.model_dump(mode="json", warnings=False))


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, dict):
        if value.get("handler") == "client" and isinstance(value.get("type"), str):
            yield value["type"]
        for name, each in value.items():
            if name != "payload":
                yield from _within(each)


def _missing(where: Place, kind: Kind, name: str, by: str, known: Collection[str]) -> Violation:
    what = f'effect "{name}"' if kind == "effect" else f'action "{name}" with handler: "client"'
    close = get_close_matches(name, known, 1)
    hint = f'Did you mean "{close[0]}"? Otherwise let' if close else "Let"
    takes = listed(f'"{one}"' for one in sorted(known)) if known else "none"
    return Violation(
        rule="frontend-has-what-is-asked",
        place=where,
        reason=f"The page does not handle the {what}: {by}, and nothing happens.",
        details=[f"{kind}s that the page handles: {takes}"],
        remedy=f'{hint} the page handle it, and declare it: Frontend({kind}s=["{name}"]).',
        subjects={kind: name},
    )


PAGE_RULES = (
    Rule(
        slug="frontend-has-what-is-asked",
        family="page",
        must_hold="Effects and client actions that the server asks for are among those that `chatkit_frontend` "
        "declares.",
        why="The user clicks, or waits, and nothing happens; no error shows anywhere.",
        source="@openai/chatkit: the event chatkit.effect, and widgets.onAction, have a handler of the page",
        check=_frontend_has_what_is_asked,
    ),
)
