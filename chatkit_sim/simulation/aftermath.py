"""After the store has failed: the page is told, or not; it is reloaded; the user tries again, and goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from chatkit.types import ThreadItemDoneEvent, ThreadItemRemovedEvent, UserMessageItem

from ..client import SimulatedClient
from ..client.core import Outcome
from ..errors import LimitError, Place, Violation, ViolationError, describe_exception
from ..recording import ThreadView, Turn
from ..rules.excuses import chain
from ..rules.persistence import RELOAD_RULES
from ..stores import StoreCall, StoreFault
from .any_model import Plan
from .simulation import Simulation

Cause = tuple[str | None, ...]
_TOLD = frozenset({"no-unexpected-error", *RELOAD_RULES})
_HERE = __name__.partition(".")[0]
_FOLDER = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Deed:
    """What a user does.

    Attributes:
        message: What is written; ``None`` for a retry.
        plan: Makes what the model is to do.
    """

    message: str | None
    plan: Callable[[], Plan | None] = lambda: None


@dataclass(frozen=True)
class Damage:
    """Something that a failing store does to a conversation and must not.

    Attributes:
        label: Where it was met first.
        story: What was played.
        violations: What is wrong.
        turn: The turn in which it showed.
    """

    label: str
    story: str
    violations: tuple[Violation, ...]
    turn: Turn | None


def cause_of(violation: Violation) -> Cause:
    """What makes two violations the same."""
    subjects = [violation.subjects.get(name) for name in ("tool", "agent")]
    return violation.rule, *subjects, violation.remedy, type(violation.cause).__name__


def violations_of(outcome: Outcome) -> Iterator[Violation]:
    """What is wrong with a turn: what the rules say, or that it did not come to an end."""
    error = outcome.error
    if isinstance(error, ViolationError):
        yield from error.violations
    elif error is not None:
        yield _no_end(error)


class Aftermath:
    """What a user does after a turn in which the store failed.

    A turn that ended with an error event is retried on the page; after a connection that broke, the page is reloaded
    first. Either way the page is reloaded then, and one more message is sent.

    Args:
        simulation: The simulation.
        client: The client.
        outcome: The turn.
        move: What the user had done.
        sent: The user's last message.
        struck: The store call that failed.
        known: What is wrong without any failure of the store.

    Attributes:
        last: The last turn that was played.
        hung: Whether a turn did not come to its end.
    """

    def __init__(
        self,
        simulation: Simulation,
        client: SimulatedClient,
        outcome: Outcome,
        move: Deed,
        sent: str,
        struck: StoreCall,
        known: Collection[Cause] = (),
    ) -> None:
        self.simulation = simulation
        self.client = client
        self.move = move
        self.sent = sent
        self.last = outcome.turn
        self.hung = False
        self._outcome = outcome
        self._struck = struck
        self._known = known

    def play(self) -> list[Violation]:
        """Do it; what is wrong."""
        turn = self._outcome.turn
        told, broken = bool(turn.errors), any(stream.raised is not None for stream in turn.streams)
        self._tell(turn, told, broken)
        found = [
            _by_its_caller(violation)
            for violation in self._judged(self._outcome)
            if _is_blamed(violation, told or broken)
        ]
        view: ThreadView | None = None
        if self.client.thread_id is not None:
            view, failed = self._reloaded()
            found += [failed] if failed is not None else _lost(turn, view, self._struck)
        if found:
            return found
        if told and not broken and self.simulation.may_retry:
            return list(self._tried(self.client, None)) or self._go_on()
        if told or broken:
            return self._go_on(again=True)
        return self._go_on()

    def _go_on(self, *, again: bool = False) -> list[Violation]:
        """Reload the page, try again if that is still to be done, and write once more."""
        page = self.simulation.client()
        if self.client.thread_id is not None:
            self.simulation.tell("page   is reloaded")
            page.open(self.client.thread_id)
        if again:
            shown = _last_message(page.view) == self.sent and self.simulation.may_retry
            if found := list(self._tried(page, None if shown else self.sent)):
                return found
        return list(self._judged(self.simulation.attempt(page, "Thank you.")))

    def _tried(self, client: SimulatedClient, message: str | None) -> Iterator[Violation]:
        yield from self._judged(self.simulation.attempt(client, message, self.move.plan()))

    def _judged(self, outcome: Outcome) -> Iterator[Violation]:
        self.last = outcome.turn
        self.hung = self.hung or isinstance(outcome.error, LimitError)
        yield from (violation for violation in violations_of(outcome) if cause_of(violation) not in self._known)

    def _reloaded(self) -> tuple[ThreadView, Violation | None]:
        page = self.simulation.client()
        try:
            return page.open(self.client.thread_id or ""), None
        except Exception as error:
            return page.view, Violation(
                rule="reload-works",
                place=Place(),
                reason="After the store has failed, and works again, the thread cannot be opened.",
                details=["\n".join(describe_exception(error))],
                remedy="See what was half written; write what belongs together in one transaction.",
                subjects={"exception": type(error).__name__},
                cause=error,
            )

    def _tell(self, turn: Turn, told: bool, broken: bool) -> None:
        if broken:
            self.simulation.tell("page   sees the connection break")
        elif told:
            self.simulation.tell("page   shows an error")
        else:
            self.simulation.tell("page   is told of nothing: the response ends as if all were well")


def _is_blamed(violation: Violation, told: bool) -> bool:
    """Whether a violation in the turn in which the store failed is the server's fault."""
    if violation.rule == "stream-ends-cleanly":
        return not _is_upstream(violation.cause)
    # The user knows that something went wrong, and the reload that follows is looked at by itself.
    return not (told and violation.rule in _TOLD)


def _is_upstream(error: BaseException | None) -> bool:
    """Whether the call that failed was one of ChatKit's own, outside of respond: that comes out of any server."""
    for link in chain(error):
        if isinstance(link, StoreFault):
            return _caller(link) == "chatkit"
    return False


def _by_its_caller(violation: Violation) -> Violation:
    """The same, with who called the store that failed in place of where this package made it fail."""
    fault = next((link for link in chain(violation.cause) if isinstance(link, StoreFault)), None)
    if fault is None:
        return violation
    what, *frames = describe_exception(fault, frames=50)
    callers = [frame for frame in frames if _FOLDER not in frame][-3:]
    return replace(violation, details=["\n".join([what, *callers])])


def _caller(error: BaseException) -> str:
    """The package whose code called the store."""
    package, traceback = "", error.__traceback__
    while traceback is not None:
        name = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if name != _HERE and name not in sys.stdlib_module_names:
            package = name
        traceback = traceback.tb_next
    return package


def _lost(turn: Turn, view: ThreadView, struck: StoreCall) -> list[Violation]:
    """What the page showed as done and a reload does not have; what was just being deleted may be gone."""
    events = [event for stream in turn.streams for event in stream.events]
    removed = {event.item_id for event in events if isinstance(event, ThreadItemRemovedEvent)}
    if struck.method == "delete_thread_item":
        removed |= {value for value in (*struck.arguments, *struck.keywords.values()) if isinstance(value, str)}
    done = {event.item.id: event.item.type for event in events if isinstance(event, ThreadItemDoneEvent)}
    shown = {item.id: item.type for item in turn.before.items} | done
    stored = {item.id for item in view.items}
    gone = {item_id: kind for item_id, kind in shown.items() if item_id not in stored | removed}
    if not gone:
        return []
    return [
        Violation(
            rule="nothing-lost",
            place=Place(),
            reason=f"{', '.join(f'{kind} {item_id}' for item_id, kind in gone.items())}: done on the page, and gone "
            "after a reload, since the store failed in between.",
            remedy="Let the exception of a store call out of respond, so that ChatKit ends the response with an error "
            "event; save an item before the page is told that it is done.",
            subjects={"item": next(iter(gone))},
        )
    ]


def _last_message(view: ThreadView) -> str | None:
    messages = [item for item in view.items if isinstance(item, UserMessageItem)]
    return "".join(getattr(part, "text", "") for part in messages[-1].content) if messages else None


def _no_end(error: BaseException) -> Violation:
    ends = isinstance(error, LimitError)
    return Violation(
        rule="turn-ends" if ends else "request-answered",
        place=Place(),
        reason=str(error) if ends else f"{type(error).__name__} ended the turn.",
        details=[] if ends else ["\n".join(describe_exception(error))],
        remedy="See what the responder waits for, or repeats, when its store fails." if ends else "Mend what raised.",
        subjects={"exception": type(error).__name__},
        cause=error,
    )
