"""A second user names everything that is the first user's."""

from __future__ import annotations

from chatkit.types import Attachment, UserMessageItem
from pydantic import TypeAdapter

from ..client import Judged, SimulatedClient
from ..rules.catalogue import Verdict
from ..rules.privacy import NO_SECOND_USER
from ..wire import requests as wire
from .simulation import NotApplicable, Scenario, Simulation
from .survey import EVERYTHING, GREETING, tells_of_no_attachment_store

_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)
_NO_CONTEXT = (
    "there is no second user, so `isolation` was not checked: override the fixture chatkit_other_context with a "
    "request context that the server takes for somebody else"
)
_NO_HEADERS = (
    "there is no second user, so `isolation` was not checked: override the fixture chatkit_other_headers with headers "
    "that the app takes for somebody else's"
)
_NO_THREAD = "the server answers no message with a thread, which other scenarios tell of"


def _isolation(simulation: Simulation) -> None:
    bench, other = simulation.bench, simulation.second_user()
    if other is None:
        bench.judged.append(Judged(None, Verdict(not_checked={"isolation": NO_SECOND_USER}), ()))
        raise NotApplicable(_NO_CONTEXT if bench.door.kind == "in-process" else _NO_HEADERS)
    client = simulation.client()
    with bench.aside():  # what the rules say of these turns is for the scenarios that are about them
        for message in (GREETING, EVERYTHING):
            simulation.attempt(client, message)
        if client.thread_id is None:
            raise NotApplicable(_NO_THREAD)
        _attach(simulation, client)
    simulation.begin("user   has a thread: " + ", ".join(dict.fromkeys(item.type for item in client.view.items)))
    with simulation.telling("another user names it, and all that is in it, in every request that can", None):
        client.check_isolation(**other)


def _attach(simulation: Simulation, client: SimulatedClient) -> None:
    """Put an attachment into the thread, if the server has a place for some."""
    server = simulation.bench.server
    if server is not None and server.attachment_store is None:
        return  # over HTTP, only the answer tells
    core, file = client._core, b"Between us."
    request = wire.create_attachment("chatkit-sim.txt", len(file), "text/plain")
    try:
        attachment = _ATTACHMENT.validate_json(simulation.bench.run(lambda: core.fetch(request)))
    except Exception as error:
        if not tells_of_no_attachment_store(error):
            why, _, _ = str(error).partition("\n")
            _remark(simulation, f"attachments.create raised {type(error).__name__}: {why}")
        return
    message = core.message("Look at this.", {"attachments": [attachment], "force": True})
    outcome = simulation.bench.run(lambda: core.drive(message))
    shown = (item for item in outcome.turn.view.items if isinstance(item, UserMessageItem))
    if not any(attachment.id == one.id for item in shown for one in item.attachments):
        _remark(simulation, "a message with one was not answered")


def _remark(simulation: Simulation, why: str) -> None:
    simulation.bench.remarks.append(f"{simulation.scenario.slug} did not try attachments: {why}.")


ISOLATION = Scenario("isolation", "A second user names what is the first user's, in every request.", _isolation)
"""The scenario."""
