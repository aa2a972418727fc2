"""Correct eCom providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import dataclasses

from conformance.domain.messages import Response
from conformance.domain.order import Market
from conformance.sandbox import Ecom
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import Refusal, RefusedError, json_response

from ..benign import EndsLater, EndsOnRequest, Lagging, Logging, NightlyEnd, Uneven, benign, half_seconds


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
        return json_response(200, {"orderId": order.id})


@benign
class AnswerHasNoSummary(Ecom):
    """The cancel answer leaves its summary out."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        del payload["transactionSummary"]
        return json_response(200, payload)


@benign
class AnswerHasNoTransactionId(Ecom):
    """The cancel answer has neither a transaction id nor an instrument."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        payload["transactionInfo"].pop("transactionId", None)
        payload.pop("paymentInstrument", None)
        return json_response(200, payload)


@benign
class FailedTriesInTheHistory(Ecom):
    """A refused cancel leaves an unsuccessful entry in the history."""

    def refuse_cancel(self, call, order, refusal):
        if order.is_reserved:
            self.record(order, EntryKind.RELEASE, order.remaining, success=False)
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
            raise RefusedError(Refusal(403, "", "Not this sales unit's"))
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


@benign
class TextFlagMeansWhatItSays(Ecom):
    """The flag as the text true or false is taken for the boolean."""

    def release_flag(self, check):
        text = check.body.get("shouldReleaseRemainingFunds")
        return text == "true" if text in ("true", "false") else super().release_flag(check)


@benign(second_cancel="repeat")
class RepeatedCancelListedWithoutMoney(Ecom):
    """A second cancel answers as the first did, and is listed with an amount of zero."""

    def repeat_cancel(self, order, text):
        self.record(order, EntryKind.RELEASE if order.is_reserved else EntryKind.STOP, 0, text=text)
        return super().repeat_cancel(order, text)


# Combinations of choices


@benign(second_cancel="repeat", ecom_refusal_status=409)
class SlowAndRepeats(Uneven, Ecom):
    """Answers slowly and unevenly, takes every cancel of an ended payment for done, and refuses with 409."""


@benign(state_spelling="CANCELLED", threeds_status=423)
class ReadsLagBehind(Lagging, Ecom):
    """Reads are behind by two of them; the state is in capitals, and 3-D Secure answers 423."""


@benign(user_end_entry=False, ecom_refusal_status=402, auto_cancel_at_deadline=False)
class EveryFailedTryIsLogged(Logging, Ecom):
    """Refused cancels, captures and refunds are in the history without success, and the user's ending is not."""


@benign(market=Market.DK, age_limit_days=180, second_cancel="repeat", flag_on_full_capture="no-op")
class LateCaptureAndNightlyEnd(NightlyEnd, Ecom):
    """Danish late capture to 180 days; what is left ends in the night after, and an ended payment cancels again."""


@benign(extra_fields=True, released_amount_in_answer=True, user_end_entry=False)
class OtherValuesWhereNothingIsJudged(Ecom):
    """Another instrument, another operation beside the documented ones, undocumented fields, the released amount."""

    def cancel_answer(self, order, text, released):
        payload = super().cancel_answer(order, text, released).json()
        if "paymentInstrument" in payload:
            payload["paymentInstrument"] = "BankAccountV2"
        return json_response(200, payload)

    def log(self, order):
        entries = super().log(order)
        if len(entries) < 2:
            return entries
        shown = {"operation": "RISK_CHECK", "amount": 0, "operationSuccess": True, "transactionText": ""}
        return [*entries[:-1], {**shown, "timeStamp": entries[-1]["timeStamp"]}, entries[-1]]


@benign(threeds_status=500, flag_on_initiated="rejected", age_limit_days=183)
class ChecksInAnotherOrder(Ecom):
    """Captures are looked at before the age, the flag before the end; six months, and 500 in 3-D Secure."""

    def refusal_for_cancel(self, order, *, release_rest):
        if order.captured:
            refusal = self.refusal_for_captured(order, release_rest=release_rest)
            if refusal is not None:
                return refusal
        return super().refusal_for_cancel(order, release_rest=release_rest)


@benign(ecom_refusal_status=422, auto_cancel_at_deadline=False, age_from="initiation")
class GatewayIsAnotherProduct(Ecom):
    """The gateway answers 401, 403 and 429 as text, without a word on when to come again; ages count from the start."""

    def serve(self, call, handler):
        response = super().serve(call, handler)
        if response.status in (401, 403, 429):
            return Response(response.status, (("Content-Type", "text/html"),), b"<html>Nope</html>")
        return response


@benign(second_cancel="repeat")
class OverdueEndsLater(EndsLater, Ecom):
    """A payment that is still reserved at its deadline ends some time after, and an ended one cancels again."""


@benign
class OverdueEndsOnRequest(EndsOnRequest, Ecom):
    """A payment that is still reserved at its deadline stays so until the next request that would change it."""
