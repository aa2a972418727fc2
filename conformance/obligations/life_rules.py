"""M33 to M35: orders that live, holds that are gone, and orders with several payments."""

from __future__ import annotations

from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.apis import approved_webhooks
from conformance.obligations.asked import HONOURED, end_was_requested, is_closed, net_captured, shipments
from conformance.obligations.finding import ObligationFinding, broken, describe_payment, describe_snapshot, met, money
from conformance.obligations.history import END_STEPS
from conformance.obligations.money_rules import ENDINGS, ended_by_somebody_else, endings_by_others
from conformance.obligations.observation import BookSnapshot, FinalState, MerchantTrace, ObservedRequest
from conformance.obligations.outcome_rules import shown_ended
from conformance.obligations.response_reader import reads_showing_approval, scheduled_work_looks
from conformance.obligations.webhook_words import WRONG_SCHEMES


def m33_lives(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """An approved order that nobody ended goes on, in the books and at the provider."""
    final = trace.final_state(order)
    if final is None or not final.payment.authorized or not was_to_live(trace, order, final):
        return None
    if not _was_told(trace, order) and not _can_poll(trace, order):
        return None
    if final.status == "failed":
        # A person looks at it: the order is neither lost nor shipped.
        return None
    paid_and_known = final.status in HONOURED
    if paid_and_known and not final.payment.cancelled:
        return met(trace.last_step)
    if paid_and_known and final.payment.captured:
        # A released rest that nobody asked for is the subject of M32.
        return None
    source = (
        "the merchant was told that" if _was_told(trace, order) else "no notification came, and polling would show:"
    )
    return broken(
        trace.last_step,
        f"{source} the customer had approved, nobody asked for the end of the order, and "
        f"{describe_snapshot(final.snapshot)}",
    )


def was_to_live(trace: MerchantTrace, order: int, final: FinalState) -> bool:
    """Return whether nobody, the provider included, ended or began to end an order."""
    if trace.actions_of(order, *END_STEPS, "stop_agreement", "customer_stop"):
        return False
    if ended_by_somebody_else(trace, order) or final.payment.pending:
        return False
    if any(each.ending != "returned" for each in trace.actions_of(order, "create")):
        return False
    cancels = trace.cancels_of(order)
    begun_before_approval = any(each.before is not None and not each.before.authorized for each in cancels)
    return not begun_before_approval and not _ended_by_the_shop(trace, order)


def _ended_by_the_shop(trace: MerchantTrace, order: int) -> bool:
    """Return whether the shop ended a paid order by itself, in a way that M32 and M32b judge.

    That is one that it declares, or more than a day after the approval.
    """
    reserved = trace.events_of(order, "reserve")
    released = [each for each in trace.events_of(order, *ENDINGS) if each.by == "shop"]
    if not reserved or not released:
        return False
    if trace.declared.ends_unshipped_after:
        return True
    aged = sum(each.number for each in trace.actions_of(order, "age"))
    return released[0].at - reserved[0].at > 86_400 or aged > 0


def _was_told(trace: MerchantTrace, order: int) -> bool:
    """Return whether a notification was accepted, or a read or list showed the approval."""
    notified = any(
        action.webhook in approved_webhooks() and action.ending == "returned" and action.form not in WRONG_SCHEMES
        for action in trace.actions_of(order, "deliver")
    )
    return notified or bool(reads_showing_approval(trace, order))


def _can_poll(trace: MerchantTrace, order: int) -> bool:
    """Return whether scheduled work could show the approval.

    A shop with neither notifications nor a read of the order is not plugged in where it learns of approvals.
    """
    return scheduled_work_looks(trace) and ("deliver" in trace.offered or bool(trace.reads_of(order)))


def m34_gone(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A reservation that ended by itself is noticed: nothing counts as captured on it."""
    final = trace.final_state(order)
    if final is None or not _hold_is_gone(trace, order, final):
        return None
    payment, claimed = final.payment, final.snapshot.amount("captured") or 0
    refused = _capture_refused_after_end(trace, order)
    refusal = f"{refused.request_line} was refused ({refused.status}), and " if refused is not None else ""
    if claimed > payment.captured or (final.status == "captured" and not payment.captured):
        return broken(trace.last_step, f"the reservation had ended; {refusal}{describe_snapshot(final.snapshot)}")
    shown = refused is not None or shown_ended(trace, order, final.snapshot.n, accepted=True)
    if final.status == "authorized" and shown:
        how = refusal or "the merchant was shown that, and "
        return broken(trace.last_step, f"the reservation had ended; {how}{describe_snapshot(final.snapshot)}")
    return met(trace.last_step) if shown or shipments(trace, order) else None


def _hold_is_gone(trace: MerchantTrace, order: int, final: FinalState) -> bool:
    """Return whether a reservation ended, and neither the shop nor the customer of an open payment ended it."""
    payment = final.payment
    if not payment.authorized or payment.remaining or payment.captured == payment.authorized:
        return False
    return any(each.by != "customer" for each in endings_by_others(trace, order))


def _capture_refused_after_end(trace: MerchantTrace, order: int) -> ObservedRequest | None:
    """Return the last capture that the provider refused because nothing was reserved any more."""
    refused = [
        each
        for each in trace.requests_of(order)
        if each.operation == "capture"
        and each.status is not None
        and 400 <= each.status < 500
        and not each.fault
        and each.before is not None
        and each.before.ended
    ]
    return refused[-1] if refused else None


def m35_settled(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Of all the payments of an order, at most one is alive at the end, and none is forgotten."""
    final = trace.final_state(order)
    if final is None:
        return None
    if _is_forgotten(trace, order, final.snapshot):
        return broken(
            trace.last_step,
            "the checkout failed after its payment had been made, the customer approved it, and the shop does not know "
            f"of it: the payment is {describe_payment(final.payment)}",
        )
    payments = final.snapshot.payments
    if len(payments) < 2:
        return None
    current = trace.current_payment(order)
    former = [payment for key, payment in payments.items() if key != current]
    if is_closed(trace, order, final.snapshot):
        # What was taken of a closed order is the subject of M31.
        unsettled = [payment for payment in former if is_alive(payment) and not net_captured(payment)]
    else:
        alive = [payment for payment in payments.values() if is_alive(payment)]
        unsettled = [payment for payment in former if is_alive(payment)] if len(alive) > 1 else []
    if unsettled:
        return broken(trace.last_step, _alive_reason(trace, order, unsettled[0], len(payments)))
    return met(trace.last_step)


def is_alive(payment: ProviderRecord) -> bool:
    """Return whether a payment can still be paid, holds money, or has taken some."""
    return not payment.late and (payment.payable or payment.remaining > 0 or net_captured(payment) > 0)


def _alive_reason(trace: MerchantTrace, order: int, payment: ProviderRecord, count: int) -> str:
    if net_captured(payment):
        holds = f"took {money(net_captured(payment), payment.currency)}"
    elif payment.remaining:
        holds = f"still holds {money(payment.remaining, payment.currency)}"
    else:
        holds = "can still be paid"
    end = "the order was to end" if end_was_requested(trace, order) else "another one took its place"
    return f"the order has {count} payments, {end}, and one of them was never ended: it {holds}"


def _is_forgotten(trace: MerchantTrace, order: int, snapshot: BookSnapshot) -> bool:
    """Return whether a payment holds money and the books have no such order, because its checkout had failed."""
    failed = [each for each in trace.actions_of(order, "create") if each.ending != "returned"]
    holds = snapshot.payment is not None and snapshot.payment.authorized > 0 and is_alive(snapshot.payment)
    return bool(failed) and holds and not snapshot.status
