"""Faulty Recurring: several charges under one agreement."""

from __future__ import annotations

from conformance.domain.order import Kind, Standing
from conformance.domain.steps import AnotherCharge
from conformance.sandbox import Recurring
from conformance.sandbox.payment import Stage

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import cancel, capture, stop

reserved, due_one = AnotherCharge(), AnotherCharge(Standing.DUE)
pending_one, charged_one = AnotherCharge(Standing.PENDING), AnotherCharge(Standing.CHARGED)


def later_ones(api, charge):
    """Return the charges that were made after this one under its agreement."""
    ids = api.agreements[charge.msn, charge.agreement_id].charge_ids
    return [api.find(charge.msn, id_) for id_ in ids[ids.index(charge.id) + 1 :]]


@faulty(BLATANT, "RE-03 RE-01 RE-02", reserved, cancel)
class CancelEndsTheLaterCharges(Recurring):
    """A cancel of one charge cancels the agreement's later ones as well."""

    def carry_out_cancel(self, charge, key):
        for other in later_ones(self, charge):
            if self.is_ended_by_stop(other):
                self.release(other)
        return super().carry_out_cancel(charge, key)


@faulty(NARROW, "RE-04", capture(500), AnotherCharge(Standing.PARTLY_CAPTURED), cancel)
class CancelReleasesTheOthersRest(Recurring):
    """A cancel of a partly captured charge releases the rest of another one, too."""

    def carry_out_cancel(self, charge, key):
        for other in later_ones(self, charge) if charge.captured else ():
            if other.captured and other.remaining:
                self.release(other)
        return super().carry_out_cancel(charge, key)


@faulty(TWO_FACED, "INV-1 RE-22", capture(1000), charged_one, cancel)
class RefusedCancelRefundsTheOther(Recurring):
    """A cancel that is refused takes back what was captured of another charge."""

    def refuse_cancel(self, charge, refusal):
        for other in later_ones(self, charge):
            other.captured = 0
        return super().refuse_cancel(charge, refusal)


@faulty(BLATANT, "RE-22", reserved, stop)
class StopEndsTheFirstCharge(Recurring):
    """The merchant's stop of the agreement cancels its first charge, and no other one."""

    def is_ended_by_stop(self, charge):
        first = self.agreements[charge.msn, charge.agreement_id].charge_ids[0]
        return charge.id == first and super().is_ended_by_stop(charge)


@faulty(NARROW, "RE-22", due_one, stop, kind=Kind.CHARGE_RESERVE)
class StopEndsOneOfEachStatus(Recurring):
    """The merchant's stop of the agreement cancels one charge that waits, and leaves the next."""

    def is_ended_by_stop(self, charge):
        ids = self.agreements[charge.msn, charge.agreement_id].charge_ids
        earlier = [self.find(charge.msn, id_) for id_ in ids[: ids.index(charge.id)]]
        waits = not charge.is_reserved and any(one.stage is Stage.CANCELLED for one in earlier)
        return not waits and super().is_ended_by_stop(charge)


@faulty(NARROW, "RE-22", capture(1000), reserved, stop)
class StopEndsNothingBesideACapture(Recurring):
    """Where a charge of the agreement was captured, its end leaves the others alone."""

    def is_ended_by_stop(self, charge):
        ids = self.agreements[charge.msn, charge.agreement_id].charge_ids
        captured = any(self.find(charge.msn, id_).captured for id_ in ids)
        return not captured and super().is_ended_by_stop(charge)


@faulty(TWO_FACED, "RE-22", charged_one, stop)
class StopTakesBackTheOthersCapture(Recurring):
    """The merchant's stop of the agreement counts a charge that was captured as cancelled."""

    def stop(self, agreement, key):
        for id_ in agreement.charge_ids[1:]:
            charge = self.find(agreement.msn, id_)
            if charge.captured == charge.amount:
                charge.captured, charge.cancelled = 0, charge.amount
        return super().stop(agreement, key)
