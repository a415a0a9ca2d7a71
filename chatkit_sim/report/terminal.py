"""The summary as a person reads it at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .summary import Summary

_MANY = 6  # names that are worth a line


def render(summary: Summary) -> list[tuple[str, str]]:
    """The lines of the summary, each with its label.

    Args:
        summary: What ran.

    Returns:
        ``(label, text)`` pairs; lines without anything to say are left out.
    """
    lines = [
        ("ran", _ran(summary)),
        ("server tools", _counted(summary.server_tools) or "none were called"),
        ("client tools", _client_tools(summary)),
        ("events", _seen(summary.events, summary.event_types)),
        ("items", _seen(summary.items, summary.item_types)),
        ("rules", f"{len(summary.checked)} checked"),
        *_not_checked(summary),
        ("violations", _counted(summary.violations) or "none"),
        ("warnings", _counted(summary.warnings)),
        *ignored(summary),
    ]
    return [(label, text) for label, text in lines if text]


def ignored(summary: Summary) -> list[tuple[str, str]]:
    """The lines about what was ignored, for runs that say nothing else."""
    return [("ignored", f"{times(count, 'violation')} by {ignore!r}") for ignore, count in summary.ignored.items()]


def times(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _ran(summary: Summary) -> str:
    tests = summary.tests - summary.scenarios
    who = [times(summary.scenarios, "scenario")] * bool(summary.scenarios) + [times(tests, "test")] * bool(tests)
    events = sum(summary.events.values())
    what = [times(summary.turns, "turn"), times(summary.streams, "stream"), times(events, "event")]
    return f"{' and '.join(who) or 'nothing'}: {', '.join(what)}"


def _client_tools(summary: Summary) -> str:
    called = _counted(summary.client_tools)
    never = f"registered and never called: {', '.join(summary.never_called)}" if summary.never_called else ""
    return "; ".join(part for part in (called, never) if part) or "none were asked for"


def _seen(seen: Mapping[str, int], exist: Iterable[str]) -> str:
    known = set(exist)
    never = sorted(known - seen.keys())
    text = f"{len(known) - len(never)} of {len(known)} types"
    if not never:
        return text
    if len(never) <= _MANY:
        return f"{text}; never {', '.join(never)}"
    return f"{text}: {', '.join(sorted(seen))}" if seen else text


def _not_checked(summary: Summary) -> list[tuple[str, str]]:
    """The rules that no turn at all could be held to in full, by the reason."""
    reasons: dict[tuple[str, str], set[str]] = {}
    for text in summary.not_checked:
        rule, _, why = text.partition(": ")
        if rule not in summary.checked:
            reason, partly, _ = why.partition("; checked by")
            reasons.setdefault(("in part" if partly else "not checked", reason), set()).add(rule)
    return [
        (label, f"{', '.join(sorted(rules))}: {why}") for (label, why), rules in sorted(reasons.items(), reverse=True)
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
