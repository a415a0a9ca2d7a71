"""What a scenario plays with: clients on one bench, a model that does as planned, and the story of what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from chatkit.types import ThreadStreamEvent

from ..client import Bench, SimulatedClient
from ..client.core import Outcome
from ..errors import ChatKitSimError, LimitError, Violation, ViolationError
from ..model import Step, calls
from ..recording import Turn
from .any_model import AnyModel, Plan
from .arguments import example
from .cast import Asking, Cast, ToolSeen
from .page import AnyClientTools, Mood


class NotApplicable(ChatKitSimError):
    """A scenario has nothing to do on this server; the message says why."""


class ScenarioError(ViolationError):
    """Rules were broken in a scenario.

    Attributes:
        story: What was played: the scenario, what the user wrote, what the model answered.
        same_as: The scenarios that met the same violations before, by the violation's place in ``violations``.
    """

    def __init__(
        self,
        story: str,
        violations: Sequence[Violation],
        *,
        turn: Turn | None = None,
        same_as: Mapping[int, str] | None = None,
    ) -> None:
        self.story = story
        self.same_as = dict(same_as or {})
        super().__init__(violations, turn=turn)

    def _message(self) -> str:
        text = super()._message()
        for index, scenario in self.same_as.items():
            violation = self.violations[index]
            text = text.replace(str(violation), f"{violation.rule}  {violation.place}\n  The same as in {scenario}.", 1)
        return f"{self.story}\n\n{text}"


@dataclass(frozen=True)
class Scenario:
    """One thing that happens to every ChatKit server sooner or later.

    Attributes:
        slug: Its name in item ids.
        title: What happens, one sentence.
        play: Plays it; raises ``NotApplicable`` where it has nothing to do.
    """

    slug: str
    title: str
    play: Callable[[Simulation], None]


class Simulation:
    """Plays one scenario.

    Args:
        bench: The bench with the server under test. Its model's script comes first; what it leaves is improvised.
        scenario: The scenario.
        context: The request context; the bench's by default.
        cast: What earlier scenarios on the same server have revealed.
        part: Opens a context for a part of the scenario, such as pytest's ``subtests.test``.
        announce: Told which server tools will run for real, by name, before the first of them does; told again when
            further ones come to light.
        given: Gives what a project has besides, by the fixture's name, such as ``chatkit_other_context``; ``None`` for
            what it has not.
        faults: How many faults of the store to try, evenly spread; ``None`` for every one.

    Attributes:
        context: The request context, or what makes it.
    """

    def __init__(
        self,
        bench: Bench,
        scenario: Scenario,
        *,
        context: Any = None,
        cast: Cast | None = None,
        part: Callable[[str], AbstractContextManager[Any]] | None = None,
        announce: Callable[[Sequence[str]], None] | None = None,
        given: Callable[[str], Any] | None = None,
        faults: int | None = 48,
    ) -> None:
        self.bench = bench
        self.faults = faults
        self.scenario = scenario
        self.cast = cast or Cast()
        self.part = part or (lambda label: nullcontext())
        self._announce = announce or (lambda tools: None)
        self.given = given or (lambda name: None)
        self.context = bench.context if context is None else context
        self._model = AnyModel(self.cast)
        self._story: list[str] = []
        bench.model.otherwise(self._model)

    def play(self) -> None:
        """Play the scenario.

        Raises:
            ScenarioError: Rules were broken.
            NotApplicable: It has nothing to do on this server.
        """
        __tracebackhide__ = True
        self.scenario.play(self)

    def client(self, *, client_tools: Mood = "answers") -> SimulatedClient:
        """A client with a thread of its own, on a page that has every client tool, or those that were declared."""
        client = SimulatedClient(self.bench, context=self.context)
        declared = client._core.tools if self.bench.frontend is not None else None
        client._core.tools = AnyClientTools(mood=client_tools, declared=declared)
        return client

    def send(self, client: SimulatedClient, message: str, plan: Plan | None = None) -> Turn:
        """Send a message, the model doing as planned.

        Raises:
            ScenarioError: Rules were broken.
        """
        __tracebackhide__ = True
        with self.telling(f"user   {message!r}", plan):
            return client.send(message)

    def retry(self, client: SimulatedClient) -> Turn:
        """Have the last message responded to again.

        Raises:
            ScenarioError: Rules were broken.
        """
        __tracebackhide__ = True
        with self.telling("user   retries", None):
            return client.retry()

    def second_user(self) -> dict[str, Any] | None:
        """The keyword that makes ``another()`` somebody else; ``None`` when the project names nobody."""
        known_by = self.bench.door.knows_users_by
        other = self.given(f"chatkit_other_{known_by}")
        return None if other is None else {known_by: other}

    @property
    def may_retry(self) -> bool:
        """Whether the page has a retry button."""
        return self.bench.frontend is None or self.bench.frontend.retry

    def attempt(self, client: SimulatedClient, message: str | None, plan: Plan | None = None) -> Outcome:
        """Send a message (``None``: retry) and tell the story of it; what comes of it is given, not raised."""
        core = client._core
        self._model.begin(plan)
        self.tell("user   retries" if message is None else f"user   {message!r}")
        request = core.retrying(None) if message is None else core.message(message, {})
        outcome = self.bench.run(lambda: core.drive(request))
        self._tell_model()
        return outcome

    def stop_at(
        self, client: SimulatedClient, message: str, plan: Plan | None, number: int
    ) -> ThreadStreamEvent | None:
        """Send a message and stop at its event ``number``; returns the event, or ``None`` when there are fewer.

        The user presses stop where ``stream_options`` allow it; elsewhere the page goes away.

        Raises:
            ScenarioError: Rules were broken.
        """
        __tracebackhide__ = True
        found: ThreadStreamEvent | None = None
        with self.telling(f"user   {message!r}", plan), client.stream(message) as stream:
            for count, event in enumerate(stream, 1):
                if count == number:
                    found = event
                    if client.view.allow_cancel:
                        self._story.append(f"user   presses stop at event {count} ({event.type})")
                        stream.cancel()
                    else:
                        self._story.append(f"page   goes away at event {count} ({event.type}); stop is not allowed")
                        stream.disconnect()
                    break
        return found

    def leave_pending(self, client: SimulatedClient, asking: Asking) -> None:
        """Have a client tool asked for, and let the page go away before it answers."""
        __tracebackhide__ = True
        with self.telling(f"user   {asking.message!r}", self.plan_for(asking)), client.stream(asking.message) as stream:
            for event in stream:
                if getattr(getattr(event, "item", None), "status", None) == "pending":
                    self._story.append(f"page   is reloaded while the client tool {asking.client_tool!r} runs")
                    stream.disconnect()
                    break

    def quietly(self, message: str, plan: Plan | None = None) -> Turn:
        """Drive a turn only to learn from it; what the rules say of it is for the scenario that is about it.

        Raises:
            LimitError: The server never ended, and nothing of it was recorded.
        """
        self._model.begin(plan)
        with self.bench.aside():
            try:
                return self.client().send(message)
            except (ViolationError, LimitError) as error:
                if error.turn is None:
                    raise
                turn: Turn = error.turn
                return turn

    def announce_tools(self) -> None:
        """Say which server tools are going to run for real, as far as they are known."""
        script = self.bench.model
        names = dict.fromkeys(tool.tool for tool in self.cast.tools)
        real = [name for name in names if script.tools.get(name, script.other_tools) == "real"]
        if not self.cast.announced.issuperset(real):
            self.cast.announced.update(real)
            self._announce(real)

    def call(self, tool: ToolSeen, variant: int = 0) -> Step:
        """The step that calls a server tool with arguments that fit its schema."""
        return calls(tool.tool, example(self.cast.agents[tool.agent].tools[tool.tool], variant))

    def plan_for(self, asking: Asking | None) -> Plan | None:
        """What the model has to do for a client tool to be asked for; ``None`` when nothing."""
        return (
            None if asking is None or asking.source is None else Plan(asking.source.agent, [self.call(asking.source)])
        )

    @contextmanager
    def telling(self, line: str, plan: Plan | None) -> Iterator[None]:
        """Tell the story of what is done in the block when a rule is broken."""
        __tracebackhide__ = True
        self._model.begin(plan)
        self._story.append(line)
        try:
            yield
        except ViolationError as error:
            self._tell_model()
            known = self._met_before(error.violations)
            raise ScenarioError(self.story(), error.violations, turn=error.turn, same_as=known) from error.__cause__
        except Exception as error:
            self._tell_model()
            error.add_note(f"\nThis happened in {self.story()}")
            raise
        self._tell_model()

    def begin(self, heading: str = "") -> None:
        """Begin the story anew, for a part that does not depend on what came before."""
        self._story = [heading] if heading else []

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self._story.append(line)

    def story(self) -> str:
        """What was played so far."""
        lines = [f"  {line}" for line in self._story]
        return "\n".join([f"{self.scenario.slug}: {self.scenario.title}", "", *lines])

    def _met_before(self, violations: Sequence[Violation]) -> dict[int, str]:
        """Where the same thing was met before: the same rule broken by the same tool and agent, mended the same way."""
        here = self.scenario.slug
        keys = [(one.rule, one.subjects.get("tool"), one.subjects.get("agent"), one.remedy) for one in violations]
        first = [self.cast.met.setdefault(key, here) for key in keys]
        return {index: scenario for index, scenario in enumerate(first) if scenario != here}

    def _tell_model(self) -> None:
        many = len({agent for agent, _ in self._model.said}) > 1
        for agent, step in self._model.said:
            self._story.append(f"model  {f'of {agent}: ' if many else ''}{step!r}")
        self._model.said = []
