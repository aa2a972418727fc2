"""Faulty ePayment: how old a payment may be when it is cancelled."""

from __future__ import annotations

import dataclasses

from conformance.domain.order import Market
from conformance.rulebook import Readings
from conformance.sandbox import EPayment

from ..fault import BLATANT, KEPT, NARROW, NOTHING_ENDS, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days


@faulty(BLATANT, "EP-14 EP-15 KB-02 KB-02b", approve, days(182), cancel, options=KEPT)
class AgeLimitIgnored(EPayment):
    """A payment is cancelled however old it is."""

    def is_too_old(self, order):
        return False


@faulty(NARROW, "EP-14 EP-15 KB-02 KB-02b", approve, days(182), cancel, options=KEPT)
class AgeLimitTwoDaysLate(EPayment):
    """A payment is too old after 182 days and a half."""

    def age_limit_days(self, order):
        return 182.5


@faulty(BLATANT, "EP-05 EP-03 EP-04 EP-06 EP-07 EP-42 KB-01 KB-02 KB-02b", approve, days(178), cancel, options=KEPT)
class AgeLimitTenDaysEarly(EPayment):
    """A payment is too old after 170 days."""

    def age_limit_days(self, order):
        return 170


@faulty(NARROW, "EP-05 EP-03 EP-04 EP-06 EP-07 EP-42 KB-01 KB-02 KB-02b", approve, days(179), cancel, options=KEPT)
class AgeLimitOneDayEarly(EPayment):
    """A payment is too old after 178 days and a half."""

    def age_limit_days(self, order):
        return 178.5


@faulty(NARROW, "EP-14 EP-15 KB-02 KB-02b", approve, capture(500), days(182), cancel, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(EPayment):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@faulty(NARROW, "EP-14 EP-15 KB-02 KB-02b", approve, days(91), capture(500), days(91), cancel, options=KEPT)
class AgeCountedFromTheCapture(EPayment):
    """The age of a payment counts from its latest capture."""

    def age_origin(self, order):
        return order.captured_at if order.captured_at is not None else super().age_origin(order)


@faulty(NARROW, "EP-14 EP-15", approve, days(182), cancel, options=KEPT)
class TooOldHasAnotherCode(EPayment):
    """A payment that is too old is refused with the code of one that was captured."""

    def refusal_for_cancel(self, order, *, transaction_only):
        refusal = super().refusal_for_cancel(order, transaction_only=transaction_only)
        if refusal is not None and refusal.code == "6030" and not transaction_only:
            return dataclasses.replace(refusal, code="6040")
        return refusal


@faulty(
    NARROW,
    "EP-15 KB-02b",
    approve,
    days(16),
    cancel,
    market=Market.DK,
    readings=Readings.choose(["C1=market-deadline"]),
)
class OneLimitForEveryMarket(EPayment):
    """A Danish payment is cancelled for as long as a Norwegian one."""

    def age_limit_days(self, order):
        return 180


@faulty(TWO_FACED, "INV-1", approve, days(182), cancel, options=KEPT, readings=NOTHING_ENDS)
class TooOldAndReleasedAllTheSame(EPayment):
    """A cancel of a payment that is too old is refused as documented, and the money is released."""

    def refuse_cancel(self, order, refusal):
        if refusal.code == "6030" and order.remaining:
            self.release(order)
        return super().refuse_cancel(order, refusal)


@faulty(NARROW, "INV-4", approve, capture(500), days(182))
class DeadlineTakesTheCapture(EPayment):
    """At the deadline the provider counts what was captured as cancelled, too."""

    def end_at_deadline(self, order):
        super().end_at_deadline(order)
        order.cancelled = order.authorized
