"""Around the conversation: the list of threads, titles, feedback, dictation, the composer's choices, locked threads."""

import pytest
from chatkit.types import ClosedStatus, LockedStatus, Page, TranscriptionResult
from client_pages import PageServer

from chatkit_sim import MemoryStore, Policies, SimulatedClient, UsageError
from chatkit_sim.client import ComposerModel, ComposerTool, Entity, Frontend


@pytest.fixture
def client_of():
    clients = []

    def make(server=None, **options):
        clients.append(SimulatedClient(server or PageServer(), **options))
        return clients[-1]

    yield make
    for client in clients:
        client._core.bench.close()


class TestThreads:
    def test_they_are_listed_newest_first_and_opened(self, client_of):
        client = client_of()
        client.send("one")
        first = client.thread_id
        client.new_thread()
        assert (client.thread_id, client.view.items) == (None, ())
        client.send("two")
        assert [thread.id for thread in client.threads()] == [client.thread_id, first]
        assert [thread.id for thread in client.threads(order="asc")] == [first, client.thread_id]
        view = client.open(first)
        assert [item.type for item in view.items] == ["user_message", "assistant_message"]
        assert client.view == view
        client.send("three")
        assert client.thread_id == first
        assert len(client.view.items) == 4

    def test_small_pages_are_followed_to_the_end(self, client_of):
        client = client_of()
        for number in range(5):
            client.send(str(number), new_thread=True)
        assert len(client.threads(limit=2)) == 5

    def test_a_list_without_an_end_is_an_error(self, client_of):
        class Looping(MemoryStore):
            async def load_threads(self, limit, after, order, context):
                return Page(data=[], has_more=True, after="again")

        with pytest.raises(UsageError, match="after 'again', where it was already"):
            client_of(PageServer(store=Looping())).threads()

    def test_a_title_is_changed_here_and_there(self, client_of):
        client = client_of()
        client.send("one")
        first = client.threads()[0]
        assert client.rename("Groceries").title == "Groceries"
        assert client.view.thread.title == "Groceries"
        client.send("two", new_thread=True)
        client.rename("Old", thread=first)
        assert client.view.thread.title is None
        assert [thread.title for thread in client.threads()] == [None, "Old"]

    def test_a_deleted_thread_gives_way_to_a_new_one(self, client_of):
        client = client_of()
        client.send("one")
        first = client.thread_id
        client.send("two", new_thread=True)
        second = client.thread_id
        client.delete(first)
        assert client.thread_id == second
        client.delete()
        assert (client.thread_id, client.threads()) == (None, ())
        with pytest.raises(UsageError, match=r"delete\(\) needs a thread"):
            client.delete()

    def test_a_thread_that_is_not_there_is_the_servers_error(self, client_of):
        with pytest.raises(Exception, match="thr_nope"):
            client_of().open("thr_nope")


class TestFeedback:
    def test_it_is_about_the_answer(self, client_of):
        client = client_of()
        first = client.send("one")
        client.send("two")
        client.feedback("positive")
        client.feedback("negative", first)
        client.feedback("negative", first.items[0])
        client.feedback("positive", ["a", first.items[0]])
        ids = [item.id for item in client.view.items if item.type == "assistant_message"]
        assert [(items, kind) for _, items, kind in client._core.bench.server.feedback] == [
            ([ids[1]], "positive"),
            ([ids[0]], "negative"),
            ([ids[0]], "negative"),
            (["a", ids[0]], "positive"),
        ]

    def test_it_needs_an_answer_and_buttons(self, client_of):
        async def silent(server, thread, message, context):
            return
            yield

        client = client_of(PageServer(silent))
        with pytest.raises(UsageError, match=r"feedback\(\) needs a thread"):
            client.feedback("positive")
        client.send("one")
        with pytest.raises(UsageError, match="There is no answer"):
            client.feedback("positive")
        with pytest.raises(UsageError, match="not 'meh'"):
            client.feedback("meh")
        with pytest.raises(UsageError, match="no feedback buttons"):
            client_of(frontend=Frontend()).feedback("positive")


class TestDictation:
    class Server(PageServer):
        async def transcribe(self, audio_input, context):
            return TranscriptionResult(text=f"{audio_input.data.decode()} as {audio_input.media_type}")

    def test_audio_becomes_text(self, client_of):
        client = client_of(self.Server())
        assert client.transcribe(b"hello") == "hello as audio/webm"
        assert client.transcribe(b"hello", "audio/mp4") == "hello as audio/mp4"

    def test_what_no_browser_records_is_refused(self, client_of):
        client = client_of(self.Server())
        with pytest.raises(UsageError, match=r"records audio/webm;codecs=opus, audio/mp4.*not 'audio/wav'"):
            client.transcribe(b"hello", "audio/wav")
        assert client.transcribe(b"hello", "audio/wav", force=True) == "hello as audio/wav"
        with pytest.raises(UsageError, match="no microphone"):
            client_of(self.Server(), frontend=Frontend()).transcribe(b"hello")


class TestComposer:
    FRONTEND = Frontend(
        tools=["once", ComposerTool(id="stays", persistent=True)],
        models=[
            ComposerModel(id="small"),
            ComposerModel(id="big", default=True),
            ComposerModel(id="off", disabled=True),
        ],
        entities=[Entity(id="doc_1", title="Report", group="Documents", data={"page": "3"})],
    )

    def choices(self, client):
        options = [message.inference_options for message in client._core.bench.server.messages]
        return [(one.tool_choice and one.tool_choice.id, one.model) for one in options]

    def test_a_tool_is_chosen_for_one_message_unless_it_is_persistent(self, client_of):
        client = client_of(frontend=self.FRONTEND)
        client.send("1", tool_choice="once")
        client.send("2")
        client.send("3", tool_choice="stays")
        client.send("4")
        client.send("5", tool_choice=None)
        client.send("6")
        assert [tool for tool, _ in self.choices(client)] == ["once", None, "stays", "stays", None, None]

    def test_a_model_stays_chosen_and_the_default_is_sent(self, client_of):
        client = client_of(frontend=self.FRONTEND)
        for chosen in ({}, {"model": "small"}, {}, {"model": None}, {}):
            client.send("x", **chosen)
        assert [model for _, model in self.choices(client)] == ["big", "small", "small", None, None]

    def test_by_policy_the_default_is_left_to_the_server(self, client_of):
        client = client_of(frontend=self.FRONTEND, policies=Policies(default_model="left-out"))
        client.send("x")
        assert self.choices(client) == [(None, None)]

    def test_a_page_that_was_not_declared_keeps_nothing(self, client_of):
        client = client_of()
        client.send("1", tool_choice="any", model="thing")
        client.send("2")
        assert self.choices(client) == [("any", "thing"), (None, None)]

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"tool_choice": "other"}, r"offers no tool 'other'; it offers 'once', 'stays' \(Frontend"),
            ({"model": "other"}, "offers no model 'other'; it offers 'small', 'big', 'off'"),
            ({"model": "off"}, "shows the model 'off' as disabled"),
        ],
    )
    def test_what_the_page_does_not_offer_cannot_be_chosen(self, client_of, options, says):
        with pytest.raises(UsageError, match=says):
            client_of(frontend=self.FRONTEND).send("x", **options)

    def test_an_entity_is_sent_as_a_tag(self, client_of):
        client = client_of(frontend=self.FRONTEND)
        client.send(["Summarize ", self.FRONTEND.entities[0]])
        tag = client._core.bench.server.messages[0].content[1]
        assert (tag.id, tag.text, tag.data, tag.group) == ("doc_1", "Report", {"page": "3"}, "Documents")
        with pytest.raises(UsageError, match="offers no entity 'doc_2'; it offers 'doc_1'"):
            client.send(Entity(id="doc_2", title="Secret"))

    def test_a_tag_always_has_data_and_a_search_finds_what_it_likes(self, client_of):
        client = client_of(frontend=Frontend(entities=lambda query: []))
        client.send([{"type": "input_tag", "id": "x", "text": "X"}])
        assert client._core.bench.server.messages[0].content[0].data == {}

    def test_retry_needs_its_button(self, client_of):
        client = client_of(frontend=Frontend())
        client.send("x")
        with pytest.raises(UsageError, match="no retry button"):
            client.retry()
        client = client_of(frontend=Frontend(retry=True))
        client.send("x")
        assert client.retry().text == "ok"

    def test_ids_are_unique(self):
        with pytest.raises(UsageError, match="one id twice: a, a"):
            Frontend(tools=["a", "a"])
        with pytest.raises(UsageError, match='is "two_phase" or DirectUpload'):
            Frontend(upload="direct")
        with pytest.raises(UsageError, match=r"Policies\(put_upload=\.\.\.\) is one of 'raw', 'multipart', not 'odd'"):
            Policies(put_upload="odd")


class TestLockedThreads:
    @pytest.mark.parametrize(
        ("status", "says"),
        [
            (LockedStatus(reason="Escalated"), r"is locked \(Escalated\), so the page disables its composer"),
            (ClosedStatus(), "is closed, so the page shows a banner instead of the composer"),
        ],
    )
    def test_they_take_no_message_unless_it_is_forced(self, client_of, status, says):
        async def respond(server, thread, message, context):
            thread.status = status
            yield server.says(thread, "ok")

        client = client_of(PageServer(respond))
        client.send("one")
        with pytest.raises(UsageError, match=says):
            client.send("two")
        assert client.send("two", force=True).text == "ok"
        client.open(client.thread_id)
        with pytest.raises(UsageError, match=says):
            client.stream("three")
        assert client.send("elsewhere", new_thread=True).text == "ok"
