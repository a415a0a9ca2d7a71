"""What a test wants to go wrong: exactly these violations and errors are taken out before the rest is raised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from chatkit.types import ErrorEvent

from ..errors import ChatKitSimError, UsageError, Violation
from ..recording import Turn

ErrorPattern = str | type[BaseException] | bool
_ERROR_RULES = ("no-unexpected-error", "stream-ends-cleanly")


class ExpectationError(ChatKitSimError, AssertionError):
    """Something that ``expecting`` announced did not happen."""


@dataclass
class Caught:
    """What happened of what was expected.

    Attributes:
        violations: The violations that were expected.
        errors: The error events that were expected.
        exceptions: The exceptions behind them, as far as they are known.
    """

    violations: list[Violation] = field(default_factory=list)
    errors: list[ErrorEvent] = field(default_factory=list)
    exceptions: list[BaseException] = field(default_factory=list)


@dataclass
class Expectation:
    """One ``with client.expecting(...)``.

    Attributes:
        error: What the error must be: text within its code, message or exception; an exception type; True for any.
        rules: The slugs that must be broken.
        caught: What happened of it.
    """

    error: ErrorPattern | None
    rules: Sequence[str]
    caught: Caught = field(default_factory=Caught)

    def take(self, turn: Turn, violations: Iterable[Violation]) -> list[Violation]:
        """Keep what was expected, return the rest."""
        wanted_errors = self._take_errors(turn)
        left: list[Violation] = []
        for violation in violations:
            if violation.rule in self.rules or (wanted_errors and violation.rule in _ERROR_RULES):
                self.caught.violations.append(violation)
            else:
                left.append(violation)
        return left

    def take_rules(self, violations: Iterable[Violation]) -> list[Violation]:
        """The same for violations that are of no turn."""
        left: list[Violation] = []
        for violation in violations:
            (self.caught.violations if violation.rule in self.rules else left).append(violation)
        return left

    def check(self) -> None:
        """See that all of it happened.

        Raises:
            ExpectationError: Something did not.
        """
        seen = {violation.rule for violation in self.caught.violations}
        missing = [rule for rule in self.rules if rule not in seen]
        if missing:
            raise ExpectationError(
                f"Expected the violation of {', '.join(missing)}, but the turns within `expecting` kept "
                f"{'that rule' if len(missing) == 1 else 'those rules'}."
            )
        if self.error not in (None, False) and not (self.caught.errors or self.caught.exceptions):
            raise ExpectationError(f"Expected an error ({_say(self.error)}), but no turn within `expecting` had it.")

    def _take_errors(self, turn: Turn) -> bool:
        if self.error in (None, False):
            return False
        exceptions = [
            error
            for stream in turn.streams
            for error in (*stream.swallowed, *([stream.raised] if stream.raised else []))
        ]
        behind = [error for error in exceptions if self._fits_exception(error)]
        events = [event for event in turn.errors if self._fits_event(event) or behind]
        self.caught.errors += events
        self.caught.exceptions += behind
        return bool(events or behind)

    def _fits_event(self, event: ErrorEvent) -> bool:
        if isinstance(self.error, str):
            code = event.code if isinstance(event.code, str) else event.code.value
            return self.error == code or self.error in (event.message or "")
        return self.error is True

    def _fits_exception(self, error: BaseException) -> bool:
        if isinstance(self.error, str):
            return self.error in f"{type(error).__name__}: {error}"
        return self.error is True or (isinstance(self.error, type) and isinstance(error, self.error))


class Expectations:
    """The open ``expecting`` blocks of a client, innermost last."""

    def __init__(self) -> None:
        self._open: list[Expectation] = []

    @contextmanager
    def expecting(
        self, known_rules: Iterable[str], error: ErrorPattern | None, violation: str | Sequence[str] | None
    ) -> Iterator[Caught]:
        """Open a block; see ``SimulatedClient.expecting``."""
        __tracebackhide__ = True
        rules = [violation] if isinstance(violation, str) else list(violation or ())
        unknown = [rule for rule in rules if rule not in set(known_rules)]
        if unknown:
            raise UsageError(f"expecting(violation=...) names {unknown[0]!r}, which is no rule of this client.")
        if error is None and not rules:
            raise UsageError("Say what to expect: expecting(error=...) or expecting(violation=...).")
        expectation = Expectation(error, rules)
        self._open.append(expectation)
        try:
            yield expectation.caught
        finally:
            self._open.remove(expectation)
        expectation.check()

    def take(self, turn: Turn, violations: Iterable[Violation]) -> list[Violation]:
        """Let each open block keep what it expected; returns what nobody did."""
        left = list(violations)
        for expectation in reversed(self._open):
            left = expectation.take(turn, left)
        return left

    def take_rules(self, violations: Iterable[Violation]) -> list[Violation]:
        """The same for violations that are of no turn."""
        left = list(violations)
        for expectation in reversed(self._open):
            left = expectation.take_rules(left)
        return left


def _say(error: ErrorPattern | None) -> str:
    if isinstance(error, type):
        return error.__name__
    return "any" if error is True else repr(error)
