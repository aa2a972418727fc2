"""M25 to M30, MC-1 and MC-2: faults on the way, duplicates, and what other parties do."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from conformance.obligations.apis import counts_key
from conformance.obligations.asked import HONOURED, end_was_requested
from conformance.obligations.fault_words import after_fault
from conformance.obligations.finding import (
    ObligationFinding,
    broken,
    broken_by,
    describe_snapshot,
    is_finished,
    met,
)
from conformance.obligations.history import END_STEPS
from conformance.obligations.observation import Action, BookSnapshot, FinalState, MerchantTrace, ObservedRequest
from conformance.obligations.outcome_rules import first_unproven_cancellation, shown_ended
from conformance.obligations.response_reader import CancelOutcome, cancel_outcome, retry_after, scheduled_work_looks
from conformance.obligations.webhook_words import WRONG_SCHEMES

MOST_PER_MINUTE: Final = 5
"""Cancels of one payment that the documentation allows within a minute."""
MOST_AT_ONCE: Final = 3
"""Cancels that may follow each other without a pause after failures of the server."""
CLOCK_SLACK: Final = 0.25
"""Seconds by which clocks may differ."""
_ENDED_STATUSES: Final = ("cancelled", "captured")


def m25_unknown(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The merchant finds out what became of a cancel without an answer before it decides."""
    unknown = [cancel for cancel in trace.cancels_of(order) if cancel_outcome(cancel) is CancelOutcome.UNKNOWN]
    if not unknown:
        return None
    return (
        _decided_without_looking(trace, order) or _took_for_failure(trace, order, unknown[-1]) or met(unknown[0].step)
    )


def _decided_without_looking(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding where a cancel without an answer was taken for done."""
    snapshot = first_unproven_cancellation(trace, order)
    last = None if snapshot is None else trace.last_cancel_before(order, snapshot.n)
    if snapshot is None or last is None or cancel_outcome(last) is not CancelOutcome.UNKNOWN:
        return None
    if last.status is not None and not is_finished(snapshot.payment):
        return None
    return broken(
        snapshot.step,
        f"{after_fault(last)}{last.request_line} got {last.response_summary}, and the shop "
        f"{_how_it_looked(trace, order, last, snapshot)}: {describe_snapshot(snapshot)}",
    )


def _how_it_looked(trace: MerchantTrace, order: int, lost: ObservedRequest, snapshot: BookSnapshot) -> str:
    """Return whether the shop looked at the payment after a lost cancel and ignored it, or did not look."""
    looks = [each for each in trace.reads_of(order) if lost.n < each.n < snapshot.n and each.status == 200]
    return f"looked ({looks[-1].request_line}) and ignored what it saw" if looks else "decided without a look"


def _took_for_failure(trace: MerchantTrace, order: int, lost: ObservedRequest) -> ObligationFinding | None:
    """Return the finding where a cancel that was carried out counts as failed, and nobody asked about it."""
    final = trace.final_state(order)
    if final is None or final.status not in ("open", "authorized") or lost.before is None or lost.after is None:
        return None
    took_effect = lost.after.cancelled > lost.before.cancelled
    if not took_effect or not is_finished(final.payment) or _asked_afterwards(trace, order, lost):
        return None
    return broken(
        trace.last_step,
        f"{after_fault(lost)}{lost.request_line} got {lost.response_summary}, and was taken for a failure without a "
        f"look: {describe_snapshot(final.snapshot)}",
    )


def _asked_afterwards(trace: MerchantTrace, order: int, lost: ObservedRequest) -> bool:
    """Return whether a read or a repetition of a lost cancel could tell the merchant what became of it."""
    looked = any(read.n > lost.n for read in trace.reads_of(order))
    repeated = (not counts_key(each) or each.key == lost.key for each in trace.cancels_of(order) if each.n > lost.n)
    return looked or any(repeated)


def m26_converge(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel refused because the payment is already cancelled ends as a success, after a look."""
    refused = [cancel for cancel in trace.cancels_of(order) if _refused_as_cancelled(cancel)]
    final = trace.final_state(order)
    if not refused or final is None:
        return None
    if is_finished(final.payment) and final.status not in _ENDED_STATUSES:
        return broken(
            trace.last_step,
            f"{refused[-1].request_line} was refused as it was cancelled already; {describe_snapshot(final.snapshot)}",
        )
    snapshot = first_unproven_cancellation(trace, order)
    if snapshot is not None and snapshot.n > refused[0].n:
        return broken(
            snapshot.step,
            f"{refused[0].request_line} was refused, and taken for a cancel without a look at the payment",
        )
    return met(refused[0].step)


def _refused_as_cancelled(cancel: ObservedRequest) -> bool:
    before = cancel.before
    already_cancelled = before is not None and before.released and before.ended and not before.late
    return already_cancelled and cancel_outcome(cancel) is CancelOutcome.REFUSED


def m27_limit(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """At most five cancels of a payment are sent within a minute."""
    cancels = trace.cancels_of(order)
    for first, sixth in zip(cancels, cancels[MOST_PER_MINUTE:], strict=False):
        seconds = sixth.at - first.at
        if seconds < 60 - CLOCK_SLACK:
            return broken_by(
                sixth, f"{sixth.request_line} is the sixth within {seconds:.1f} seconds, and five are allowed"
            )
    return met(cancels[0].step) if cancels else None


def m27b_policy(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """``Retry-After`` is respected, and after failures the merchant pauses."""
    finding: ObligationFinding | None = None
    cancels = trace.cancels_of(order)
    for cancel, following in pairwise(cancels):
        if not _asks_for_patience(cancel) or trace.sent_together(cancel, following):
            continue
        finding = finding or met(following.step)
        wait, seconds = retry_after(cancel), following.at - cancel.at
        if wait is not None and seconds < wait - CLOCK_SLACK and _is_automatic(trace, cancel, following):
            return broken_by(
                following,
                f"{following.request_line} came {seconds:.1f} seconds after one that was to wait for {wait:.0f}",
            )
    return _failed_without_pause(trace, cancels) or finding


def _asks_for_patience(cancel: ObservedRequest) -> bool:
    return cancel.status != 401 and cancel_outcome(cancel) in (CancelOutcome.UNKNOWN, CancelOutcome.NOT_NOW)


def _failed_without_pause(trace: MerchantTrace, cancels: list[ObservedRequest]) -> ObligationFinding | None:
    failed = [cancel for cancel in cancels if cancel_outcome(cancel) is CancelOutcome.UNKNOWN]
    for first, last in zip(failed, failed[MOST_AT_ONCE:], strict=False):
        seconds = last.at - first.at
        if seconds < 1 and _is_automatic(trace, first, last):
            return broken_by(last, f"{MOST_AT_ONCE + 1} cancels failed within {seconds:.1f} seconds, without a pause")
    return None


def _is_automatic(trace: MerchantTrace, first: ObservedRequest, last: ObservedRequest) -> bool:
    """Return whether the shop did not ask for the cancel again between two requests."""
    return not any(first.n < action.n < last.n and action.action in END_STEPS for action in trace.actions)


def m28_duplicates(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """What is asked twice happens once, and does no harm."""
    requested = [action for action in trace.end_actions(order) if action.step < trace.last_step]
    delivered_twice = any(step.do == "deliver_twice" for step in trace.history.steps)
    final = trace.final_state(order)
    if final is None or not (len(requested) > 1 or delivered_twice):
        return None
    second = _second_payment(trace, order, requested)
    if second is not None:
        return broken_by(second, f"{second.request_line} made a second payment after the order had been cancelled")
    return _undone_by_repetition(trace, order, requested, final) or (
        met(trace.last_step) if end_was_requested(trace, order) else None
    )


def _second_payment(trace: MerchantTrace, order: int, requested: list[Action]) -> ObservedRequest | None:
    """Return the request that made another payment of an order after the shop had asked for its end."""
    created = [
        request
        for request in trace.requests
        if request.operation == "create" and request.order == order and request.status in (200, 201)
        if request.action != "pay_again"
    ]
    late = [request for request in created if requested and request.n > requested[0].n]
    different = {request.response_body for request in created}
    return late[0] if late and len(different) > 1 else None


def _undone_by_repetition(
    trace: MerchantTrace, order: int, requested: list[Action], final: FinalState
) -> ObligationFinding | None:
    """Return the finding where a cancelled order is called something else once it was cancelled again."""
    if not is_finished(final.payment) or final.status in _ENDED_STATUSES:
        return None
    if any(snapshot.status == "cancelled" and is_finished(snapshot.payment) for snapshot in trace.snapshots_of(order)):
        return broken(trace.last_step, f"the order was cancelled, and asked again became {final.status!r}")
    if any(first.step == second.step for first, second in pairwise(requested)):
        return broken(
            trace.last_step,
            f"the order was cancelled twice at the same time; {describe_snapshot(final.snapshot)}",
        )
    return None


def m29_elsewhere(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel in the portal is noticed before anything is captured or shipped."""
    portal_cancels = [action for action in trace.actions_of(order, "portal_cancel") if action.ending == "returned"]
    final = trace.final_state(order)
    if not portal_cancels or final is None or not _could_notice(trace, order, portal_cancels[0]):
        return None
    if final.status in HONOURED and final.payment.ended and not final.payment.captured:
        return broken(trace.last_step, f"the payment was cancelled in the portal; {describe_snapshot(final.snapshot)}")
    return _captured_after_portal(trace, order, portal_cancels[0]) or met(portal_cancels[0].step)


def _captured_after_portal(trace: MerchantTrace, order: int, portal: Action) -> ObligationFinding | None:
    for request in trace.requests_of(order):
        if request.operation == "capture" and request.n > portal.n:
            if not shown_ended(trace, order, request.n):
                return None
            return broken_by(
                request, f"{request.request_line} was sent although the payment had been cancelled in the portal"
            )
    return None


def _could_notice(trace: MerchantTrace, order: int, portal: Action) -> bool:
    """Return whether scheduled work or a notification could tell the merchant of a cancel in the portal."""
    notifications_lost = any(step.do == "lose" for step in trace.history.steps)
    delivered = trace.actions_of(order, "deliver")
    notified = any(action.n > portal.n and action.form not in WRONG_SCHEMES for action in delivered)
    return scheduled_work_looks(trace) or (notified and not notifications_lost)


def m30_thread(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The payment's reference stays in the books, whatever happens."""
    expected = ""
    ids = {id_ for _, id_ in trace.payments_of(order)}
    finding: ObligationFinding | None = None
    for snapshot in trace.snapshots_of(order):
        reference = str(snapshot.view.get("reference") or "")
        if expected and reference != expected and reference not in ids:
            shown = "no reference" if not reference else f"the reference {reference!r}"
            return broken(snapshot.step, f"the merchant's books have {shown} instead of {expected!r}")
        expected = reference
        finding = met(snapshot.step) if expected else finding
    return finding


def mc1_ends(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Every action comes to an end."""
    actions = [action for action in trace.actions if action.order in (order, None)]
    for action in actions:
        if action.ending in ("hung", "flooded"):
            return broken(action.step, f"{action.action}: {action.message}")
    return met(actions[0].step) if actions else None


def mc2_nobody_else(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """No request goes to another host than the provider's."""
    for request in trace.requests:
        if request.operation == "foreign" and request.order in (order, None):
            return broken_by(request, f"{request.method} {request.host}{request.path} was asked for, and not reached")
    sent = [request for request in trace.requests if request.order == order]
    return met(sent[0].step) if sent else None
