"""Faulty Recurring: the end of an agreement."""

from __future__ import annotations

from conformance.domain.order import Kind
from conformance.sandbox import Recurring
from conformance.sandbox.payment import Stage
from conformance.sandbox.wire import Refusal, RefusedError

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import due, reserve, stop, stop_with_change

RESERVING, DIRECT = Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT


@faulty(BLATANT, "RE-22", stop)
class StopKeepsReservedCharges(Recurring):
    """The merchant's stop of the agreement leaves reserved charges alone, as before November 2022."""

    def is_ended_by_stop(self, charge):
        return not charge.is_reserved and super().is_ended_by_stop(charge)


@faulty(NARROW, "RE-22", due, reserve, stop, kind=RESERVING)
class StopEndsInitialReservationsOnly(Recurring):
    """The merchant's stop of the agreement releases a reserved initial charge, and no other reservation."""

    def is_ended_by_stop(self, charge):
        if charge.is_reserved and charge.type != "INITIAL":
            return False
        return super().is_ended_by_stop(charge)


@faulty(NARROW, "RE-22", due, stop, kind=RESERVING)
class StopKeepsDueCharges(Recurring):
    """The merchant's stop of the agreement leaves charges alone that are due."""

    def is_ended_by_stop(self, charge):
        return charge.stage is not Stage.DUE and super().is_ended_by_stop(charge)


@faulty(NARROW, "RE-22", stop, kind=DIRECT)
class StopKeepsDirectCharges(Recurring):
    """The merchant's stop of the agreement leaves charges of direct capture alone."""

    def is_ended_by_stop(self, charge):
        return charge.transaction_type != "DIRECT_CAPTURE" and super().is_ended_by_stop(charge)


@faulty(BLATANT, "RE-27", stop_with_change)
class StopTakesOtherChanges(Recurring):
    """A stop that comes together with another change is carried out."""

    def carry_out_update(self, call, key):
        if call.body().get("status") == "STOPPED":
            return self.stop(self.need_agreement(call), key)
        return super().carry_out_update(call, key)


@faulty(TWO_FACED, "RE-27", stop_with_change)
class StopWithChangesRefusedAndDone(Recurring):
    """A stop that comes together with another change is refused, and the charges are cancelled."""

    def carry_out_update(self, call, key):
        if len(call.body()) > 1 and "status" in call.body():
            for id_ in self.need_agreement(call).charge_ids:
                charge = self.find(call.msn, id_)
                if self.is_ended_by_stop(charge):
                    self.release(charge)
        return super().carry_out_update(call, key)


@faulty(BLATANT, "RE-26", stop, stop)
class SecondStopAnswers409(Recurring):
    """A second stop of an agreement is a conflict."""

    def stop(self, agreement, key):
        if agreement.stopped_at is not None:
            raise RefusedError(Refusal(409, "conflict", "The agreement is stopped"))
        return super().stop(agreement, key)


@faulty(TWO_FACED, "RE-26 INV-4 INV-9", stop, stop)
class SecondStopCancelsAgain(Recurring):
    """A second stop of an agreement is answered with success, and counts its charges as cancelled once more."""

    def stop(self, agreement, key):
        if agreement.stopped_at is not None:
            for id_ in agreement.charge_ids:
                charge = self.find(agreement.msn, id_)
                charge.cancelled += charge.amount if charge.cancelled else 0
        return super().stop(agreement, key)

    def status_of_money(self, charge):
        return "CANCELLED" if charge.cancelled > charge.authorized else super().status_of_money(charge)
