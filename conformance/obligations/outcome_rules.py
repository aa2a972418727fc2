"""M18 to M24: what a response proves, and books that agree with the provider's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.apis import differences_of, ended_webhooks
from conformance.obligations.asked import HONOURED, end_was_requested, net_captured
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
from conformance.obligations.history import SHIPPING_STEPS
from conformance.obligations.observation import BookSnapshot, FinalState, MerchantTrace, ObservedRequest
from conformance.obligations.request_rules import is_attempted_cancel
from conformance.obligations.response_reader import (
    CancelOutcome,
    cancel_outcome,
    cancels_with,
    reads_showing_end,
    shows_end,
)

AMOUNTS: Final = ("captured", "cancelled", "authorized", "remaining", "refunded")
"""The amounts that a merchant's view may have."""


def shown_ended(trace: MerchantTrace, order: int, before: int, *, accepted: bool = False) -> bool:
    """Return whether the merchant was shown, before a record, that a payment had ended.

    A cancel's or a read's response shows it, a notification, or a list that has the payment in it. With ``accepted``, a
    notification counts only where the merchant took it: one that it refuses would come again.
    """
    responses = [cancel for cancel in trace.cancels_of(order) if shows_end(cancel)]
    responded = any(request.n < before for request in (*responses, *reads_showing_end(trace, order)))
    return responded or any(
        action.webhook in ended_webhooks() and (action.ending == "returned" or not accepted)
        for action in trace.actions_of(order, "deliver")
        if action.n < before
    )


def first_unproven_cancellation(trace: MerchantTrace, order: int) -> BookSnapshot | None:
    """Return the first snapshot that calls an order cancelled without anything that proved it."""
    return next(
        (
            snapshot
            for snapshot in trace.snapshots_of(order)
            if snapshot.status == "cancelled" and not shown_ended(trace, order, snapshot.n)
        ),
        None,
    )


def _response_line(request: ObservedRequest) -> str:
    return f"{after_fault(request)}{request.request_line} got {request.response_summary}"


def m18_success(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Only a success makes an order cancelled: no refusal, no failure, and no read that failed."""
    attempts = [each for each in trace.requests_of(order) if each.operation == "cancel" or is_attempted_cancel(each)]
    failed = [each for each in (*attempts, *_failed_reads(trace, order)) if _is_failure(each)]
    if not failed:
        return None
    snapshot = first_unproven_cancellation(trace, order)
    if snapshot is not None and not is_finished(snapshot.payment):
        cause = _last_attempt(attempts, snapshot) or _read_that_turned_it(trace, order, snapshot)
        if cause is not None and _is_failure(cause):
            reason = f"{_response_line(cause)}, {describe_snapshot(snapshot)}"
            return broken_by(cause, reason, step=snapshot.step)
    return met(failed[0].step)


def _is_failure(request: ObservedRequest) -> bool:
    return request.status is not None and request.status >= 300


def _failed_reads(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the reads about an order, lists included, that a fault met."""
    return [
        each
        for each in trace.requests_of(order)
        if each.operation in ("read", "list") and each.fault and _is_failure(each)
    ]


def _last_attempt(attempts: list[ObservedRequest], snapshot: BookSnapshot) -> ObservedRequest | None:
    return next((each for each in reversed(attempts) if each.n < snapshot.n), None)


def _read_that_turned_it(trace: MerchantTrace, order: int, snapshot: BookSnapshot) -> ObservedRequest | None:
    """Return the failed read in whose step an order was called cancelled, where the shop had not asked for its end."""
    if any(action.n < snapshot.n for action in trace.end_actions(order)):
        return None
    reads = [each for each in _failed_reads(trace, order) if each.step == snapshot.step and each.n < snapshot.n]
    return reads[-1] if reads else None


def m19_amount(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A success that does not show what it did is followed by a look at the payment."""
    unclear = cancels_with(trace, order, CancelOutcome.UNCLEAR)
    if not unclear:
        done = cancels_with(trace, order, CancelOutcome.DONE)
        return met(done[0].step) if done else None
    snapshot = first_unproven_cancellation(trace, order)
    last = None if snapshot is None else trace.last_cancel_before(order, snapshot.n)
    if snapshot is not None and last is not None and cancel_outcome(last) is CancelOutcome.UNCLEAR:
        how = "without a body that shows it" if last.response_json() is None else "with amounts that do not show it"
        return broken(snapshot.step, f"{_response_line(last)} {how}, and was believed: {describe_snapshot(snapshot)}")
    return met(unclear[0].step)


def m20_not_payable(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """What was cancelled is not captured and not called payable, whatever its state is called."""
    effective = [cancel for cancel in trace.cancels_of(order) if _took_effect(cancel)]
    read = [request for request in reads_showing_end(trace, order) if request.before is not None]
    released = [request for request in read if request.before is not None and request.before.released]
    if not effective and not released:
        return None
    captured_again = _captured_after_end(trace, order) if effective else None
    return (
        captured_again
        or _became_payable_again(trace, order)
        or _ended_but_payable(trace, order)
        or met((effective or released)[0].step)
    )


def _took_effect(cancel: ObservedRequest) -> bool:
    before, after = cancel.before, cancel.after
    return before is not None and after is not None and after.cancelled > before.cancelled


def _captured_after_end(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    for request in trace.requests_of(order):
        unasked = request.operation == "capture" and request.action in ("tick", "deliver", "cancel")
        ended = request.before is not None and request.before.ended
        if unasked and ended and shown_ended(trace, order, request.n, accepted=True):
            return broken(request.step, f"{request.request_line} was sent after the payment had been cancelled")
        if ended and _shipped_all_the_same(trace, order, request):
            return broken_by(
                request,
                f"{request.request_line} was refused, for the order had been cancelled, and the shop shipped it",
            )
    return None


def _shipped_all_the_same(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether a capture of what the books call cancelled was refused, and the shop said that all was well."""
    refused = request.operation == "capture" and request.status is not None and 400 <= request.status < 500
    snapshot = trace.snapshot_before(order, request.n)
    if not refused or snapshot is None or snapshot.status != "cancelled":
        return False
    capture = next((each for each in trace.actions_of(order, "capture") if each.n > request.n), None)
    return capture is not None and capture.step == request.step and capture.ending == "returned"


def _became_payable_again(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    called_cancelled = False
    for snapshot in trace.snapshots_of(order):
        if not is_finished(snapshot.payment):
            continue
        if called_cancelled and snapshot.status == "authorized":
            return broken(
                snapshot.step,
                f"the merchant's books had called the order cancelled before; {describe_snapshot(snapshot)}",
            )
        called_cancelled = called_cancelled or snapshot.status == "cancelled"
    return None


def _ended_but_payable(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    final = trace.final_state(order)
    if final is None or final.status != "authorized" or not final.payment.ended:
        return None
    if not shown_ended(trace, order, final.snapshot.n, accepted=True):
        return None
    reads = reads_showing_end(trace, order)
    how = f"{reads[-1].request_line} showed the merchant" if reads else "the merchant was shown"
    return broken(trace.last_step, f"{how} that the payment was cancelled; {describe_snapshot(final.snapshot)}")


def m21_words(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Every documented name of an ended payment is understood."""
    final = trace.final_state(order)
    if final is None or not is_finished(final.payment) or final.payment.captured:
        return None
    if final.payment.stage in ("rejected", "expired", "failed") and final.status in HONOURED:
        return broken(trace.last_step, describe_snapshot(final.snapshot))
    if not _response_showed_end(trace, order):
        return None
    if final.status in ("open", "cancelling"):
        return broken(
            trace.last_step,
            f"the merchant was shown that the payment had ended; {describe_snapshot(final.snapshot)}",
        )
    return met(trace.last_step)


def _response_showed_end(trace: MerchantTrace, order: int) -> bool:
    """Return whether a response named the end: a read's, or a cancel's where that has a body."""
    cancels = [each for each in trace.cancels_of(order) if differences_of(each).cancel_shows_payment]
    return any(shows_end(each) for each in cancels) or bool(reads_showing_end(trace, order))


def m22_async(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Recurring: 204 means that the cancel is done, and 202 that it is not done yet."""
    accepted = cancels_with(trace, order, CancelOutcome.ACCEPTED)
    done = cancels_with(trace, order, CancelOutcome.DONE)
    if not accepted and not done:
        return None
    return _believed_accepted(trace, order) or _doubted_done(trace, order, done) or met((accepted or done)[0].step)


def _believed_accepted(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding where an accepted cancel was taken for a done one."""
    snapshot = first_unproven_cancellation(trace, order)
    last = None if snapshot is None else trace.last_cancel_before(order, snapshot.n)
    if snapshot is None or last is None or cancel_outcome(last) is not CancelOutcome.ACCEPTED:
        return None
    return broken(
        snapshot.step,
        f"{_response_line(last)}, accepted and not done, and was believed: {describe_snapshot(snapshot)}",
    )


def _doubted_done(trace: MerchantTrace, order: int, done: list[ObservedRequest]) -> ObligationFinding | None:
    """Return the finding where a done cancel was not taken for one."""
    final = trace.final_state(order)
    if not done or final is None or not is_finished(final.payment) or final.payment.captured:
        return None
    if final.status not in ("open", "authorized", "cancelling", "failed"):
        return None
    return broken(trace.last_step, f"{_response_line(done[-1])}, which is done; {describe_snapshot(final.snapshot)}")


def m23_captured(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """What was captured stays captured when the rest is cancelled."""
    final = trace.final_state(order)
    if final is None or not final.payment.captured or not final.payment.cancelled:
        return None
    captured = final.snapshot.amount("captured")
    payment = final.payment
    if captured is None or captured > payment.captured:
        # Books that have more than was ever captured have lost nothing: M24, M31 and M34 are about those.
        return None
    if captured not in _ways_to_keep_captured(payment):
        have, taken = money(captured, payment.currency), money(payment.captured, payment.currency)
        return broken(trace.last_step, f"{taken} were captured, and the merchant's books have {have}")
    return met(trace.last_step)


def _ways_to_keep_captured(payment: ProviderRecord) -> set[int]:
    """Return the amounts that books may have as captured: what was captured in all, or that less what was refunded."""
    return {payment.captured, net_captured(payment)}


def why_nothing_was_captured(trace: MerchantTrace) -> str:
    """Return why nothing was captured although the shop asked for it, for a reader.

    Empty where something was captured, and where the shop asked for nothing.
    """
    if not any(action.action in SHIPPING_STEPS for action in trace.actions):
        return ""
    if any(snapshot.payment is not None and snapshot.payment.captured for snapshot in trace.snapshots):
        return ""
    captures = [request for request in trace.requests if request.operation == "capture"]
    if not captures:
        return "the integration was asked to capture, and sent no capture"
    if captures[-1].fault:
        return "the capture met a fault, and was not done after it"
    return f"the provider refused the integration's captures, with {captures[-1].response_summary}"


def m24_books(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The merchant's amounts are whole, not negative, and the same as the provider's."""
    finding: ObligationFinding | None = None
    for snapshot in trace.snapshots_of(order):
        amounts = {name: snapshot.view[name] for name in AMOUNTS if name in snapshot.view}
        problem = next(_malformed_amounts(amounts), "")
        if problem:
            return broken(snapshot.step, problem)
        finding = finding or (met(snapshot.step) if amounts else None)
    final = trace.final_state(order)
    if final is None:
        return finding
    problem = next(_differences(trace, final, order), "")
    return broken(trace.last_step, problem) if problem else finding


def _malformed_amounts(amounts: Mapping[str, object]) -> Iterator[str]:
    for name, value in amounts.items():
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"{name} is {value!r} in the merchant's books, which is no whole number of minor units"
        elif value < 0:
            yield f"{name} is {value} in the merchant's books"


def _differences(trace: MerchantTrace, final: FinalState, order: int) -> Iterator[str]:
    """Return where the merchant's books at the end differ from the provider's or from themselves."""
    books, payment = final.snapshot, final.payment
    currency = books.view.get("currency")
    if currency is not None and str(currency).upper() != payment.currency:
        yield f"the currency is {currency} in the merchant's books, and {payment.currency} at the provider"
    captured = books.amount("captured")
    if captured is not None and captured not in _ways_to_keep_captured(payment) and _knows_captures(trace, order):
        yield _difference("captured", captured, payment.captured, payment)
    refunded = books.amount("refunded")
    if refunded is not None and refunded != payment.refunded and _knows_refunds(trace, order):
        yield _difference("refunded", refunded, payment.refunded, payment)
    yield from _unbalanced(books)
    knows_reservation = payment.authorized > 0 and _knew_of_approval(trace, order)
    if knows_reservation and final.status in ("cancelled", "captured") and end_was_requested(trace, order):
        yield from _release_differences(final)


def _difference(name: str, in_books: int, at_provider: int, payment: ProviderRecord) -> str:
    have, are = money(in_books, payment.currency), money(at_provider, payment.currency)
    return f"{have} are {name} in the merchant's books, and {are} at the provider"


def _release_differences(final: FinalState) -> Iterator[str]:
    books, payment = final.snapshot, final.payment
    cancelled, remaining = books.amount("cancelled"), books.amount("remaining")
    if cancelled is not None and is_finished(payment) and cancelled != payment.cancelled:
        yield _difference("cancelled", cancelled, payment.cancelled, payment)
    if remaining is not None and remaining != payment.remaining:
        yield _difference("reserved", remaining, payment.remaining, payment)


def _unbalanced(books: BookSnapshot) -> Iterator[str]:
    authorized, captured, cancelled, remaining = (
        books.amount(name) for name in ("authorized", "captured", "cancelled", "remaining")
    )
    if authorized is None or captured is None or cancelled is None or remaining is None:
        return
    if authorized not in (parts := captured + cancelled + remaining, parts + (books.amount("refunded") or 0)):
        yield f"{authorized} authorized are not {captured} captured, {cancelled} cancelled and {remaining} remaining"


def _knows_captures(trace: MerchantTrace, order: int) -> bool:
    """Return whether every capture was the merchant's own, and its last one ended with a success."""
    sent = any(request.operation == "capture" for request in trace.requests_of(order))
    captured = any(snapshot.payment is not None and snapshot.payment.captured for snapshot in trace.snapshots_of(order))
    if captured and not sent:
        return False
    asked = trace.actions_of(order, *SHIPPING_STEPS)
    return not asked or asked[-1].ending == "returned"


def _knows_refunds(trace: MerchantTrace, order: int) -> bool:
    """Return whether every refund was the merchant's own, and its last one ended with a success."""
    asked = trace.actions_of(order, "refund")
    others = any(event.by != "shop" for event in trace.events_of(order, "refund"))
    return not others and (not asked or asked[-1].ending == "returned")


def _knew_of_approval(trace: MerchantTrace, order: int) -> bool:
    """Return whether the merchant's books ever had the reservation."""
    return any(snapshot.status in HONOURED for snapshot in trace.snapshots_of(order))
