"""Rules about what is stored."""

from __future__ import annotations

from .explanation import Explanation

STORED = {
    "reload-works": Explanation(
        broken="async def save_thread(self, thread, context):\n    self.threads[thread.id] = thread",
        mended="async def save_thread(self, thread, context):\n"
        '    self.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))',
        traps=(
            "For a new thread that changes in its first response the SDK hands a whole Thread to save_thread.",
            "A store that does not implement load_thread_items is not checked, and says so.",
        ),
    ),
    "reload-matches-live-view": Explanation(
        broken='yield ThreadItemDoneEvent(item=message)\nyield delta(message, " At eight.")',
        mended="yield ThreadItemDoneEvent(item=message)\nyield ThreadItemReplacedEvent(item=message_with_the_time)",
        traps=(
            "created_at is compared as an instant, as exactly as the store keeps it; a store that changes naive times "
            "into aware ones is warned of once.",
            "Hidden items, progress, effects and notices are no part of it; nor is what an error or a stop left open, "
            "a workflow that goes on in the next stream, or what handle_stream_cancelled stores.",
            "The answer of a sync action is sent and not stored: save it in sync_action.",
            "What a second tab, a raw request, or the test itself changed between turns is not blamed.",
        ),
    ),
    "reload-order-matches": Explanation(
        broken="SELECT data FROM items ORDER BY created_at DESC",
        mended="SELECT data FROM items ORDER BY created_at DESC, sequence DESC",
        traps=(
            "Items of one moment are common: in one response, with a frozen clock, in a store of seconds.",
            "The SDK reads the newest items with `desc` and servers turn them round: a wrong order reaches the model.",
            "Items that are finished in another order than they were begun change places too: a warning.",
        ),
    ),
    "item-stored-once": Explanation(
        broken="async def add_thread_item(self, thread_id, item, context):\n    self.rows.append(item)",
        mended="INSERT INTO items ... ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data",
        traps=(
            "The SDK itself adds a workflow twice that a client tool call interrupted.",
            "An item that stands twice in some sizes of page only is a matter of order.",
        ),
    ),
}
