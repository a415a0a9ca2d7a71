"""Small projects with snapshots, run by pytest in a folder of their own."""

import pathlib
import sys

import agents  # imported once, and not in each project below  # noqa: F401
import chatkit.server  # noqa: F401
import pytest
import syrupy

import chatkit_sim.client
import chatkit_sim.snapshots.extension  # noqa: F401

RESPONDERS = pathlib.Path(__file__).parents[2] / "fixtures" / "responders"

SERVER = '''
import pathlib, pytest
from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent, AssistantMessageContentPartTextDelta, AssistantMessageItem, ThreadItemAddedEvent,
    ThreadItemDoneEvent, ThreadItemUpdatedEvent,
)

class Parrot(ChatKitServer):
    """Says what the user said, and what the file `says.txt` adds."""

    async def respond(self, thread, input_user_message, context):
        said = input_user_message.content[0].text + pathlib.Path("says.txt").read_text()
        item_id = self.store.generate_item_id("message", thread, context)
        head = {"id": item_id, "thread_id": thread.id, "created_at": thread.created_at}
        yield ThreadItemAddedEvent(item=AssistantMessageItem(**head, content=[]))
        for word in said.split(" "):
            update = AssistantMessageContentPartTextDelta(content_index=0, delta=f"{word} ")
            yield ThreadItemUpdatedEvent(item_id=head["id"], update=update)
        content = [AssistantMessageContent(text=f"{said} ")]
        yield ThreadItemDoneEvent(item=AssistantMessageItem(**head, content=content))

@pytest.fixture
def chatkit_server(chatkit_store):
    return Parrot(chatkit_store)
'''

TESTS = """
def test_greets(chatkit_client, chatkit_snapshot):
    assert chatkit_client.send("Hello") == chatkit_snapshot

def test_answers(chatkit_client, chatkit_snapshot):
    assert chatkit_client.send("How are you?") == chatkit_snapshot
"""


class SnapshotProject:
    """A project whose server's words can be changed between runs."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path
        self.write("conftest.py", SERVER)
        self.write("test_parrot.py", TESTS)
        self.says("")

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def says(self, more):
        """What the server says from now on, after the user's own words."""
        self.write("says.txt", more)

    def run(self, *arguments):
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)

    def run_apart(self, *arguments):
        """In a process of its own, for what depends on workers."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=120)

    @property
    def golden(self):
        return self.path / "__snapshots__" / "test_parrot.chatkit"

    @property
    def pending(self):
        return sorted((self.path / ".chatkit-sim" / "pending").glob("*.json"))

    def files(self):
        """Every file that a run left, without the project's own and Python's."""
        found = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())
        return sorted(name for name in found if "/" in name and "__pycache__" not in name)


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # or syrupy reports nothing, as on a worker
    # syrupy keeps its session in a global, which a run within the run takes over.
    monkeypatch.setattr(syrupy, "_syrupy", syrupy._syrupy)
    yield SnapshotProject(pytester)
    for name in ("conftest", "test_parrot"):
        sys.modules.pop(name, None)


@pytest.fixture
def accepted(project):
    """The same with golden files."""
    project.run("--snapshot-update").assert_outcomes(passed=2)
    return project
