"""Text that somebody else wrote, made visible: it moves no cursor, colours nothing, and hides or turns no letters."""

from __future__ import annotations

import json
import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return the text with control and other invisible characters written out.

    Line feeds and tabs stay: they cannot hide or reorder anything.
    """
    return _UNSEEN.sub(_written_out, text)


def visible_json(content: object) -> str:
    """Return an object as indented JSON in which nothing is invisible, and everything means what it did."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return _UNSEEN.sub(lambda match: json.dumps(match[0])[1:-1], text) + "\n"


def _written_out(match: re.Match[str]) -> str:
    return f"‹U+{ord(match.group()):04X}›"
