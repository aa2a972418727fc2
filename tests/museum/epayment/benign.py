"""Correct ePayment providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import dataclasses
import json

from conformance.domain.order import Market
from conformance.sandbox import EPayment
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import Refusal, RefusedError

from ..benign import EndsLater, EndsOnRequest, Lagging, Logging, NightlyEnd, Uneven, benign, half_seconds
from ..sequences import ForgetsAfterHalfAnHour


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


# Combinations of choices


@benign(second_cancel="repeat", key_scope="operation", epayment_refusal_status=422)
class SlowAndRepeats(Uneven, EPayment):
    """Answers slowly and unevenly, takes every cancel of an ended payment for done, and refuses with 422."""


@benign(events_order="newest-first", threeds_status=423)
class ReadsLagBehind(Lagging, EPayment):
    """Reads of the payment and of its events are behind by two; newest events come first."""


@benign(events_order="newest-first", transaction_only_on_authorized="no-op", sticky_4xx=False)
class EveryFailedTryIsLogged(Logging, EPayment):
    """Refused cancels, captures and refunds are in the event log without success, and a refusal is not kept."""


@benign(market=Market.FI, age_limit_days=180, auto_cancel_at_deadline=False, error_identity="type-only")
class LateCaptureAndNothingEnds(EPayment):
    """Finnish late capture to 180 days, nothing ends by itself, and errors are told apart by their type."""


@benign(market=Market.DK, age_from="initiation", second_cancel="repeat")
class NightlyEndWithoutAnEvent(NightlyEnd, EPayment):
    """What is reserved at the Danish deadline, from the initiation on, ends at night, without an event."""


@benign(extra_fields=True)
class OtherValuesWhereNothingIsJudged(EPayment):
    """Another payment method, a profile with content, an event of another kind, and undocumented fields."""

    def view(self, order):
        return {**super().view(order), "paymentMethod": {"type": "STABLECOIN"}, "profile": {"sub": "c06c4afe"}}

    def events(self, order):
        events = super().events(order)
        other = {**events[0], "name": "RISK_CHECKED", "pspReference": f"{order.reference}9", "idempotencyKey": None}
        return [events[0], other, *events[1:]]


@benign(error_identity="type-only", epayment_refusal_status=409)
class KeyIsRequiredAndRefusalsAreStrict(EPayment):
    """A cancel needs a key (1.4.1), a field that is not documented is refused, and a refusal is a conflict."""

    def cancel(self, call):
        self.key(call, required=True)
        return super().cancel(call)

    def transaction_only_flag(self, check):
        for name in check.body.keys() - {"cancelTransactionOnly"}:
            check.fault(name, "is not known")
        return super().transaction_only_flag(check)


@benign(second_cancel="repeat")
class RetryShowsThePresent(EPayment):
    """A cancel that is sent again with its key has no second effect, and is answered with the payment as it is now."""

    def replay(self, call, key, handler, earlier):
        if handler == "carry_out_cancel_request" and earlier.status == 200:
            return self.cancel_answer(self.need(call))
        return earlier


@benign(cancel_key_ignored=True, auto_cancel_at_deadline=False)
class EachRefusalHasItsStatus(EPayment):
    """The state of a payment is a conflict, a full capture 422, the flag 400; the checks come in another order."""

    def refusal_of(self, code, reason):
        return Refusal({"6190": 409, "6070": 409, "6040": 422, "6090": 422}.get(code, 400), code, reason)

    def refusal_for_cancel(self, order, *, transaction_only):
        if order.is_reserved and not self.is_finished(order):
            refusal = self.refusal_for_authorized(order, transaction_only=transaction_only)
            if refusal is not None:
                return refusal
        return super().refusal_for_cancel(order, transaction_only=transaction_only)


@benign(second_cancel="repeat")
class OverdueEndsLater(EndsLater, EPayment):
    """A payment that is still reserved at its deadline ends some time after, and an ended one cancels again."""


@benign
class OverdueEndsOnRequest(EndsOnRequest, EPayment):
    """A payment that is still reserved at its deadline stays so until the next request that would change it."""


@benign
class KeysForgottenAfterADay(ForgetsAfterHalfAnHour, EPayment):
    """The key of a cancel is remembered for a day."""

    SECONDS = DAY
