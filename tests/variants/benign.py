"""Correct providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.order import Market, Profile
from conformance.rulebook import Readings
from conformance.sandbox import Ecom, EPayment, Options, Provider, Recurring
from conformance.sandbox import Market as SandboxMarket
from conformance.sandbox.payment import Kind
from conformance.sandbox.wire import Refusal, Refused, answer, empty


@dataclass(frozen=True, slots=True)
class Variant:
    """One correct provider. Market and readings are the run's: the documented ones unless the variant is about them."""

    name: str
    profile: Profile
    provider: Callable[[], Provider]
    market: Market = Market.NO
    readings: Readings = field(default_factory=Readings.documented)
    open: frozenset[str] = frozenset()
    """The rules that the variant leaves nothing to see of, so that its runs are incomplete."""


VARIANTS: list[Variant] = []
ECOM, EPAYMENT, RECURRING = Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING
EVERY = (ECOM, EPAYMENT, RECURRING)


def by_options(name: str, *profiles: Profile, market: Market = Market.NO, **options: Any) -> None:
    """Register what the options alone make."""
    chosen = Options(market=SandboxMarket(market.value), **options)
    VARIANTS.extend(Variant(name, profile, lambda: Provider(chosen), market) for profile in profiles)


def benign(api=None, *, unseen: tuple[str, ...] = ()):
    """Register an API under the name of its class."""

    def register(api):
        made: dict[str, Any] = {api.NAME: api}
        variant = Variant(api.__name__, Profile(api.NAME), lambda: Provider(**made), open=frozenset(unseen))
        VARIANTS.append(variant)
        return api

    return register if api is None else register(api)


# What the options already offer

by_options("AsDocumented", *EVERY)
by_options("SecondCancelRepeated", *EVERY, second_cancel="repeat")
by_options("AgeFromInitiation", *EVERY, age_from="initiation")
by_options("ReservationKeptAtTheDeadline", *EVERY, auto_cancel_at_deadline=False)
by_options("AgeFromInitiationAndKept", *EVERY, age_from="initiation", auto_cancel_at_deadline=False)
by_options("ExtraFields", *EVERY, extra_fields=True)
by_options("NoRateLimit", *EVERY, rate_limit=False)
by_options("Denmark", *EVERY, market=Market.DK)
by_options("DenmarkKept", *EVERY, market=Market.DK, auto_cancel_at_deadline=False)
by_options("DenmarkLateCapture", *EVERY, market=Market.DK, age_limit_days=180)
by_options("Finland", *EVERY, market=Market.FI)
by_options("KeyScopePerOperation", EPAYMENT, RECURRING, key_scope="operation")
by_options("RefusalsNotRemembered", EPAYMENT, RECURRING, sticky_4xx=False)
by_options("SecureRefusedWith423", ECOM, EPAYMENT, threeds_status=423)
by_options("SecureRefusedWith500", ECOM, EPAYMENT, threeds_status=500)
by_options("RefusesWith402", ECOM, ecom_refusal_status=402)
by_options("RefusesWith409", ECOM, ecom_refusal_status=409)
by_options("RefusesWith422", ECOM, ecom_refusal_status=422)
by_options("SixMonths", ECOM, age_limit_days=183)
by_options("SixMonthsKept", ECOM, age_limit_days=183, auto_cancel_at_deadline=False)
by_options("StateInCapitals", ECOM, state_spelling="CANCELLED")
by_options("ReleasedAmountInTheAnswer", ECOM, released_amount_in_answer=True)
by_options("NoEntryForTheUsersEnd", ECOM, user_end_entry=False)
by_options("FlagAfterFullCaptureDoesNothing", ECOM, flag_on_full_capture="no-op")
by_options("FlagBeforeReservationRefused", ECOM, flag_on_initiated="rejected")
by_options("RefusesWith409", EPAYMENT, epayment_refusal_status=409)
by_options("RefusesWith422", EPAYMENT, epayment_refusal_status=422)
by_options("ErrorsByTypeOnly", EPAYMENT, error_identity="type-only")
by_options("KeyIsNoParameterOfCancel", EPAYMENT, cancel_key_ignored=True)
by_options("KeyIsNoParameterAndCancelRepeats", EPAYMENT, cancel_key_ignored=True, second_cancel="repeat")
by_options("TransactionOnlyDoesNothing", EPAYMENT, transaction_only_on_authorized="no-op")
by_options("EventsNewestFirst", EPAYMENT, events_order="newest-first")
by_options("RefusesWith400", RECURRING, recurring_refusal_status=400)
by_options("RefusesWith422", RECURRING, recurring_refusal_status=422)
by_options("CancelsLater", RECURRING, recurring_async=True)
by_options("CancelsMuchLater", RECURRING, recurring_async=True, recurring_async_reads=4)
by_options("CancelsLaterAndRepeats", RECURRING, recurring_async=True, second_cancel="repeat")
by_options("SecondStopAnswers400", RECURRING, second_stop=400)


def half_seconds(entries: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Return history entries, newest first, whose moments turn from whole to half a second within one second."""
    return [
        {**entry, field: f"2026-01-01T12:00:00{'.5' if index == 0 else ''}Z"} for index, entry in enumerate(entries)
    ]


# eCom


@benign
class TimesInTrimmedFractions(Ecom):
    """The newest moment of the history has a fraction, and the others in the same second have none."""

    def log(self, order):
        return half_seconds(super().log(order), "timeStamp")


@benign
class TimesInAnotherZone(Ecom):
    """Every second moment is written with another offset."""

    def log(self, order):
        entries = super().log(order)
        count = len(entries)
        zones = ("2026-01-01T12:00:{:02}Z", "2026-01-01T14:00:{:02}+02:00")
        return [{**entry, "timeStamp": zones[at % 2].format(count - at)} for at, entry in enumerate(entries)]


@benign
class HistoryWithoutOptionalParts(Ecom):
    """The history has no times, transaction ids and request ids, which the schema does not require."""

    def log_entry(self, order, entry):
        shown = super().log_entry(order, entry)
        return {name: shown[name] for name in ("amount", "operation", "operationSuccess", "transactionText")}


@benign
class AnswerHasOnlyTheOrderId(Ecom):
    """The cancel answer has the one field that the schema requires."""

    def cancel_answer(self, order, text, released):
        return answer(200, {"orderId": order.id})


@benign
class AnswerHasNoSummary(Ecom):
    """The cancel answer leaves its summary out."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        del payload["transactionSummary"]
        return answer(200, payload)


@benign
class AnswerHasNoTransactionId(Ecom):
    """The cancel answer has neither a transaction id nor an instrument."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        payload["transactionInfo"].pop("transactionId", None)
        payload.pop("paymentInstrument", None)
        return answer(200, payload)


@benign
class FailedTriesInTheHistory(Ecom):
    """A refused cancel leaves an unsuccessful entry in the history."""

    def refuse_cancel(self, call, order, refusal):
        if order.is_reserved:
            self.record(order, Kind.RELEASE, order.remaining, success=False)
        return super().refuse_cancel(call, order, refusal)


@benign
class OtherWordsAndNoContext(Ecom):
    """Errors are worded differently and have no context id."""

    def error(self, group, code, message, context):
        return {"errorGroup": group, "errorCode": code, "errorMessage": "Noe gikk galt"}


@benign
class ForeignOrderForbidden(Ecom):
    """An order of another sales unit answers 403."""

    def unknown_to(self, call):
        return super().find(self.options.msn, self.payment_id(call)) is not None

    def need(self, call):
        if call.msn != self.options.msn and self.unknown_to(call):
            raise Refused(Refusal(403, "", "Not this sales unit's"))
        return super().need(call)


@benign
class SecondCancelHasAnotherCode(Ecom):
    """A payment that has ended refuses a cancel as not allowed."""

    def finished_refusal(self, order):
        return self.payment_refusal("52", "Cancel failed")


@benign
class TooOldHasAnotherCode(Ecom):
    """A payment that is too old is refused with 400 and a code that is not 98."""

    def refusal_for_cancel(self, order, *, release_rest):
        refusal = super().refusal_for_cancel(order, release_rest=release_rest)
        return dataclasses.replace(refusal, code="52") if refusal is not None and refusal.code == "98" else refusal


@benign(unseen=("KB-01", "EC-01", "EC-37"))
class InitiatedCancelNotPossible(Ecom):
    """A cancel before the approval is refused because of what the user may be doing."""

    def refusal_for_cancel(self, order, *, release_rest):
        if order.stage.value == "initiated":
            return self.vipps_refusal("91", "The user may be approving")
        return super().refusal_for_cancel(order, release_rest=release_rest)


@benign
class NoContentType(Ecom):
    """Cancel answers do not name their content type."""

    def cancel_answer(self, order, text, released):
        return dataclasses.replace(super().cancel_answer(order, text, released), headers=())


# ePayment


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
            self.record(order, Kind.RELEASE, order.remaining, success=False)
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
            raise Refused(Refusal(403, "", "Not this sales unit's"))
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


# Recurring


@benign
class HistoryNewestFirst(Recurring):
    """A charge's history begins with its latest event."""

    def events(self, charge):
        return super().events(charge)[::-1]


@benign
class HistoryInTrimmedFractions(Recurring):
    """The newest moment of the history has a fraction, and the others in the same second have none."""

    def events(self, charge):
        return half_seconds(super().events(charge)[::-1], "occurred")[::-1]


@benign
class FailedTriesInTheHistoryOfACharge(Recurring):
    """A refused cancel leaves an unsuccessful event."""

    def refuse_cancel(self, charge, refusal):
        if charge.is_reserved:
            self.record(charge, Kind.RELEASE, charge.remaining, success=False)
        return super().refuse_cancel(charge, refusal)


@benign
class ForeignChargeForbidden(Recurring):
    """A charge that is there under another agreement is not found, with the problem's short type."""

    def refuse(self, call, refusal):
        response = super().refuse(call, refusal)
        return dataclasses.replace(
            response, body=json.dumps({**response.json(), "title": "Noe gikk galt", "contextId": "x"}).encode()
        )


@benign
class MalformedAgreementNotFound(Recurring):
    """A malformed agreement id is one that does not exist."""

    def need_agreement(self, call):
        try:
            return super().need_agreement(call)
        except Refused as refused:
            raise Refused(self.unknown()) from refused


@benign
class StopLeavesNoEvent(Recurring):
    """The end of the agreement leaves no event in the history of its charges."""

    def stop(self, agreement, key):
        response = super().stop(agreement, key)
        for id_ in agreement.charge_ids:
            charge = self.find(agreement.msn, id_)
            if charge.entries[-1].kind in (Kind.RELEASE, Kind.STOP) and charge.entries[-1].key == key:
                charge.entries.pop()
        return response


@benign
class NothingCancelledBeforeTheReservation(Recurring):
    """A charge that was cancelled before its reservation shows a cancelled amount of zero."""

    def summary(self, charge):
        shown = super().summary(charge)
        return shown if charge.is_reserved else {**shown, "cancelled": 0}


@benign
class StopReleasesTheRest(Recurring):
    """The end of the agreement releases the rest of a partly captured charge."""

    def is_ended_by_stop(self, charge):
        return self.status(charge) == "PARTIALLY_CAPTURED" or super().is_ended_by_stop(charge)


@benign
class StopIsAnswered202(Recurring):
    """A stop is answered 202, and done."""

    def stop(self, agreement, key):
        return empty(202) if super().stop(agreement, key).status == 204 else empty(204)


@benign
class ProcessingCancelled(Recurring):
    """A charge can be cancelled while it is processed."""

    def is_cancellable(self, charge):
        return self.status(charge) == "PROCESSING" or super().is_cancellable(charge)


@benign
class ProblemIsAConflict(Recurring):
    """A charge in the wrong status is refused as a conflict."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        refusal = super().refusal_of(problem_id, charge, reason, status=status)
        return dataclasses.replace(refusal, code="conflict") if problem_id == "cancel-charge-failed" else refusal


@benign(unseen=("RE-01",))
class DueFromTheBeginning(Recurring):
    """A charge is due as soon as it is made."""

    def create(self, agreement, draft, key):
        charge = super().create(agreement, draft, key)
        if charge.type == "RECURRING":
            self.act(charge, "become_due")
        return charge
