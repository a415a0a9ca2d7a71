"""A store in front of another store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatkit.store import Store, StoreItemType, TContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata


@dataclass(frozen=True, slots=True)
class StoreCall:
    """One call of a store's method.

    Attributes:
        number: Which call of this store it is, from 1.
        method: The method's name.
        arguments: Its arguments as given by position.
        keywords: Its arguments as given by name.
    """

    number: int
    method: str
    arguments: tuple[Any, ...] = field(repr=False)
    keywords: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether the method only looks."""
        return self.method.startswith("load_")


class DelegatingStore(Store[TContext]):
    """A real ``Store`` that hands every call on to another, just as it was made.

    Subclasses override ``around``. Ids come from the wrapped store, and so do attributes that are no part of ``Store``.

    Args:
        store: The store in front of which it stands.
    """

    def __init__(self, store: Store[TContext]) -> None:
        self.wrapped = store
        self._count = 0

    async def around(self, call: StoreCall, proceed: Callable[[], Awaitable[Any]]) -> Any:
        """Hand one call on.

        Args:
            call: What is called.
            proceed: Makes the call and gives its result.
        """
        return await proceed()

    async def _hand_on(self, method: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._count += 1
        call = StoreCall(self._count, method, arguments, keywords)
        return await self.around(call, lambda: getattr(self.wrapped, method)(*arguments, **keywords))

    def __getattr__(self, name: str) -> Any:
        if name == "wrapped":  # while being copied or unpickled, before __init__
            raise AttributeError(name)
        return getattr(self.wrapped, name)

    def generate_thread_id(self, context: TContext) -> str:
        """A thread id of the wrapped store."""
        return self.wrapped.generate_thread_id(context)

    def generate_item_id(self, item_type: StoreItemType, thread: ThreadMetadata, context: TContext) -> str:
        """An item id of the wrapped store."""
        return self.wrapped.generate_item_id(item_type, thread, context)

    # The arguments go through as they come, by position or by name: a store that ChatKit cannot call so must not start
    # to work, nor stop to, behind a wrapper.

    async def load_thread(self, *args: Any, **kwargs: Any) -> ThreadMetadata:
        """Hand ``load_thread`` on."""
        thread: ThreadMetadata = await self._hand_on("load_thread", args, kwargs)
        return thread

    async def save_thread(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``save_thread`` on."""
        await self._hand_on("save_thread", args, kwargs)

    async def load_threads(self, *args: Any, **kwargs: Any) -> Page[ThreadMetadata]:
        """Hand ``load_threads`` on."""
        page: Page[ThreadMetadata] = await self._hand_on("load_threads", args, kwargs)
        return page

    async def delete_thread(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``delete_thread`` on."""
        await self._hand_on("delete_thread", args, kwargs)

    async def load_thread_items(self, *args: Any, **kwargs: Any) -> Page[ThreadItem]:
        """Hand ``load_thread_items`` on."""
        page: Page[ThreadItem] = await self._hand_on("load_thread_items", args, kwargs)
        return page

    async def add_thread_item(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``add_thread_item`` on."""
        await self._hand_on("add_thread_item", args, kwargs)

    async def save_item(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``save_item`` on."""
        await self._hand_on("save_item", args, kwargs)

    async def load_item(self, *args: Any, **kwargs: Any) -> ThreadItem:
        """Hand ``load_item`` on."""
        item: ThreadItem = await self._hand_on("load_item", args, kwargs)
        return item

    async def delete_thread_item(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``delete_thread_item`` on."""
        await self._hand_on("delete_thread_item", args, kwargs)

    async def save_attachment(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``save_attachment`` on."""
        await self._hand_on("save_attachment", args, kwargs)

    async def load_attachment(self, *args: Any, **kwargs: Any) -> Attachment:
        """Hand ``load_attachment`` on."""
        attachment: Attachment = await self._hand_on("load_attachment", args, kwargs)
        return attachment

    async def delete_attachment(self, *args: Any, **kwargs: Any) -> None:
        """Hand ``delete_attachment`` on."""
        await self._hand_on("delete_attachment", args, kwargs)
