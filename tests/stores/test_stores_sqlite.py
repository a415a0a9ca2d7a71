"""What SQLiteStore offers beyond the promises of every store."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import textwrap
from datetime import datetime

import pytest
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata

from chatkit_sim.stores import SQLiteStore

THREAD = ThreadMetadata(id="thr_1", created_at=datetime(2025, 1, 1), title="Shopping")


def test_it_outlives_the_object_and_the_process(tmp_path):
    code = textwrap.dedent("""
        import asyncio, sys
        from datetime import datetime
        from chatkit.types import ThreadMetadata
        from chatkit_sim.stores import SQLiteStore

        thread = ThreadMetadata(id="thr_1", created_at=datetime(2025, 1, 1), title="Shopping")
        asyncio.run(SQLiteStore(sys.argv[1]).save_thread(thread, {}))
    """)
    subprocess.run([sys.executable, "-c", code, tmp_path / "chats.db"], check=True, timeout=60)

    assert asyncio.run(SQLiteStore(tmp_path / "chats.db").load_thread("thr_1", {})) == THREAD


def test_its_users_may_have_the_same_ids():
    store = SQLiteStore(user_id=lambda context: context["user"])
    ann, ben = {"user": "ann"}, {"user": "ben"}

    async def save():
        await store.save_thread(THREAD, ann)
        await store.save_thread(THREAD.model_copy(update={"title": "Ben's"}), ben)
        return await store.load_thread("thr_1", ann), await store.load_thread("thr_1", ben)

    assert [thread.title for thread in asyncio.run(save())] == ["Shopping", "Ben's"]


def test_rows_of_last_years_sdk_load(tmp_path):
    path = tmp_path / "chats.db"
    SQLiteStore(path).close()
    old = {
        "id": "msg_1",
        "thread_id": "thr_1",
        "created_at": "2025-01-01T00:00:00",
        "type": "user_message",
        "content": [{"type": "input_text", "text": "hi"}],
        "inference_options": {},
        "gone_since": True,
    }
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO chatkit_rows (kind, user_id, thread_id, id, data) VALUES ('item', '', 'thr_1', 'msg_1', ?)",
            [json.dumps(old)],
        )
    database.close()

    item = asyncio.run(SQLiteStore(path).load_item("thr_1", "msg_1", {}))

    assert item.content[0].text == "hi"
    assert item.attachments == []


def test_a_closed_store_is_closed():
    store = SQLiteStore()
    store.close()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        asyncio.run(store.save_thread(THREAD, {}))


def test_the_error_names_what_is_not_there():
    with pytest.raises(NotFoundError, match="no item in thread 'thr_1' with the id 'msg_9'"):
        asyncio.run(SQLiteStore().load_item("thr_1", "msg_9", {}))
