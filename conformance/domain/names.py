"""The name that was probably meant where an unknown one was written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that an unknown one is most like, if it is like any."""
    folded, by_folded = name.casefold(), {each.casefold(): each for each in known}
    near = set(get_close_matches(folded, by_folded, n=len(by_folded) or 1))
    # The first of equals: for EP-5, EP-05 is nearer than EP-35.
    best = max(
        (each for each in by_folded if each in near),
        key=lambda each: SequenceMatcher(None, each, folded).ratio(),
        default=None,
    )
    return None if best is None else by_folded[best]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence, with a space before it, that suggests the nearest known name; nothing if none is near."""
    suggestion = nearest(name, known)
    return "" if suggestion is None else f" Did you mean {suggestion!r}?"
