"""The rules as text for a terminal: the list of all, and all there is to say of one."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .base import Rule

_WIDTH = 88
_LABEL = 10

_WHEN = {"turn": "at the end of each turn", "test": "at the end of a test", "both": "after each turn and each test"}
_READS = {
    "needed": "It reads what the agent's run did; without an observed run it is not checked.",
    "helps": "It reads the events, and what the agent's run did; without an observed run it is checked in part.",
    None: "It reads the events alone.",
}
_FOOT = (
    "(t) reads what the agent's run did as well; without an observed run it is not checked, or in part only.\n"
    "(warning) does not fail a test. `chatkit-sim explain RULE` says more.\n"
    "Rules of your own are listed with --conftest FILE: `chatkit-sim rules --conftest tests/conftest.py`."
)


def listed(rules: Sequence[Rule]) -> str:
    """Every rule with what must hold, by family.

    Args:
        rules: The rules.
    """
    width = max(len(rule.slug) for rule in rules)
    families: dict[str, list[str]] = {}
    for rule in rules:
        marks = "".join([" (t)" if rule.timeline else "", " (warning)" if rule.severity == "warning" else ""])
        text = textwrap.wrap(f"{rule.must_hold}{marks}", _WIDTH - width)
        lines = [f"  {rule.slug:<{width}}  {text[0]}", *(f"{'':{width + 4}}{line}" for line in text[1:])]
        families.setdefault(rule.family, []).extend(lines)
    parts = ["\n".join([family, *lines]) for family, lines in families.items()]
    return "\n\n".join([*parts, _FOOT])


def explained(rule: Rule) -> str:
    """What a rule asks for, why, who says so, an example that breaks it and one that does not, and the traps.

    Args:
        rule: The rule.
    """
    own = "It is given all that is known of the turn (`Evidence`)." if rule.owner else ""
    breaks = "fails the test" if rule.severity == "error" else "gives a warning, and no more"
    parts = [
        f"{rule.slug}  ({rule.family})",
        textwrap.fill(rule.must_hold, _WIDTH),
        "\n".join(
            _paragraph(label, text)
            for label, text in (
                ("Otherwise", rule.why),
                ("Checked", f"{_WHEN[rule.about]}; a violation {breaks}. {rule.reads or own or _READS[rule.timeline]}"),
                ("Source", rule.source or (f"a rule of your own, {rule.owner}" if rule.owner else "")),
            )
            if text
        ),
        _example("Breaks it", rule.broken),
        _example("Mended", rule.mended),
        "\n".join(["Traps", *(_bullet(trap) for trap in rule.traps)]) if rule.traps else "",
        "\n".join(
            [
                "To live with it",
                f'  for one test       @pytest.mark.chatkit(ignore=["{rule.slug}: why"])',
                f"  in the ini file    chatkit_ignore = {rule.slug}: why",
            ]
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _paragraph(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=f"{label:<{_LABEL}} ",
        subsequent_indent=" " * (_LABEL + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _example(label: str, code: str) -> str:
    return f"{label}\n{textwrap.indent(code, '    ')}" if code else ""


def _bullet(text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent="  - ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
