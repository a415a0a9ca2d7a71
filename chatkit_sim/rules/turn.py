"""Rules about a turn as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Violation
from ..recording import RunEnded
from .base import Evidence, Rule, place
from .excuses import shows_something, turn_disturbed

_ASKING = ("threads.create", "threads.add_user_message", "threads.retry_after_item")


def _turn_shows_something(evidence: Evidence) -> Iterable[Violation]:
    turn = evidence.turn
    # An action may well change nothing on show; whoever writes expects an answer.
    if turn.request.type not in _ASKING or turn_disturbed(evidence):
        return
    if any(shows_something(history) for history in evidence.histories):
        return
    ended = [entry for entry in turn.timeline.of(RunEnded) if entry.stopped_by]
    last = turn.streams[-1]
    reason = "The turn ended without anything to see: no message, no widget, no notice, no effect."
    if not ended:
        yield Violation(
            rule="turn-shows-something",
            place=place(turn, last),
            reason=f"{reason} The user wrote, and is left waiting.",
            remedy="Let respond yield an answer, or at least a NoticeEvent that says why there is none.",
            severity="warning",
        )
        return
    run = ended[-1]
    yield Violation(
        rule="turn-shows-something",
        place=place(turn, last),
        reason=f"{reason} The run ended with the output of `{run.stopped_by}`, which the user never sees.",
        details=[f'agent "{run.agent}": tool_use_behavior stops at "{run.stopped_by}"'],
        remedy=f'Take "{run.stopped_by}" out of the tools that stop agent "{run.agent}", so that the model answers; '
        "or show something from within the tool, such as `await ctx.context.stream_widget(...)`.",
        subjects={"tool": run.stopped_by or "", "agent": run.agent},
        severity="warning",
    )


TURN_RULES = (
    Rule(
        slug="turn-shows-something",
        family="turn",
        must_hold="A turn that the user began shows something: an item, a notice, an effect or an error.",
        why="The user writes, the page stops waiting, and nothing appears.",
        source="agents: Agent.tool_use_behavior ends a run with a tool's output, which chatkit does not show",
        check=_turn_shows_something,
        severity="warning",
    ),
)
