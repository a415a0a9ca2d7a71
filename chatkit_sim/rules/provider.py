"""Rules about what the app sends to the model's provider."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Place, Violation
from .base import Evidence, Rule, TestEvidence


def _provider_accepts_request(evidence: Evidence | TestEvidence) -> Iterable[Violation]:
    where = Place(evidence.turn.number) if isinstance(evidence, Evidence) else Place()
    for refused in evidence.refused:
        found = f"{refused.param}: {refused.item}" if refused.param and refused.item else refused.param
        yield Violation(
            rule="provider-accepts-request",
            place=where,
            reason=f'The {refused.wire} API refuses the request of "{refused.agent}" with a 400: {refused.message}',
            details=[f"at {found}"] if found else [],
            remedy=refused.remedy or "Send what the provider documents for this place.",
            subjects={"agent": refused.agent},
        )


PROVIDER_RULES = (
    Rule(
        slug="provider-accepts-request",
        family="hygiene",
        must_hold="The model's provider accepts every request that the app sends to it.",
        why="In production the provider answers with a 400, and the user is shown an error instead of an answer.",
        source="OpenAI's API reference, and the types that its client declares for what it sends",
        check=_provider_accepts_request,
        about="both",
        broken="input: [function_call call_1, message]",
        mended="input: [function_call call_1, function_call_output call_1, message]",
        traps=(
            "Seen at the HTTP boundary only: at the model boundary no request is made.",
            "Fields that the OpenAI client does not declare are refused where OpenAI or Azure is asked, not elsewhere.",
        ),
    ),
)
