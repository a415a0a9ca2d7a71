"""A project in a folder of its own, with the example servers importable."""

import pytest
from plugin_projects import RESPONDERS, TODO, Project

import chatkit_sim.simulation  # imported once, not in each project below  # noqa: F401


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    monkeypatch.setenv("PYTHONPATH", str(RESPONDERS))
    monkeypatch.setenv("COLUMNS", "140")
    return Project(pytester)


@pytest.fixture
def todo(project):
    """A project whose conftest names the to-do server."""
    project.write("conftest.py", TODO)
    return project
