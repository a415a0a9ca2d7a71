"""What the user's Hypothesis profile says, and what of it a campaign does otherwise."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, core, settings
from hypothesis.database import ExampleDatabase

EXAMPLES = 20


def examples_of(base: settings) -> int:
    """How many conversations a profile asks for; what Hypothesis says by itself is too much for whole conversations."""
    return EXAMPLES if base.max_examples == settings.get_profile("default").max_examples else base.max_examples


def fixed_seed(given: int | None) -> int | None:
    """The seed that was asked for, here or with Hypothesis' own ``--hypothesis-seed``; ``None`` when none was."""
    forced = core.global_force_seed
    return given if given is not None or not isinstance(forced, int) else forced


def some_seed(base: settings) -> int:
    """A seed for a run that asked for none."""
    return 0 if base.derandomize else random.SystemRandom().randrange(2**32)


def seed_of_part(seed: int, part: int) -> int:
    """The seed of one part of a campaign; the first part's is the campaign's own."""
    return random.Random(f"{seed} {part}").randrange(2**32) if part else seed


def conversation_settings(**more: Any) -> settings:
    """Hypothesis' settings for tests of your own that play conversations, which take longer than functions do.

    There is no deadline and no health check, and a failure is made short, but not explained: for that it would be
    played many times over.

    Args:
        more: Further settings, such as ``max_examples``.

    Example::

        @conversation_settings(max_examples=20)
        @given(st.data())
        def test_anybody(data):
            simulate(lambda store: ShopServer(store), data)
    """
    phases = [phase for phase in settings().phases if phase is not Phase.explain]
    return settings(**{"deadline": None, "suppress_health_check": list(HealthCheck), "phases": phases, **more})


def campaign_settings(base: settings, *, examples: int, steps: int, database: ExampleDatabase | None) -> settings:
    """The settings of a campaign: the user's, but for what only makes sense for functions that take no time."""
    ordinary = settings.get_profile("default")
    return settings(
        base,
        max_examples=examples,
        stateful_step_count=steps,
        database=database,
        # Stories are reduced afterwards, as stories.
        phases=[phase for phase in base.phases if phase not in (Phase.shrink, Phase.explain)],
        verbosity=Verbosity.quiet,
        print_blob=False,
        # A conversation is no function call: Hypothesis' own deadline and health checks would never be content.
        deadline=None if base.deadline == ordinary.deadline else base.deadline,
        suppress_health_check=list(base.suppress_health_check) or list(HealthCheck),
    )


class SavesOnly(ExampleDatabase):
    """Keeps what further rounds of a campaign find, and forgets nothing that the first round found."""

    def __init__(self, inner: ExampleDatabase) -> None:
        super().__init__()
        self._inner = inner

    @classmethod
    def over(cls, inner: ExampleDatabase | None) -> ExampleDatabase | None:
        """One over a database; ``None`` where there is none."""
        return None if inner is None else cls(inner)

    def save(self, key: bytes, value: bytes) -> None:
        """See ``ExampleDatabase``."""
        self._inner.save(key, value)

    def fetch(self, key: bytes) -> Iterator[bytes]:
        """See ``ExampleDatabase``."""
        return iter(())

    def delete(self, key: bytes, value: bytes) -> None:
        """See ``ExampleDatabase``."""
