"""Rules about generated images."""

from __future__ import annotations

from collections.abc import Iterable

from chatkit.types import GeneratedImageUpdated, ThreadItemUpdatedEvent

from ..errors import Violation
from ..wire import TextRun
from .base import Evidence, Rule, place
from .words import item_name


def _progress_grows(evidence: Evidence) -> Iterable[Violation]:
    for history in evidence.histories:
        for life in history.lives:
            before = 0.0
            for step in life.steps:
                if isinstance(step, TextRun) or not isinstance(step.event, ThreadItemUpdatedEvent):
                    continue
                update = step.event.update
                progress = update.progress if isinstance(update, GeneratedImageUpdated) else None
                if progress is None:
                    continue
                if not before <= progress <= 1:
                    what = f"fell from {before:g} to {progress:g}" if progress < before else f"is {progress:g}"
                    yield Violation(
                        rule="image-progress-grows",
                        place=place(evidence.turn, history.stream, step.number),
                        reason=f"The progress of the {item_name('generated_image', life.item_id)} {what}. It runs from "
                        "0 to 1, and the page shows it as a picture that becomes clearer.",
                        remedy="Count partial images from the first to the last: "
                        "ResponseStreamConverter(partial_images=n) makes 0 to 1 of n of them.",
                        subjects={"item": life.item_id, "type": "generated_image"},
                    )
                    break
                before = progress


IMAGE_RULES = (
    Rule(
        slug="image-progress-grows",
        family="images",
        must_hold="The progress of a generated image grows, from 0 to 1.",
        why="The picture becomes blurred again before the user's eyes.",
        source="chatkit.types.GeneratedImageUpdated.progress; ResponseStreamConverter.partial_image_index_to_progress",
        check=_progress_grows,
    ),
)
