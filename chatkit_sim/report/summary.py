"""What a run of tests and simulations did, as data: from one process or merged from many."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from chatkit.types import ThreadItem, ThreadStreamEvent

from ..client import Judged
from ..recording import COUNTED, exercised


@dataclass(frozen=True)
class Summary:
    """What ran and what the rules said; every count is a total. Two are merged with ``+``.

    Attributes:
        tests: Tests that drove at least one turn.
        scenarios: Those of them that were scenarios of ``--chatkit-sim``.
        turns: Turns.
        streams: Streams.
        server_tools: Calls of server tools, by name.
        client_tools: Calls of client tools, by name.
        registered: Client tools that a test registered.
        client_outcomes: What became of them, by ``"tool: outcome"``; see ``chatkit_sim.recording.CLIENT_OUTCOMES``.
        server_outcomes: The same of server tools: ``succeeded``, ``failed``, ``unfinished``.
        offered_tools: Server tools that a model could have called.
        handoffs: Handoffs that were made, by ``"agent: transfer_to_other"``.
        offered_handoffs: Those that a model could have made.
        actions: Widget actions that were sent, by type.
        shown_actions: Those that widgets offered.
        events: Events, by type.
        items: Thread items that an event carried whole, by type.
        event_types: The event types that exist.
        item_types: The item types that exist.
        checked: How often each rule was checked in full.
        not_checked: How often a rule could not be, or in part only, and why, by ``(rule, why)``.
        violations: Broken rules of severity error, by rule.
        warnings: The same for severity warning.
        ignored: What was ignored, by the ignore as written.
        ignores: Every ignore of the ini file and the flags.
        campaigns: Campaigns of ``--chatkit-sim``, or parts of them.
        conversations: The conversations that they played.
        moves: What users did in them, by kind.
        incomplete: Campaigns that did not play all of their conversations, and why.
        unsteady: Campaigns in which the same choices did not always lead to the same conversation.
        upstream: Defects of the SDKs that campaigns have met, and what they are.
    """

    tests: int = 0
    scenarios: int = 0
    turns: int = 0
    streams: int = 0
    server_tools: Mapping[str, int] = field(default_factory=dict)
    client_tools: Mapping[str, int] = field(default_factory=dict)
    registered: frozenset[str] = frozenset()
    client_outcomes: Mapping[str, int] = field(default_factory=dict)
    server_outcomes: Mapping[str, int] = field(default_factory=dict)
    offered_tools: Mapping[str, int] = field(default_factory=dict)
    handoffs: Mapping[str, int] = field(default_factory=dict)
    offered_handoffs: Mapping[str, int] = field(default_factory=dict)
    actions: Mapping[str, int] = field(default_factory=dict)
    shown_actions: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    event_types: frozenset[str] = frozenset()
    item_types: frozenset[str] = frozenset()
    checked: Mapping[str, int] = field(default_factory=dict)
    not_checked: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    ignores: frozenset[str] = frozenset()
    campaigns: int = 0
    conversations: int = 0
    moves: Mapping[str, int] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    unsteady: frozenset[str] = frozenset()
    upstream: frozenset[str] = frozenset()

    def __add__(self, other: Summary) -> Summary:
        merged: dict[str, Any] = {}
        for name in (one.name for one in dataclasses.fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, int):
                merged[name] = mine + theirs
            else:
                merged[name] = mine | theirs if isinstance(mine, frozenset) else dict(Counter(mine) + Counter(theirs))
        return Summary(**merged)

    def __sub__(self, earlier: Summary) -> Summary:
        """What was counted since then; sets of names stay whole."""
        left: dict[str, Any] = {}
        for name in (one.name for one in dataclasses.fields(self)):
            now, then = getattr(self, name), getattr(earlier, name)
            if isinstance(now, int):
                left[name] = now - then
            else:
                left[name] = now if isinstance(now, frozenset) else dict(Counter(now) - Counter(then))
        return Summary(**left)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave, read back."""
        read: dict[str, Any] = {
            name: frozenset(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**read)

    @property
    def never_called(self) -> list[str]:
        """Client tools that were registered and that nothing ever asked for."""
        return sorted(self.registered - self.client_tools.keys())


def summarize(
    judged: Iterable[Judged], *, scenario: bool = False, registered: Iterable[str] = (), ignores: Iterable[str] = ()
) -> Summary:
    """Sum up what one test did.

    Args:
        judged: Its turns, with what the rules said of them.
        scenario: Whether it is a scenario of ``--chatkit-sim``.
        registered: The names of the client tools that it registered.
        ignores: What the ini file and the flags ignore.
    """
    judged = list(judged)
    turns = [one.turn for one in judged if one.turn is not None]
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*COUNTED, *_JUDGED)}
    for turn in turns:
        for name, counted in exercised(turn).items():
            counts[name] += counted
    for one in judged:
        verdict = one.verdict
        counts["checked"].update(verdict.checked)
        counts["not_checked"].update(f"{rule}: {why}" for rule, why in verdict.not_checked.items())
        counts["violations"].update(violation.rule for violation in one.raised)
        counts["warnings"].update(violation.rule for violation in verdict.warnings)
        counts["ignored"].update(str(ignore) for _, ignore in verdict.ignored if ignore.origin != "baseline")
    totals: dict[str, Any] = {name: dict(counter) for name, counter in counts.items()}
    return Summary(
        tests=int(bool(turns)),
        scenarios=int(scenario and bool(turns)),
        turns=len(turns),
        streams=sum(len(turn.streams) for turn in turns),
        registered=frozenset(registered),
        event_types=frozenset(_types_in(ThreadStreamEvent)),
        item_types=frozenset(_types_in(ThreadItem)),
        ignores=frozenset(ignores),
        **totals,
    )


_JUDGED = ("checked", "not_checked", "violations", "warnings", "ignored")


def _types_in(union: Any) -> list[str]:
    """The ``type`` of every member of one of ChatKit's unions."""
    if (field_type := getattr(union, "model_fields", {}).get("type")) is not None:
        return list(get_args(field_type.annotation))
    return [name for part in get_args(union) for name in _types_in(part)]
