"""Playing a scenario about stores, and small servers without agents for it."""

import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from chatkit.server import ChatKitServer
from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadItemDoneEvent

from chatkit_sim import ModelScript, says
from chatkit_sim.client import Bench, Limits
from chatkit_sim.simulation import SCENARIOS, Simulation

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(path) for path in (ROOT, ROOT / "fixtures" / "responders") if str(path) not in sys.path]

BY_SLUG = {scenario.slug: scenario for scenario in SCENARIOS}


@contextmanager
def stage(slug, server, *, context=None, model=None, seconds=60, **given):
    """A simulation of one scenario; `given` are the fixtures of the project."""
    bench = Bench(server, context=context, model=model or ModelScript(), limits=Limits(seconds=seconds))
    try:
        yield Simulation(bench, BY_SLUG[slug], given=given.get)
        bench.conclude()
    finally:
        bench.close()


def desk_model():
    model = ModelScript()
    model.agent("Title generator").always(says("A question"))
    model.agent("Topic check").always(says('{"on_topic": true, "reason": "It is."}'))
    return model


class Echo(ChatKitServer):
    """Says what it was told."""

    async def respond(self, thread, input_user_message, context):
        yield self.message(thread, context, "You wrote.")

    def message(self, thread, context, text):
        return ThreadItemDoneEvent(
            item=AssistantMessageItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=datetime.now(),
                content=[AssistantMessageContent(text=text)],
            )
        )
