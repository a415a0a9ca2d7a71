"""A rule that cannot see what it is about says so, and does not pass."""

import pytest
from broken.servers import Handwritten, handwritten
from chatkit.types import ThreadItemDoneEvent
from desk.app import create_app
from rules_listening import listening

from chatkit_sim.rules import ALL_RULES, RELOAD_RULES
from chatkit_sim.stores import MemoryStore

TIMELINE = {rule.slug for rule in ALL_RULES if rule.timeline}


async def answer(reply):
    yield ThreadItemDoneEvent(item=reply.message("Hello."))


class WriteOnly(MemoryStore):
    async def load_thread_items(self, *arguments, **keywords):
        raise NotImplementedError("this app keeps no items")


def verdict_of(server, **options):
    """What is said of a turn."""
    with listening(server, **options) as (client, catalogue):
        client.send("Hello")
    return catalogue.verdicts[0]


def test_what_needs_a_run_where_none_was_observed():
    verdict = verdict_of(handwritten(answer))

    assert verdict.not_checked.keys() == TIMELINE
    assert not verdict.checked & TIMELINE
    partly = {rule.slug for rule in ALL_RULES if rule.timeline == "helps"}
    assert {slug for slug, why in verdict.not_checked.items() if "checked by the events alone" in why} == partly


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"reload_check": False}, "the thread was not read back after the turn"),
        ({"store": WriteOnly()}, "the store cannot be read: NotImplementedError: this app keeps no items"),
    ],
    ids=["reload-off", "no-load-thread-items"],
)
def test_what_is_stored_where_it_cannot_be_read(options, why):
    verdict = verdict_of(handwritten(answer), **options)

    assert {verdict.not_checked[slug] for slug in RELOAD_RULES} == {why}
    assert not verdict.checked & RELOAD_RULES
    assert not verdict.violations


@pytest.mark.parametrize(
    ("transport", "unseen"),
    [
        ("asgi", {"no-work-after-cancel"}),
        ("http", {"no-work-after-cancel", "no-leaked-tasks", "cancellation-comes-through"}),
    ],
)
def test_what_goes_on_in_a_server_behind_http(transport, unseen):
    app = create_app(Handwritten(MemoryStore(), answer))
    verdict = verdict_of(None, app=app, transport=transport, headers={"x-user-id": "ada"})

    assert not verdict.violations
    assert verdict.not_checked.keys() - TIMELINE == unseen
    assert all("reached over HTTP" in verdict.not_checked[slug] for slug in unseen)
    assert not verdict.checked & unseen


def test_a_second_user_where_none_tried():
    with listening(handwritten(answer)) as (client, catalogue):
        client.send("Hello")
    assert "chatkit_other_context" in catalogue.verdicts[-1].not_checked["isolation"]
    assert all("isolation" not in verdict.checked for verdict in catalogue.verdicts)
