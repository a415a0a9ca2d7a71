"""What a run needed of what it ignores: what is stale at its end, and the baseline written anew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from .judging import baseline_of, ignores_of, shown_path
from .keys import PROBLEM
from .options import SETTINGS
from .quiet import quiet_imports
from .stage import Stage

if TYPE_CHECKING:
    from chatkit_sim.rules import Baseline, Ignore

_WORKER_KEY = "chatkit_sim_ignores"
_SHOWN = 8  # stale lines that are told in full


class Needs:
    """What the tests and fixed scenarios of a process needed; campaigns draw other conversations every time.

    Attributes:
        used: The ignores that silenced something, as ``str``.
        known: How many violations the baseline knew of, by rule.
        new: Violations that a run that writes a baseline has met, as ``(rule, what is to blame, node id)``.
        partial: Whether tests were deselected.
    """

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.known: Counter[str] = Counter()
        self.new: set[tuple[str, tuple[tuple[str, str], ...], str]] = set()
        self.partial = False

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "used": sorted(self.used),
            "known": dict(self.known),
            "new": [[rule, [list(pair) for pair in blamed], test] for rule, blamed, test in sorted(self.new)],
            "partial": self.partial,
        }

    def add(self, values: dict[str, Any]) -> None:
        """Add what ``to_json`` gave in another process."""
        self.used.update(values["used"])
        self.known.update(values["known"])
        self.new.update((rule, tuple((k, v) for k, v in blamed), test) for rule, blamed, test in values["new"])
        self.partial |= values["partial"]


NEEDS = pytest.StashKey[Needs]()


def needs_of(config: pytest.Config) -> Needs:
    """What is known of a run so far."""
    return config.stash.setdefault(NEEDS, Needs())


def check(session: pytest.Session, items: list[pytest.Item]) -> None:
    """See that the baseline can be read, once every conftest that may register a rule is loaded.

    Raises:
        pytest.UsageError: It cannot.
    """
    config = session.config
    if config.stash[SETTINGS].baseline is None or not items:
        return
    with quiet_imports():
        from chatkit_sim.errors import UsageError

        try:
            ignores_of(config)
        except UsageError as error:
            if hasattr(config, "workerinput"):
                items.clear()  # a worker cannot end the run: its controller says why
                config.stash[PROBLEM] = str(error)
                return
            raise pytest.UsageError(str(error)) from error


def add_test(item: pytest.Item, stage: Stage) -> None:
    """Add what a test needed."""
    from chatkit_sim.rules import Met

    needs, writes = needs_of(item.config), item.config.stash[SETTINGS].write_baseline
    drawn = "::chatkit-sim::campaign-" in item.nodeid
    for judged in stage.bench.judged:
        for violation, ignore in judged.verdict.ignored:
            if ignore.origin == "baseline":
                needs.known[violation.rule] += 1
        for violation in (*judged.raised, *judged.noted) if writes else ():
            met = Met.of(violation, item.nodeid)
            needs.new.add((met.rule, met.blamed, met.test))
    if not drawn:
        needs.used.update(str(ignore) for ignore, uses in stage.bench.catalogue.ignore_uses.items() if uses)


def hand_over(config: pytest.Config, output: dict[str, Any]) -> None:
    """On a worker of pytest-xdist: give it to the controller."""
    output[_WORKER_KEY] = needs_of(config).to_json()


def take_over(config: pytest.Config, output: dict[str, Any]) -> None:
    """On the controller of pytest-xdist: add that of a worker."""
    if _WORKER_KEY in output:
        needs_of(config).add(output[_WORKER_KEY])


def stale(config: pytest.Config) -> list[tuple[str, str]]:
    """What nothing needed in this complete run, each with where it stands."""
    from chatkit_sim.rules import Ignore, may_be_judged

    settings, used = config.stash[SETTINGS], needs_of(config).used
    found: list[tuple[str, str]] = []
    for text, origin in settings.ignores:
        ignore = Ignore.parse(text, origin=origin, known="any")
        if str(ignore) not in used and may_be_judged(ignore, simulated=settings.simulate):
            found.append((str(ignore), "the ini file" if origin == "ini" else "the command line"))
    baseline = baseline_of(config, trusted=True)
    if baseline is not None and not settings.write_baseline:
        where = shown_path(config, baseline.path)
        found += [(str(one), where) for one in baseline.stale(used, simulated=settings.simulate)]
    return found


def write(config: pytest.Config, *, complete: bool) -> list[tuple[str, str]]:
    """Write the baseline, if it is to be written; and say what was done, or what it knew.

    Args:
        config: The run's.
        complete: Whether the run was a complete one, in which what nothing needed is needed no more.

    Returns:
        Lines for the summary, each with its label.
    """
    settings, needs = config.stash[SETTINGS], needs_of(config)
    if settings.baseline is None:
        return []
    baseline = baseline_of(config, trusted=True)
    if baseline is None or not settings.write_baseline:
        return _known(config, needs)
    from chatkit_sim.rules import Met

    gone = baseline.stale(needs.used, simulated=settings.simulate) if complete else ()
    text = baseline.written([Met(*one) for one in needs.new], gone)
    baseline.path.parent.mkdir(parents=True, exist_ok=True)
    baseline.path.write_text(text, encoding="utf-8")
    return [("baseline", _said(config, baseline, gone, complete=complete))]


def _said(config: pytest.Config, before: Baseline, gone: tuple[Ignore, ...], *, complete: bool) -> str:
    after = baseline_of(config, trusted=True)
    had, has = ({one.named for one in baseline.ignores} if baseline else set() for baseline in (before, after))
    counts = [(len(has - had), "new"), (len(has & had), "kept"), (len(had - has), "gone")]
    said = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to hold"
    why = "" if complete else "; the run was not a complete one, so no line was dropped"
    hint = " Say for each new line why it is left so." if has - had else ""
    return f"wrote {shown_path(config, before.path)}: {said}{why}.{hint}"


def _known(config: pytest.Config, needs: Needs) -> list[tuple[str, str]]:
    if not needs.known:
        return []
    from chatkit_sim.report import times

    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(needs.known.items()))
    return [("baseline", f"{times(needs.known.total(), 'violation')} that it knows of: {rules}")]
