"""What a merchant's integration says of itself, in words: its name, and the ways that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from conformance.reports.wording.provider import duration
from conformance.reports.wording.sanitize import in_one_line

_WORDS: Final = {
    "captures_on_approval": "captures on approval",
    "refunds_on_cancel": "refunds what was captured when an order is cancelled",
    "ends_unshipped_after": "ends orders that are not shipped after {}",
    "ends_unpaid_after": "ends unpaid orders after {}",
}


def introduction(product: str, version: str, declared: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that say what is tested: the product, and what it declares."""
    if product or version:
        yield f"Integration: {in_one_line(f'{product} {version}'.strip())}"
    if declared:
        yield f"Declared: {declarations_in_words(declared)}"


def declarations_in_words(declared: Mapping[str, Any]) -> str:
    """Return declarations as they are stored in words; empty without one.

    >>> declarations_in_words({"captures_on_approval": True, "ends_unpaid_after": 1200})
    'captures on approval; ends unpaid orders after 20 minutes'
    """
    phrases = (_WORDS[name].format(_period(value)) for name, value in declared.items() if name in _WORDS)
    return "; ".join(phrases)


def _period(value: Any) -> str:
    return duration(timedelta(seconds=value)) if isinstance(value, int) else ""
