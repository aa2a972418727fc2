"""Faulty Recurring: how old a reservation may be when its charge is cancelled."""

from __future__ import annotations

import dataclasses

from conformance.domain.order import Kind, Market
from conformance.rulebook import Readings
from conformance.sandbox import Recurring

from ..fault import BLATANT, KEPT, NARROW, NOTHING_ENDS, TWO_FACED, faulty
from ..steps import cancel, capture, days, due, reserve


@faulty(BLATANT, "RE-18 KB-02 KB-02b RE-12", days(182), cancel, options=KEPT)
class AgeLimitIgnored(Recurring):
    """A charge is cancelled however old its reservation is."""

    def is_too_old(self, order):
        return False


@faulty(NARROW, "RE-18 KB-02 KB-02b", days(182), cancel, options=KEPT)
class AgeLimitTwoDaysLate(Recurring):
    """A charge is too old 182 days and a half after its reservation."""

    def age_limit_days(self, order):
        return 182.5


@faulty(BLATANT, "RE-03 INV-9 KB-01 RE-04", days(178), cancel, options=KEPT)
class AgeLimitTenDaysEarly(Recurring):
    """A charge is too old 170 days after its reservation."""

    def age_limit_days(self, order):
        return 170


@faulty(NARROW, "RE-03 INV-9 KB-01 RE-04", days(179), cancel, options=KEPT)
class AgeLimitOneDayEarly(Recurring):
    """A charge is too old 178 days and a half after its reservation."""

    def age_limit_days(self, order):
        return 178.5


@faulty(NARROW, "RE-18 KB-02 KB-02b", capture(500), days(182), cancel, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(Recurring):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@faulty(NARROW, "RE-18 KB-02 KB-02b", days(91), capture(500), days(91), cancel, options=KEPT)
class AgeCountedFromTheCapture(Recurring):
    """The age of a charge counts from its latest capture."""

    def age_origin(self, order):
        return order.captured_at if order.captured_at is not None else super().age_origin(order)


@faulty(NARROW, "RE-18 KB-02 KB-02b RE-12", due, reserve, days(182), cancel, kind=Kind.CHARGE_RESERVE, options=KEPT)
class AgeLimitOfInitialChargesOnly(Recurring):
    """Only initial charges have an age limit."""

    def is_too_old(self, order):
        return order.type == "INITIAL" and super().is_too_old(order)


@faulty(NARROW, "RE-18 KB-02 KB-02b", days(182), cancel, options=KEPT)
class TooOldAnswers409(Recurring):
    """A charge that is too old is refused with 409 where 400 is documented."""

    def refusal_for_cancel(self, charge):
        refusal = super().refusal_for_cancel(charge)
        return dataclasses.replace(refusal, status=409) if refusal is not None and self.is_too_old(charge) else refusal


@faulty(
    NARROW, "RE-18 KB-02b RE-12", days(16), cancel, market=Market.DK, readings=Readings.choose(["C1=market-deadline"])
)
class OneLimitForEveryMarket(Recurring):
    """A Danish charge is cancelled for as long as a Norwegian one."""

    def age_limit_days(self, order):
        return 180


@faulty(TWO_FACED, "INV-1", days(182), cancel, options=KEPT, readings=NOTHING_ENDS)
class TooOldAndReleasedAllTheSame(Recurring):
    """A cancel of a charge that is too old is refused as documented, and the money is released."""

    def refuse_cancel(self, charge, refusal):
        if charge.remaining and self.is_too_old(charge):
            self.release(charge)
        return super().refuse_cancel(charge, refusal)


@faulty(NARROW, "INV-4", capture(500), days(182))
class DeadlineTakesTheCapture(Recurring):
    """At the deadline the provider counts what was captured as cancelled, too."""

    def end_at_deadline(self, order):
        super().end_at_deadline(order)
        order.cancelled = order.authorized
