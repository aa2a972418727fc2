"""Faulty eCom: how old a payment may be when it is cancelled."""

from __future__ import annotations

import dataclasses

from conformance.domain.order import Market
from conformance.rulebook import Readings
from conformance.sandbox import Ecom

from ..fault import BLATANT, KEPT, NARROW, NOTHING_ENDS, TWO_FACED, faulty
from ..steps import approve, cancel, capture, days, flagged


@faulty(BLATANT, "EC-13 KB-02 KB-02b", approve, days(186), cancel, options=KEPT)
class AgeLimitIgnored(Ecom):
    """A payment is cancelled however old it is."""

    def is_too_old(self, order):
        return False


@faulty(NARROW, "EC-13 KB-02 KB-02b", approve, days(186), cancel, options=KEPT)
class AgeLimitTwoDaysLate(Ecom):
    """A payment is too old after 186 days and a half, which is two days more than any reading of six months."""

    def age_limit_days(self, order):
        return 186.5


@faulty(BLATANT, "EC-03 EC-07 EC-09 EC-10 KB-01 KB-02 KB-02b KB-06 KB-10", approve, days(178), cancel, options=KEPT)
class AgeLimitTenDaysEarly(Ecom):
    """A payment is too old after 170 days."""

    def age_limit_days(self, order):
        return 170


@faulty(NARROW, "EC-03 EC-07 EC-09 EC-10 KB-01 KB-02 KB-02b KB-06 KB-10", approve, days(179), cancel, options=KEPT)
class AgeLimitOneDayEarly(Ecom):
    """A payment is too old after 178 days and a half."""

    def age_limit_days(self, order):
        return 178.5


@faulty(NARROW, "EC-13 KB-02 KB-02b", approve, capture(500), days(186), flagged, options=KEPT)
class AgeLimitIgnoredAfterPartialCapture(Ecom):
    """The age limit is forgotten once something was captured."""

    def is_too_old(self, order):
        return order.captured == 0 and super().is_too_old(order)


@faulty(NARROW, "EC-13 KB-02 KB-02b", approve, days(93), capture(500), days(93), flagged, options=KEPT)
class AgeCountedFromTheCapture(Ecom):
    """The age of a payment counts from its latest capture."""

    def age_origin(self, order):
        return order.captured_at if order.captured_at is not None else super().age_origin(order)


@faulty(NARROW, "EC-13 KB-02 KB-02b", approve, days(186), flagged, options=KEPT)
class AgeLimitLiftedByFlag(Ecom):
    """The release flag lifts the age limit."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        if release_rest and order.remaining and refusal is not None and refusal.code == "98":
            return None
        return refusal


@faulty(NARROW, "EC-13 KB-02 KB-02b", approve, days(186), cancel, options=KEPT)
class TooOldAnswers409(Ecom):
    """A payment that is too old is refused with 409 where 400 is documented."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        return dataclasses.replace(refusal, status=409) if refusal is not None and refusal.code == "98" else refusal


@faulty(NARROW, "EC-13", approve, days(186), cancel, options=KEPT, readings=Readings.choose(["C2=code-98"]))
class TooOldHasAnotherCode(Ecom):
    """A payment that is too old is refused with a code that says something else."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        return dataclasses.replace(refusal, code="52") if refusal is not None and refusal.code == "98" else refusal


@faulty(NARROW, "KB-02b", approve, days(16), cancel, market=Market.DK, readings=Readings.choose(["C1=market-deadline"]))
class OneLimitForEveryMarket(Ecom):
    """A Danish payment is cancelled for as long as a Norwegian one."""

    def age_limit_days(self, order):
        return 180


@faulty(TWO_FACED, "INV-1", approve, days(182), cancel, options=KEPT, readings=NOTHING_ENDS)
class TooOldAndReleasedAllTheSame(Ecom):
    """A cancel of a payment that is too old is refused as documented, and the money is released."""

    def refuse_cancel(self, call, order, refusal):
        if refusal.code == "98" and order.remaining:
            self.release(order)
        return super().refuse_cancel(call, order, refusal)
