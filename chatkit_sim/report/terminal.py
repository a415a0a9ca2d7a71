"""The summary as a person reads it at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..recording import CLIENT_OUTCOMES
from .coverage import Reached, flows, percentage, server_tools
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
        *(("incomplete", text) for text in sorted(summary.incomplete)),
        *(("unsteady", text) for text in sorted(summary.unsteady)),
        ("tool flows", _flows(summary)),
        ("server tools", _server_tools(summary)),
        ("client tools", _client_tools(summary)),
        *_handoffs_and_actions(summary),
        ("events", _seen(summary.events, summary.event_types)),
        ("items", _seen(summary.items, summary.item_types)),
        ("rules", f"{len(summary.checked)} checked"),
        *_not_checked(summary),
        ("violations", _counted(summary.violations) or "none"),
        ("warnings", _counted(summary.warnings)),
        *(("upstream", text) for text in sorted(summary.upstream)),
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
    counts = ((summary.scenarios - summary.campaigns, "scenario"), (summary.tests - summary.scenarios, "test"))
    who = [times(count, noun) for count, noun in counts if count]
    if summary.campaigns:
        who.insert(1, f"{times(summary.campaigns, 'campaign')} ({times(summary.conversations, 'conversation')})")
    who = [", ".join(who[:-1]), who[-1]] if len(who) > 1 else who
    events = sum(summary.events.values())
    what = [times(summary.turns, "turn"), times(summary.streams, "stream"), times(events, "event")]
    return f"{' and '.join(who) or 'nothing'}: {', '.join(what)}"


def _flows(summary: Summary) -> str:
    share = percentage(summary)
    if share is None or not summary.campaigns:
        return ""
    kinds = flows(summary)
    return f"{int(share)} % ({sum(kind.met for kind in kinds)} of {sum(len(kind.counts) for kind in kinds)})"


def _server_tools(summary: Summary) -> str:
    names = server_tools(summary)
    failing = [name for name in names if name in summary.server_tools and _never_succeeded(summary, name)]
    uncalled = [name for name in names if name not in summary.server_tools]
    parts = [_counted(summary.server_tools)]
    parts += [f"called and never once succeeded: {', '.join(failing)}"] if failing else []
    parts += [f"never called: {', '.join(uncalled)}"] if uncalled and summary.campaigns else []
    return "; ".join(filter(None, parts)) or "none were called"


def _never_succeeded(summary: Summary, tool: str) -> bool:
    return bool(summary.server_outcomes.get(f"{tool}: failed")) and not summary.server_outcomes.get(
        f"{tool}: succeeded"
    )


def _client_tools(summary: Summary) -> str:
    missing = {tool: list(_outcomes_missing(summary, tool)) for tool in summary.client_tools if summary.campaigns}
    called = _counted(
        summary.client_tools, {tool: f" (never {', '.join(ones)})" for tool, ones in missing.items() if ones}
    )
    never = f"registered and never called: {', '.join(summary.never_called)}" if summary.never_called else ""
    return "; ".join(part for part in (called, never) if part) or "none were asked for"


def _outcomes_missing(summary: Summary, tool: str) -> Iterator[str]:
    for outcome in CLIENT_OUTCOMES:
        if not summary.client_outcomes.get(f"{tool}: {outcome}"):
            yield outcome.removeprefix("never ")


def _handoffs_and_actions(summary: Summary) -> Iterator[tuple[str, str]]:
    kinds = {kind.title: kind for kind in flows(summary)}
    for label, title in (("handoffs", "Handoffs"), ("widgets", "Widget actions")):
        if kinds[title].counts:
            yield label, _some_of(kinds[title], "actions" if label == "widgets" else "")


def _some_of(kind: Reached, noun: str) -> str:
    text = " ".join(filter(None, [f"{kind.met} of {len(kind.counts)}", noun]))
    shown = kind.never[:_MANY]
    more = f" and {len(kind.never) - _MANY} more" if len(kind.never) > _MANY else ""
    return f"{text}; never {', '.join(shown)}{more}" if shown else text


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


def _counted(counts: Mapping[str, int], notes: Mapping[str, str] | None = None) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {count:,}{(notes or {}).get(name, '')}" for name, count in ordered)
