"""Rules about client tools, the model's input, and what goes on behind the answer."""

from __future__ import annotations

from .explanation import Explanation

_STOP = 'tool_use_behavior=StopAtTools(stop_at_tool_names=["add_to_todo_list"])'

AGENTS = {
    "one-client-tool-call-per-turn": Explanation(
        broken="Agent(tools=[add_to_todo_list], model_settings=ModelSettings())",
        mended="Agent(tools=[add_to_todo_list], model_settings=ModelSettings(parallel_tool_calls=False))",
        traps=(
            'Asked for "milk and eggs" a model calls the tool twice in one response, and the slot keeps the last.',
            "Each stream of a turn may ask once: chains of client tools are normal.",
        ),
    ),
    "stop-at-client-tool": Explanation(
        broken="Agent(tools=[add_to_todo_list])",
        mended=f"Agent(tools=[add_to_todo_list], {_STOP})",
        traps=(
            "The events alone look right: text before a client tool call is legal. Only the run shows that the model "
            "was called again.",
            "An agent used as a tool must stop, and so must the agent around it.",
        ),
    ),
    "client-tool-call-identity": Explanation(
        broken="a response with calls of add_to_todo_list (client) and lookup (server): the item carries lookup's ids",
        mended="Agent(..., model_settings=ModelSettings(parallel_tool_calls=False))",
        traps=("Call ids decide which call is meant, never names: a tool may ask for a client tool of another name.",),
    ),
    "client-tool-registered": Explanation(
        broken='ClientToolCall(name="add_todo", arguments={...})  # the page has add_to_todo_list',
        mended='ClientToolCall(name="add_to_todo_list", arguments={...})',
        traps=("The name of the client tool need not be the name of the function tool.",),
    ),
    "client-tool-arguments-valid": Explanation(
        broken='ClientToolCall(name="add_to_todo_list", arguments={"items": ["milk"]})',
        mended='ClientToolCall(name="add_to_todo_list", arguments={"item": "milk"})',
        traps=('Arguments are checked as JSON, strictly: "5" is no number on a page.',),
    ),
    "client-tool-call-is-newest": Explanation(
        broken="yield ThreadItemDoneEvent(item=pending_call)\nyield ThreadItemDoneEvent(item=hidden_context)",
        mended="yield ThreadItemDoneEvent(item=hidden_context)\nyield ThreadItemDoneEvent(item=pending_call)",
        traps=(
            "A store that orders by created_at alone may give an older item of the same moment as the newest: then "
            "reload-order-matches says so.",
        ),
    ),
    "client-tool-turn-answered": Explanation(
        broken="if item is None:  # a client tool's output\n    return",
        mended='if item is None:\n    yield ThreadItemDoneEvent(item=self.says("It is on your list."))',
        traps=("A page that only has to be told needs no client tool: send a ClientEffectEvent.",),
    ),
    "client-tool-output-reaches-model": Explanation(
        broken="history = await simple_to_agent_input(input_user_message)",
        mended='page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)\n'
        "history = await simple_to_agent_input(list(reversed(page.data)))",
        traps=(
            "A converter may tell it in words of its own: the posted value must stand in them.",
            "With previous_response_id, a conversation or a session, the output alone is enough: the call is known "
            "there.",
            "A server that answers without a model is not blamed; the next model call must hold it then.",
        ),
    ),
    "no-orphaned-client-tool-call": Explanation(
        broken="async def client_tool_call_to_input(self, item):\n    return [as_call(item)]  # pending ones as well",
        mended="async def client_tool_call_to_input(self, item):\n"
        '    return None if item.status == "pending" else [as_call(item), as_output(item)]',
        traps=(
            "A call that the page did not answer stays pending for ever when the user writes on; that is not blamed, "
            "giving it to the model is.",
        ),
    ),
    "balanced-function-calls": Explanation(
        broken="history = history[-20:]  # may begin with a function_call_output",
        mended="history = from_a_user_message_on(history[-20:])",
        traps=(
            "Runs with previous_response_id, a conversation or a session may be given outputs without their calls.",
            "Fields that only answers have (`parsed_arguments`, `created_by`, `parsed`) are refused by the API too.",
        ),
    ),
    "cancellation-comes-through": Explanation(
        broken='except asyncio.CancelledError:\n    log.info("gone")\n    continue  # tries again, for nobody',
        mended='except asyncio.CancelledError:\n    log.info("gone")\n    raise',
        traps=(
            "An app may clean up first, and may await and even yield while it does: only what comes out in the end "
            "counts.",
            "`except Exception` does not catch a cancellation; `except BaseException`, a bare `except:`, a `return` in "
            "a `finally:` and `suppress(asyncio.CancelledError)` do.",
            "What a task raises that the app has cancelled itself may be caught.",
            "An ASGI server cancels again at every await: an app that only yields in between still ends there.",
        ),
    ),
    "no-work-after-cancel": Explanation(
        broken="result = Runner.run_streamed(agent, history, context=agent_context)\n"
        "async for event in stream_agent_response(agent_context, result):\n"
        "    yield event",
        mended="try:\n"
        "    async for event in stream_agent_response(agent_context, result):\n"
        "        yield event\n"
        "finally:\n"
        "    result.cancel()",
        traps=(
            "A tool that was running when the user stopped may end; one that begins afterwards is told.",
            "What handle_stream_cancelled stores, and what the request's own task does while it ends, is not blamed.",
            "A run that was just being started makes its first model call: nobody could stop it in time.",
            "Store writes are watched where the server is in this process.",
        ),
    ),
    "no-leaked-tasks": Explanation(
        broken="asyncio.create_task(self.find_title(thread))",
        mended="title = asyncio.create_task(self.find_title(thread))\n"
        "try:\n"
        "    async for event in self.answer(thread):\n"
        "        yield event\n"
        "    await title\n"
        "finally:\n"
        "    title.cancel()",
        traps=(
            "A task gets a time of grace after the turn (Limits(settle=...)).",
            "Tasks that are meant to live on are allowed by name: the ini option chatkit_background_tasks, or "
            "Policies(background_tasks=[...]).",
            "The reader of its queue that the SDK leaves behind after a failed run is known.",
        ),
    ),
    "server-tool-raised": Explanation(
        broken='@function_tool\ndef price_of(flower: str) -> str:\n    return f"{PRICES[flower]} euros"  # KeyError',
        mended="@function_tool\ndef price_of(flower: str) -> str:\n"
        '    return f"{PRICES[flower]} euros" if flower in PRICES else "We do not sell that."',
        traps=(
            "The SDK makes a text for the model of it; no event and no log shows it.",
            "Arguments that the tool's schema refuses are the model's fault and are not told.",
            "The ini line `chatkit_severity = server-tool-raised: error` makes it fail the test, with its traceback; "
            'without pytest it is Catalogue(severities={"server-tool-raised": "error"}).',
        ),
    ),
    "script-used-up": Explanation(
        broken='chatkit_model.script(says("Hello!"), says("Anything else?"))  # one model call',
        mended='chatkit_model.script(says("Hello!"))',
        traps=("`always` is never left over.",),
    ),
    "no-unscripted-model-call": Explanation(
        broken='chatkit_model.script(calls("list_todos"))  # the model is called again with the output',
        mended='chatkit_model.script(calls("list_todos"), says("Milk."))',
        traps=("Side agents (titles, guardrails) have scripts of their own: chatkit_model.agent(name).",),
    ),
    "no-network": Explanation(
        broken='async with httpx.AsyncClient() as http:\n    await http.get("https://api.example.com/orders")',
        mended="server = ShopServer(store, orders=FakeOrders())",
        traps=(
            "An app that catches the error is told all the same.",
            "Loopback, private addresses and single-label names pass, unless strict mode is on.",
        ),
    ),
}
