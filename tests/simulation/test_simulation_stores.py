"""The scenarios about the server's own stores."""

import asyncio
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from chatkit.types import AssistantMessageItem, ThreadMetadata
from store_stage import ROOT, Echo, desk_model, stage

from chatkit_sim import MemoryStore, SQLiteStore
from chatkit_sim.simulation import NotApplicable, ScenarioError
from chatkit_sim.stores import FaultyStore
from chatkit_sim.stores.conformance import ATTACHMENT_PROMISES, PROMISES
from fixtures.broken_stores import BROKEN_STORES
from fixtures.broken_stores.attachment_stores import CutsFileNames, DirectUploads, Uploads
from fixtures.broken_stores.guide import QuickStartStore
from fixtures.stores.sqlite import SQLiteTablesStore

ANN, BEN = {"user": "ann"}, {"user": "ben"}
YESTERDAY = datetime.now() - timedelta(days=1)


class Plain(MemoryStore):
    """A right store that is not chatkit-sim's own."""


def play(slug, server, **options):
    """Play the scenario; the promises that were kept or broken, and why others were not tried."""
    with stage(slug, server, **options) as simulation:
        simulation.play()
        verdict = simulation.bench.judged[-1].verdict
        return verdict.checked, verdict.not_checked


def rows(store):
    """Every table of a database, whole."""
    with closing(store.connect()) as database, database:
        return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in ("threads", "items", "files")}


@pytest.mark.parametrize(
    "make",
    [MemoryStore, lambda: SQLiteStore(":memory:"), lambda: FaultyStore(MemoryStore())],
    ids=["memory", "sqlite", "wrapped"],
)
def test_chatkit_sim_s_own_stores_are_left_out(make):
    with pytest.raises(NotApplicable, match=r"the store is chatkit-sim's own, a (Memory|SQLite)Store"):
        play("store", Echo(make()))


def test_a_right_store_keeps_every_promise():
    checked, not_checked = play("store", lambda: Echo(Plain()))
    assert len(checked) + len(not_checked) == len(PROMISES)
    assert set(not_checked) == {promise.slug for promise in PROMISES if promise.two_users}
    assert "chatkit_other_context" in next(iter(not_checked.values()))


def test_the_desk_s_store_keeps_every_promise_also_between_users(tmp_path):
    from desk.context import DeskContext
    from desk.server import DeskServer
    from desk.store import SQLiteStore as DeskStore

    server = DeskServer(DeskStore(tmp_path / "desk.sqlite3"))
    ada, grace = DeskContext("ada"), DeskContext("grace")
    checked, not_checked = play("store", server, context=ada, model=desk_model(), chatkit_other_context=lambda: grace)

    assert not_checked.keys() == {"any-task-order-is-safe"}  # it works in threads, which nobody can put in order
    assert len(checked) == len(PROMISES) - 1


def test_the_quick_start_store_is_told_what_it_breaks_and_why():
    with pytest.raises(ScenarioError) as caught:
        play("store", Echo(QuickStartStore()))

    text = str(caught.value)
    assert "store  QuickStartStore of Echo" in text
    assert "descending-is-the-exact-reverse: order='desc' is the exact reverse of order='asc'" in text
    assert "Relied on by: chatkit/server.py:" in text
    assert "Remedy: Let add_thread_item upsert by id, as save_item does." in text
    assert "save_attachment raises NotImplementedError: this store has no attachments" in text
    assert [violation.rule for violation in caught.value.violations][:2] == [
        "equal-threads-keep-their-order",
        "whole-thread-is-saved-as-metadata",
    ]


def test_isolation_is_tried_where_there_is_a_second_user():
    leaky = BROKEN_STORES["others-do-not-load-the-items"]
    with pytest.raises(ScenarioError, match="others-do-not-load-the-items"):
        play("store", Echo(leaky()), context=ANN, chatkit_other_context=BEN)
    play("store", Echo(leaky()), context=ANN)


def test_a_database_is_left_as_it_was(tmp_path):
    store = SQLiteTablesStore(tmp_path / "chats.db")
    checked, _ = play("store", Echo(store), context=ANN, chatkit_other_context=BEN)

    assert {"deleted-thread-is-gone", "others-do-not-delete", "any-calls-agree-with-a-model"} <= checked
    assert rows(store) == {"threads": [], "items": [], "files": []}


def test_in_a_database_that_others_use_nothing_is_tried_that_deletes(tmp_path):
    store = SQLiteTablesStore(tmp_path / "chats.db")
    thread = ThreadMetadata(id="thr_old", created_at=YESTERDAY, title="What matters")
    message = AssistantMessageItem(id="msg_old", thread_id="thr_old", created_at=YESTERDAY, content=[])
    asyncio.run(store.save_thread(thread, ANN))
    asyncio.run(store.add_thread_item("thr_old", message, ANN))
    before = rows(store)
    deletes = []
    delete_thread_item = store.delete_thread_item

    async def noted(thread_id, item_id, context):
        deletes.append(item_id)
        await delete_thread_item(thread_id, item_id, context)

    store.delete_thread_item = noted
    checked, not_checked = play("store", Echo(store), context=ANN, chatkit_other_context=BEN)

    assert "the store holds threads from before this run" in not_checked["deleted-item-is-gone"]
    assert {"deleted-thread-is-gone", "others-do-not-delete", "any-calls-agree-with-a-model"} <= not_checked.keys()
    assert {"added-item-is-found", "others-do-not-load-the-thread", "item-pages-join-up"} <= checked
    assert deletes == []
    assert rows(store) == before


def test_what_cannot_be_deleted_again_is_told():
    class Keeps(Plain):
        async def delete_thread(self, thread_id, context):
            raise PermissionError("archived for ten years")

    server = Echo(Keeps())
    with pytest.raises(ScenarioError, match="deleted-thread-is-gone"), stage("store", server) as simulation:
        simulation.play()
    assert "store could not delete from Keeps what it had put there: thr_" in str(simulation.bench.remarks)
    assert "archived for ten years" in simulation.bench.remarks[0]


def test_a_store_behind_the_closed_network_is_not_blamed():
    class Remote(Plain):
        async def save_thread(self, thread, context):
            await asyncio.open_connection("db.example.com", 5432)

    with stage("store", Echo(Remote())) as simulation:
        simulation.play()
        verdict = simulation.bench.judged[-1].verdict
        simulation.bench.guard.blocked.clear()
    assert "reached for db.example.com, and the network is closed" in verdict.not_checked["thread-loads-as-saved"]


def test_a_server_without_an_attachment_store():
    with pytest.raises(NotApplicable, match="has no attachment_store"):
        play("attachment-store", Echo(MemoryStore()))


@pytest.mark.parametrize(("uploads", "breaks"), [(Uploads, None), (CutsFileNames, "odd-file-names-are-kept")])
def test_two_phase_upload(uploads, breaks):
    made = uploads()
    server = Echo(MemoryStore(), made)
    if breaks:
        with pytest.raises(ScenarioError, match=breaks):
            play("attachment-store", server, context=ANN)
    else:
        checked, _ = play("attachment-store", server, context=ANN, chatkit_other_context=BEN)
        assert len(checked) == len(ATTACHMENT_PROMISES) - 1  # there is no direct upload
    assert made.owners == {}


def test_direct_upload_by_the_app_s_own_way():
    uploads = DirectUploads()

    def upload(store, context):
        return store.upload("notes.txt", b"notes", context)

    checked, _ = play("attachment-store", Echo(MemoryStore(), uploads), chatkit_upload=upload)
    assert "uploaded-attachment-is-ready" in checked
    assert uploads.files == {}


CONFTEST = """
import pytest
from todo.server import TodoServer

@pytest.fixture
def chatkit_server({store}):
    return TodoServer({make})
"""


def run(pytester, monkeypatch, conftest, *arguments):
    monkeypatch.syspath_prepend(str(ROOT / "fixtures" / "responders"))
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("COLUMNS", "140")
    pytester.makeconftest(conftest)
    return pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--chatkit-sim", "-rsf", *arguments
    )


def test_pytest_tells_what_the_quick_start_store_breaks(pytester, monkeypatch):
    conftest = "from fixtures.broken_stores.guide import QuickStartStore\n" + CONFTEST.format(
        store="", make="QuickStartStore()"
    )
    result = run(pytester, monkeypatch, conftest, "-k", "store and not faults")

    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "*store  QuickStartStore of TodoServer",
            "41 promises kept, 10 broken, 16 not checked",
            "*item-added-again-is-replaced: add_thread_item with the id of a stored item replaces it*",
            "*Relied on by: chatkit/agents.py*",
            "*Remedy: Let add_thread_item upsert by id, as save_item does.*",
            "violations *",
            "SKIPPED*the server has no attachment_store",
            "FAILED conftest.py::chatkit-sim::store - equal-threads-keep-their-order (the whole test) and 9 more",
        ]
    )


def test_pytest_skips_chatkit_sim_s_own_store(pytester, monkeypatch):
    conftest = CONFTEST.format(store="chatkit_store", make="store=chatkit_store")
    result = run(pytester, monkeypatch, conftest, "-k", "store and not faults")

    result.assert_outcomes(skipped=2, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["SKIPPED*the store is chatkit-sim's own, a MemoryStore, which keeps every promise"])


def test_pytest_gives_the_second_user_and_the_upload_of_the_project(pytester, monkeypatch):
    conftest = """
import pytest
from store_stage import Echo
from chatkit_sim import MemoryStore
from fixtures.broken_stores import BROKEN_STORES
from fixtures.broken_stores.attachment_stores import StillAsksForAnUpload

@pytest.fixture
def chatkit_server():
    return Echo(BROKEN_STORES["others-do-not-load-the-items"](), StillAsksForAnUpload())

@pytest.fixture
def chatkit_context():
    return {"user": "ann"}

@pytest.fixture
def chatkit_other_context():
    return {"user": "ben"}

@pytest.fixture
def chatkit_upload():
    return lambda store, context: store.upload("notes.txt", b"notes", context)
"""
    result = run(pytester, monkeypatch, conftest, "-k", "store and not faults")

    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(["FAILED*::store - others-do-not-load-the-items*"])
    result.stdout.fnmatch_lines(["FAILED*::attachment-store - uploaded-attachment-is-ready*"])
