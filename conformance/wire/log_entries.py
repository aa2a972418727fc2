"""What the entries of a cancel say in an order's history or event log: whose key they carry, and when they happened.

The entries of one log are compared with each other and never with a clock of ours: a target's clock may be any, and the
test control API may have moved it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from conformance.domain.observation import (
    AFTER_CREATION,
    ANOTHER_EVENT,
    ANOTHER_REQUEST,
    BEFORE_CREATION,
    FAR_FUTURE,
    ITS_OWN,
    MISSING,
    THE_CANCEL,
    THE_CREATION,
    UNKNOWN,
    UNREADABLE,
)
from conformance.wire.base import OrderIdentifiers, as_amount

SKEW: Final = timedelta(minutes=5)
"""How far apart the clocks of one target may be."""
A_YEAR: Final = timedelta(days=366)
"""No order that was not made older lives longer than this before its cancel, whatever moves the target's clock."""

_KEYS: Final = (MISSING, ANOTHER_REQUEST, UNKNOWN, THE_CANCEL)
_REFERENCES: Final = (MISSING, THE_CREATION, ANOTHER_EVENT, ITS_OWN)
_TIMES: Final = (MISSING, UNREADABLE, BEFORE_CREATION, FAR_FUTURE, AFTER_CREATION)

Entry = Mapping[str, Any]


def releases(amounts: Iterable[Any]) -> int:
    """Return how many of the amounts of a log's cancels are amounts of money, and not zero."""
    return sum(bool(as_amount(amount)) for amount in amounts)


def key_of_cancels(entries: Iterable[Entry], identifiers: OrderIdentifiers) -> str | None:
    """Return whose idempotency key the entries of a cancel have.

    The result is None where there is no entry, or where the keys that were sent are not known.
    """
    known = identifiers.cancel_keys
    if known is None:
        return None

    def whose(key: Any) -> str:
        if not isinstance(key, str):
            return MISSING
        if key in known:
            return THE_CANCEL
        return ANOTHER_REQUEST if key.startswith(identifiers.key_prefix) else UNKNOWN

    return _worst({whose(entry.get("idempotencyKey")) for entry in entries}, _KEYS)


def reference_of_cancels(entries: Iterable[Entry], creation: Any, others: Iterable[Any]) -> str | None:
    """Return whose reference the entries of a cancel have: their own, the creation's, or that of another event.

    The result is None where there is no entry.
    """
    taken = list(others)

    def whose(reference: Any) -> str:
        if not isinstance(reference, str):
            return MISSING
        if reference == creation:
            return THE_CREATION
        return ANOTHER_EVENT if reference in taken else ITS_OWN

    return _worst({whose(entry.get("pspReference")) for entry in entries}, _REFERENCES)


def time_of_cancels(stamps: Iterable[Any], creation: Any, *, aged: bool) -> str | None:
    """Return when the entries of a cancel say that it happened; None where there is no entry.

    Args:
        stamps: their times, as the log has them.
        creation: the time of the creation in the same log.
        aged: whether the order was made older, so that any time may lie between the two.

    """
    created = moment(creation)
    return _worst({_when(stamp, created, aged=aged) for stamp in stamps}, _TIMES)


def _when(stamp: Any, created: datetime | None, *, aged: bool) -> str:
    if stamp is None:
        return MISSING
    happened = moment(stamp)
    if happened is None:
        return UNREADABLE
    if created is None or (created.tzinfo is None) != (happened.tzinfo is None):
        return AFTER_CREATION
    if happened - created < -SKEW:
        return BEFORE_CREATION
    return FAR_FUTURE if not aged and happened - created > A_YEAR else AFTER_CREATION


def _worst(values: set[str], order: tuple[str, ...]) -> str | None:
    return next((value for value in order if value in values), None)


def moment(stamp: Any) -> datetime | None:
    """Return the moment of a time in ISO 8601, or None if it is none.

    >>> moment("2026-01-31T12:00:00Z").isoformat()
    '2026-01-31T12:00:00+00:00'
    """
    try:
        return datetime.fromisoformat(stamp.upper())
    except (AttributeError, TypeError, ValueError):
        return None


def earlier(first: datetime, second: datetime) -> bool:
    """Return whether a moment is certainly before another.

    Moments with and without a time zone cannot be compared. Fractions of a second count only if both have them.
    """
    if (first.tzinfo is None) != (second.tzinfo is None):
        return False
    if not first.microsecond or not second.microsecond:
        first, second = first.replace(microsecond=0), second.replace(microsecond=0)
    return first < second
