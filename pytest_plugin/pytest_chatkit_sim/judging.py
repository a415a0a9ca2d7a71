"""What a test is judged by: the rules, the user's own among them, what is ignored, and the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import SETTINGS
from .quiet import quiet_imports

if TYPE_CHECKING:
    from chatkit_sim.rules import Baseline, Catalogue, Ignore, OwnRules

SAID_ONCE = pytest.StashKey[tuple["Ignore", ...]]()
"""What the ini file, the flags and the baseline ignore."""


def catalogue_for(item: pytest.Item) -> Catalogue:
    """The catalogue of one test.

    Raises:
        UsageError: An ignore, a severity, the baseline or a rule of the user's own is wrong; the message says where.
    """
    from chatkit_sim.rules import Catalogue
    from chatkit_sim.rules.ignores import check_known

    config, settings = item.config, item.config.stash[SETTINGS]
    marked = [(text, "marker") for text in _marked(item)]
    ignores = [*_parsed(config, marked), *ignores_of(config)]
    severities = dict(settings.severities)
    for slug in severities:  # what simulations judge by beside the rules has none
        check_known(slug, f"the severity of {slug!r} (chatkit_severity)", known_slugs(config, (), said=""))
    known = known_slugs(config, [ignore.rule for ignore in ignores], said="An ignore")
    rules = registered(item.ihook).all
    return Catalogue(rules, ignores, severities, test=item.nodeid, elsewhere=known)


def ignores_of(config: pytest.Config) -> tuple[Ignore, ...]:
    """What the ini file, the flags and the baseline ignore, read once for a run.

    Raises:
        UsageError: One of them is wrong.
    """
    if SAID_ONCE not in config.stash:
        baseline = baseline_of(config)
        said = _parsed(config, config.stash[SETTINGS].ignores)
        config.stash[SAID_ONCE] = (*said, *(baseline.ignores if baseline is not None else ()))
    return config.stash[SAID_ONCE]


def baseline_of(config: pytest.Config, *, trusted: bool = False) -> Baseline | None:
    """The baseline of a run; ``None`` when there is none. One that is to be written need not be there yet.

    Args:
        config: The run's.
        trusted: Whether its rules are known to exist.

    Raises:
        UsageError: It is not there, or wrong.
    """
    settings = config.stash[SETTINGS]
    if settings.baseline is None:
        return None
    from chatkit_sim.rules import Baseline

    path = Path(settings.baseline)
    if settings.write_baseline and not path.exists():
        return Baseline(path)
    shown = shown_path(config, path)
    baseline = Baseline.read(path, shown=shown, known="any")
    if trusted:
        return baseline
    known = known_slugs(config, [one.rule for one in baseline.ignores], said=f"The baseline {shown}")
    return Baseline.read(path, shown=shown, known=known)


def shown_path(config: pytest.Config, path: Path) -> str:
    """A path as a person writes it."""
    here = config.invocation_params.dir
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def registered(hook: Any) -> OwnRules:
    """The rules that conftests have registered.

    Args:
        hook: The hooks of an item (those of its conftests), or of the whole run.

    Raises:
        UsageError: One of them is none, or its slug is taken.
    """
    from chatkit_sim.rules import OwnRules

    rules = OwnRules()
    hook.pytest_chatkit_rules(rules=rules)
    return rules


def known_slugs(config: pytest.Config, named: Iterable[str], *, said: str) -> Sequence[str]:
    """The slugs that may be named anywhere in this run.

    Args:
        config: The run's.
        named: What is named; what only simulations judge by is looked up when it takes that to know one of them.
        said: Who names it, for messages.

    Raises:
        UsageError: One names a scenario.
    """
    from chatkit_sim.errors import UsageError
    from chatkit_sim.rules import ALL_RULES, OwnRules, Rule

    class EveryName(OwnRules):
        def add(self, rule: Any) -> None:
            # Two folders may each have a rule of one name; what is wrong with one is told where it is to hold.
            slugs.extend([rule.slug] if isinstance(rule, Rule) else [])

    slugs = [rule.slug for rule in ALL_RULES]
    config.hook.pytest_chatkit_rules(rules=EveryName())
    unknown = [name for name in named if name not in slugs]
    if not unknown:
        return slugs
    with quiet_imports():
        from chatkit_sim.simulation.names import ELSEWHERE, SCENES
    for name in unknown:
        if name in SCENES:
            raise UsageError(
                f"{said} names {name!r}, which is no rule but a scenario of --chatkit-sim: it tells what many rules "
                "find. Name the rule that it told of, for this scenario alone if you like: "
                f"`RULE[test=*::chatkit-sim::{name}]: reason`. To leave the scenario out: pytest -k 'not {name}'."
            )
    return [*slugs, *ELSEWHERE]


def _parsed(config: pytest.Config, texts: Sequence[tuple[str, str]]) -> list[Ignore]:
    from chatkit_sim.errors import UsageError
    from chatkit_sim.rules import Ignore

    try:
        read = [Ignore.parse(text, origin=origin, known="any") for text, origin in texts]
        origins = " or ".join(dict.fromkeys(f"the {origin}" for _, origin in texts))
        known = known_slugs(config, [ignore.rule for ignore in read], said=f"An ignore of {origins}") if read else ()
        return [Ignore.parse(text, origin=origin, known=known) for text, origin in texts]
    except UsageError:
        raise
    except TypeError as error:
        raise UsageError(f"@pytest.mark.chatkit(ignore=[...]) takes a list of texts: {error}.") from error


def _marked(item: pytest.Item) -> list[str]:
    from chatkit_sim.errors import UsageError

    texts: list[str] = []
    for marker in item.iter_markers("chatkit"):
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in ("ignore", "boundary"))]
        ignores = marker.kwargs.get("ignore", ())
        if unknown or isinstance(ignores, str):
            what = f"not {', '.join(unknown)}" if unknown else "a list, not one text"
            raise UsageError(f'The marker takes @pytest.mark.chatkit(ignore=["RULE: reason"]), {what}.')
        texts += ignores
    return texts
