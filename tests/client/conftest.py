"""Every client of a test is closed at its end."""

import pytest
from agents.run import AgentRunner, get_default_agent_runner


@pytest.fixture(autouse=True)
def nothing_is_left_active():
    yield
    assert type(get_default_agent_runner()) is AgentRunner, "the test left a client open"
