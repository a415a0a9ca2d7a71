"""Rules about the script and the surroundings: what the test promised, and what the app reached for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import Place, Violation
from .base import BlockedCall, Evidence, Rule, TestEvidence, UnusedSteps
from .words import listed, times


def _script_used_up(evidence: TestEvidence) -> Iterable[Violation]:
    for unused in evidence.unused:
        count = len(unused.steps)
        owner = "the run that feeds the stream" if unused.agent is None else f'agent "{unused.agent}"'
        yield Violation(
            rule="script-used-up",
            place=Place(),
            reason=f"{times(count, 'step')} of the script for {owner} {'was' if count == 1 else 'were'} left over: "
            f"{listed(unused.steps)}. The test says more than the app did.",
            details=[
                f"model calls that it answered: {unused.calls}",
                f"agents that ran: {', '.join(unused.agents_seen) or 'none'}",
            ],
            remedy=_use_up(unused),
            subjects={"agent": unused.agent or ""},
        )


def _use_up(unused: UnusedSteps) -> str:
    if not unused.agents_seen:
        return (
            "No agent ran at all: send a message that reaches the agent, or take the steps out. A model that is a "
            "`Model` instance of the app's own answers without a script."
        )
    if unused.agent is None or unused.agent in unused.agents_seen:
        return "Take the steps out, or find out why the app stopped calling the model earlier than the test expects."
    close = get_close_matches(unused.agent, unused.agents_seen, n=1)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    return f'No agent named "{unused.agent}" ran.{hint} Name it as Agent(name=...) does.'


def _no_unscripted_model_call(evidence: Evidence | TestEvidence) -> Iterable[Violation]:
    for call in evidence.unscripted:
        yield Violation(
            rule="no-unscripted-model-call",
            place=_where(evidence),
            reason=f'Agent "{call.agent}" called the model (its call {call.number}), and no step of the script '
            "answered.",
            details=[f"it was given: {call.given}"],
            remedy=call.why,
            subjects={"agent": call.agent},
        )


def _no_network(evidence: Evidence | TestEvidence) -> Iterable[Violation]:
    frames: dict[str, list[str]] = {}
    asked: dict[str, list[str]] = {}
    for blocked in evidence.blocked:
        frames.setdefault(_address(blocked), []).append(blocked.frame)
        asked.setdefault(_address(blocked), []).extend([blocked.request] if blocked.request else [])
    for address, places in frames.items():
        requests, host = list(dict.fromkeys(asked[address])), address.rpartition(":")[0] or address
        yield Violation(
            rule="no-network",
            place=_where(evidence),
            reason=f"The app reached for the network: {address} ({times(len(places), 'time')}). The connection was "
            "stopped, whatever the app made of that.",
            details=[
                *(f"no route of chatkit_openai_api matches {request}" for request in requests),
                *(f"from {frame}" for frame in dict.fromkeys(places)),
            ],
            remedy=("Set a route for it on chatkit_openai_api" if requests else "Give that code a fake in the test")
            + f", or allow the host where tests mean to reach it: the ini line `chatkit_allow_network = {host}` "
            f'(without pytest, allow_network=["{host}"]).',
            subjects={"host": host},
        )


def _address(blocked: BlockedCall) -> str:
    return blocked.host if blocked.port is None else f"{blocked.host}:{blocked.port}"


def _where(evidence: Evidence | TestEvidence) -> Place:
    return Place(evidence.turn.number) if isinstance(evidence, Evidence) else Place()


SCRIPT_RULES = (
    Rule(
        slug="script-used-up",
        family="hygiene",
        must_hold="Every step of the script is taken by a model call.",
        why="A step that nothing takes means that the app does less than the test claims to show.",
        source="chatkit_sim.model: scripts belong to agents",
        check=_script_used_up,
        about="test",
    ),
    Rule(
        slug="no-unscripted-model-call",
        family="hygiene",
        must_hold="Every model call is answered by a step of the script.",
        why="The app calls a model that the test does not know of; in production it costs money and time.",
        source="chatkit_sim.model: scripts belong to agents",
        check=_no_unscripted_model_call,
        about="both",
    ),
    Rule(
        slug="no-network",
        family="hygiene",
        must_hold="A test reaches no global address.",
        why="It would depend on other machines, keys and luck, and could change things in production.",
        source="chatkit_sim.model: the network guard",
        check=_no_network,
        about="both",
    ),
)
