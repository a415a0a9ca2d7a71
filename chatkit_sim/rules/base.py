"""What a rule is, what it is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..errors import Place, Severity, Violation
from ..recording import Answer, Comparison, OutlivingTask, RecordedStream, Reload, Trespass, Turn
from .history import StreamHistory, read_turn


@dataclass(frozen=True)
class ClientToolContract:
    """What the page registered for a client tool, as far as rules care.

    Attributes:
        name: Its name.
        problem: Says why arguments do not fit the handler, or ``None`` when they do.
    """

    name: str
    problem: Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class PageContract:
    """What the page declares besides its client tools, as far as rules care.

    Attributes:
        effects: The client effects that it handles, by name; ``None`` when it handles all.
        actions: The types of the widget actions that it handles; ``None`` when it handles all.
    """

    effects: frozenset[str] | None
    actions: frozenset[str] | None


@dataclass(frozen=True)
class BlockedCall:
    """A connection that the network guard stopped.

    Attributes:
        host: Where to.
        port: The port, when the call named one.
        frame: ``file:line in function`` of the app's innermost frame.
        request: The HTTP request, as ``GET https://...``, when it was one that no route of the mocked API matched.
    """

    host: str
    port: int | None
    frame: str
    request: str = ""


@dataclass(frozen=True)
class UnscriptedCall:
    """A model call that no step of the script answered.

    Attributes:
        agent: Who called.
        number: Which call of that agent it was, from 1.
        given: What the model was given, short.
        why: Why no step answered, and which call would script it.
    """

    agent: str
    number: int
    given: str
    why: str


@dataclass(frozen=True)
class RefusedRequest:
    """A request that the model's provider would refuse.

    Attributes:
        agent: Who called; for a client without agents, the model that it asked for.
        wire: Which API: ``Responses`` or ``Chat Completions``.
        message: What the provider says.
        param: The offending place, such as ``input[2].content``; empty when the provider names none.
        item: What is found there, as JSON, short.
        remedy: What to do.
    """

    agent: str
    wire: str
    message: str
    param: str = ""
    item: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class UnusedSteps:
    """Steps of the script that no model call took.

    Attributes:
        agent: The agent the steps belong to; ``None`` for the run that feeds the stream.
        steps: The steps, as written.
        calls: How many model calls the script did answer.
        agents_seen: The names of the agents that ran.
    """

    agent: str | None
    steps: Sequence[str]
    calls: int
    agents_seen: Sequence[str]


@dataclass(frozen=True)
class Evidence:
    """What a rule about a turn is given.

    Attributes:
        turn: The turn.
        earlier: The client's turns before it.
        client_tools: What the page registered, by name.
        page: What else the page declares; ``None`` when nothing was declared, and so all is allowed.
        unscripted: Model calls of this turn without a step.
        refused: Requests of this turn that the model's provider would refuse.
        blocked: Connections stopped during this turn.
        reload: The thread as the server has stored it after the turn; ``None`` when it was not read back.
        compared: The thread as it was last compared before the turn; ``None`` when it was not.
        shared: Whether others had to do with the thread since then: another client, or requests outside of any turn.
        answers: Responses outside of the turn's streams since the turn before, those of the reload among them.
        outliving: Tasks that the turn left behind.
        unseen: Rules that could not see what they are about, by slug, each with why.
    """

    turn: Turn
    earlier: Sequence[Turn] = ()
    client_tools: Mapping[str, ClientToolContract] = field(default_factory=dict)
    page: PageContract | None = None
    unscripted: Sequence[UnscriptedCall] = ()
    refused: Sequence[RefusedRequest] = ()
    blocked: Sequence[BlockedCall] = ()
    reload: Reload | None = None
    compared: Comparison | None = None
    shared: bool = False
    answers: Sequence[Answer] = ()
    outliving: Sequence[OutlivingTask] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def histories(self) -> tuple[StreamHistory, ...]:
        """The lives of the items, for each stream; read once, however many rules ask."""
        return read_turn(self.turn)


@dataclass(frozen=True)
class TestEvidence:
    """What a rule about the whole test is given.

    Attributes:
        turns: Every turn of every client.
        unused: Script steps left over.
        unscripted: Model calls outside of any turn without a step.
        refused: Requests outside of any turn that the model's provider would refuse.
        blocked: Connections stopped outside of any turn.
        answers: Responses since the last turn.
        trespasses: What a second user could do with what is the first user's; ``None`` when none tried.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    turns: Sequence[Turn] = ()
    unused: Sequence[UnusedSteps] = ()
    unscripted: Sequence[UnscriptedCall] = ()
    refused: Sequence[RefusedRequest] = ()
    blocked: Sequence[BlockedCall] = ()
    answers: Sequence[Answer] = ()
    trespasses: Sequence[Trespass] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A property that every turn (or test) must have.

    Attributes:
        slug: Says what must hold.
        family: Its family in the catalogue.
        must_hold: The property, one sentence.
        why: What the user of the app would notice otherwise.
        source: The place in the protocol or an SDK that says so.
        check: Yields a violation for each place where it does not hold. Rules about a turn take ``Evidence``,
            rules about the test ``TestEvidence``, rules about both take either.
        about: ``turn``; ``test`` for rules that speak once at the end; ``both``.
        severity: ``error`` fails, ``warning`` is told at the end.
        timeline: Whether it reads the run timeline. ``needed``: without one it is not checked. ``helps``: the events
            decide it in part, and without a timeline the rest is not checked.
        unable: Says why the rule cannot be checked on this evidence, or ``None`` when it can.
        yields_to: Rules that say the same thing better. What they tell of an item, or of an exception, this one does
            not tell as well: one cause speaks once.
        broken: A short example that breaks the rule.
        mended: The same, mended.
        traps: What looks like a breach and is none, and what is easily overlooked.
        reads: What it looks at, as in "It reads the thread as it is stored."; made from ``timeline`` when empty.
        owner: Who registered it, for messages; where its ``check`` is defined when empty.
    """

    slug: str
    must_hold: str
    check: Callable[[Any], Iterable[Violation]]
    family: str = "your own"
    why: str = ""
    source: str = ""
    about: Literal["turn", "test", "both"] = "turn"
    severity: Severity = "error"
    timeline: Literal["needed", "helps"] | None = None
    unable: Callable[[Any], str | None] | None = None
    yields_to: tuple[str, ...] = ()
    broken: str = ""
    mended: str = ""
    traps: tuple[str, ...] = ()
    reads: str = ""
    owner: str = ""

    @property
    def needs_timeline(self) -> bool:
        """Whether the events alone cannot decide it."""
        return self.timeline == "needed"


def place(turn: Turn, stream: RecordedStream | None = None, event: int | None = None) -> Place:
    """Where in a turn; event numbers count from 1, the preamble included."""
    return Place(turn.number, stream.number if stream else None, event)
