"""Rules about thread items."""

from __future__ import annotations

from .explanation import Explanation

ITEMS = {
    "item-added-once": Explanation(
        broken="for draft in drafts:\n    yield ThreadItemAddedEvent(item=draft)  # all with one id",
        mended="yield ThreadItemAddedEvent(item=first)\nfor draft in later:\n    yield updated(draft)",
        traps=("The SDK adds a workflow again that a client tool call interrupted: that is no breach.",),
    ),
    "item-done-once": Explanation(
        broken="yield ThreadItemDoneEvent(item=card)\nyield ThreadItemDoneEvent(item=changed_card)",
        mended="yield ThreadItemDoneEvent(item=card)\nyield ThreadItemReplacedEvent(item=changed_card)",
        traps=(
            "`done` without `added` is normal: user messages, client tool calls, items that come whole.",
            "A tool that starts and ends a workflow without giving way in between makes chatkit finish it twice.",
        ),
    ),
    "no-ghost-update": Explanation(
        broken='message = self.new_message()\nyield delta(message, "Hi")',
        mended='message = self.new_message()\nyield ThreadItemAddedEvent(item=message)\nyield delta(message, "Hi")',
        traps=("An id that changes between `added` and the updates (`__fake_id__`) has the same effect.",),
    ),
    "no-update-after-done": Explanation(
        broken='yield ThreadItemDoneEvent(item=message)\nyield delta(message, " And more.")',
        mended='yield delta(message, " And more.")\nyield ThreadItemDoneEvent(item=message_with_more)',
        traps=(
            "Where the thread is read back, reload-matches-live-view says it in its place, and shows both versions.",
            "Widgets of earlier turns may be updated; a reload then shows whether they were saved, too.",
        ),
    ),
    "item-finished": Explanation(
        broken="yield ThreadItemAddedEvent(item=message)\nif not found:\n    return",
        mended="yield ThreadItemAddedEvent(item=message)\n"
        "if not found:\n"
        "    yield ThreadItemRemovedEvent(item_id=message.id)\n"
        "    return",
        traps=(
            "After an error, a stop, or a refusal of the model open items are not blamed.",
            "A workflow may stay open over a client tool call.",
        ),
    ),
    "item-type-stable": Explanation(
        broken="yield ThreadItemAddedEvent(item=task_item)\nyield ThreadItemDoneEvent(item=message_of_the_same_id)",
        mended="yield ThreadItemRemovedEvent(item_id=task_item.id)\nyield ThreadItemDoneEvent(item=message)",
        traps=("ThreadItemReplacedEvent may put another kind of item in the place of one that is finished.",),
    ),
    "item-in-this-thread": Explanation(
        broken='AssistantMessageItem(thread_id="support", ...)',
        mended="AssistantMessageItem(thread_id=thread.id, ...)",
        traps=("Items that were made once and are sent in several threads keep the first thread's id.",),
    ),
    "unique-item-ids": Explanation(
        broken='AssistantMessageItem(id="answer", ...)  # in every turn',
        mended='AssistantMessageItem(id=self.store.generate_item_id("message", thread, context), ...)',
        traps=(
            'Models over Chat Completions call every item "__fake_id__": give each a new id on the way.',
            "A retry deletes what followed, and those ids are free again.",
        ),
    ),
    "removed-item-exists": Explanation(
        broken="yield ThreadItemRemovedEvent(item_id=tool_call.call_id)",
        mended="yield ThreadItemRemovedEvent(item_id=item.id)",
        traps=("After a guardrail's tripwire the SDK removes ids that never were items: known, and left alone.",),
    ),
    "replaced-item-exists": Explanation(
        broken="yield ThreadItemReplacedEvent(item=new_card)  # a new id",
        mended='yield ThreadItemReplacedEvent(item=sender.model_copy(update={"widget": new_widget}))',
        traps=("Hidden context that is replaced is told by hidden-items-stay-hidden.",),
    ),
    "no-user-message-from-responder": Explanation(
        broken="async def respond(self, thread, item, context):\n    yield ThreadItemDoneEvent(item=item)",
        mended="async def respond(self, thread, item, context):\n    yield ThreadItemDoneEvent(item=answer)",
        traps=("An action may put words into the user's mouth: a button that sends a message.",),
    ),
    "hidden-items-stay-hidden": Explanation(
        broken="yield ThreadItemAddedEvent(item=hidden)\nyield ThreadItemDoneEvent(item=hidden)",
        mended="yield ThreadItemDoneEvent(item=hidden)",
        traps=(
            "The SDK filters `done`, items.list and threads.get_by_id; `added`, `replaced`, a thread.updated with "
            "items, and the answer of a sync action go out as they are.",
            "It filters by type: a store must give hidden items back as HiddenContextItem objects.",
        ),
    ),
    "thread-metadata-stays-private": Explanation(
        broken="yield ThreadUpdatedEvent(thread=Thread(**thread.model_dump(), items=Page()))",
        mended='thread.title = "An invoice"  # the SDK saves it and tells the page, without metadata',
        traps=("Metadata of attachments is left out by the SDK's own serialization.",),
    ),
    "isolation": Explanation(
        broken="async def load_thread(self, thread_id, context):\n"
        '    return await self.db.one("SELECT data FROM threads WHERE id = ?", thread_id)',
        mended="async def load_thread(self, thread_id, context):\n"
        '    sql = "SELECT data FROM threads WHERE id = ? AND owner = ?"\n'
        "    row = await self.db.one(sql, thread_id, context.user_id)\n"
        "    if row is None:\n"
        "        raise NotFoundError(thread_id)\n"
        "    return row",
        traps=(
            "It is checked by chatkit_client.check_isolation(other_context), and by --chatkit-sim with a second "
            "context.",
            "A delete that finds nothing and says so with {} is a refusal too; so is an empty page of items.",
            "What a server lets happen does happen: check at the end of a test.",
        ),
    ),
}
