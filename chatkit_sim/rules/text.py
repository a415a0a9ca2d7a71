"""Rules about the text of assistant messages: what was streamed is what stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import Violation
from .base import Evidence, Rule, place
from .messages import TextProblem
from .words import item_name, quoted


def _speak(
    say: Callable[[TextProblem], tuple[str, str] | None], rule: str
) -> Callable[[Evidence], Iterable[Violation]]:
    # Once for each message: what follows from the first problem is not told again.
    def check(evidence: Evidence) -> Iterable[Violation]:
        for history in evidence.histories:
            said: set[str] = set()
            for problem in history.text_problems:
                words = None if problem.item_id in said else say(problem)
                if words is not None:
                    said.add(problem.item_id)
                    yield Violation(
                        rule=rule,
                        place=place(evidence.turn, history.stream, problem.number),
                        reason=words[0],
                        remedy=words[1],
                        subjects={"item": problem.item_id, "type": "assistant_message"},
                    )

    return check


def _name(problem: TextProblem) -> str:
    return item_name("assistant_message", problem.item_id)


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _deltas_match_done(problem: TextProblem) -> tuple[str, str] | None:
    if problem.kind != "changed":
        return None
    same = _shared(problem.streamed, problem.done)
    return (
        f"The text of the {_name(problem)} changes when it is done: from character {same} on, "
        f"{quoted(problem.streamed[same:])} was streamed and {quoted(problem.done[same:])} is said at the end. "
        "The user sees it jump.",
        "Build the text of `done` from the deltas that were yielded, or change the deltas themselves before they are "
        "sent.",
    )


def _content_parts_contiguous(problem: TextProblem) -> tuple[str, str] | None:
    if problem.kind == "part-gap":
        return (
            f"Content part {problem.index} of the {_name(problem)} came where part {problem.limit} is next. "
            "The parts between stay empty on the page.",
            "Count content_index from 0 without gaps.",
        )
    if problem.kind == "part-restarted":
        return (
            f"Content part {problem.content_index} of the {_name(problem)} was added again, over the text "
            f"{quoted(problem.streamed)}, which is gone from the page.",
            "Take the next content_index for a new part.",
        )
    return None


def _annotations_contiguous(problem: TextProblem) -> tuple[str, str] | None:
    if problem.kind != "annotation-gap":
        return None
    return (
        f"Annotation {problem.index} came for content part {problem.content_index} of the {_name(problem)} where "
        f"annotation {problem.limit} is next. The page and the server put it in different places.",
        "Count annotation_index from 0 for each content part, without gaps, also when a citation is dropped.",
    )


def _annotation_within_text(problem: TextProblem) -> tuple[str, str] | None:
    if problem.kind != "annotation-outside":
        return None
    return (
        f"An annotation of the {_name(problem)} stands at character {problem.index} of content part "
        f"{problem.content_index}, whose text has {problem.limit}: {quoted(problem.done)}.",
        "Set Annotation.index to a place within the part's final text (0 to its length), or leave it out.",
    )


TEXT_RULES = (
    Rule(
        slug="deltas-match-done",
        family="text",
        must_hold="The text of a message when it is done is the text that was streamed.",
        why="The user sees the text jump at the end.",
        source="AssistantMessageContentPartTextDelta; ThreadItemDoneEvent replaces the message",
        check=_speak(_deltas_match_done, "deltas-match-done"),
    ),
    Rule(
        slug="content-parts-contiguous",
        family="text",
        must_hold="Content parts are numbered from 0 without gaps, and each begins once.",
        why="Gaps become empty parts, a second beginning wipes what was shown.",
        source="ChatKitServer._apply_assistant_message_update pads missing parts",
        check=_speak(_content_parts_contiguous, "content-parts-contiguous"),
    ),
    Rule(
        slug="annotations-contiguous",
        family="text",
        must_hold="Annotations of a part are numbered from 0 without gaps.",
        why="The page and the server put the annotation in different places.",
        source="ChatKitServer._apply_assistant_message_update inserts or appends by annotation_index",
        check=_speak(_annotations_contiguous, "annotations-contiguous"),
    ),
    Rule(
        slug="annotation-within-text",
        family="text",
        must_hold="An annotation stands within the text of its part.",
        why="The page has no place to show it.",
        source="chatkit.types.Annotation.index",
        check=_speak(_annotation_within_text, "annotation-within-text"),
    ),
)
