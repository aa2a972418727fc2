"""M32 and M42: what the shop sent, against what anybody had asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.domain.api_table import spec_named
from conformance.obligations.approval_captures import captures_whole
from conformance.obligations.asked import shipments
from conformance.obligations.finding import ObligationFinding, broken, broken_by, met, money
from conformance.obligations.history import END_STEPS
from conformance.obligations.observation import MerchantTrace, ObservedRequest, PaymentKey

DAY_SECONDS: Final = 86_400
_CAUSES: Final = {
    "cancel": (*END_STEPS, "pay_again", "stop_agreement"),
    "refund": ("refund", *END_STEPS, "pay_again"),
}
"""The actions that are a cause for a request; a capture is looked at on its own."""


def effects(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the merchant's requests that moved money of an order's approved payments."""
    return [each for each in trace.requests if each.owner == order and _moved_money(each)]


def _moved_money(request: ObservedRequest) -> bool:
    before, after = request.before, request.after
    if request.operation not in ("cancel", "capture", "refund") or before is None or after is None:
        return False
    moved = (after.cancelled, after.captured, after.refunded) != (before.cancelled, before.captured, before.refunded)
    return moved and before.authorized > 0


def m32_asked(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Nothing is sent for an approved order that nobody asked for."""
    for request in _second_payments(trace, order):
        return broken_by(request, _second_payment_reason(trace, order, request))
    finding: ObligationFinding | None = None
    for request in effects(trace, order):
        if not has_cause(trace, order, request) and not _is_late_ending(trace, order, request):
            return broken_by(request, _reason(trace, order, request))
        finding = met(request.step)
    return finding


def m32b_declared(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A shop that ends by itself what was not shipped says so."""
    finding: ObligationFinding | None = None
    for request in effects(trace, order):
        if not _is_late_ending(trace, order, request):
            continue
        if not has_cause(trace, order, request):
            days = round(_age_at(trace, order, request) / DAY_SECONDS)
            return broken_by(
                request,
                f"{request.request_line} ended a paid order about {days} days after its approval, and nobody had asked "
                "for that. If the shop ends what was not shipped, declare it: ends_unshipped_after, with the time",
            )
        finding = met(request.step)
    return finding


def has_cause(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether somebody had asked for what a request did, or a declared way of the shop explains it."""
    if _crossed_approval(trace, order, request) or _somebody_else_acted(trace, order, request):
        return True
    if request.operation == "capture":
        return captures_whole(request) or any(
            each.n < request.n or each.step == request.step for each in shipments(trace, order)
        )
    asked = (
        each for each in trace.actions_of(order, *_CAUSES[request.operation]) if _is_before(each.n, each.step, request)
    )
    return any(asked) or _failed_to_create(trace, order, request) or _is_declared(trace, order, request)


def _is_before(n: int, step: int, request: ObservedRequest) -> bool:
    """Return whether something came before a request, or is the action that sent it, which is recorded after it."""
    return n < request.n or step == request.step


def _crossed_approval(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether the approval came so late that the merchant could not know of it, or had begun to end it."""
    if request.operation != "cancel":
        return False
    snapshot = trace.snapshot_before(order, request.n)
    known_unapproved = snapshot is None or not any(payment.authorized for payment in snapshot.all_payments)
    begun = any(
        each.before is not None and not each.before.authorized
        for each in trace.cancels_of(order)
        if each.n < request.n and each.payment_id == request.payment_id
    )
    return known_unapproved or begun


def _somebody_else_acted(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether the bank, time, the staff or the customer did something to the payment after its approval."""
    key = request.payment_id
    return any(
        event.by != "shop" and event.event not in ("create", "reserve", "sale") and event.payment[1] == key
        for event in trace.events_of(order)
        if event.at <= request.at
    ) or any(_is_before(each.n, each.step, request) for each in trace.actions_of(order, "customer_stop"))


def _failed_to_create(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether a checkout had failed: what it left behind may be cleaned up."""
    return any(each.ending != "returned" and each.n < request.n for each in trace.actions_of(order, "create"))


def _is_declared(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    period = trace.declared.ends_unshipped_after
    if request.operation != "cancel" or period is None:
        return False
    return timedelta(seconds=_age_at(trace, order, request)) >= period * 0.99


def _age_at(trace: MerchantTrace, order: int, request: ObservedRequest) -> float:
    """Return the seconds from the approval to a request; days by which a payment was aged count."""
    reserved = [event for event in trace.events_of(order, "reserve") if event.payment[1] == request.payment_id]
    if not reserved:
        return 0.0
    aged = sum(each.number for each in trace.actions_of(order, "age") if reserved[0].n <= each.n < request.n)
    return request.at - reserved[0].at + aged * DAY_SECONDS


def _is_late_ending(trace: MerchantTrace, order: int, request: ObservedRequest) -> bool:
    """Return whether a cancel ended an order more than a day after its approval."""
    return request.operation == "cancel" and _age_at(trace, order, request) > DAY_SECONDS


def _reason(trace: MerchantTrace, order: int, request: ObservedRequest) -> str:
    assert request.before is not None
    assert request.after is not None
    before, after, currency = request.before, request.after, request.before.currency
    when = f"during {request.action}" if request.action else "on its own"
    if request.operation == "capture":
        amount = money(after.captured - before.captured, currency)
        return f"{request.request_line} captured {amount} {when}, of which nothing had been shipped"
    if request.operation == "refund":
        amount = money(after.refunded - before.refunded, currency)
        return f"{request.request_line} refunded {amount} {when}, which nobody had asked for"
    looked = any(
        each.n < request.n and each.step == request.step and each.status == 200 for each in trace.reads_of(order)
    )
    how = "" if looked else " and the payment had not been read"
    return (
        f"{request.request_line} released {money(after.cancelled - before.cancelled, currency)} of a paid order "
        f"{when}: nobody had asked for its end{how}"
    )


def _second_payments(trace: MerchantTrace, order: int) -> Iterator[ObservedRequest]:
    """Yield the requests that made another payment of an order although the checkout was not begun anew."""
    made: set[str] = set()
    answered = -1
    for request in trace.requests:
        created = _created(request)
        if not created or created not in _ids(trace.payments_of(order)) or created in made:
            continue
        asked = (each for each in trace.actions_of(order, "create", "pay_again") if each.step > answered)
        begun = request.action in ("create", "pay_again") or any(each.n < request.n for each in asked)
        if made and not begun:
            yield request
        made.add(created)
        answered = request.step


def _ids(payments: list[PaymentKey]) -> set[str]:
    return {id_ for _, id_ in payments}


def _created(request: ObservedRequest) -> str:
    """Return the identifier of the payment that a request made; empty where its response names none."""
    spec = spec_named(request.api)
    body = request.response_json() if request.operation == "create" and request.status in (200, 201) else None
    return str(body.get(spec.id_field) or "") if spec is not None and isinstance(body, dict) else ""


def _second_payment_reason(trace: MerchantTrace, order: int, request: ObservedRequest) -> str:
    ended = any(each.n < request.n for each in trace.actions_of(order, *END_STEPS))
    noun = "charge" if "charge" in request.path else "payment"
    after = "after the order had been cancelled" if ended else "for an order that had one"
    return f"{request.request_line} made a second {noun} {after}, during {request.action or 'no action'}"


def m42_agreement(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Cancelling a charge leaves the agreement and its other charges alone; what is to stop it stops it."""
    final = trace.final_state(order)
    drafted = any(each.operation == "draft" and each.order == order for each in trace.requests)
    if final is None or not final.payment.agreement or drafted:
        # An agreement that the shop itself drafted for the order ends with it.
        return None
    return (
        _stopped_agreement(trace, order)
        or _agreement_not_stopped(trace, order)
        or _ended_other_charge(trace, order)
        or _left_alone(trace, order)
    )


def _left_alone(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    cancelled = [each for each in trace.cancels_of(order) if each.reached]
    return met(cancelled[0].step) if cancelled else None


def _stopped_agreement(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding where an agreement was stopped although only a charge was to end."""
    asked = [each for each in trace.actions if each.action in ("stop_agreement", "customer_stop")]
    final = trace.final_state(order)
    if asked or final is None or final.payment.agreement != "STOPPED":
        return None
    reason = "the agreement was stopped, and nobody had asked for that"
    stops = [each for each in trace.requests if each.operation == "stop" and each.order in (order, None)]
    if not stops:
        # Another order of the same agreement shows who stopped it.
        return broken(trace.last_step, reason) if not any(each.operation == "stop" for each in trace.requests) else None
    return broken_by(stops[0], f"{stops[0].request_line}: {reason}; cancelling a charge does not end a subscription")


def _agreement_not_stopped(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding where the shop said that it had stopped an agreement, and it is still active at the end."""
    asked = trace.actions_of(order, "stop_agreement")
    final = trace.final_state(order)
    if not asked or asked[-1].ending != "returned" or final is None:
        return None
    if final.payment.agreement == "ACTIVE":
        sent = [each for each in trace.requests if each.operation == "stop" and each.n > asked[0].n]
        tried = f"; {sent[-1].request_line} got {sent[-1].status or 'no answer'}" if sent else ""
        return broken(
            trace.last_step, f"the shop was asked to stop the agreement and said that it did, and it is active{tried}"
        )
    return met(asked[-1].step)


def _ended_other_charge(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding where a charge was ended because another one of its agreement was to end."""
    if not trace.history.behaviour.one_agreement or trace.actions_of(order, *_CAUSES["cancel"]):
        return None
    others = [each for each in trace.actions if each.action in END_STEPS and each.order not in (order, None)]
    for cancel in trace.cancels_of(order):
        before, after = cancel.before, cancel.after
        ended = before is not None and after is not None and after.cancelled > before.cancelled
        if ended and any(_is_before(each.n, each.step, cancel) for each in others):
            return broken_by(cancel, f"{cancel.request_line} ended another charge of the agreement than the one to end")
    return None
