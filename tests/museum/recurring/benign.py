"""Correct Recurring providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from datetime import datetime, timedelta, timezone

from conformance.domain.order import Market
from conformance.sandbox import Recurring
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import RefusedError, empty_response

from ..benign import EndsLater, EndsOnRequest, Lagging, Logging, NightlyEnd, Uneven, benign, half_seconds
from ..sequences import ForgetsAfterHalfAnHour


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
            self.record(charge, EntryKind.RELEASE, charge.remaining, success=False)
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
        except RefusedError as refused:
            raise RefusedError(self.unknown()) from refused


@benign
class StopLeavesNoEvent(Recurring):
    """The end of the agreement leaves no event in the history of its charges."""

    def stop(self, agreement, key):
        response = super().stop(agreement, key)
        for id_ in agreement.charge_ids:
            charge = self.find(agreement.msn, id_)
            if charge.entries[-1].kind in (EntryKind.RELEASE, EntryKind.STOP) and charge.entries[-1].key == key:
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
        return empty_response(202) if super().stop(agreement, key).status == 204 else empty_response(204)


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


@benign(second_cancel="repeat")
class RepeatedCancelListedWithoutMoney(Recurring):
    """A second cancel answers as the first did, and leaves an event with an amount of zero."""

    def carry_out_cancel_request(self, call, key):
        charge = self.need_charge(call)
        if self.status(charge) == "CANCELLED" and not self.is_too_old(charge):
            self.record(charge, EntryKind.RELEASE, 0, key=key)
        return super().carry_out_cancel_request(call, key)


@benign
class TimesInAnotherZone(Recurring):
    """Every second moment of a charge's history is written with another offset, and none with a fraction."""

    def events(self, charge):
        shown = super().events(charge)
        return [
            {**event, "occurred": in_oslo(event["occurred"]) if at % 2 else whole(event["occurred"])}
            for at, event in enumerate(shown)
        ]


def whole(stamp):
    """Return a moment without its fraction."""
    return datetime.fromisoformat(stamp).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def in_oslo(stamp):
    """Return a moment as clocks in Norway showed it in winter."""
    return datetime.fromisoformat(stamp).replace(microsecond=0).astimezone(timezone(timedelta(hours=1))).isoformat()


# Combinations of choices


@benign(second_cancel="repeat", recurring_async=True, recurring_refusal_status=422)
class SlowAndLater(Uneven, Recurring):
    """Answers slowly and unevenly, cancels later, takes a cancel of a cancelled charge for done, refuses with 422."""


@benign(recurring_async=True, second_stop=400)
class ReadsLagBehind(Lagging, Recurring):
    """A cancel is done later, and reads are behind by two of them; a second stop is refused."""


@benign(recurring_refusal_status=400, key_scope="operation", auto_cancel_at_deadline=False)
class EveryFailedTryIsLogged(Logging, Recurring):
    """Refused cancels, captures and refunds are in the history without success; nothing ends by itself."""


@benign(market=Market.DK, age_limit_days=180, second_stop=400, recurring_async=True)
class LateCaptureAndNightlyEnd(NightlyEnd, Recurring):
    """Danish late capture to 180 days; what is left ends in the night after, and cancels take effect later."""


@benign(extra_fields=True, recurring_refusal_status=422)
class OtherValuesWhereNothingIsJudged(Recurring):
    """Another processing mode, an event of another kind, undocumented fields, the newest event first."""

    def view(self, charge):
        return {**super().view(charge), "processingMode": "BACKGROUND"}

    def events(self, charge):
        events = super().events(charge)
        other = {**events[0], "event": "RISK_CHECK", "amount": 0, "idempotencyKey": "system"}
        return [events[0], other, *events[1:]][::-1]


@benign(second_cancel="repeat", sticky_4xx=False)
class ProcessingCancelledAndNothingCounted(Recurring):
    """A charge is cancelled while it is processed, and before its reservation counts as cancelled by nothing."""

    def is_cancellable(self, charge):
        return self.status(charge) == "PROCESSING" or super().is_cancellable(charge)

    def summary(self, charge):
        shown = super().summary(charge)
        return shown if charge.is_reserved else {**shown, "cancelled": 0}


@benign(age_from="initiation", second_stop=400)
class EachRefusalHasItsProblem(Recurring):
    """Problem and status go with the charge's status, and the status is looked at before the age."""

    def refusal_of(self, problem_id, charge, reason, *, status=None):
        refusal = super().refusal_of(problem_id, charge, reason, status=status)
        if problem_id != "cancel-charge-failed" or status is not None:
            return refusal
        kinds = {"CHARGED": ("conflict", 409), "FAILED": ("operation-failed", 422)}
        code, own = kinds.get(self.status(charge), (problem_id, 400))
        return dataclasses.replace(refusal, code=code, status=own)

    def refusal_for_cancel(self, charge):
        if not self.is_cancellable(charge):
            return self.refusal_of("cancel-charge-failed", charge, "The charge cannot be cancelled any more")
        return super().refusal_for_cancel(charge)


@benign(second_cancel="repeat")
class OverdueEndsLater(EndsLater, Recurring):
    """A charge that is still reserved at its deadline ends some time after, and an ended one cancels again."""


@benign
class OverdueEndsOnRequest(EndsOnRequest, Recurring):
    """A charge that is still reserved at its deadline stays so until the next request that would change it."""


@benign
class KeysForgottenAfterADay(ForgetsAfterHalfAnHour, Recurring):
    """The key of a cancel is remembered for a day."""

    SECONDS = DAY


@benign
class StopReleasesARemainderLater(Recurring):
    """What remains of a partly captured charge whose agreement was stopped is released at the second look at it."""

    LOOKS = 2

    def __init__(self, *parts, **named):
        super().__init__(*parts, **named)
        self.looks = Counter()

    def view(self, charge):
        if self.agreements[charge.msn, charge.agreement_id].stopped_at is not None:
            self.looks[charge.id] += 1
            if self.looks[charge.id] >= self.LOOKS and charge.captured and charge.remaining:
                self.release(charge)
        return super().view(charge)
