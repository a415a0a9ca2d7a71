"""Rules about the web page."""

from __future__ import annotations

from .explanation import Explanation

PAGE = {
    "frontend-has-what-is-asked": Explanation(
        broken='ClientEffectEvent(name="open_basket")  # Frontend(effects=["open_cart"])',
        mended='ClientEffectEvent(name="open_cart")',
        traps=(
            "Without a frontend (fixture chatkit_frontend) nothing is declared, and nothing is said.",
            "What a test registers itself, with on_effect or on_action, counts as the page's.",
            "Client tools have a rule of their own: client-tool-registered.",
        ),
    ),
}
