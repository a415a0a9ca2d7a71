"""Rules about turns, streams, and texts."""

from __future__ import annotations

from .explanation import Explanation

STREAMS = {
    "turn-shows-something": Explanation(
        broken="async def respond(self, thread, item, context):\n"
        "    await self.store_question(item)\n"
        "    return\n"
        "    yield",
        mended="async def respond(self, thread, item, context):\n"
        "    await self.store_question(item)\n"
        '    yield NoticeEvent(level="info", message="Your question was passed on.")',
        traps=(
            "A tool in StopAtTools ends the run without an answer of the model: show something within the tool.",
            "Progress is no answer: it vanishes at the end of the turn. Actions may well show nothing.",
        ),
    ),
    "well-formed-event": Explanation(
        broken="yield ThreadItemUpdatedEvent(item_id=message.id, update=WorkflowTaskAdded(task_index=0, task=task))",
        mended="yield ThreadItemUpdatedEvent(item_id=workflow.id, update=WorkflowTaskAdded(task_index=0, task=task))",
        traps=(
            "Negative indexes pass the SDK's types; Python counts them from the end, the page does not.",
            "A frame that is no event at all ends the turn with a FrameError, before any rule speaks.",
        ),
    ),
    "preamble-first": Explanation(
        broken="async def respond(self, thread, item, context):\n    yield ThreadCreatedEvent(thread=thread)",
        mended='async def respond(self, thread, item, context):\n    thread.title = "Tulips"  # the SDK tells the page',
        traps=("thread.updated may come anywhere, also between the first events.",),
    ),
    "no-unexpected-error": Explanation(
        broken="async def respond(self, thread, item, context):\n    order = self.orders[item.id]  # KeyError",
        mended="async def respond(self, thread, item, context):\n"
        "    order = self.orders.get(item.id)\n"
        "    if order is None:\n"
        '        raise CustomStreamError("I do not know this order.", allow_retry=False)',
        traps=(
            'Errors with the code "custom" are the app\'s own words and are left alone.',
            "What a test wants to fail it says: `with chatkit_client.expecting(error=...)`.",
            "Known defects of the SDKs are told once, as warnings that say so.",
        ),
    ),
    "stream-ends-cleanly": Explanation(
        broken="async def load_thread(self, thread_id, context):\n    return await self._once(thread_id)  # times out",
        mended="async def load_thread(self, thread_id, context):\n    return await self._with_retries(thread_id)",
        traps=(
            "The SDK makes an error event of what respond and action raise. What stores raise before that comes out "
            "of the response, after its 200.",
        ),
    ),
    "deltas-match-done": Explanation(
        broken='yield delta("It costs 12 euros.")\nyield ThreadItemDoneEvent(item=message("It costs 10 euros."))',
        mended='yield delta("It costs 10 euros.")\nyield ThreadItemDoneEvent(item=message("It costs 10 euros."))',
        traps=(
            "A `done` without any delta is normal, and so are parts that were never begun: the server pads them.",
            "content_part.done of the SDK has no annotations; those of `done` count.",
        ),
    ),
    "content-parts-contiguous": Explanation(
        broken="content_index: 0, then 2",
        mended="content_index: 0, then 1",
        traps=("Text deltas without content_part.added are padded by the server, and are no breach.",),
    ),
    "annotations-contiguous": Explanation(
        broken="for index, citation in enumerate(citations):\n"
        "    if citation.url:  # the others leave gaps\n"
        "        yield annotation_added(index, citation)",
        mended="for index, citation in enumerate(c for c in citations if c.url):\n"
        "    yield annotation_added(index, citation)",
        traps=("They are counted for each content part by itself.",),
    ),
    "annotation-within-text": Explanation(
        broken='AssistantMessageContent(text="Yes.", annotations=[Annotation(source=source, index=40)])',
        mended='AssistantMessageContent(text="Yes.", annotations=[Annotation(source=source, index=4)])',
        traps=("An index equal to the length of the text stands at its end. None is no place, and allowed.",),
    ),
    "image-progress-grows": Explanation(
        broken="progress: 0.25, 0.75, 0.5",
        mended="progress: 0.25, 0.5, 0.75",
        traps=("Without partial_images the SDK's converter says 0 each time, which is no step back.",),
    ),
    "task-index-in-range": Explanation(
        broken="yield updated(WorkflowTaskUpdated(task_index=1, task=task))  # there is one task, 0",
        mended="yield updated(WorkflowTaskAdded(task_index=1, task=task))",
        traps=(
            "In a workflow that this stream added the server itself fails on an index beyond the end (IndexError).",
            "A workflow may have been begun in an earlier stream, before a client tool call.",
        ),
    ),
    "tasks-added-in-order": Explanation(
        broken="task_index: 0, 0, 1",
        mended="task_index: 0, 1, 2",
        traps=(
            "AgentContext.add_workflow_task gives equal tasks the index of the first of them: known, and left alone.",
            "An `added` event of AgentContext may hold tasks that are added again by the next event.",
        ),
    ),
    "widget-target-exists": Explanation(
        broken='Text(key="body", value="")\nWidgetStreamingTextValueDelta(component_id="body", ...)',
        mended='Text(id="body", value="")\nWidgetStreamingTextValueDelta(component_id="body", ...)',
        traps=("`key` is no `id`. Text grows in Text and Markdown components only.",),
    ),
    "widget-text-grows": Explanation(
        broken='"Three rooms" is streamed; the finished widget says "One room is free."',
        mended='"Three rooms" is streamed; the finished widget says "Three rooms, one of them free."',
        traps=("Text that was never streamed may change with widget.root.updated and widget.component.updated.",),
    ),
    "widget-ids-unique": Explanation(
        broken='[Text(id="room", value=room) for room in rooms]',
        mended='[Text(id=f"room-{number}", value=room) for number, room in enumerate(rooms)]',
        traps=("Components without an id need none: only those that are updated do.",),
    ),
}
