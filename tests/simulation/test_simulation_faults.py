"""The scenario in which the store fails at one call after the other."""

import asyncio
import logging
from contextlib import closing

import pytest
from chatkit.types import ErrorEvent, FileAttachment
from store_stage import ROOT, Echo, desk_model, stage

from chatkit_sim import MemoryStore
from chatkit_sim.simulation import NotApplicable, ScenarioError
from chatkit_sim.simulation.fault_scenarios import walk_faults
from fixtures.stores.sqlite import SQLiteTablesStore

PLAIN = {"a plain reply": 6, "a retry": 7}


def walk(server, most=1000, **options):
    with stage("store-faults", server, **options) as simulation:
        return walk_faults(simulation, most)


def damage(server, **options):
    """The rules that are broken after a failure of the store, with the story of each."""
    return {one.violations[0].rule: one for one in walk(server, **options).damages}


def test_a_server_that_lets_the_failure_out_gets_over_every_one():
    report = walk(Echo(MemoryStore()))
    assert not report.damages
    assert report.calls == PLAIN
    assert report.tried == report.possible == 3 * sum(PLAIN.values())
    assert str(report) == "39 of 39 possible faults of the store were tried"


def test_of_many_faults_some_are_tried_in_every_conversation_and_in_each_way(monkeypatch):
    from chatkit_sim.simulation import fault_scenarios

    walked = []
    monkeypatch.setattr(fault_scenarios._Walks, "walk", lambda self, failure: walked.append(failure) or True)
    report = walk(Echo(MemoryStore()), most=13)

    assert str(report) == "13 of 39 possible faults of the store were tried, evenly spread"
    assert [(failure.flow.title, failure.call) for failure in walked] == [
        (title, call) for title, count in PLAIN.items() for call in range(1, count + 1)
    ]
    assert {failure.how for failure in walked} == {"before", "after", "lost"}


def test_the_guide_s_todo_server_gets_over_every_failure():
    from todo.server import TodoServer

    report = walk(lambda: TodoServer(MemoryStore()), most=40)
    assert not report.damages
    assert "the client tool add_to_todo_list" in report.calls


def test_a_hundred_faults_at_every_call_of_the_desk_s_scenarios_and_nothing_is_lost(tmp_path):
    from desk.context import DeskContext
    from desk.server import DeskServer
    from desk.store import SQLiteStore

    server = DeskServer(SQLiteStore(tmp_path / "desk.sqlite3"))
    report = walk(server, most=100, context=DeskContext("ada"), model=desk_model())

    assert not report.damages
    assert report.tried == 100
    assert report.calls.keys() == {
        "a plain reply",
        "the client tool confirm_create_document",
        "a handoff to Billing",
        "a retry",
    }


def test_what_is_swallowed_and_breaks_the_next_turn_is_found():
    class Files(Echo):
        async def respond(self, thread, input_user_message, context):
            if "file" in thread.metadata:
                await self.store.load_attachment(thread.metadata["file"], context)
            file = FileAttachment(id=f"atc_{thread.id}", name="talk.txt", mime_type="text/plain")
            try:
                await self.store.save_attachment(file, context)
            except ConnectionError:
                logging.getLogger("files").warning("No file this time")
            thread.metadata = {"file": file.id}
            yield self.message(thread, context, "You wrote.")

    found = damage(Files(MemoryStore()))["no-unexpected-error"]
    assert "save_attachment of file, fails, and nothing is written" in found.story
    assert "page   is told of nothing: the response ends as if all were well" in found.story
    assert "page   is reloaded\n  user   'Thank you.'" in found.story
    assert "NotFoundError" in str(found.violations[0])


def test_a_swallowed_failure_that_loses_an_answer_is_found():
    class Silent(Echo):
        async def respond(self, thread, input_user_message, context):
            answer = self.message(thread, context, "You wrote.")
            yield answer
            try:
                await self.store.delete_thread_item(thread.id, answer.item.id, context)
                await self.store.add_thread_item(thread.id, answer.item, context)
            except ConnectionError:
                return

    found = damage(Silent(MemoryStore()))
    assert "gone" in str(found["reload-matches-live-view"].violations[0])


def test_an_answer_lost_behind_an_error_event_is_found_as_well():
    class Rewrites(Echo):
        async def respond(self, thread, input_user_message, context):
            answer = self.message(thread, context, "You wrote.")
            yield answer
            await self.store.delete_thread_item(thread.id, answer.item.id, context)
            await self.store.add_thread_item(thread.id, answer.item, context)

    found = damage(Rewrites(MemoryStore()))
    assert "done on the page, and gone after a reload" in str(found["nothing-lost"].violations[0])
    assert "page   shows an error" in found["nothing-lost"].story


def test_an_error_of_the_app_s_own_is_a_clean_end():
    class Says(Echo):
        async def respond(self, thread, input_user_message, context):
            try:
                await self.store.load_thread_items(thread.id, None, 20, "desc", context)
            except ConnectionError:
                yield ErrorEvent(message="Please try again.", allow_retry=True)
            else:
                yield self.message(thread, context, "You wrote.")

    assert not damage(Says(MemoryStore()))


def test_a_response_that_hangs_is_found_and_ends_the_walk():
    class Waits(Echo):
        async def respond(self, thread, input_user_message, context):
            ready = asyncio.Event()

            async def load():
                await self.store.load_thread_items(thread.id, None, 20, "desc", context)
                ready.set()

            task = asyncio.create_task(load())
            await ready.wait()
            await task
            yield self.message(thread, context, "You wrote.")

    report = walk(Waits(MemoryStore()), seconds=0.2)
    assert [one.violations[0].rule for one in report.damages] == ["turn-ends"]
    assert report.tried < report.possible


def test_a_failure_out_of_the_stream_is_blamed_on_who_called_the_store():
    class Audits(Echo):
        async def process(self, request, context):
            result = await super().process(request, context)
            return self.audited(result, context) if hasattr(result, "json_events") else result

        async def audited(self, result, context):
            async for chunk in result.json_events:
                yield chunk
            await self.store.load_threads(1, None, "desc", context)

    class Watched(Audits):
        def audited(self, result, context):
            from chatkit.server import StreamingResult

            return StreamingResult(super().audited(result, context))

    found = damage(Watched(MemoryStore()))
    assert list(found) == ["stream-ends-cleanly"]  # what ChatKit's own calls raise is no news
    assert "in audited" in str(found["stream-ends-cleanly"].violations[0])


def test_what_is_wrong_without_any_failure_is_for_other_scenarios():
    class Broken(Echo):
        async def respond(self, thread, input_user_message, context):
            raise LookupError("no answer at all")
            yield

    assert not damage(Broken(MemoryStore()))


def test_the_store_is_put_back_and_left_empty(tmp_path):
    store = SQLiteTablesStore(tmp_path / "chats.db")
    server = Echo(store)
    walk(server, most=13)

    assert server.store is store
    with closing(store.connect()) as database, database:
        assert database.execute("SELECT count(*) FROM threads").fetchone() == (0,)


def test_a_store_that_cannot_be_replaced():
    class Fixed(Echo):
        @property
        def store(self):
            return self.kept

        @store.setter
        def store(self, store):
            if hasattr(self, "kept"):
                raise AttributeError("the store is fixed")
            self.kept = store

    with pytest.raises(NotApplicable, match="cannot be replaced: the store is fixed"):
        walk(Fixed(MemoryStore()))


def test_the_scenario_tells_of_each_damage():
    class Forgets(Echo):
        async def respond(self, thread, input_user_message, context):
            answer = self.message(thread, context, "You wrote.")
            yield answer
            await self.store.delete_thread_item(thread.id, answer.item.id, context)
            await self.store.add_thread_item(thread.id, answer.item, context)

    with (
        pytest.raises(ScenarioError, match="nothing-lost") as caught,
        stage("store-faults", Forgets(MemoryStore())) as simulation,
    ):
        simulation.play()
    assert "assistant_message, fails, and nothing is written" in str(caught.value)
    assert any("nothing-lost" in one.rule for judged in simulation.bench.judged for one in judged.raised)


def test_pytest_tells_of_each_damage_and_how_many_faults_were_tried(pytester, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    pytester.makeconftest("""
import pytest
from chatkit.types import ThreadItemDoneEvent
from store_stage import Echo

class Rewrites(Echo):
    async def respond(self, thread, input_user_message, context):
        answer = self.message(thread, context, "You wrote.")
        yield answer
        for _ in range(4):
            await self.store.load_thread(thread.id, context)
        await self.store.delete_thread_item(thread.id, answer.item.id, context)
        await self.store.add_thread_item(thread.id, answer.item, context)

@pytest.fixture
def chatkit_server(chatkit_store):
    return Rewrites(chatkit_store)
""")
    plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result = pytester.runpytest_inprocess(*plugins, "--chatkit-sim", "-k", "store-faults")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "store-faults: The store fails at one call after the other*",
            "  store  fails in a plain reply",
            "  user   'Hello!'",
            "  store  call * of *, add_thread_item of assistant_message, *",
            "  page   shows an error",
            "*nothing-lost*",
            "*store-faults: 48 of * possible faults of the store were tried, evenly spread*",
        ]
    )
    result.stdout.no_fnmatch_line("*as planned*Traceback*")
