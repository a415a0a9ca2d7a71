"""The kit itself: what it opens, what it says, and the tests it writes."""

import asyncio
import contextlib
import dataclasses
import subprocess
import sys
import textwrap
import warnings
from typing import get_args

import pytest
from chatkit.types import Annotation, Attachment, Task, ThreadItem
from chatkit.widgets import StrictWidgetComponent, StrictWidgetRoot

from chatkit_sim.errors import UsageError
from chatkit_sim.stores import DelegatingStore, MemoryStore
from chatkit_sim.stores.conformance import (
    ATTACHMENT_PROMISES,
    PROMISES,
    PromiseBroken,
    PromiseNotChecked,
    check_promise,
    check_store,
    samples,
)
from fixtures.broken_stores import BROKEN_STORES

BY_SLUG = {promise.slug: promise for promise in PROMISES}
ADDED = BY_SLUG["added-item-is-found"]


class TestOpening:
    """A store may be given in whichever way it is made."""

    def ready(self):
        return MemoryStore()

    def factory(self):
        return MemoryStore

    def async_factory(self):
        async def make():
            return MemoryStore()

        return make

    def generator(self):
        def make():
            self.log.append("opened")
            yield MemoryStore()
            self.log.append("closed")

        return make

    def async_generator(self):
        async def make():
            self.log.append("opened")
            yield MemoryStore()
            self.log.append("closed")

        return make

    def context_manager(self):
        return contextlib.contextmanager(self.generator())()

    def async_context_manager(self):
        return contextlib.asynccontextmanager(self.async_generator())()

    def store_that_opens_itself(self):
        test = self

        class Opening(MemoryStore):
            async def __aenter__(self):
                test.log.append("opened")
                return self

            async def __aexit__(self, *exception):
                test.log.append("closed")

        return Opening()

    @pytest.mark.parametrize("way", ["ready", "factory", "async_factory"])
    def test_as_it_is(self, way):
        asyncio.run(check_promise(ADDED, getattr(self, way)()))

    @pytest.mark.parametrize(
        "way",
        ["generator", "async_generator", "context_manager", "async_context_manager", "store_that_opens_itself"],
    )
    def test_opened_and_closed(self, way):
        self.log = []

        asyncio.run(check_promise(ADDED, getattr(self, way)()))

        assert self.log == ["opened", "closed"]

    def test_closed_when_the_promise_is_broken(self):
        self.log = []
        broken = BROKEN_STORES[ADDED.slug]

        def make():
            yield broken()
            self.log.append("closed")

        with pytest.raises(PromiseBroken):
            asyncio.run(check_promise(ADDED, make))
        assert self.log == ["closed"]

    def test_what_is_no_store_is_refused(self):
        with pytest.raises(UsageError, match=r"chatkit_store is 'dict', not a chatkit.store.Store"):
            asyncio.run(check_promise(ADDED, dict))

    def test_the_context_may_be_made_too(self):
        seen = []

        class Looking(DelegatingStore):
            async def around(self, call, proceed):
                seen.append(call.keywords["context"])
                return await proceed()

        async def context():
            return {"user": "ann"}

        asyncio.run(check_promise(ADDED, Looking(MemoryStore()), context))

        assert seen
        assert all(given == {"user": "ann"} for given in seen)


class TestPromises:
    def test_are_named_once(self):
        slugs = [promise.slug for promise in (*PROMISES, *ATTACHMENT_PROMISES)]
        assert len(set(slugs)) == len(slugs)

    @pytest.mark.parametrize("promise", [*PROMISES, *ATTACHMENT_PROMISES], ids=lambda promise: promise.slug)
    def test_point_at_a_line_of_the_installed_chatkit(self, promise):
        assert promise.relies.line() is not None, promise.relies.code

    def test_still_say_where_when_chatkit_reads_differently(self):
        relies = dataclasses.replace(ADDED.relies, code="no such line")
        assert str(relies).startswith("chatkit/server.py `no such line`")

    def test_about_users_are_not_checked_without_a_second_one(self):
        with pytest.raises(PromiseNotChecked, match="chatkit_other_context"):
            asyncio.run(check_promise(BY_SLUG["others-do-not-delete"], MemoryStore))

    def test_about_task_order_need_the_kits_loop(self):
        with pytest.raises(PromiseNotChecked, match="OrderedLoop"):
            asyncio.run(check_promise(BY_SLUG["any-task-order-is-safe"], MemoryStore))

    def test_that_rest_on_a_broken_one_are_held_back(self):
        report = asyncio.run(check_store(BROKEN_STORES["items-come-in-order"]))

        held_back = {promise.slug: reason for promise, reason in report.not_checked}
        assert "mend items-come-in-order first" in held_back["unicode-survives"]


def test_widgets_load_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(check_promise(BY_SLUG["every-widget-survives"], MemoryStore))


def types_of(samples_, key="type"):
    """Every value of "type" anywhere in some JSON."""
    if isinstance(samples_, dict):
        own = {samples_[key]} if isinstance(samples_.get(key), str) else set()
        return own.union(*(types_of(value, key) for value in samples_.values()))
    return set().union(*(types_of(value, key) for value in samples_)) if isinstance(samples_, list | tuple) else set()


def declared(union):
    return {type_of(model) for model in get_args(get_args(union)[0])}


def type_of(model):
    return get_args(model.model_fields["type"].annotation)[0]


class TestSamples:
    """When ChatKit gets a new type, one of these fails and says which."""

    def test_have_every_item_type(self):
        shown = {item["type"] for item in samples.ITEMS} | {"widget"}
        assert shown == declared(ThreadItem)

    def test_have_every_widget_component(self):
        assert declared(StrictWidgetComponent) <= types_of(samples.ROOTS)

    def test_have_every_widget_root(self):
        assert {root["type"] for root in samples.ROOTS} == declared(StrictWidgetRoot)

    def test_have_every_task_source_and_attachment(self):
        assert {task["type"] for task in samples.TASKS} == declared(Task)
        assert {attachment["type"] for attachment in samples.ATTACHMENTS} == declared(Attachment)
        sources = {
            get_args(model.model_fields["type"].annotation)[0]
            for model in get_args(Annotation.model_fields["source"].annotation)
        }
        assert sources <= types_of(samples.ITEMS)


def test_the_library_needs_neither_pytest_nor_the_server():
    code = textwrap.dedent("""
        import sys
        import chatkit_sim.stores.conformance
        print([name for name in ("pytest", "hypothesis", "chatkit.server", "agents") if name in sys.modules])
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
