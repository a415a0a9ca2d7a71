"""Real stores keep every promise: those that chatkit-sim brings, and stores as apps write them."""

import pytest

from chatkit_sim.stores import MemoryStore, SQLiteStore
from chatkit_sim.stores.conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    chatkit_examples = 30

    @pytest.fixture
    def chatkit_store(self):
        return MemoryStore()


class TestSQLiteStore(StoreConformance):
    chatkit_examples = 30

    @pytest.fixture
    def chatkit_store(self):
        return SQLiteStore(user_id=lambda context: context["user"])

    @pytest.fixture
    def chatkit_context(self):
        return {"user": "ann"}

    @pytest.fixture
    def chatkit_other_context(self):
        return {"user": "ben"}


class TwoUsers:
    @pytest.fixture
    def chatkit_context(self):
        return {"user": "ann"}

    @pytest.fixture
    def chatkit_other_context(self):
        async def other():
            return {"user": "ben"}

        return other


class TestSQLiteStoreInAFile(TwoUsers, StoreConformance):
    chatkit_examples = 15

    @pytest.fixture
    def chatkit_store(self, tmp_path):
        return lambda: SQLiteStore(tmp_path / "chats.db", user_id=lambda context: context["user"])


class TestSQLiteTables(TwoUsers, StoreConformance):
    chatkit_examples = 15

    @pytest.fixture
    def chatkit_store(self, tmp_path):
        from fixtures.stores.sqlite import SQLiteTablesStore

        return SQLiteTablesStore(tmp_path / "chats.db")


class TestSQLAlchemy(TwoUsers, StoreConformance):
    chatkit_examples = 8

    @pytest.fixture
    def chatkit_store(self, tmp_path):
        pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
        pytest.importorskip("aiosqlite", reason="aiosqlite is not installed")
        from fixtures.stores.sqlalchemy_async import SQLAlchemyStore

        return SQLAlchemyStore(f"sqlite+aiosqlite:///{tmp_path / 'chats.db'}")


@pytest.fixture(scope="module")
def database(postgres_conninfo):
    import psycopg

    from fixtures.stores.postgres import SCHEMA

    with psycopg.connect(postgres_conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return postgres_conninfo


class TestPostgres(TwoUsers, StoreConformance):
    """All tests share one database, with what the others left in it."""

    chatkit_examples = 15

    @pytest.fixture
    def chatkit_store(self, database):
        from fixtures.stores.postgres import PostgresStore

        return PostgresStore(database)
