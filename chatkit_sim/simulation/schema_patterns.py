"""Patterns of JSON schemas, which are JavaScript's, as Python reads them."""

from __future__ import annotations

import math
import re

_TOKEN = re.compile(r"\\[pP]\{[^}]*\}|\\k<\w+>|\\u\{[0-9A-Fa-f]+\}|\\.|\(\?<(?=[A-Za-z_])|\[\^?|\]|\$|.", re.DOTALL)
_CHARACTERS = {
    # Some of the characters of each: what is drawn from them fits, and that is all that is asked.
    **dict.fromkeys(("L", "Letter", "Alphabetic"), "A-Za-zÀ-ÖØ-öø-ÿ"),
    **dict.fromkeys(("Lu", "Uppercase_Letter", "Uppercase"), "A-ZÀ-ÖØ-Þ"),
    **dict.fromkeys(("Ll", "Lowercase_Letter", "Lowercase"), "a-zß-öø-ÿ"),
    **dict.fromkeys(("M", "Mark", "Mn"), "\u0300-\u036f"),
    **dict.fromkeys(("N", "Number", "Nd"), "0-9"),
    **dict.fromkeys(("P", "Punctuation"), r"!%&,./:;?"),
    **dict.fromkeys(("Z", "Separator", "Zs"), " "),
}
_REPEATED = re.compile(
    r"\^(?P<one>\[\^?(?:\\.|[^\]\\])+\]|\\[wdS]|[A-Za-z0-9.])(?P<times>[+*]|\{(?P<low>\d+)(?P<to>,(?P<high>\d*))?\})\\Z"
)
_ROOM = 20  # characters beyond the least where a pattern knows no most


def python_pattern(pattern: str) -> str | None:
    """A pattern as Python writes it, with no newline after its end.

    Args:
        pattern: As JavaScript or Rust write it.

    Returns:
        ``None`` where it cannot be read.
    """
    written: list[str] = []
    within = ""  # the bracket that is open
    for token in _TOKEN.findall(pattern):
        if token.startswith(r"\p{"):
            characters = _CHARACTERS.get(token[3:-1].rpartition("=")[2])
            if characters is None or within == "[^":
                return None
            token = characters if within else f"[{characters}]"
        elif token.startswith(r"\k<"):
            token = f"(?P={token[3:-1]})"
        elif token.startswith(r"\u{"):
            token = rf"\U{token[3:-1]:0>8}"
        elif within:
            within = "" if token == "]" else within
            token = f"\\{token}" if token in ("[", "&", "|", "~") else token  # Python warns of these
        elif token.startswith("["):
            within = token
        else:
            token = {"(?<": "(?P<", "$": r"\Z", r"\z": r"\Z"}.get(token, token)
        written.append(token)
    try:
        re.compile("".join(written), re.ASCII)
    except (re.error, OverflowError):
        return None
    return "".join(written)


def sized(pattern: str, least: int, most: float) -> str:
    """A pattern that also keeps to a length, where it is nothing but one character repeated.

    Args:
        pattern: As ``python_pattern`` gives it.
        least: The least length.
        most: The greatest; infinite for any.
    """
    read = _REPEATED.fullmatch(pattern)
    if read is None or (least == 0 and most == math.inf):
        return pattern
    low, high = {"+": (1, ""), "*": (0, "")}.get(
        read["times"], (read["low"], read["high"] if read["to"] else read["low"])
    )
    low = max(int(low), least)
    high = min(int(high) if high else low + _ROOM, most)
    return rf"^{read['one']}{{{low},{int(high)}}}\Z" if low <= high else pattern
