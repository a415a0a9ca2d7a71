"""What a strategy gives."""

from hypothesis import HealthCheck, given, settings


def drawn(strategy, count=60):
    found = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found
