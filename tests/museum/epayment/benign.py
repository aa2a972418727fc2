"""Correct ePayment providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import dataclasses
import json

from conformance.sandbox import EPayment
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import Refusal, RefusedError

from ..benign import benign, half_seconds


@benign
class EventsInTrimmedFractions(EPayment):
    """The newest event's moment has a fraction, and the others in the same second have none."""

    def events(self, order):
        return half_seconds(super().events(order)[::-1], "timestamp")[::-1]


@benign
class EventsWithoutKeys(EPayment):
    """Events do not name the idempotency key."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        del shown["idempotencyKey"]
        return shown


@benign
class FailedTriesInTheEventLog(EPayment):
    """A refused cancel leaves an unsuccessful event."""

    def refuse_cancel(self, order, refusal):
        if order.is_reserved:
            self.record(order, EntryKind.RELEASE, order.remaining, success=False)
        return super().refuse_cancel(order, refusal)


@benign
class OtherWords(EPayment):
    """Problems have no detail, no instance and another title."""

    def refuse(self, call, refusal):
        response = super().refuse(call, refusal)
        payload = {**response.json(), "title": "Noe gikk galt"}
        payload.pop("detail")
        payload.pop("instance")
        return dataclasses.replace(response, body=json.dumps(payload).encode())


@benign
class CodeAsNumber(EPayment):
    """The error code is a JSON number."""

    def extra_details(self, refusal):
        return [
            {**one, "reason": int(one["reason"])} if one["name"] == "ErrorCode" else one
            for one in super().extra_details(refusal)
        ]


@benign
class CodeBesideOtherDetails(EPayment):
    """The error code is not the first of the extra details."""

    def extra_details(self, refusal):
        details = super().extra_details(refusal)
        return [{"name": "Hint", "reason": "See the documentation"}, *details] if details else details


@benign
class ForeignPaymentForbidden(EPayment):
    """A payment of another sales unit answers 403."""

    def need(self, call):
        if call.msn != self.options.msn and self.find(self.options.msn, call.params[0]) is not None:
            raise RefusedError(Refusal(403, "", "Not this sales unit's"))
        return super().need(call)


@benign
class SecureHasNoCode(EPayment):
    """A refusal during 3-D Secure has no error code and status 400."""

    def refusal_in_3ds(self, order):
        return Refusal(400, "", "Not now", transient=True)


@benign
class NullsInAnswers(EPayment):
    """What does not apply is there as null."""

    def view(self, order):
        return {**super().view(order), "metadata": None, "captureGuaranteedUntil": None}


@benign
class AnswersWithoutAProfile(EPayment):
    """A payment is read without its payment method and profile."""

    def view(self, order):
        return self.modification(order)


@benign
class UserEndsCountAsCancelled(EPayment):
    """What the user rejected or let expire shows its amount as cancelled."""

    def aggregate(self, order):
        sums = super().aggregate(order)
        if order.stage.value in ("rejected", "expired"):
            return {**sums, "cancelledAmount": self.money(order, order.amount)}
        return sums


@benign(cancel_key_ignored=True)
class EventsHaveKeysOfTheProvider(EPayment):
    """The key is no parameter of a cancel, and its event has a key that the provider made."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        return {**shown, "idempotencyKey": entry.key or f"generated-{entry.reference}"}


@benign(second_cancel="repeat")
class RepeatedCancelListedWithoutMoney(EPayment):
    """A second cancel answers as the first did, and leaves an event with an amount of zero."""

    def repeat_cancel(self, order):
        if order.cancelled:
            self.record(order, EntryKind.RELEASE if order.is_reserved else EntryKind.STOP, 0)
        return super().repeat_cancel(order)


@benign
class TransactionSharesItsReference(EPayment):
    """What the user or the provider does has the reference of the creation; the merchant's changes have their own."""

    def reserve_reference(self, order):
        return order.reference

    def stop_reference(self, order):
        return order.reference
