"""M5 and M10 to M17: when to cancel, and how an order must end."""

from __future__ import annotations

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.apis import release_flag_of
from conformance.obligations.asked import (
    HONOURED,
    end_was_requested,
    net_captured,
    outstanding_before,
    wanted_shipments,
    was_honoured,
)
from conformance.obligations.fault_words import after_fault
from conformance.obligations.finding import (
    ObligationFinding,
    broken,
    broken_by,
    describe_snapshot,
    is_finished,
    met,
    money,
)
from conformance.obligations.observation import FinalState, MerchantTrace, ObservedRequest
from conformance.obligations.request_rules import has_flag
from conformance.obligations.response_reader import BUSY_STAGES, CancelOutcome, cancels_with, shows_capture


def m5_flag(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """``cancelTransactionOnly`` is for unapproved payments; it must not keep a reservation alive."""
    final = trace.final_state(order)
    requested = trace.actions_of(order, "cancel", "complete")
    cancels = trace.cancels_of(order)
    if final is None or not requested or not cancels:
        return None
    of_reservations = [cancel for cancel in cancels if cancel.reached and _is_reserved(cancel.before)]
    if of_reservations and final.payment.remaining and not was_honoured(trace, order, final.snapshot):
        last = of_reservations[-1]
        if all(has_flag(cancel, "cancelTransactionOnly") for cancel in of_reservations):
            return broken_by(
                last,
                f"{last.request_line} has cancelTransactionOnly, "
                f"and the reserved {money(final.payment.remaining, final.payment.currency)} are never released",
            )
    return met(requested[0].step)


def _is_reserved(payment: ProviderRecord | None) -> bool:
    return payment is not None and payment.remaining > 0


def m10_release(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """What is no longer wanted is not left reserved or payable."""
    final = trace.final_state(order)
    if final is None or not end_was_requested(trace, order):
        return None
    if final.payment.stage in BUSY_STAGES:
        # The customer never came back, and nobody can cancel the payment meanwhile.
        return None
    if is_finished(final.payment) or was_honoured(trace, order, final.snapshot) or final.payment.late:
        return met(trace.last_step)
    only_abandoned = not trace.actions_of(order, "cancel", "complete")
    if final.payment.remaining and (only_abandoned or _waits_for_capture(trace, order, final)):
        return None
    return broken(trace.last_step, f"the order is not wanted, {describe_snapshot(final.snapshot)}")


def _waits_for_capture(trace: MerchantTrace, order: int, final: FinalState) -> bool:
    """Return whether a wanted capture has not happened: until it has, the rest must not be released."""
    return final.payment.captured < outstanding_before(trace, order, final.snapshot.n, trace.last_step)


def m11_rest(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """eCom: the rest after a partial capture is released with ``shouldReleaseRemainingFunds``."""
    final = trace.final_state(order)
    partial = [
        cancel for cancel in trace.cancels_of(order) if release_flag_of(cancel) and _is_partly_captured(cancel.before)
    ]
    if not partial or final is None:
        return None
    unflagged = [cancel for cancel in partial if not has_flag(cancel, str(release_flag_of(cancel)))]
    if final.payment.remaining and len(unflagged) == len(partial):
        first = unflagged[0]
        return broken_by(first, f"{first.request_line} does not say {release_flag_of(first)}, and releases nothing")
    return met(partial[0].step)


def _is_partly_captured(payment: ProviderRecord | None) -> bool:
    return payment is not None and payment.captured > 0 and payment.remaining > 0


def m12_last(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Nothing is released before every capture that was asked for has happened, also one that failed."""
    finding = _gave_back_the_rest(trace, order)
    for cancel in trace.cancels_of(order):
        wanted = outstanding_before(trace, order, cancel.n, cancel.step)
        before, after = cancel.before, cancel.after
        if not wanted or before is None or after is None or not before.authorized:
            continue
        is_early = after.cancelled > before.cancelled and before.captured < wanted
        # Where a wrong amount was taken, no capture was outstanding: M31 says what is wrong.
        if is_early and not _each_was_taken(trace, order, cancel):
            released, currency = after.cancelled - before.cancelled, before.currency
            return broken_by(
                cancel,
                f"{_failed_capture(trace, order, cancel.n)}{cancel.request_line} released {money(released, currency)} "
                f"while only {money(before.captured, currency)} of the {money(wanted, currency)} that were to be "
                "taken had been captured",
            )
        finding = met(cancel.step)
    return finding


def _gave_back_the_rest(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding for a shop that captured everything at approval, and gave back what was not shipped."""
    for refund in trace.requests_of(order):
        if refund.operation != "refund" or refund.before is None or refund.after is None:
            continue
        wanted = outstanding_before(trace, order, refund.n, refund.step)
        if wanted and refund.after.refunded > refund.before.refunded and net_captured(refund.after) >= wanted:
            return met(refund.step)
    return None


def _each_was_taken(trace: MerchantTrace, order: int, cancel: ObservedRequest) -> bool:
    """Return whether each shipment had been confirmed and a capture of it done, of whatever amount."""
    asked = [each for each in wanted_shipments(trace, order) if each.n < cancel.n or each.step == cancel.step]
    sent = [each for each in trace.requests_of(order) if each.operation == "capture" and each.n < cancel.n]
    done = [each for each in sent if each.before and each.after and each.after.captured > each.before.captured]
    return all(each.confirmed_in_step and each.possible for each in asked) and 0 < len(asked) <= len(done)


def _failed_capture(trace: MerchantTrace, order: int, before: int) -> str:
    """Return what became of the last capture before a record, where a fault met it, as the beginning of a sentence."""
    captures = [each for each in trace.requests_of(order) if each.operation == "capture" and each.n < before]
    return after_fault(captures[-1]) if captures else ""


def m13_pointless(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """No cancel is sent where the merchant knows that there is nothing to cancel."""
    reason = ""
    finding: ObligationFinding | None = None
    for request in trace.requests_of(order):
        if request.operation == "cancel":
            if not reason and _was_called_cancelled(trace, order, request.n):
                reason = "the merchant's own books called the order cancelled, and it was"
            if reason and request.action in ("cancel", "abandon", "tick"):
                return broken_by(request, f"{request.request_line} was sent although {reason}")
            finding = finding or met(request.step)
        elif shows_capture(request) and _is_all_captured(request):
            reason = "everything had been captured"
            finding = finding or met(request.step)
    return finding


def m13b_refused(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel that is refused because everything was captured leaves no error and no wrong state behind."""
    final = trace.final_state(order)
    known: ObservedRequest | None = None
    finding: ObligationFinding | None = None
    for request in trace.requests_of(order):
        if shows_capture(request) and _is_all_captured(request):
            known = request
        elif known is not None and request.operation == "cancel" and _is_plain_refusal(request):
            refused = f"everything had been captured, and {request.request_line} was refused ({request.status})"
            if trouble := _trouble_after(trace, order, request, final):
                return broken_by(request, f"{refused}; {trouble}")
            finding = met(request.step)
    return finding


def _is_plain_refusal(request: ObservedRequest) -> bool:
    return not request.fault and request.status is not None and 400 <= request.status < 500


def _trouble_after(trace: MerchantTrace, order: int, refused: ObservedRequest, final: FinalState | None) -> str:
    """Return what a refused cancel of a paid order led to: an action that failed, or a status that is wrong."""
    during = [each for each in trace.actions if each.step == refused.step and each.action == refused.action]
    if any(each.ending == "raised" and each.n > refused.n and each.order == order for each in during):
        return f"the shop's {refused.action} ended with an error"
    if final is not None and final.payment.captured and final.status not in HONOURED:
        return f"the paid order is {final.status!r} in the merchant's books"
    return ""


def _is_all_captured(request: ObservedRequest) -> bool:
    return request.after is not None and request.after.captured == request.after.authorized


def _was_called_cancelled(trace: MerchantTrace, order: int, before: int) -> bool:
    """Return whether the payment was cancelled in both parties' books before a record."""
    earlier = [snapshot for snapshot in trace.snapshots_of(order) if snapshot.n < before]
    return bool(earlier) and earlier[-1].status == "cancelled" and is_finished(earlier[-1].payment)


def m14_deadline(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel that comes too late is refused for good, and is not sent again."""
    aged = next((action for action in trace.actions_of(order, "age") if action.ending == "returned"), None)
    requested = trace.end_actions(order)
    if aged is None or not requested:
        return None
    refused = [
        cancel
        for cancel in trace.cancels_of(order)
        if cancel.status == 400 and cancel.before is not None and cancel.before.late
    ]
    if len(refused) > sum(action.n > aged.n for action in requested):
        last = refused[-1]
        return broken_by(
            last, f"{last.request_line} was refused with 400 as too late, and sent again {len(refused) - 1} times"
        )
    return met(aged.step)


def m15_early(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """An order is not called cancelled while its payment can be approved and no cancel was tried."""
    finding: ObligationFinding | None = None
    for snapshot in trace.snapshots_of(order):
        if snapshot.payment is None or not snapshot.payment.payable:
            continue
        finding = finding or met(snapshot.step)
        if snapshot.status == "cancelled" and not _tried_to_end(trace, order, snapshot.n):
            return broken(snapshot.step, f"no cancel was sent for its payment: {describe_snapshot(snapshot)}")
    return finding


def _tried_to_end(trace: MerchantTrace, order: int, before: int) -> bool:
    """Return whether a cancel was sent, or a read failed, before a record."""
    return any(
        request.operation == "cancel" or (request.operation in ("read", "list") and request.status != 200)
        for request in trace.requests_of(order)
        if request.n < before
    )


def m16_race(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """At the end the order goes on and nothing is cancelled, or it is cancelled and nothing remains."""
    final = trace.final_state(order)
    if final is None or not end_was_requested(trace, order):
        return None
    called_cancelled_too_soon = final.status == "cancelled" and not is_finished(final.payment)
    if called_cancelled_too_soon or _honours_released(final):
        return broken(trace.last_step, describe_snapshot(final.snapshot))
    return met(trace.last_step)


def _honours_released(final: FinalState) -> bool:
    """Return whether the merchant goes on with an order whose payment a cancel ended.

    What the provider released by itself at the deadline does not count: no cancel crossed an approval there.
    """
    payment = final.payment
    books_too_much = (final.snapshot.amount("captured") or 0) > payment.captured
    return (
        not payment.late
        and final.status in HONOURED
        and payment.ended
        and payment.released
        and (not payment.captured or books_too_much)
    )


def m17_not_now(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel that cannot be done now is tried again later."""
    postponed = [
        cancel for cancel in cancels_with(trace, order, CancelOutcome.NOT_NOW) if cancel.status not in (401, 429)
    ]
    final = trace.final_state(order)
    if not postponed or final is None:
        return None
    if any(action.action == "restart" and action.n > postponed[-1].n for action in trace.actions):
        # A restart may have made it forget; M10 judges what is left reserved then.
        return None
    first = postponed[0]
    sent_again = trace.cancels_of(order)[-1] is not first
    if is_finished(final.payment) or sent_again or was_honoured(trace, order, final.snapshot):
        return met(first.step)
    return broken_by(
        first,
        f"{first.request_line} got {first.status}, which means not now, and was never sent again: "
        f"{describe_snapshot(final.snapshot)}",
    )
