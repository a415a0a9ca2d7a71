"""The server over HTTP, and what the page brings, by fixtures."""

import json

import pytest
from plugin_projects import TODO

APP = """
import pytest
from desk.app import create_app
from desk.server import DeskServer
from desk.store import SQLiteStore
from chatkit_sim import says

@pytest.fixture
def chatkit_app(tmp_path):
    return create_app(DeskServer(SQLiteStore(tmp_path / "desk.sqlite3")))

@pytest.fixture
def chatkit_headers():
    return {"x-user-id": "ada"}

@pytest.fixture
def chatkit_model(chatkit_model):
    chatkit_model.agent("Title generator").always(says("A question"))
    chatkit_model.agent("Topic check").always(says('{"on_topic": true, "reason": "A question."}'))
    return chatkit_model
"""

HELLO = """
from chatkit_sim import says

def test_hello(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello"))
    turn = chatkit_client.send("Hi")
    assert turn.text == "Hello"
    assert turn.timeline.observed
"""


@pytest.mark.parametrize("transport", ["asgi", "http"])
def test_an_app_is_enough(project, transport):
    project.write("conftest.py", APP)
    way = f"import pytest\n\n@pytest.fixture\ndef chatkit_transport():\n    return {transport!r}\n"
    project.write("test_hello.py", HELLO + way)
    project.run().assert_outcomes(passed=1)


def test_without_the_right_header_the_app_says_no(project):
    project.write("conftest.py", APP.replace('{"x-user-id": "ada"}', "{}"))
    project.write("test_hello.py", HELLO)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r".*answered with status 401.*"])


def test_the_page_may_refuse_what_it_does_not_offer(project):
    project.write(
        "conftest.py",
        TODO
        + """
from chatkit_sim import ComposerModel, Frontend

@pytest.fixture
def chatkit_frontend():
    return Frontend(models=[ComposerModel(id="gpt-5")])
""",
    )
    project.write(
        "test_models.py",
        """
import pytest
from chatkit_sim import UsageError, says

def test_models(chatkit_client, chatkit_model):
    chatkit_model.script(says("Hello"))
    with pytest.raises(UsageError, match="gpt-6"):
        chatkit_client.send("Hi", model="gpt-6")
    assert chatkit_client.send("Hi", model="gpt-5").text == "Hello"
""",
    )
    project.run().assert_outcomes(passed=1)


def test_reading_back_can_be_switched_off(todo):
    todo.write("pytest.ini", "[pytest]\nchatkit_reload = off\n")
    todo.write(
        "test_reading.py",
        """
from chatkit_sim import says

def test_no_more_requests_than_the_turn_needs(chatkit_client, chatkit_model, chatkit_store):
    listed = []
    load = chatkit_store.load_thread
    async def load_thread(*arguments, **keywords):
        listed.append(arguments)
        return await load(*arguments, **keywords)
    chatkit_store.load_thread = load_thread
    chatkit_model.script(says("Hello"))
    chatkit_client.send("Hi")
    assert listed == []
""",
    )
    todo.run().assert_outcomes(passed=1)


def test_a_word_that_is_neither_on_nor_off_is_refused(todo):
    result = todo.run("-o", "chatkit_reload=maybe")
    result.stderr.re_match_lines([r".*chatkit_reload is 'maybe'; it can be on or off.*"])


TODO_APP = """
import pytest
from chatkit_sim import Frontend
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from hypothesis import strategies as st
from todo.server import TodoServer

@pytest.fixture
def chatkit_app(chatkit_store):
    server, app = TodoServer(chatkit_store), FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), {})
        streams = hasattr(result, "json_events")
        return StreamingResponse(result, media_type="text/event-stream") if streams else Response(result.json)

    return app

@pytest.fixture
def chatkit_frontend():
    return Frontend(client_tools={"add_to_todo_list": st.sampled_from([{"added": 7}, {"added": 8}])})
"""


OTHER = """
@pytest.fixture
def chatkit_other_headers():
    return {"x-user-id": "grace"}
"""


def test_a_second_user_of_an_app_is_one_with_other_headers(project):
    project.write("conftest.py", TODO_APP + OTHER)  # it takes everybody for the same user
    result = project.run("--chatkit-sim", "-k", "isolation and not campaign")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*isolation  *", "*threads.get_by_id*"])
    project.write("conftest.py", TODO_APP)
    result = project.run("--chatkit-sim", "-rs", "-k", "isolation and not campaign")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*override the fixture chatkit_other_headers*"])


def test_campaigns_have_that_second_user_too(project):
    refuses = 'assert "x-user-id" not in request.headers, "no row for grace"\n        result ='
    project.write("conftest.py", TODO_APP.replace("result =", refuses) + OTHER)
    options = ("--chatkit-sim-examples", "40", "--chatkit-sim-seed", "1")
    result = project.run("--chatkit-sim", *options, "-k", "campaign-two-clients")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*another user comes", "*chatkit_client.another(headers=chatkit_other_headers)"])


def test_an_app_is_simulated_with_the_page_that_was_declared(project):
    project.write("conftest.py", TODO_APP)
    names = "plain-reply or client-tool-answered or retry or campaign-client-tools"
    options = ("--chatkit-sim-examples", "4", "--chatkit-sim-seed", "1", "--chatkit-sim-report", "report")
    result = project.run("--chatkit-sim", *options, "-rs", "-k", names)
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["*the page has no retry button: Frontend(retry=True)*"])
    report = json.loads(project.path.joinpath("report", "report.json").read_text())
    turns = [turn for test in report["tests"] for turn in test["turns"]]
    posted = [stream["call"]["output"] for turn in turns for stream in turn["streams"] if stream["call"]]
    assert posted
    assert all(output == {"added": 7} for output in posted)  # the simplest: scenarios are the same on every run
