"""Every rule of chatkit-sim, listed."""

from __future__ import annotations

from dataclasses import replace

from .base import Rule
from .client_tools import CLIENT_TOOL_RULES
from .explained import EXPLANATIONS, READS
from .hygiene import HYGIENE_RULES
from .images import IMAGE_RULES
from .items import ITEM_RULES
from .model_input import MODEL_INPUT_RULES
from .page import PAGE_RULES
from .persistence import PERSISTENCE_RULES
from .privacy import PRIVACY_RULES
from .provider import PROVIDER_RULES
from .script import SCRIPT_RULES
from .stream import STREAM_RULES
from .text import TEXT_RULES
from .turn import TURN_RULES
from .widgets import WIDGET_RULES
from .workflows import WORKFLOW_RULES

_RULES: tuple[Rule, ...] = (
    *TURN_RULES,
    *STREAM_RULES,
    *ITEM_RULES,
    *PRIVACY_RULES,
    *TEXT_RULES,
    *WORKFLOW_RULES,
    *WIDGET_RULES,
    *IMAGE_RULES,
    *CLIENT_TOOL_RULES,
    *PAGE_RULES,
    *MODEL_INPUT_RULES,
    *PERSISTENCE_RULES,
    *HYGIENE_RULES,
    *SCRIPT_RULES,
    *PROVIDER_RULES,
)


def _explained(rule: Rule) -> Rule:
    told = EXPLANATIONS.get(rule.slug)
    rule = replace(rule, reads=READS.get(rule.slug, rule.reads))
    return rule if told is None else replace(rule, broken=told.broken, mended=told.mended, traps=told.traps)


ALL_RULES: tuple[Rule, ...] = tuple(_explained(rule) for rule in _RULES)
