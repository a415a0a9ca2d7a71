"""A story: what clients did, what the model said, what the page answered, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from agents.testing import ModelCall

from ..client import Judged
from ..errors import Violation
from ..model import Caller, Step
from ..model.steps import Calls
from ..recording import ToolEnded
from .moves import Move, Reaction


@dataclass(frozen=True)
class Said:
    """What the model answered to one call.

    Attributes:
        agent: The agent that called; ``None`` for the run that feeds the stream.
        step: The answer.
        wrong: Whether no model should have answered so.
        tools: The JSON schemas of the tools that it could have called.
    """

    agent: str | None
    step: Step
    wrong: bool = False
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Reacted:
    """What the page made of one client tool call.

    Attributes:
        tool: The client tool.
        reaction: What it made of it.
    """

    tool: str
    reaction: Reaction


@dataclass(frozen=True)
class Played:
    """One move, and what happened in it.

    Attributes:
        move: The move.
        said: What the model answered, in the order of its calls.
        reacted: What the page answered to client tools, in order.
        order: Which of the ready tasks went first, by the number of the choice; nothing for first come, first served.
        violations: The rules that were broken.
        muted: Those of them that are nobody's fault, or an SDK's.
        judged: The turns, as the rules judged them.
        seconds: How much virtual time it took; nothing on a real loop.
    """

    move: Move
    said: tuple[Said, ...] = ()
    reacted: tuple[Reacted, ...] = ()
    order: Mapping[int, int] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    muted: tuple[Violation, ...] = ()
    judged: tuple[Judged, ...] = field(default=(), compare=False, repr=False)
    seconds: float = field(default=0, compare=False, repr=False)

    @property
    def wrong(self) -> bool:
        """Whether the model did something that no model should."""
        return any(said.wrong for said in self.said)

    def deeds(self, *, words: bool = True) -> str:
        """What was done in it, whatever came of it.

        Args:
            words: Whether what the model said counts; for what a tool does it does not matter.
        """
        said = [(one.agent, part) for one in self.said for part in one.step.parts if words or isinstance(part, Calls)]
        return repr((self.move, said, self.reacted, dict(self.order)))

    @property
    def raised_in_tools(self) -> bool:
        """Whether a server tool raised something."""
        streams = (stream for one in self.judged if one.turn is not None for stream in one.turn.streams)
        return any(entry.error is not None for stream in streams for entry in stream.timeline.of(ToolEnded))


Story = tuple[Played, ...]


def deeds_that_went_well(story: Story) -> set[str]:
    """What the first move of a story does, where it broke nothing: with the model's words, and without."""
    return {story[0].deeds(), story[0].deeds(words=False)} if story and not story[0].violations else set()


Key = tuple[str, ...]
"""What tells one bug from another: the rule, whom it is about, where in the app it was raised."""


def key_of(violation: Violation) -> Key:
    """The bug that a violation is of."""
    subjects = tuple(violation.subjects.get(name, "") for name in ("tool", "agent", "exception", "defect", "code"))
    return (violation.rule, *subjects, _raised_at(violation.cause))


def _raised_at(error: BaseException | None) -> str:
    places = []
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None:
        places.append((traceback.tb_frame, f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"))
        traceback = traceback.tb_next
    of_the_app = [place for frame, place in places if not is_library(frame)]
    return (of_the_app or [place for _, place in places] or [""])[-1]


def is_library(frame: FrameType) -> bool:
    """Whether a frame is none of the app's own."""
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return "site-packages" in frame.f_code.co_filename or package in ("chatkit_sim", "asyncio")


def lane_of(caller: Caller) -> str | None:
    """Whose answers a caller gets: those of the run that feeds the stream, or of an agent beside it."""
    return None if caller.feeds_stream else caller.agent.name


class Source:
    """Where a scene takes from what is not in the moves: the model's answers, the page's reactions."""

    def begin(self, move: Move) -> None:
        """A move begins."""

    def step(self, caller: Caller, call: ModelCall) -> Said:
        """The model's answer to a call."""
        raise NotImplementedError

    def reaction(self, client: int, tool: str, arguments: Mapping[str, Any]) -> Reaction:
        """What the page makes of a client tool call."""
        raise NotImplementedError

    def order(self) -> Mapping[int, int]:
        """The order of tasks during the move."""
        return {}

    def end(self) -> None:
        """A move has ended.

        Raises:
            BaseException: What stopped the source in the middle of it.
        """


@dataclass
class Recorded(Source):
    """A source that says again what was said before; what is missing is answered plainly.

    Attributes:
        story: What was played.
        plain: Answers a model call that nothing was recorded for.
    """

    story: Sequence[Played]
    plain: Any
    place: int = -1

    def begin(self, move: Move) -> None:
        """See ``Source``."""
        self.place += 1
        played = self.story[self.place]
        self._said = list(played.said)
        self._reacted = list(played.reacted)
        self._order = played.order

    def step(self, caller: Caller, call: ModelCall) -> Said:
        """See ``Source``."""
        lane = lane_of(caller)
        for index, said in enumerate(self._said):
            if said.agent == lane:
                return self._said.pop(index)
        return Said(lane, self.plain(call))

    def reaction(self, client: int, tool: str, arguments: Mapping[str, Any]) -> Reaction:
        """See ``Source``."""
        for index, reacted in enumerate(self._reacted):
            if reacted.tool == tool:
                return self._reacted.pop(index).reaction
        return Reaction()

    def order(self) -> Mapping[int, int]:
        """See ``Source``."""
        return self._order
