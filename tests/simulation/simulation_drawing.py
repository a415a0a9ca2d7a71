"""What a strategy gives."""

from hypothesis import HealthCheck, given, settings


def drawn(strategy, count=60):
    found = []

    # The same in each run: a test of what is drawn must not depend on luck.
    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found
