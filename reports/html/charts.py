"""An order's money as a stacked bar and in words, and the verdicts as a bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from conformance.domain.expectation import Scalar
from conformance.domain.observation import Field
from conformance.judging.verdicts import RuleVerdict
from conformance.reports.wording.provider import amount, kind_of

_WIDTH: Final = 240
_DRAWING: Final = Markup('<svg class="{}" viewBox="0 0 240 10" preserveAspectRatio="none" {}>{}</svg>')
_PIECE: Final = Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>')
_UNRESERVED_STATES = frozenset({
    "PENDING", "DUE", "CREATED", "INITIATE", "PROCESSING", "FAILED", "CANCELLED", "ABORTED", "EXPIRED", "TERMINATED",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Money:
    """Where an order's money is, as read back, in minor units."""

    reserved: int
    captured: int
    released: int
    refunded: int

    @property
    def net_captured(self) -> int:
        """What is captured and not refunded."""
        return self.captured - self.refunded


def money_of(observed: Mapping[str, Scalar], total: int) -> Money | None:
    """Return where the money is, or None where the read-back does not say.

    ``total`` is the amount of the order in minor units.
    """
    captured = _number(observed, Field.VIEW_CAPTURED)
    refunded = _number(observed, Field.VIEW_REFUNDED)
    if captured is None or refunded is None:
        return None
    remaining = _number(observed, Field.VIEW_TO_CAPTURE)
    released = _number(observed, Field.VIEW_CANCELLED)
    if remaining is not None:
        return Money(remaining, captured, total - captured - remaining if released is None else released, refunded)
    released = released or 0
    authorized = _number(observed, Field.VIEW_AUTHORIZED)
    if authorized is None:
        authorized = 0 if observed.get(Field.VIEW_STATE) in _UNRESERVED_STATES else total
    return Money(max(authorized - captured - released, 0), captured, released, refunded)


def _number(observed: Mapping[str, Scalar], field: str) -> int | None:
    value = observed.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def money_in_words(money: Money, currency: str) -> str:
    """Return where the money is, in words. Zero amounts are left out."""
    parts = [
        f"{name} {amount(value, currency)}"
        for name, value in (
            ("reserved", money.reserved),
            ("captured", money.captured),
            ("refunded", money.refunded),
            ("released", money.released),
        )
        if value
    ]
    return " · ".join(parts) or "nothing reserved, captured, released or refunded"


def band(money: Money, total: int, words: str) -> Markup:
    """Return the bar of an order's money against its whole amount."""
    pieces = (
        ("band-kept", max(money.net_captured, 0)),
        ("band-refunded", max(money.refunded, 0)),
        ("band-reserved", max(money.reserved, 0)),
        ("band-released", max(money.released, 0)),
    )
    drawn = _stacked(pieces, max(total, sum(value for _, value in pieces), 1))
    return _DRAWING.format("band", Markup('role="img" aria-label="{}"').format(words), drawn)


def shares(counts: Mapping[RuleVerdict, int]) -> Markup:
    """Return the bar of the verdicts' shares of the rules.

    It is hidden from screen readers: the numbers stand beside it.
    """
    pieces = [(f"share-{kind_of(verdict)}", counts[verdict]) for verdict in counts]
    drawn = _stacked(pieces, max(sum(counts.values()), 1))
    return _DRAWING.format("shares", Markup('aria-hidden="true"'), drawn)


def _stacked(pieces: Iterable[tuple[str, int]], whole: int) -> Markup:
    parts = [_PIECE.format("band-none", 0, _WIDTH)]
    at = 0.0
    for name, value in pieces:
        width = _WIDTH * value / whole
        if value:
            parts.append(_PIECE.format(name, at, width))
        at += width
    return Markup("").join(parts)
