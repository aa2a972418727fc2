"""Text from a target, made harmless: escaped invisible characters, cut length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from conformance.domain.visible_text import visible
from conformance.evidence.record_parts import Body, body_from_record

LONGEST_TEXT: Final = 600
"""The most characters of a value that are shown; bodies have limits of their own."""

DEEPEST: Final = 12
"""The deepest level of indentation."""


def shortened(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return the text made visible, and cut at the limit.

    A cut text ends with the number of bytes that are left out.
    """
    if len(text) <= limit:
        return visible(text)
    left_out = _size(text) - _size(text[:limit])
    return f"{visible(text[:limit])} … ({left_out:,} more bytes)"


def in_one_line(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return the text as ``shortened`` does, without line breaks."""
    return " ".join(shortened(text, limit).split())


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class BodyText:
    """A body for a reader, and a note about what is not shown of it."""

    text: str
    note: str = ""


def body_of(stored: Body, limit: int) -> BodyText:
    """Return a recorded body for a reader: JSON indented, and cut at the limit.

    Indenting changes white space alone: a repeated key or an odd number stays as it was.
    """
    if not isinstance(stored, str):
        data = body_from_record(stored)
        shown = data[: limit // 3].hex(" ")
        cut = f", of which {limit // 3:,} are shown" if len(data) > limit // 3 else ""
        return BodyText(shown, f"{len(data):,} bytes that are not UTF-8 text, in hexadecimal{cut}.")
    shown = stored[:limit]
    laid_out = _laid_out(shown) if shown.lstrip()[:1] in ("{", "[") else shown
    text = visible(laid_out[: limit * 2])
    left_out = _size(stored) - _size(shown)
    note = f"Cut: {left_out:,} of {_size(stored):,} bytes are not shown." if left_out else ""
    return BodyText(text, note)


_PARTS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|\s+|[^\s"{}\[\],:]+', re.DOTALL)
_OPENING: Final = {"{": "}", "[": "]"}


def _laid_out(text: str) -> str:
    out: list[str] = []
    depth = 0
    parts = [part for part in _PARTS.findall(text) if not part.isspace()]
    for index, part in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else ""
        if part in _OPENING:
            depth += 1
            out.append(part if following == _OPENING[part] else part + _new_line(depth))
        elif part in ("}", "]"):
            depth = max(depth - 1, 0)
            empty = index > 0 and _OPENING.get(parts[index - 1]) == part
            out.append(part if empty else _new_line(depth) + part)
        elif part == ",":
            out.append(part + _new_line(depth))
        else:
            out.append(": " if part == ":" else part)
    return "".join(out)


def _new_line(depth: int) -> str:
    return "\n" + "  " * min(depth, DEEPEST)
