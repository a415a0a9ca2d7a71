"""Answers to structured input: what the page submits, and what the server would ignore or cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from chatkit.types import StructuredInputItem, StructuredInputMultipleChoice, ThreadItem

from ..errors import UsageError
from ..recording import ThreadView

Answer = str | Sequence[str] | None


def asked(view: ThreadView, item: StructuredInputItem | str | None, *, force: bool = False) -> StructuredInputItem:
    """The questions that are answered: those given, or the newest that wait for an answer.

    Raises:
        UsageError: There are none, or they wait for no answer any more.
    """
    if item is None:
        pending = [one for one in view.items if isinstance(one, StructuredInputItem) and one.status == "pending"]
        if not pending:
            raise UsageError("Nothing waits for an answer: the thread shows no pending structured input.")
        return pending[-1]
    item_id = item if isinstance(item, str) else item.id
    shown: ThreadItem | None = view.item(item_id)
    if not isinstance(shown, StructuredInputItem):
        what = "is not on show" if shown is None else f"is a {shown.type}"
        raise UsageError(f"The item {item_id!r} {what}, and cannot be answered: answer() takes a structured input.")
    if shown.status != "pending" and not force:
        raise UsageError(
            f"The structured input {item_id} is {shown.status} already, and the server refuses a second answer. "
            "Pass force=True to send it nevertheless."
        )
    return shown


def submission(item: StructuredInputItem, answers: Mapping[str, Answer], *, force: bool = False) -> dict[str, Any]:
    """What the page submits.

    Args:
        item: The questions.
        answers: A value or several by the question's id; ``None`` skips one, as does leaving it out.
        force: Send what the page could not.

    Raises:
        UsageError: The server would ignore or cut it, or the page cannot send it.
    """
    problems = [problem for name, answer in answers.items() for problem in _problems(item, name, answer)]
    if problems and not force:
        raise UsageError(
            f"This cannot be answered so to the structured input {item.id}: {'; '.join(problems)}. "
            "Pass force=True to send it nevertheless."
        )
    names = [*(question.id for question in item.inputs), *answers]
    sent = {name: _sent(answers.get(name)) for name in dict.fromkeys(names)}
    return {"status": "answered", "answers": sent}


SKIPPED: Mapping[str, Any] = {"status": "skipped", "answers": {}}
"""What the page submits when the user skips all of it."""


def _problems(item: StructuredInputItem, name: str, answer: Answer) -> list[str]:
    questions = {question.id: question for question in item.inputs}
    question = questions.get(name)
    if question is None:
        close = get_close_matches(name, questions, 1)
        hint = f", did you mean {close[0]!r}" if close else ""
        known = ", ".join(f"{one.id!r} ({one.question})" for one in item.inputs)
        return [f"it has no question {name!r}{hint}, so the server ignores the answer (it asks: {known})"]
    values = _values(answer)
    if any(not isinstance(value, str) for value in values):
        return [f"{name!r} is answered with {answer!r}, and answers are text"]
    if answer is not None and not any(values):
        return [f"{name!r} is answered with nothing, which the server takes as skipped: say so with None"]
    if len(values) < 2:
        return []
    if not isinstance(question, StructuredInputMultipleChoice):
        return [f"{name!r} takes one free text, not {len(values)} values"]
    if not question.multiple:
        return [f"{name!r} takes one value, so the server keeps {values[0]!r} and drops the rest"]
    return []


def _values(answer: Answer) -> list[str]:
    if answer is None:
        return []
    return [answer] if isinstance(answer, str) or not isinstance(answer, Sequence) else list(answer)


def _sent(answer: Answer) -> dict[str, Any]:
    return {"values": _values(answer), "skipped": answer is None}
