"""Scenarios of what people do on the page besides writing: clicks, answers to questions, files, two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from chatkit.store import AttachmentStore
from chatkit.types import StructuredInputItem, ThreadItem

from ..client import Bench, SimulatedClient
from ..client import clicking as clicks
from ..client.core import Outcome
from ..client.forms import FormField, fields_of
from ..client.frontend import AttachmentLimits, DirectUpload
from ..client.widget_actions import NOT_GIVEN, Clickable, clickables, dispatch
from ..errors import UsageError
from ..rules.excuses import chain
from ..transports import TransportError
from .any_model import Plan
from .arguments import example
from .moves import File, widgets_of
from .simulation import NotApplicable, Scenario, Simulation
from .survey import EVERYTHING, GREETING, explore, request_of, tells_of_no_attachment_store

_CLICKS = 20  # things that are clicked; a list of a thousand rows does not show more than its first ones
_FILE = File("notes.txt", "text/plain", b"Bring milk.")


def _widget_clicks(simulation: Simulation) -> None:
    clicked: set[tuple[str, str]] = set()
    for message, plan in _requests(simulation):
        for number, clickable in enumerate(_clickables(_shown(simulation, message, plan))):
            action = (clickable.kind, str(clickable.action.get("type")))
            if action in clicked or len(clicked) == _CLICKS:
                continue
            clicked.add(action)
            simulation.begin()
            client = simulation.client()
            simulation.send(client, message, _again(plan))
            # Ids and texts may differ each time; what stands where does not.
            with simulation.part(str(action[1])):
                _click(simulation, client, _clickables(client.view.items)[number])
    if not clicked:
        raise NotApplicable("nothing that was tried showed a widget with something to click that the server handles")


def _click(simulation: Simulation, client: SimulatedClient, clickable: Clickable) -> None:
    core = client._core
    own = FormField("", clickable.kind, clickable.component, clickable.component)
    value = _entry(own) if clickable.kind in ("Select", "RadioGroup", "DatePicker", "Checkbox") else NOT_GIVEN
    fields = fields_of(clickable.form) if clickable.form is not None else {}
    form = {name: _entry(field) for name, field in fields.items() if not field.disabled}
    planned = dispatch(clickable, form, value, core.bench.policies, force=False)
    with simulation.telling(f"user   clicks {clickable.kind} {' '.join(clickable.labels[:1])!r}", None):
        simulation.bench.run(lambda: clicks.send(core, planned)).unwrap()


def _entry(field: FormField) -> Any:
    """What a user may well enter."""
    if field.kind == "Checkbox":
        return True
    if field.kind in ("Select", "RadioGroup"):
        return next(iter(field.choices), None)
    if field.kind == "DatePicker":
        return field.first_day
    pattern = field.rules.get("pattern")
    return example({"type": "string", **({"pattern": pattern} if isinstance(pattern, str) else {"minLength": 1})})


def _structured_input(simulation: Simulation) -> None:
    asked: set[tuple[str, ...]] = set()
    for message, plan in _requests(simulation):
        item = _questions(_shown(simulation, message, plan))
        key = tuple(question.question for question in item.inputs) if item else ()
        if item is None or key in asked:
            continue
        asked.add(key)
        for way in ("answers", "skips"):
            simulation.begin()
            client = simulation.client()
            simulation.send(client, message, _again(plan))
            item = _questions(client.view.items) or item
            with simulation.part(way), simulation.telling(f"user   {way} the questions", None):
                client.skip(item) if way == "skips" else client.answer(item, _answers(item))
    if not asked:
        raise NotApplicable("nothing that was tried asked for structured input")


def _questions(items: Sequence[ThreadItem]) -> StructuredInputItem | None:
    return next((item for item in reversed(items) if isinstance(item, StructuredInputItem)), None)


def _answers(item: StructuredInputItem) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for question in item.inputs:
        options = [option.value for option in getattr(question, "options", None) or ()]
        several = bool(getattr(question, "multiple", False))
        answers[question.id] = (options[:1] if several else options[0]) if options else "Some text"
    return answers


def _message_with_file(simulation: Simulation) -> None:
    explore(simulation)
    bench, client = simulation.bench, simulation.client()
    bench.run(client._core.transport)  # an earlier scenario may have explored the server: here nobody has opened it yet
    _check_takes_files(bench, client)
    with simulation.telling(f"user   attaches {_FILE.name!r} ({_FILE.mime_type})", None):
        attached = _attached(client, uploads=bench.door.takes_uploads)
    with simulation.telling("user   'Look at this.', with the file", None):
        client.send("Look at this.", attachments=[attached])
    simulation.send(client, "Thank you.")


def _check_takes_files(bench: Bench, client: SimulatedClient) -> None:
    limits = AttachmentLimits() if bench.frontend is None else bench.frontend.attachments
    if limits is None or limits.problem(_FILE.name, len(_FILE.content), _FILE.mime_type) is not None:
        raise NotApplicable("the page that chatkit_frontend declares takes no such file")
    if bench.server is None:
        _try_to_announce(bench, client)
        return
    store = bench.server.attachment_store
    if store is None:
        raise NotApplicable("the server has no attachment store")
    if not bench.door.takes_uploads and type(store).create_attachment is AttachmentStore.create_attachment:
        raise NotApplicable("files are uploaded to the app directly, and only the server is under test")


def _try_to_announce(bench: Bench, client: SimulatedClient) -> None:
    """Over HTTP, only an answer tells whether the server takes files."""
    if bench.frontend is not None and isinstance(bench.frontend.upload, DirectUpload):
        return  # nothing is announced
    try:
        _announced(client)
    except Exception as error:
        if tells_of_no_attachment_store(error):
            raise NotApplicable("the server has no attachment store") from error
        raised = [link for link in chain(error) if not isinstance(link, TransportError)]
        if any(isinstance(link, NotImplementedError) for link in raised):
            raise NotApplicable(
                "attachments.create is not there, so files are uploaded to the app directly: say where with "
                "Frontend(upload=DirectUpload(...))"
            ) from error
        if raised:
            raise  # the server takes files, and fails
        raise NotApplicable(f"attachments.create was refused: {str(error).splitlines()[0]}") from error


def _attached(client: SimulatedClient, *, uploads: bool) -> str:
    if uploads:
        try:
            return client.upload(_FILE.content, name=_FILE.name, mime_type=_FILE.mime_type).id
        except UsageError:
            pass  # the bytes go to another host, which does not concern the server: it is told of the file only
    return _announced(client)


def _announced(client: SimulatedClient) -> str:
    size = len(_FILE.content)
    made = client.request("attachments.create", name=_FILE.name, size=size, mime_type=_FILE.mime_type)
    return str(made["id"])


def _two_at_once(simulation: Simulation) -> None:
    cast = explore(simulation)
    other = simulation.second_user()
    who = "another user" if other is not None else "another tab, in a thread of its own"
    wanted = [(asking.message, simulation.plan_for(asking)) for asking in cast.askings.values()]
    requests = [(GREETING, None), (EVERYTHING, None), *wanted]
    sound = [(message, plan) for message, plan in requests if _goes_well(simulation, message, _again(plan))]
    if not sound:
        raise NotApplicable("one conversation alone breaks rules already, which other scenarios tell of")
    for message, plan in sound:
        simulation.begin(
            "alone  each goes well: look for what they share, such as an attribute of the server, a global"
        )
        first = simulation.client()
        second = simulation.client() if other is None else first.another(**other)
        both = Plan(plan.agent, [*plan.steps, *plan.steps]) if plan else None
        with simulation.telling(f"user   {message!r}, and at the same time {who}: {message!r}", both):
            for outcome in simulation.bench.run(partial(_at_once, message, first, second)):
                outcome.unwrap()


def _goes_well(simulation: Simulation, message: str, plan: Plan | None) -> bool:
    with simulation.bench.aside():
        return simulation.attempt(simulation.client(), message, plan).error is None


async def _at_once(message: str, *clients: SimulatedClient) -> list[Outcome]:
    requests = [(client._core, client._core.message(message, {})) for client in clients]
    return list(await asyncio.gather(*(core.drive(request) for core, request in requests)))


def _requests(simulation: Simulation) -> Iterator[tuple[str, Plan | None]]:
    """What may make the server show something: what users write, and each tool of each agent."""
    cast = explore(simulation)
    for message in (GREETING, EVERYTHING):
        yield message, None
    for tool in cast.tools:
        yield request_of(tool), Plan(tool.agent, [simulation.call(tool)])


def _again(plan: Plan | None) -> Plan | None:
    return Plan(plan.agent, plan.steps) if plan else None


def _shown(simulation: Simulation, message: str, plan: Plan | None) -> Sequence[ThreadItem]:
    return simulation.quietly(message, plan).view.items


def _clickables(items: Sequence[ThreadItem]) -> list[Clickable]:
    """What can be clicked and is the server's affair, not the page's."""
    offered = [one for widget in widgets_of(items) for one in clickables(widget) if not one.disabled]
    return [one for one in offered if one.action.get("handler") != "client"]


PAGE_SCENARIOS = (
    Scenario("widget-clicks", "The user clicks whatever a widget offers.", _widget_clicks),
    Scenario("structured-input", "The user answers the server's questions, and skips them.", _structured_input),
    Scenario("message-with-file", "The user attaches a file to a message.", _message_with_file),
    Scenario("two-at-once", "Two conversations go on at the same time.", _two_at_once),
)
"""The scenarios."""
