"""Small servers for scenarios to play on, each with one thing about it."""

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    ModelSettings,
    RunContextWrapper,
    Runner,
    StopAtTools,
    function_tool,
    input_guardrail,
)
from chatkit.agents import AgentContext, ClientToolCall, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer
from chatkit.types import NoticeEvent, StreamOptions
from pydantic import BaseModel

ONE_AT_A_TIME = ModelSettings(parallel_tool_calls=False)


@function_tool
def lookup(name: str, count: int = 1) -> str:
    """Look something up."""
    return f"{count} {name}"


@function_tool
def fussy(name: str) -> str:
    """Takes nothing but "Ada"."""
    raise LookupError(name)


@function_tool
def open_page(ctx: RunContextWrapper[AgentContext], page: str) -> None:
    """Open a page in the browser."""
    ctx.context.client_tool_call = ClientToolCall(name="navigate", arguments={"to": page})


def agent(name="Assistant", *tools, stop=("open_page",), settings=ONE_AT_A_TIME, **more):
    return Agent(
        name=name,
        model="gpt-5",
        tools=list(tools),
        tool_use_behavior=StopAtTools(stop_at_tool_names=list(stop)),
        model_settings=settings,
        **more,
    )


class AgentServer(ChatKitServer):
    """Runs one agent on the thread's history."""

    def __init__(self, store, agent, *, allow_cancel=True):
        super().__init__(store)
        self.agent = agent
        self.allow_cancel = allow_cancel

    def get_stream_options(self, thread, context):
        return StreamOptions(allow_cancel=self.allow_cancel)

    async def respond(self, thread, message, context):
        page = await self.store.load_thread_items(thread.id, None, 50, "desc", context)
        history = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        try:
            async for event in stream_agent_response(
                agent_context, Runner.run_streamed(self.agent, history, context=agent_context)
            ):
                yield event
        except InputGuardrailTripwireTriggered:
            yield NoticeEvent(level="info", message="I cannot talk about that.")


class Verdict(BaseModel):
    off_topic: bool


def guarded():
    """An agent behind a guardrail that trips when its own agent says True."""
    guard = Agent(name="Guard", model="gpt-5", output_type=Verdict)

    @input_guardrail
    async def on_topic(ctx, agent, conversation):
        result = await Runner.run(guard, conversation, context=ctx.context)
        return GuardrailFunctionOutput(None, tripwire_triggered=result.final_output.off_topic)

    return agent("Assistant", lookup, input_guardrails=[on_topic])


def team():
    """A chain of handoffs, and an agent as a tool at its end."""
    researcher = Agent(name="Researcher", model="gpt-5", tools=[lookup])
    research = researcher.as_tool("research", "Find something out.")
    third = agent("Third", open_page, research)
    second = agent("Second", handoffs=[third])
    return agent("First", handoffs=[second])
