"""What a store may well do, and is not blamed for."""

import asyncio
import json
import uuid
import warnings
from datetime import UTC, datetime

import pytest
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata

from chatkit_sim.errors import ChatKitSimWarning
from chatkit_sim.stores import MemoryStore, SQLiteStore
from chatkit_sim.stores.conformance import PROMISES, OrderedLoop, check_attachment_store, check_promise, check_store
from fixtures.broken_stores.attachment_stores import AsksTheStoreWhoseItIs
from fixtures.broken_stores.base import Edited, Rows


def check(store, *users, **options):
    with asyncio.Runner(loop_factory=OrderedLoop) as runner:
        return runner.run(check_store(store, *users, examples=10, **options))


class Gone(NotFoundError):
    pass


class SecondsOnly(Edited):
    """A column that keeps whole seconds."""

    def edit(self, data):
        return {**data, "created_at": datetime.fromisoformat(data["created_at"]).replace(microsecond=0).isoformat()}

    async def save_thread(self, thread, context):
        await super().save_thread(
            thread.model_copy(update={"created_at": thread.created_at.replace(microsecond=0)}), context
        )


class UuidsOnly(MemoryStore):
    """UUID columns for threads, ids of its own for items."""

    def generate_thread_id(self, context):
        return str(uuid.uuid4())

    def generate_item_id(self, item_type, thread, context):
        return f"{item_type}:{uuid.uuid4()}"

    async def save_thread(self, thread, context):
        uuid.UUID(thread.id)
        await super().save_thread(thread, context)


class OwnNotFoundError(MemoryStore):
    async def load_thread(self, thread_id, context):
        try:
            return await super().load_thread(thread_id, context)
        except NotFoundError as error:
            raise Gone(str(error)) from error

    async def delete_thread(self, thread_id, context):
        await self.load_thread(thread_id, context)
        await super().delete_thread(thread_id, context)


class KnownUsersOnly(SQLiteStore):
    """Refuses contexts that it does not know, and whatever is not the user's own."""

    def __init__(self):
        super().__init__(user_id=lambda context: {"ann": "1", "ben": "2"}[context["user"]])

    async def add_thread_item(self, thread_id, item, context):
        try:
            await self.load_thread(thread_id, context)
        except NotFoundError:
            raise PermissionError("not yours") from None
        await super().add_thread_item(thread_id, item, context)


class LastUsedOnTop(Rows):
    """Lists the threads that were saved last first."""

    async def save_thread(self, thread, context):
        self._threads.pop(thread.id, None)
        await super().save_thread(thread, context)


class SortsByTime(Rows):
    def ordered_items(self, thread_id, order):
        items = sorted(super().ordered_items(thread_id, "asc"), key=lambda item: item.created_at.timestamp())
        return items if order == "asc" else items[::-1]


class GoesOnBehindDeletedCursors(MemoryStore):
    """Remembers where a deleted item stood."""

    async def load_thread_items(self, thread_id, after, limit, order, context):
        try:
            return await super().load_thread_items(thread_id, after, limit, order, context)
        except NotFoundError:
            rows = [*self._items[thread_id]]
            return await super().load_thread_items(thread_id, rows[0], limit, order, context)


class OpaqueCursors(MemoryStore):
    """Cursors that are no ids."""

    async def load_thread_items(self, thread_id, after, limit, order, context):
        page = await super().load_thread_items(
            thread_id, json.loads(after)["behind"] if after else None, limit, order, context
        )
        page.after = json.dumps({"behind": page.after}) if page.after else None
        return page


@pytest.mark.parametrize(
    "store",
    [
        SecondsOnly,
        UuidsOnly,
        OwnNotFoundError,
        LastUsedOnTop,
        SortsByTime,
        GoesOnBehindDeletedCursors,
        OpaqueCursors,
    ],
)
def test_is_not_blamed(store):
    report = check(store)

    assert not report.broken, str(report)
    assert all(promise.two_users for promise, _ in report.not_checked)


def test_a_store_that_knows_its_users_is_not_blamed():
    report = check(KnownUsersOnly, {"user": "ann"}, {"user": "ben"})

    assert not report.broken, str(report)
    assert not report.not_checked


def test_a_store_that_holds_other_data_is_not_blamed():
    store = MemoryStore()

    async def fill():
        for number in range(30):
            thread = ThreadMetadata(id=f"old_{number}", created_at=datetime(2030, 1, 1))
            await store.save_thread(thread, {})

    asyncio.run(fill())

    assert not check(store).broken
    assert not check(store).broken


def test_an_attachment_store_that_asks_the_store_whose_it_is_is_not_blamed():
    store = SQLiteStore(user_id=lambda context: context["user"])
    users = {"context": {"user": "ann"}, "other_context": {"user": "ben"}}

    report = asyncio.run(check_attachment_store(AsksTheStoreWhoseItIs(store), open_store=store, **users))

    assert not report.broken, str(report)
    assert [promise.slug for promise, _ in report.not_checked] == ["uploaded-attachment-is-ready"]


class AwareTimes(Edited):
    """A TIMESTAMPTZ column: naive times come back in UTC."""

    def edit(self, data):
        time = datetime.fromisoformat(data["created_at"])
        return {**data, "created_at": time.astimezone(UTC).isoformat()}


def test_naive_times_that_come_back_aware_are_one_warning():
    created_at = next(promise for promise in PROMISES if promise.slug == "created-at-is-kept")

    with pytest.warns(ChatKitSimWarning, match=r"datetime.now\(\) - item.created_at raises TypeError") as caught:
        asyncio.run(check_promise(created_at, AwareTimes))
    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        rest = check(AwareTimes, promises=[promise for promise in PROMISES if promise is not created_at])

    assert len(caught) == 1
    assert not others
    assert not rest.broken, str(rest)
