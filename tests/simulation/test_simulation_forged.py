"""Broken clients, further workers, attached files: what campaigns make of them."""

import campaign_servers as servers
import pytest
from broken_stores.attachment_stores import Uploads
from chatkit.types import ThreadItemDoneEvent
from todo.server import TodoServer

from chatkit_sim import MemoryStore, SimulatedClient, UsageError, ViolationError, says
from chatkit_sim.client.frontend import AttachmentLimits, Frontend
from chatkit_sim.simulation import FORGERIES, GOALS, HOSTILE, KINDS, Campaign, Goal, forge, two_workers
from chatkit_sim.simulation.moves import Forge, Send, Workers
from chatkit_sim.simulation.scene import World

pytestmark = pytest.mark.usefixtures("no_database")


def campaign(server, kinds, examples=60, **options):
    goal = Goal("test", "A test.", kinds)
    world = World(server=server, options=options)
    return Campaign(world=world, goal=goal, examples=examples, seed=1, most=1)


class Eager(servers.Polite):
    """Stores what it is sent before it looks at it."""

    async def process(self, request, context):
        if b"threads.explode" in request:
            thread_id = request.decode().partition('"thread_id":"')[2].partition('"')[0]
            thread = await self.store.load_thread(thread_id, context)
            message = await self.store.load_thread_items(thread_id, None, 1, "desc", context)
            await self.store.add_thread_item(thread.id, message.data[0].model_copy(update={"id": "garbage"}), context)
        return await super().process(request, context)


class Upset(servers.Polite):
    """Never gets over an action that it does not know."""

    upset = False

    async def action(self, thread, action, sender, context):
        self.upset = True
        raise LookupError(action.type)
        yield

    async def reply_to(self, reply):
        if self.upset:
            raise RuntimeError("still upset")
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))


class Recalling(servers.Polite):
    """Keeps in its memory which client tool it asked for, where another worker does not find it."""

    def __init__(self, store):
        super().__init__(store)
        self.asked = {}

    async def reply_to(self, reply):
        if reply.asked is not None:
            self.asked[reply.thread.id] = "confirm"
            yield reply.call("confirm")
        else:
            yield ThreadItemDoneEvent(item=reply.message(f"Thank you for {self.asked.pop(reply.thread.id)}."))


def test_what_was_refused_must_not_change_anything():
    with SimulatedClient(lambda store: Eager(store)) as client:
        client.send("Hello")
        with pytest.raises(
            ViolationError, match=r"refused-request-changes-nothing[\s\S]*\"garbage\" \(assistant_message"
        ):
            forge(client, "a request of an unknown type")


def test_everything_that_can_be_forged_is_refused_by_a_good_server():
    with SimulatedClient(lambda store: TodoServer(store)) as client:
        client.model.otherwise(lambda caller, call: says("Yes."))
        client.send("Hello")
        done = []
        for kind in FORGERIES:
            try:
                forge(client, kind)
            except UsageError:  # nothing of the kind is on show
                continue
            done.append(kind)
        assert len(done) > 10
        assert client.send("Still there?").text == "Yes."


def test_a_kind_that_is_not_known_is_refused():
    with SimulatedClient(lambda store: servers.Polite(store)) as client:
        client.send("Hello")
        with pytest.raises(UsageError, match=r"Nothing is known of 'a bang'"):
            forge(client, "a bang")


def test_what_a_broken_client_leaves_behind_is_found():
    finding = campaign(lambda store: Upset(store), ("send", *HOSTILE)).run().findings[0]
    assert finding.key[0] == "no-unexpected-error"
    assert finding.reproducible
    assert [type(played.move) for played in finding.story] == [Send, Forge, Send]
    assert "a broken client of the user sends an action that nobody knows" in str(finding)
    assert 'forge(chatkit_client, "an action that nobody knows")' in finding.test
    assert "from chatkit_sim.simulation import forge" in finding.test


def test_only_hostile_campaigns_forge():
    assert not set(HOSTILE) & set(KINDS)
    assert all(not set(HOSTILE) & set(goal.kinds) for goal in GOALS)
    assert all(set(HOSTILE) <= set(goal.hostile().kinds) for goal in GOALS)


def test_a_turn_goes_on_in_another_worker():
    def confirm(question):
        return True

    with SimulatedClient(lambda store: servers.Asking(store)) as client:
        client.client_tool(confirm)
        two_workers(client)
        assert [client.send("Go").text for _ in range(2)] == ["Done.", "Done."]


def test_what_another_worker_does_not_find_is_found():
    finding = campaign(lambda store: Recalling(store), ("send", "workers")).run().findings[0]
    assert [type(played.move) for played in finding.story] == [Workers, Send]
    assert "the requests of the user go to two workers in turn" in str(finding)
    assert "two_workers(chatkit_client)" in finding.test


def test_a_server_that_was_made_already_is_the_only_worker():
    server = servers.Polite(MemoryStore())
    with SimulatedClient(server) as client, pytest.raises(UsageError, match="one worker only"):
        two_workers(client)


class Reading(servers.Polite):
    """Reads the files that come with a message, as long as they are texts."""

    def __init__(self, store):
        super().__init__(store)
        self.attachment_store = Uploads()

    async def reply_to(self, reply):
        for file in reply.asked.attachments:
            if file.mime_type != "text/plain":
                raise TypeError(f"no reader for {file.mime_type}")
        yield ThreadItemDoneEvent(item=reply.message("Hello!"))


@pytest.mark.parametrize(("limits", "found"), [({"text/plain": [".txt"]}, False), ({"application/pdf": []}, True)])
def test_files_are_attached_as_the_page_allows(limits, found):
    frontend = Frontend(attachments=AttachmentLimits(max_count=2, accept=limits))
    one = campaign(lambda store: Reading(store), ("send",), frontend=frontend, examples=15)
    sent = []
    one.on_judged = lambda judged: sent.extend(one.turn.before for one in judged if one.turn is not None)
    result = one.run()
    assert bool(result.findings) is found
    assert sent
    if found:
        (played,) = result.findings[0].story
        assert [file.mime_type for file in played.move.files] == ["application/pdf"]
        assert 'attachments=[chatkit_client.request("attachments.create", name=' in result.findings[0].test
