"""Campaigns in parts, on several machines, with the user's own Hypothesis profile, and on servers that defeat them."""

import shutil
import socket
import subprocess
import time
from datetime import timedelta

import campaign_servers as servers
import pytest
from agents import function_tool
from hypothesis import HealthCheck, Phase, core, settings
from hypothesis.database import DirectoryBasedExampleDatabase, InMemoryExampleDatabase, ReadOnlyDatabase
from simulation_servers import AgentServer, agent

from chatkit_sim.simulation import GOALS, Campaign, CampaignError, run_campaign
from chatkit_sim.simulation.profile import campaign_settings, examples_of, seed_of_part
from chatkit_sim.simulation.scene import World


@pytest.fixture
def profile():
    """Loads a profile of the user's own for one test."""
    before = settings.get_current_profile_name()

    def load(**values):
        settings.register_profile("of-the-user", settings.get_profile("default"), **values)
        settings.load_profile("of-the-user")
        return settings()

    yield load
    settings.load_profile(before)


def campaign(server, goal="conversation", **options):
    goals = {goal.slug: goal for goal in GOALS}
    world = World(server=lambda store: server(store))
    return Campaign(world=world, goal=goals[goal], **{"examples": 12, "most": 1, **options})


def stories(**options):
    """What each conversation of a campaign was about."""
    told = []
    one = campaign(servers.Polite, seed=5, **options)
    one.on_judged = lambda judged: told.append(
        tuple(str(each.turn.request.params.get("input")) for each in judged if each.turn is not None)
    )
    result = one.run()
    return result, [story for story in told if len(story) > 1]


def test_the_parts_of_a_campaign_do_not_do_the_same_work_twice(profile):
    profile(database=None)
    (one, first), (other, second) = stories(part=0, parts=2), stories(part=1, parts=2)
    assert (one.label, other.label) == ("conversation-1-of-2", "conversation-2-of-2")
    assert (one.of, other.of) == (6, 6)
    assert one.seed == other.seed == 5  # the one that a person gives
    assert len(set(first)) > 2
    assert len(set(first) & set(second)) <= 1  # the plainest, with which Hypothesis always begins
    assert stories(part=1, parts=2)[1] == second
    assert len({seed_of_part(5, part) for part in range(100)}) == 100


class Watched(InMemoryExampleDatabase):
    """Notes which keys are asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def fetch(self, key):
        self.asked.append(key)
        return super().fetch(key)


def test_with_a_seed_the_database_is_not_read(profile):
    database = Watched()
    profile(database=database)
    campaign(servers.Polite, seed=1, examples=2).run()
    assert database.asked == []
    campaign(servers.Polite, examples=2).run()
    assert database.asked


def test_hypothesis_own_seed_counts_as_well(profile, monkeypatch):
    database = Watched()
    profile(database=database)
    monkeypatch.setattr(core, "global_force_seed", 77)
    assert campaign(servers.Polite, examples=2).run().seed == 77
    assert database.asked == []


def learns(profile, on_one_machine, on_another):
    """What one part has found, another part on another machine finds at once."""
    profile(database=on_one_machine)
    found = campaign(servers.Trusting, "client-tools", part=0, parts=3, examples=300).run()
    assert found.findings
    profile(database=on_another)
    again = campaign(servers.Trusting, "client-tools", part=2, parts=3, examples=300).run()
    assert again.findings[0].key == found.findings[0].key
    assert again.findings[0].examples == 1


def test_shards_learn_from_each_other_through_a_directory(profile, tmp_path):
    learns(
        profile,
        DirectoryBasedExampleDatabase(tmp_path / "shared"),
        ReadOnlyDatabase(DirectoryBasedExampleDatabase(tmp_path / "shared")),
    )


@pytest.fixture
def redis_server():
    """A real Redis, where one is installed."""
    redis = pytest.importorskip("redis", reason="the package redis is not installed: pip install redis")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server is installed: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clients = []

    def connect():
        clients.append(redis.Redis(port=port))
        return clients[-1]

    try:
        client = connect()
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield connect
    finally:
        for client in clients:
            client.close()
        process.terminate()
        process.wait(10)


def test_shards_learn_from_each_other_through_a_real_redis(profile, redis_server):
    from hypothesis.extra.redis import RedisExampleDatabase

    learns(profile, RedisExampleDatabase(redis_server()), ReadOnlyDatabase(RedisExampleDatabase(redis_server())))


def test_the_users_profile_stays_the_users(profile):
    mine = profile(
        max_examples=7,
        deadline=timedelta(seconds=9),
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.generate, Phase.shrink],
        database=None,
    )
    used = campaign_settings(mine, examples=examples_of(mine), steps=3, database=mine.database)
    assert used.max_examples == 7
    assert used.deadline == timedelta(seconds=9)
    assert list(used.suppress_health_check) == [HealthCheck.too_slow]
    assert list(used.phases) == [Phase.generate]  # stories are reduced as stories
    assert campaign(servers.Polite, examples=None).run().of == 7
    assert campaign(servers.Polite, examples=3).run().of == 3


def test_hypothesis_own_defaults_are_not_meant_for_conversations():
    plain = settings(settings.get_profile("default"), database=None)
    assert campaign_settings(plain, examples=1, steps=1, database=None).deadline is None
    assert examples_of(plain) == 20


def test_a_server_whose_every_turn_fails_ends_the_campaign_early_and_says_so(profile):
    profile(database=None)
    with pytest.raises(CampaignError, match="Not one turn brought anything but an error") as caught:
        run_campaign(campaign(servers.Broken, examples=10_000, most=8, seed=1))
    assert [finding.key[0] for finding in caught.value.findings] == ["no-unexpected-error"]


class Once(servers.Polite):
    """Writes a row that may be there only once."""

    rows = ()

    async def reply_to(self, reply):
        if self.rows:
            raise RuntimeError("UNIQUE constraint failed: orders.id")
        type(self).rows = ("order-1",)
        async for event in super().reply_to(reply):
            yield event


def test_side_effects_that_refuse_to_be_repeated_are_named_for_what_they_are(profile):
    profile(database=None)
    finding = campaign(Once, seed=1).run().findings[0]
    assert finding.leaks
    assert not finding.reproducible
    assert "The very same went well before" in str(finding)
    assert "chatkit_reset" in str(finding)


def test_a_factory_that_raises_is_told_before_anything_is_played():
    with pytest.raises(ConnectionError, match="no database") as caught:
        campaign(servers.NotAServer).run()
    assert caught.value.__notes__ == ["It was raised where the server is made, before any conversation began."]


def test_what_was_found_before_a_factory_raises_is_not_lost():
    made = []

    def make(store):
        made.append(store)
        if len(made) > 60:
            raise ConnectionError("no database any more")
        return servers.Trusting(store)

    world = World(server=lambda store: make(store))
    goals = {goal.slug: goal for goal in GOALS}
    with pytest.raises(ConnectionError) as caught:
        Campaign(world=world, goal=goals["client-tools"], examples=400, most=8, seed=1).run()
    where, *found = caught.value.__notes__
    assert where.startswith("It was raised in conversation ")
    assert "TypeError" in "".join(found)


def test_a_side_effect_that_refuses_to_be_repeated_is_said_to_be_one():
    booked = set()

    @function_tool(failure_error_function=None)
    def book(seat: str) -> str:
        """Book a seat."""
        if seat in booked:
            raise KeyError(f"{seat} is taken")
        booked.add(seat)
        return "booked"

    booking = agent("Assistant", book)
    finding = campaign(lambda store: AgentServer(store, booking), examples=60, seed=1).run().findings[0]
    assert finding.leaks
    assert "a side effect that refuses to be repeated" in str(finding)


def test_a_server_whose_every_request_raises_is_not_tried_for_long():
    class Down(servers.Polite):
        async def process(self, request, context):
            raise RuntimeError("down")

    result = campaign(Down, examples=200, most=8, seed=1).run()
    assert not result.answers
    assert result.examples < 20


def test_the_second_half_tries_what_the_first_did_not_come_to():
    tools = []
    for number in range(20):

        async def tool(name: str) -> str:
            """Do one thing."""
            return name

        tool.__name__ = f"tool_{number}"
        tools.append(function_tool(tool))
    many = agent("Assistant", *tools)
    result = campaign(lambda store: AgentServer(store, many), examples=30, seed=3).run()
    assert result.coverage.never_tried == frozenset()
    assert result.examples == 30
