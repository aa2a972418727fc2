"""Faulty ePayment: the field cancelTransactionOnly, and the names of states and events."""

from __future__ import annotations

from conformance.domain.order import Market
from conformance.sandbox import EPayment
from conformance.sandbox.payment import EntryKind, Stage
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture, flagged, refund, unflagged


@faulty(BLATANT, "EP-04", approve, flagged)
class TransactionOnlyReleases(EPayment):
    """A cancel of the transaction only releases an authorized payment."""

    def transaction_only_flag(self, check):
        super().transaction_only_flag(check)
        return False


@faulty(NARROW, "EP-04", approve, capture(500), flagged)
class TransactionOnlyReleasesTheRest(EPayment):
    """A cancel of the transaction only spares whole reservations, and releases a rest."""

    def refusal_for_cancel(self, order, *, transaction_only):
        only = transaction_only and not (order.captured and order.remaining)
        return super().refusal_for_cancel(order, transaction_only=only)

    def cancel_answer(self, order):
        if order.captured and order.remaining:
            self.release(order)
        return super().cancel_answer(order)


@faulty(BLATANT, "EP-05 EP-03 EP-06 EP-42 KB-01 EP-24", approve, cancel)
class AbsentFlagTakenAsTrue(EPayment):
    """A cancel without the field is treated as one of the transaction only."""

    def transaction_only_flag(self, check):
        return check.flag("cancelTransactionOnly", default=True)


@faulty(NARROW, "EP-05 EP-03 EP-06 EP-42 KB-01", approve, unflagged)
class FlagPresenceTakenAsTrue(EPayment):
    """The field counts as set as soon as it is there, whatever its value."""

    def transaction_only_flag(self, check):
        return super().transaction_only_flag(check) or check.has("cancelTransactionOnly")


@faulty(BLATANT, "EP-02 KB-01", flagged)
class TransactionOnlyRefusedWhenCreated(EPayment):
    """A created payment cannot be cancelled with the field set."""

    def refusal_for_cancel(self, order, *, transaction_only):
        if transaction_only and order.stage is Stage.INITIATED:
            return self.refusal_of("6050", "Nothing is reserved yet")
        return super().refusal_for_cancel(order, transaction_only=transaction_only)


@faulty(TWO_FACED, "EP-02", flagged)
class TransactionOnlyAnswersCreated(EPayment):
    """With the field set, a created payment is terminated, and the answer calls it CREATED."""

    def carry_out_cancel_request(self, call, key):
        response = super().carry_out_cancel_request(call, key)
        flag = call.body(required=False).get("cancelTransactionOnly")
        payload = response.json()
        if flag is True and payload.get("state") == "TERMINATED":
            return json_response(200, {**payload, "state": "CREATED"})
        return response


@faulty(BLATANT, "EP-01 KB-01", cancel)
class CreatedNotCancellable(EPayment):
    """A payment can be cancelled without the field once it is authorized, and not before."""

    def refusal_for_cancel(self, order, *, transaction_only):
        if order.stage is Stage.INITIATED and not transaction_only:
            return self.refusal_of("6050", "Nothing is reserved yet")
        return super().refusal_for_cancel(order, transaction_only=transaction_only)


@faulty(BLATANT, "INV-8", approve)
class AuthorizedNamedReserved(EPayment):
    """An authorized payment has the name that eCom gives it."""

    def state(self, order):
        return "RESERVED" if order.is_reserved else super().state(order)


@faulty(BLATANT, "EP-05 EP-03 EP-06 EP-42 INV-8", approve, cancel)
class AuthorizedEndsTerminated(EPayment):
    """A payment whose funds were released is TERMINATED."""

    def state(self, order):
        return "TERMINATED" if order.is_reserved and order.cancelled else super().state(order)


@faulty(NARROW, "EP-05 EP-03 INV-8", approve, cancel)
class UncapturedEndsTerminated(EPayment):
    """A payment of which nothing was captured is TERMINATED when its funds were released."""

    def state(self, order):
        whole = order.is_reserved and order.cancelled and not order.captured
        return "TERMINATED" if whole else super().state(order)


@faulty(NARROW, "EP-06 EP-42 INV-8", approve, capture(500), cancel)
class PartlyCapturedEndsCancelled(EPayment):
    """A payment whose rest was released is CANCELLED."""

    def state(self, order):
        return "CANCELLED" if order.captured and order.cancelled else super().state(order)


@faulty(NARROW, "INV-10 EP-35 INV-8", approve, capture(500), refund(500))
class RefundedNamedRefunded(EPayment):
    """A payment is REFUNDED once everything that was captured has been refunded."""

    def state(self, order):
        return "REFUNDED" if order.captured and not order.refundable else super().state(order)


@faulty(BLATANT, "EP-01 EP-02", cancel)
class CreatedEndsCancelled(EPayment):
    """A payment that was cancelled before its approval is CANCELLED."""

    def state(self, order):
        return "CANCELLED" if order.stage is Stage.CANCELLED else super().state(order)


@faulty(BLATANT, "EP-29", cancel)
class EarlyCancelLoggedAsCancelled(EPayment):
    """The event of a cancel before the authorization is named CANCELLED."""

    def event_name(self, order, entry):
        return "CANCELLED" if entry.kind is EntryKind.STOP else super().event_name(order, entry)


@faulty(BLATANT, "EP-32", cancel)
class AnswerHasThePspOfTheCancel(EPayment):
    """The pspReference in the cancel answer is that of the cancel."""

    def cancel_answer(self, order):
        return json_response(200, {**self.modification(order), "pspReference": order.latest.reference})


@faulty(BLATANT, "EP-01 EP-02 INV-2", cancel)
class TerminatedCountsAsNothingCancelled(EPayment):
    """A payment that was cancelled before its approval shows a cancelled amount of zero."""

    def release(self, order, *, text="", key=None):
        entry = super().release(order, text=text, key=key)
        if not order.is_reserved:
            order.cancelled = 0
        return entry


@faulty(NARROW, "INV-10", cancel, market=Market.DK)
class CancelledAmountInKroner(EPayment):
    """The cancelled amount is always in Norwegian kroner, which only other markets notice."""

    def aggregate(self, order):
        sums = super().aggregate(order)
        return {**sums, "cancelledAmount": {"currency": "NOK", "value": order.cancelled}} if order.cancelled else sums
