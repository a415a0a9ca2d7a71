"""The committed snapshots of the example responders: they hold, over every transport, and change as one expects."""

import asyncio
import pathlib
import shutil
import sys

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from chatkit_sim import MemoryStore
from chatkit_sim.client.live import LiveStream, new_exchange
from chatkit_sim.client.policies import Limits
from chatkit_sim.transcript import full_transcript
from chatkit_sim.transports import AsgiApp, AsgiTransport, InProcess
from chatkit_sim.wire.requests import create_thread, user_input

RESPONDERS = pathlib.Path(__file__).parents[2] / "fixtures" / "responders"


@pytest.fixture
def copied(project, monkeypatch):
    """A responder with its tests and golden files, to be changed at will."""

    def copy(name):
        # Another test of this process may have the original imported, under the same names.
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, module)
        shutil.rmtree(project.path / name, ignore_errors=True)
        shutil.copytree(RESPONDERS / name, project.path / name, ignore=shutil.ignore_patterns("__pycache__"))
        for own in ("conftest.py", "test_parrot.py", "says.txt"):
            (project.path / own).unlink()
        return project

    return copy


@pytest.mark.parametrize("name", ["todo", "handwritten", "desk", "direct_openai"])
def test_the_golden_files_hold(copied, name):
    result = copied(name).run(f"{name}/test_{name}_snapshots.py")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["? snapshots passed."])


def test_another_title_of_a_card_is_one_line(copied):
    project = copied("handwritten")
    server = project.path / "handwritten" / "widgets.py"
    server.write_text(server.read_text().replace('"On its way"', '"Travelling"'))
    result = project.run("-vv", "handwritten/test_handwritten_snapshots.py", "-k", "everything")
    result.assert_outcomes(failed=1, deselected=2)
    changed = [line.strip() for line in result.stdout.lines if line.startswith(("E         -", "E         +"))]
    assert changed == [
        'E         -     Badge #status "On its way" color: "info"',
        'E         +     Badge #status "Travelling" color: "info"',
    ]


def test_a_tool_that_is_asked_otherwise_is_one_line(copied):
    project = copied("todo")
    server = project.path / "todo" / "server.py"
    server.write_text(server.read_text().replace('arguments={"item": item}', 'arguments={"item": item.upper()}'))
    result = project.run("-vv", "todo/test_todo_snapshots.py", "-k", "adds")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["E*@@ turn 1, line 9", "E*client tool add_to_todo_list", 'E*-   item: "milk"', 'E*+   item: "MILK"']
    )


@pytest.mark.parametrize("slow", ["stays_on_topic", "_answer"])
def test_what_a_guardrail_races_with_is_not_told(copied, slow):
    project = copied("desk")
    where = project.path / "desk" / ("team.py" if slow == "stays_on_topic" else "server.py")
    first = "result = await Runner.run(topic_agent" if slow == "stays_on_topic" else "page = await self.store.load"
    assert where.read_text().count(first) == 1
    where.write_text(where.read_text().replace(first, f"await __import__('asyncio').sleep(0.1); {first}"))
    project.run("desk/test_desk_snapshots.py", "-k", "off_topic").assert_outcomes(passed=1, deselected=2)


TRANSPORTS = """
import pytest
from chatkit.server import StreamingResult
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from chatkit_sim import MemoryStore
from chatkit_sim.snapshots import ThreadStreamSnapshotExtension
from todo.server import TodoServer

class OneForAll(ThreadStreamSnapshotExtension):
    @classmethod
    def get_snapshot_name(cls, **facts):
        return super().get_snapshot_name(**facts).partition("[")[0]

    def _tell_names_apart(self, *facts):
        pass

@pytest.fixture
def chatkit_snapshot_extension():
    return OneForAll

@pytest.fixture(params=["asgi", "asgi-2.4", "http"])
def chatkit_transport(request):
    return request.param

@pytest.fixture(params=["model", "http"], autouse=True)
def boundary(request, chatkit_model, chatkit_openai_api, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    chatkit_model.boundary = request.param

@pytest.fixture
def chatkit_app():
    app, server = FastAPI(), TodoServer(MemoryStore())

    @app.post("/chatkit")
    async def chatkit(request: Request):
        result = await server.process(await request.body(), {})
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app
"""


def test_every_way_to_a_server_and_either_boundary_give_the_golden_file(copied):
    project = copied("todo")
    project.write("todo/conftest.py", TRANSPORTS)
    project.run("todo/test_todo_snapshots.py", "-k", "adds").assert_outcomes(passed=6, deselected=6)


@pytest.mark.parametrize("said", ["everything", "a streaming widget", "an error"])
def test_every_transport_tells_the_same(said, monkeypatch):
    monkeypatch.syspath_prepend(str(RESPONDERS))
    from handwritten.server import HandwrittenServer

    server = HandwrittenServer(MemoryStore())
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        return StreamingResponse(await server.process(await request.body(), {}), media_type="text/event-stream")

    async def told(transport):
        request = create_thread(user_input([{"type": "input_text", "text": said}]))
        live = LiveStream(1, request, new_exchange(None, None), Limits())
        await live.run(transport, {})
        await transport.aclose()
        return full_transcript(live.recorded())

    async def both():
        asgi = AsgiApp(app)
        try:
            return await told(InProcess(server)), await told(AsgiTransport(asgi))
        finally:
            await asgi.aclose()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        in_process, over_http = runner.run(both())
    assert in_process == over_http
    assert in_process.count("\n") > 5
