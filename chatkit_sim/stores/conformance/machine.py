"""A state machine that makes any sequence of calls, and holds the store against a plain model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chatkit.store import NotFoundError
from chatkit.types import AssistantMessageContent, AssistantMessageItem, Page, Thread, ThreadMetadata
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from .compare import difference, short
from .kit import MANY, described
from .reproducer import written_test

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chatkit.store import Store

_PICK = st.integers(0, 7)
_TEXTS = st.sampled_from(("milk", "eggs", ""))
_LIMITS = st.sampled_from((1, 2, 3, MANY))
_ORDERS = st.sampled_from(("asc", "desc"))


@dataclass(frozen=True)
class Divergence:
    """Where the store and the model parted.

    Attributes:
        wanted: What the model says.
        found: What the store said.
        lines: The calls, as Python.
    """

    wanted: str
    found: str
    lines: tuple[str, ...]

    def test(self) -> str:
        """The calls as a test that can be pasted."""
        return written_test(self.lines)


@dataclass
class _ModelThread:
    name: str
    value: ThreadMetadata
    there: bool = True
    items: dict[str, AssistantMessageItem] = field(default_factory=dict)


@dataclass
class _ModelItem:
    name: str
    thread: _ModelThread
    value: AssistantMessageItem


class _DivergedError(Exception):
    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.found)
        self.divergence = divergence


def find_divergence(
    store: Store[Any], context: Any, loop: asyncio.AbstractEventLoop, examples: int
) -> Divergence | None:
    """Search for the shortest sequence of calls after which the store is not as the model.

    Called from another thread than the loop's: Hypothesis waits here while the store works there.

    Args:
        store: The store; it may hold other threads.
        context: The request context.
        loop: The loop that the store lives on.
        examples: How many sequences to try.
    """
    found: list[Divergence] = []

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(store, context, loop, found)

    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=30,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink),
                verbosity=Verbosity.quiet,
                report_multiple_bugs=False,
                print_blob=False,
            ),
        )
    except Exception:
        if not found:
            raise
        # Hypothesis runs the shortest one last; one that fails only now and then is reported as it was seen last.
        return found[-1]
    return None


class StoreMachine(RuleBasedStateMachine):
    """Makes calls, and compares each answer with a dictionary's."""

    def __init__(
        self, store: Store[Any], context: Any, loop: asyncio.AbstractEventLoop, found: list[Divergence]
    ) -> None:
        super().__init__()
        self.store = store
        self.context = context
        self.loop = loop
        self.found = found
        self.start = datetime.now().replace(microsecond=0) - timedelta(hours=1)
        self.seconds = 0
        self.threads: list[_ModelThread] = []
        self.items: list[_ModelItem] = []
        self.lines: list[str] = []

    @rule(title=_TEXTS, later=st.booleans())
    def save_new_thread(self, title: str, later: bool) -> None:
        """Save a thread that was not there."""
        name = f"thread_{len(self.threads) + 1}"
        time, written = self._time(later)
        thread = ThreadMetadata(id=self.store.generate_thread_id(self.context), created_at=time, title=title)
        self.threads.append(_ModelThread(name, thread))
        self._write(
            f"{name} = ThreadMetadata(id=store.generate_thread_id(context), created_at={written}, title={title!r})"
        )
        self._do(
            f"await store.save_thread({name}, context=context)", self.store.save_thread(thread, context=self.context)
        )

    @precondition(lambda self: self.threads)
    @rule(pick=_PICK, title=_TEXTS, whole=st.booleans())
    def save_thread_again(self, pick: int, title: str, whole: bool) -> None:
        """Save a thread again, also after it was deleted, and also as a whole ``Thread``."""
        model = self._pick(self.threads, pick)
        model.value = model.value.model_copy(update={"title": title})
        model.there = True
        self._write(f'{model.name} = {model.name}.model_copy(update={{"title": {title!r}}})')
        given: ThreadMetadata = model.value
        written = model.name
        if whole:
            given = Thread(**given.model_dump(), items=Page())
            written = f"Thread(**{model.name}.model_dump(), items=Page())"
        self._do(
            f"await store.save_thread({written}, context=context)", self.store.save_thread(given, context=self.context)
        )

    @precondition(lambda self: self.threads)
    @rule(pick=_PICK)
    def delete_thread(self, pick: int) -> None:
        """Delete a thread that is there."""
        model = self._pick(self.threads, pick)
        if not model.there:
            return
        model.there = False
        model.items.clear()
        self._do(
            f"await store.delete_thread({model.name}.id, context=context)",
            self.store.delete_thread(model.value.id, context=self.context),
        )

    @precondition(lambda self: self.threads)
    @rule(pick=_PICK)
    def load_thread(self, pick: int) -> None:
        """Load a thread."""
        model = self._pick(self.threads, pick)
        call = f"await store.load_thread({model.name}.id, context=context)"
        loading = self.store.load_thread(model.value.id, context=self.context)
        if not model.there:
            self._not_found(call, loading)
            return
        loaded = self._do(f"loaded = {call}", loading)
        self._write(f"assert loaded.title == {model.value.title!r}")
        self._same(model.name, model.value, loaded)

    @precondition(lambda self: self._living())
    @rule(pick=_PICK, text=_TEXTS, later=st.booleans())
    def add_item(self, pick: int, text: str, later: bool) -> None:
        """Add an item that was not there."""
        thread = self._pick(self._living(), pick)
        name = f"item_{len(self.items) + 1}"
        time, written = self._time(later)
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread.value, self.context),
            thread_id=thread.value.id,
            created_at=time,
            content=[AssistantMessageContent(text=text)],
        )
        self.items.append(_ModelItem(name, thread, item))
        thread.items[item.id] = item
        self._write(f"{name} = message(store, context, {thread.name}, {written}, {text!r})")
        self._do(
            f"await store.add_thread_item({thread.name}.id, {name}, context=context)",
            self.store.add_thread_item(thread.value.id, item, context=self.context),
        )

    @precondition(lambda self: self._reachable())
    @rule(pick=_PICK, text=_TEXTS, method=st.sampled_from(("save_item", "add_thread_item")))
    def save_item_again(self, pick: int, text: str, method: str) -> None:
        """Save an item again; one that was deleted comes back as the newest."""
        item = self._pick(self._reachable(), pick)
        change: dict[str, Any] = {"content": [AssistantMessageContent(text=text)]}
        changed = f'"content": [AssistantMessageContent(text={text!r})]'
        if item.value.id not in item.thread.items:
            change["created_at"], written = self._time(True)
            changed += f', "created_at": {written}'
        item.value = item.value.model_copy(update=change)
        item.thread.items[item.value.id] = item.value
        self._write(f"{item.name} = {item.name}.model_copy(update={{{changed}}})")
        self._do(
            f"await store.{method}({item.thread.name}.id, {item.name}, context=context)",
            getattr(self.store, method)(item.thread.value.id, item.value, context=self.context),
        )
        self._load(item)

    @precondition(lambda self: self._reachable())
    @rule(pick=_PICK)
    def delete_item(self, pick: int) -> None:
        """Delete an item, also one that is deleted already."""
        item = self._pick(self._reachable(), pick)
        item.thread.items.pop(item.value.id, None)
        self._do(
            f"await store.delete_thread_item({item.thread.name}.id, {item.name}.id, context=context)",
            self.store.delete_thread_item(item.thread.value.id, item.value.id, context=self.context),
        )

    @precondition(lambda self: self.items)
    @rule(pick=_PICK)
    def load_item(self, pick: int) -> None:
        """Load an item."""
        self._load(self._pick(self.items, pick))

    @precondition(lambda self: self._living())
    @rule(pick=_PICK, limit=_LIMITS, order=_ORDERS)
    def list_items(self, pick: int, limit: int, order: str) -> None:
        """Load a page of items, and the page behind it."""
        thread = self._pick(self._living(), pick)
        wanted = list(thread.items.values())[:: 1 if order == "asc" else -1]
        after: str | None = None
        for start in (0, limit):
            page = self._do(
                f"page = await store.load_thread_items({thread.name}.id, after={'page.after' if start else None},"
                f" limit={limit}, order={order!r}, context=context)",
                self.store.load_thread_items(
                    thread.value.id, after=after, limit=limit, order=order, context=self.context
                ),
            )
            shown, follows = wanted[start : start + limit], start + limit < len(wanted)
            self._write(f"assert [item.id for item in page.data] == [{', '.join(self._ids(shown))}]")
            self._equal(self._ids(shown), self._ids(page.data))
            for item, loaded in zip(shown, page.data, strict=True):
                self._same(self._ids([item])[0], item, loaded)
            self._write(f"assert page.has_more is {follows}")
            self._equal([f"has_more={follows}"], [f"has_more={page.has_more}"])
            after = page.after
            if not follows:
                return

    @precondition(lambda self: self.threads)
    @rule()
    def list_threads(self) -> None:
        """List the threads both ways. Which comes first is the store's choice: some put the last used on top."""
        ours = {model.value.id: model for model in self.threads}
        wanted = sorted(f"{model.name}.id" for model in self.threads if model.there)
        found: dict[str, list[str]] = {}
        for order in ("asc", "desc"):
            page = self._do(
                f"{order} = await store.load_threads(limit={MANY}, after=None, order={order!r}, context=context)",
                self.store.load_threads(limit=MANY, after=None, order=order, context=self.context),
            )
            if page.has_more:
                return  # more threads than one page holds are in the store: not this example's
            found[order] = [f"{ours[thread.id].name}.id" for thread in page.data if thread.id in ours]
            all_ours = ", ".join(f"{model.name}.id" for model in self.threads)
            self._write(f"{order}_ids = [thread.id for thread in {order}.data if thread.id in ({all_ours},)]")
            self._write(f"assert sorted({order}_ids) == sorted([{', '.join(wanted)}])")
            self._equal(wanted, sorted(found[order]))
            for thread in page.data:
                if thread.id in ours:
                    self._same(ours[thread.id].name, ours[thread.id].value, thread)
        self._write("assert desc_ids == asc_ids[::-1]")
        self._equal(found["asc"][::-1], found["desc"])

    def teardown(self) -> None:
        """Leave nothing behind: the store is used by the next example too."""
        for model in self._living():
            self._run(self.store.delete_thread(model.value.id, context=self.context))

    def _load(self, item: _ModelItem) -> None:
        call = f"await store.load_item({item.thread.name}.id, {item.name}.id, context=context)"
        loading = self.store.load_item(item.thread.value.id, item.value.id, context=self.context)
        if item.value.id not in item.thread.items:
            self._not_found(call, loading)
            return
        loaded = self._do(f"loaded = {call}", loading)
        self._write(f"assert loaded.content == {item.name}.content")
        self._same(item.name, item.value, loaded)

    def _living(self) -> list[_ModelThread]:
        return [model for model in self.threads if model.there]

    def _reachable(self) -> list[_ModelItem]:
        return [item for item in self.items if item.thread.there]

    @staticmethod
    def _pick(rows: list[Any], pick: int) -> Any:
        return rows[pick % len(rows)]

    def _time(self, later: bool) -> tuple[datetime, str]:
        self.seconds += later
        return self.start + timedelta(seconds=self.seconds), f"at({self.seconds})"

    def _ids(self, rows: Any) -> list[str]:
        names = {item.value.id: item.name for item in self.items}
        return [f"{names[row.id]}.id" if row.id in names else repr(row.id) for row in rows]

    def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(call, self.loop).result()

    def _write(self, line: str) -> None:
        self.lines.append(line)

    def _do(self, line: str, call: Coroutine[Any, Any, Any]) -> Any:
        self._write(line)
        try:
            return self._run(call)
        except Exception as error:
            self._diverged("no exception", described(error), error)

    def _not_found(self, line: str, call: Coroutine[Any, Any, Any]) -> None:
        self._write(f"with pytest.raises(NotFoundError):\n    {line}")
        try:
            found = self._run(call)
        except NotFoundError:
            return
        except Exception as error:
            self._diverged("NotFoundError", described(error), error)
        self._diverged("NotFoundError", short(found))

    def _same(self, name: str, wanted: Any, loaded: Any) -> None:
        if found := difference(wanted, loaded):
            self._diverged(f"{name} as it was saved last", found)

    def _equal(self, wanted: list[str], found: list[str]) -> None:
        if wanted != found:
            self._diverged(", ".join(wanted) or "nothing", ", ".join(found) or "nothing")

    def _diverged(self, wanted: str, found: str, cause: BaseException | None = None) -> Any:
        divergence = Divergence(wanted, found, tuple(self.lines))
        self.found.append(divergence)
        raise _DivergedError(divergence) from cause
