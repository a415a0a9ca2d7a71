"""Projects for the plugin to run in."""

import pathlib
import subprocess
import sys

RESPONDERS = pathlib.Path(__file__).parents[2] / "fixtures" / "responders"

TODO = """
import pytest
from todo.server import TodoServer

@pytest.fixture
def chatkit_server(chatkit_store):
    return TodoServer(store=chatkit_store)
"""

CORE = (
    "plain-reply",
    "tools",
    "text-before-call",
    "client-tool-answered",
    "client-tool-failing",
    "client-tool-unregistered",
    "two-client-tools",
    "client-tool-beside-server-tool",
    "chain-of-client-tools",
    "cancel",
    "retry",
    "message-while-pending",
)
"""The scenarios that need nothing but a server."""


def core(path):
    """The ids of these scenarios below a file."""
    return [f"{path}::chatkit-sim::{slug}" for slug in CORE]


class Project:
    """A project in a folder of its own."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *arguments):
        # Hypothesis' plugin would import Hypothesis anew for every project.
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)

    def run_apart(self, *arguments):
        """In a process of its own, for what depends on imports or workers."""
        return self.pytester.runpytest_subprocess(*arguments, timeout=120)

    def elsewhere(self, folder):
        """Another project, in a folder that is a root directory of its own."""
        path = self.path.parent / f"{self.path.name}-elsewhere" / folder
        path.mkdir(parents=True)
        other = Project(self.pytester)
        other.path = path
        other.write("pytest.ini", "[pytest]")
        self.pytester.chdir()
        self.pytester._monkeypatch.chdir(path)
        return other

    def python(self, code):
        done = subprocess.run([sys.executable, "-c", code], cwd=self.path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def outcomes(result):
    """What came of each item, by its name."""
    words = ("PASSED", "FAILED", "SKIPPED", "ERROR", "XFAIL")
    found = {}
    for line in result.outlines:
        name, _, rest = line.partition(" ")
        if "::" in name and rest.split("[")[0].strip().split(" ")[0] in words:
            found[name] = rest.split()[0]
    return found
