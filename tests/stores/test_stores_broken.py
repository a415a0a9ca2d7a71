"""Each promise has a store that breaks it, and the kit names just that promise."""

import asyncio
import textwrap
from functools import cache

import pytest
from chatkit.store import NotFoundError

from chatkit_sim.stores import MemoryStore
from chatkit_sim.stores.conformance import (
    ATTACHMENT_PROMISES,
    PROMISES,
    OrderedLoop,
    check_attachment_store,
    check_store,
)
from fixtures.broken_stores import BROKEN_ATTACHMENT_STORES, BROKEN_STORES
from fixtures.broken_stores.concurrency import TakesLocksInAnyOrder
from fixtures.broken_stores.guide import QuickStartStore
from fixtures.broken_stores.whole import NeverTakesBackWhatWasDeleted

ANN, BEN = {"user": "ann"}, {"user": "ben"}


def run(check):
    with asyncio.Runner(loop_factory=OrderedLoop) as runner:
        return runner.run(check)


def slugs(errors):
    return [error.promise.slug for error in errors]


@cache
def report_of(promise):
    users = (ANN, BEN) if promise.two_users else ()
    return run(check_store(BROKEN_STORES[promise.slug], *users))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.slug)
def test_a_store_that_breaks_one_promise_is_told_just_that(promise):
    report = report_of(promise)

    assert slugs(report.broken) == [promise.slug], str(report)


def test_every_broken_store_belongs_to_a_promise():
    assert set(BROKEN_STORES) == {promise.slug for promise in PROMISES}
    assert set(BROKEN_ATTACHMENT_STORES) == {promise.slug for promise in ATTACHMENT_PROMISES}


@pytest.mark.parametrize("promise", ATTACHMENT_PROMISES, ids=lambda promise: promise.slug)
def test_an_attachment_store_that_breaks_one_promise_is_told_just_that(promise):
    report = run(check_attachment_store(context=ANN, other_context=BEN, **BROKEN_ATTACHMENT_STORES[promise.slug]()))

    assert slugs(report.broken) == [promise.slug], str(report)


@pytest.mark.parametrize(
    ("slug", "came_back"),
    [
        ("deleted-upload-may-be-deleted-again", "from its owner's second delete_attachment: KeyError"),
        ("deleted-upload-leaves-the-others", "the owner's later delete_attachment of the second: chatkit.store.Not"),
        ("others-do-not-delete-the-upload", "from the owner's own, later delete_attachment: chatkit.store.NotFound"),
    ],
)
def test_the_message_says_whose_request_found_it(slug, came_back):
    report = run(check_attachment_store(context=ANN, other_context=BEN, **BROKEN_ATTACHMENT_STORES[slug]()))

    (error,) = report.broken
    assert came_back in " ".join(error.came_back.split())


def test_a_deadlock_is_named_after_a_while():
    stuck = [promise for promise in PROMISES if promise.slug == "concurrent-changes-are-all-kept"]

    report = run(check_store(TakesLocksInAnyOrder, promises=stuck, patience=0.3))

    (error,) = report.broken
    assert "nothing in 0.3 s: a deadlock" in str(error)
    assert "save_item(thread, message 0)" in str(error)


class TestTheWrittenTest:
    """What the kit prints after a search: the shortest calls, as a test that can be pasted."""

    @pytest.fixture
    def broken(self):
        search = next(promise for promise in PROMISES if promise.slug == "any-calls-agree-with-a-model")
        (error,) = report_of(search).broken
        return error

    def test_has_the_shortest_sequence_of_calls(self, broken):
        calls = [line for line in broken.test.splitlines() if line.strip().startswith(("await store", "loaded ="))]
        save, add, delete, again, load = (call.split("store.")[1].split("(")[0] for call in calls)
        assert (save, add, delete, load) == ("save_thread", "add_thread_item", "delete_thread_item", "load_item")
        assert again in ("add_thread_item", "save_item")
        assert textwrap.indent(broken.test, "    ", lambda line: line.strip()).rstrip() in str(broken)

    def test_fails_on_the_store_and_passes_on_a_right_one(self, broken):
        pasted: dict = {}
        exec(broken.test, pasted)

        pasted["test_store_calls"](MemoryStore())
        with pytest.raises(NotFoundError, match="no item"):
            pasted["test_store_calls"](NeverTakesBackWhatWasDeleted())


class TestTheGuidesQuickStartStore:
    """What ChatKit's quick start prints as a store, and apps copy."""

    @pytest.fixture(scope="class")
    @classmethod
    def report(cls):
        return run(check_store(QuickStartStore))

    def test_breaks_these_promises(self, report):
        assert slugs(report.broken) == [
            "equal-threads-keep-their-order",
            "whole-thread-is-saved-as-metadata",
            "item-added-again-is-replaced",
            "descending-is-the-exact-reverse",
            "deleted-cursor-does-not-start-over",
            "naive-and-aware-times-mix",
            "saved-thread-is-a-copy",
            "loaded-thread-is-a-copy",
            "saved-item-is-a-copy",
            "loaded-item-is-a-copy",
        ]

    def test_is_told_what_came_back_who_relies_on_it_and_what_to_change(self, report):
        reverse = next(error for error in report.broken if error.promise.slug == "descending-is-the-exact-reverse")

        assert reverse.expected == "eighth, seventh, sixth, fifth, fourth, third, second, first"
        assert reverse.came_back == "first, second, third, fourth, fifth, sixth, seventh, eighth"
        message = " ".join(str(reverse).split())
        assert "threads.add_client_tool_output takes the newest item for the pending client tool call" in message
        assert "Remedy: Reverse the whole order: ORDER BY created_at DESC, seq DESC." in message

    def test_is_shown_the_error_of_its_own_line(self, report):
        mixed = next(error for error in report.broken if error.promise.slug == "naive-and-aware-times-mix")

        assert mixed.came_back.startswith("TypeError: can't compare offset-naive and offset-aware datetimes\n")
        assert "in _paginate: ordered = sorted(rows" in mixed.came_back
        assert "conformance" not in mixed.came_back

    def test_is_not_blamed_for_having_no_attachments(self, report):
        unchecked = {promise.slug: reason for promise, reason in report.not_checked}

        assert "NotImplementedError" in unchecked["attachment-loads-as-saved"]
        assert "10 broken" in str(report)
