"""The name that was probably meant where an unknown one was written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that an unknown one is most like, if it is like any."""
    by_folded = {each.casefold(): each for each in known}
    matches = get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence, with a space before it, that suggests the nearest known name; nothing if none is near."""
    suggestion = nearest(name, known)
    return "" if suggestion is None else f" Did you mean {suggestion!r}?"
