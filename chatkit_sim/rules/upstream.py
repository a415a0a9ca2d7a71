"""Defects of the SDKs themselves, which any server meets: told once, as upstream, and never blamed on the responder.

Each entry that does not hang on timing has a canary test in ``tests/rules`` that fails when the defect is mended; then
say so in ``mended_in``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from ..errors import Violation
from .excuses import chain

_SEEN_IN = "openai-chatkit 1.6.5 with openai 3.54 and openai-agents 0.24"


@dataclass(frozen=True)
class Defect:
    """A defect of chatkit, agents or openai.

    Attributes:
        name: Its slug.
        says: What goes wrong, in full sentences.
        workaround: What an app can do until it is mended.
        raised: Whether an exception is this defect; ``None`` when it shows in events only.
        seen_in: The versions in which it was seen.
        mended_in: The version of a package from which on it is gone.
    """

    name: str
    says: str
    workaround: str
    raised: Callable[[BaseException], bool] | None = None
    seen_in: str = _SEEN_IN
    mended_in: Mapping[str, str] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Whether the installed versions still have it."""
        return not any(_installed(package) >= _numbers(mended) for package, mended in self.mended_in.items())


def of_exception(error: BaseException | None) -> Defect | None:
    """The defect that an exception shows, if it is one."""
    links = list(chain(error))
    for defect in DEFECTS:
        if defect.raised is not None and defect.present and any(map(defect.raised, links)):
            return defect
    return None


def known(name: str) -> Defect | None:
    """The defect of this name, if the installed versions still have it."""
    return next((defect for defect in DEFECTS if defect.name == name and defect.present), None)


def as_upstream(violation: Violation, defect: Defect) -> Violation:
    """The violation as the work of a defect: told as a warning, with what an app can do until it is mended."""
    return Violation(
        rule=violation.rule,
        place=violation.place,
        reason=f"{violation.reason} {defect.says}",
        remedy=defect.workaround,
        subjects={**violation.subjects, "defect": defect.name},
        severity="warning",
        upstream=True,
    )


def _from_chatkit(error: BaseException, function: str) -> bool:
    # The innermost frame of chatkit itself: what it calls there (pydantic) may go deeper.
    found = ""
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__") == "chatkit.agents":
            found = frame.tb_frame.f_code.co_name
        frame = frame.tb_next
    return found == function


def _citation(error: BaseException) -> bool:
    return type(error).__name__ == "ValidationError" and _from_chatkit(error, "_convert_annotation")


def _refusal(error: BaseException) -> bool:
    return type(error).__name__ == "ModelRefusalError"


def _empty_call_id(error: BaseException) -> bool:
    return isinstance(error, AssertionError) and _from_chatkit(error, "stream_agent_response")


def _installed(package: str) -> tuple[int, ...]:
    try:
        return _numbers(version(package))
    except PackageNotFoundError:
        return ()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


DEFECTS: tuple[Defect, ...] = (
    Defect(
        name="citation-breaks-stream",
        says="chatkit cannot convert the citation of a model's answer: it validates annotation objects against "
        "classes of another openai version, and the answer ends in an error.",
        workaround="Until chatkit mends it, instruct the model to write sources as text, or drop the event "
        "`response.output_text.annotation.added` before stream_agent_response sees it.",
        raised=_citation,
    ),
    Defect(
        name="refusal-breaks-stream",
        says="The model refused, and the Agents SDK raises ModelRefusalError for it: the user sees an error where "
        "the refusal should stand, and the message stays open.",
        workaround="Catch agents.exceptions.ModelRefusalError around stream_agent_response and tell the user "
        "`error.refusal` in a message or notice.",
        raised=_refusal,
    ),
    Defect(
        name="call-without-id-breaks-stream",
        says="The model provider sent a function call without an item id, and chatkit asserts that there is one.",
        workaround="Use a provider or model class that gives function calls an id.",
        raised=_empty_call_id,
    ),
    Defect(
        name="workflow-done-twice",
        says="A tool started and ended a workflow before the stream had read its first event; chatkit then takes "
        "the workflow as still running and finishes it a second time.",
        workaround="Let the stream read the start before the workflow ends: `await asyncio.sleep(0.01)` in the tool, "
        "between start_workflow and end_workflow.",
    ),
    Defect(
        name="workflow-updated-early",
        says="A tool's workflow waits in a queue while chatkit already adds the model's thoughts to it: their update "
        "comes before the event that adds the workflow.",
        workaround="Nothing is lost: the event that adds the workflow brings the thoughts along.",
    ),
    Defect(
        name="workflow-tasks-overtaken",
        says="chatkit reads the model's thoughts and the tasks that tools add from two queues, and of two that are "
        "ready takes any first: a thought overtook a task that has an earlier index.",
        workaround="The event that finishes the workflow puts its tasks right. To keep their order until then, let "
        "the stream read the thoughts first: `await asyncio.sleep(0.01)` in the tool, before add_workflow_task.",
    ),
    Defect(
        name="tripwire-removes-calls",
        says="After a guardrail's tripwire chatkit removes the ids of function calls too, which never were items.",
        workaround="Nothing is lost in the client; a store's delete_thread_item must bear an id that it does not know.",
    ),
    Defect(
        name="image-left-open",
        says="Image generation ended without a result, and chatkit leaves the image's item open.",
        workaround="Remove the item: yield ThreadItemRemovedEvent(item_id=agent_context.generated_image_item.id).",
    ),
)
