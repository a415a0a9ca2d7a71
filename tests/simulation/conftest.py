import sys
from pathlib import Path

import pytest
from hypothesis import settings

FIXTURES = Path(__file__).parents[2] / "fixtures"
for folder in (FIXTURES, FIXTURES / "responders"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture
def no_database():
    """Campaigns that neither read nor write what other runs have found."""
    before = settings.get_current_profile_name()
    settings.register_profile("no-database", settings.get_profile("default"), database=None)
    settings.load_profile("no-database")
    yield
    settings.load_profile(before)
