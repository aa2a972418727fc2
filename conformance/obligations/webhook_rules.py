"""M37 to M40: who is believed, what a notified failure means, and what becomes of what was acknowledged."""

from __future__ import annotations

from typing import Final

from conformance.obligations.apis import approved_webhooks, ended_webhooks
from conformance.obligations.asked import HONOURED
from conformance.obligations.finding import ObligationFinding, broken, describe_snapshot, met
from conformance.obligations.history import DELIVERY_FORMS, END_STEPS, FAILURES, FORGERIES, MONEY_STEPS, WEBHOOK_STEPS
from conformance.obligations.life_rules import was_to_live
from conformance.obligations.money_rules import ended_by_somebody_else
from conformance.obligations.observation import Action, BookSnapshot, MerchantTrace
from conformance.obligations.webhook_words import BELIEVED_FORGERIES, REFUSED_FORMS, UNVERIFIED, WRONG_SCHEMES

ANSWER_SECONDS: Final = 10.0
"""Seconds after which the provider takes a delivery for lost."""
LEAST_ATTEMPTS: Final = 2
"""How often a delivery has to be refused before it counts as refused for good."""
SIGNATURE_REFUSED: Final = (401, 403)
ABOUT_THE_REQUEST: Final = (404, 413, 421)
"""Statuses of a server that has not come to the handler's own decision about an unusual request."""
_MONEY: Final = ("capture", "refund", "cancel", "stop")
_PASSIVE: Final = frozenset({"tick", "live", "wait", "restart", *WEBHOOK_STEPS, *DELIVERY_FORMS, "deliver_unknown"})
"""Actions that give a shop no reason to change an order but what it is told."""


def m37_verified(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A delivery that is not the provider's changes nothing, and the provider's own are accepted."""
    for action in _delivered(trace, order, *FORGERIES):
        change = _what_it_changed(trace, order, action)
        if change:
            return broken(action.step, f"the shop believed {BELIEVED_FORGERIES[action.action]}. {change}")
    refusal = _refusal(trace, order)
    if refusal is not None:
        return refusal
    varied = [each for each in _accepted(trace, order, any_form=True) if each.form in DELIVERY_FORMS]
    judged = [*_delivered(trace, order, *FORGERIES), *varied]
    return met(judged[0].step) if judged else None


def m38_failed(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """An event that says that an operation failed is neither that operation nor an end."""
    failures = _delivered(trace, order, *FAILURES)
    for action in failures:
        change = _what_it_changed(trace, order, action)
        if change:
            return broken(
                action.step,
                f"{action.webhook} said success: false, so that nothing had happened; {change[0].lower()}{change[1:]}",
            )
    return met(failures[0].step) if failures else None


def m39_kept(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """An event that was answered with 2xx is in the books at the end."""
    final, accepted = trace.final_state(order), _accepted(trace, order, any_form=True)
    if final is None or not accepted:
        return None
    approvals = [each for each in accepted if each.webhook in approved_webhooks()]
    if approvals and final.payment.authorized and final.status in ("", "open") and was_to_live(trace, order, final):
        return broken(trace.last_step, _forgotten(approvals, final.snapshot))
    ends = [each for each in accepted if each.webhook in ended_webhooks()]
    unnoticed = final.status in HONOURED and final.payment.ended and not final.payment.captured
    if ends and unnoticed and ended_by_somebody_else(trace, order):
        return broken(trace.last_step, _forgotten(ends, final.snapshot))
    return met(trace.last_step)


def _forgotten(accepted: list[Action], snapshot: BookSnapshot) -> str:
    when = ""
    if accepted[0].form == "during":
        when = " while an action was running"
    elif len(accepted) > 1:
        when = f" {len(accepted)} times"
    return (
        f"{accepted[0].webhook} was acknowledged{when} ({accepted[0].response_summary}), so that it does not come "
        f"again, and was neither acted on nor remembered: {describe_snapshot(snapshot)}"
    )


def m40_in_time(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A delivery is answered within ten seconds, and with 2xx where it was kept."""
    # A handler that asks the provider may be late, or fail, because of an injected fault.
    faulty = {request.step for request in trace.requests if request.fault}
    plain = [each for each in _delivered(trace, order, "deliver") if each.form == "" and each.step not in faulty]
    for action in plain:
        slow = _slowness(action)
        if slow:
            return broken(
                action.step, f"{action.webhook} {slow}: it is sent again, and later events of the payment wait"
            )
        if action.ending != "returned" and _was_kept_all_the_same(trace, order, action):
            error = f"{action.webhook} was answered with {action.response_summary} although it was kept"
            return broken(action.step, f"{error}: it is sent again, and later events of the payment wait")
    blocked = _held_back(trace, order)
    if blocked is not None:
        refusal = f"{blocked.webhook} was answered with {blocked.response_summary} each time"
        return broken(blocked.step, f"{refusal}, and the approval after it was held back for that")
    return met(plain[0].step) if any(each.ending == "returned" for each in plain) else None


def _slowness(action: Action) -> str:
    assert action.delivery is not None
    if action.delivery.status is None:
        return f"got {action.message}" if action.message.startswith("no answer") else ""
    return f"was answered after {action.took:.1f} seconds" if action.took > ANSWER_SECONDS else ""


def _was_kept_all_the_same(trace: MerchantTrace, order: int, action: Action) -> bool:
    """Return whether the books show an approval right after the delivery of it was answered with an error."""
    before = trace.snapshot_before(order, action.n)
    after = next((each for each in trace.snapshots_of(order) if each.n > action.n and each.step == action.step), None)
    others = [each for each in trace.actions if each.step == action.step and each is not action]
    if before is None or after is None or any(each.ending == "returned" for each in others):
        return False
    return action.webhook in approved_webhooks() and before.status == "open" and after.status in HONOURED


def _held_back(trace: MerchantTrace, order: int) -> Action | None:
    """Return the delivery whose refusal held an approval back until the end; None where none did."""
    deliveries = _delivered(trace, order, "deliver")
    lost = any(step.do == "lose" for step in trace.history.steps)
    notified = any(each.webhook in approved_webhooks() for each in deliveries)
    if lost or notified or trace.actions_of(order, *END_STEPS) or not trace.events_of(order, "reserve"):
        return None
    return next((each for each in _refused_for_good(deliveries) if not _refuses_signature(each)), None)


# What was delivered


def _delivered(trace: MerchantTrace, order: int, *names: str) -> list[Action]:
    """Return an order's signed deliveries of some actions."""
    return [each for each in trace.actions_of(order, *names) if each.delivery is not None]


def _accepted(trace: MerchantTrace, order: int, *, any_form: bool = False) -> list[Action]:
    """Return an order's true deliveries that were accepted."""
    return [
        each
        for each in _delivered(trace, order, "deliver")
        if each.ending == "returned" and each.form not in WRONG_SCHEMES and (any_form or each.form == "")
    ]


# What a false or failed event changed


def _what_it_changed(trace: MerchantTrace, order: int, action: Action) -> str:
    """Return what a delivery that nothing may follow from led to, as a sentence; empty where it led to nothing."""
    before = trace.snapshot_before(order, action.n)
    if before is None or before.payment is None or _contradicts(before):
        return ""
    until = _next_reason(trace, order, action)
    sent = _sent_because_of(trace, order, action, until)
    if sent:
        return f"It was told {action.webhook}, and {sent} was sent"
    for snapshot in trace.snapshots_of(order):
        if action.n < snapshot.n < until:
            if snapshot.payment != before.payment:
                return ""
            if _contradicts(snapshot):
                return f"It was told {action.webhook}: {describe_snapshot(snapshot)}"
    return ""


def _next_reason(trace: MerchantTrace, order: int, action: Action) -> float:
    """Return the number of the record with which the shop gets another reason to change an order."""
    later = (each for each in trace.actions if each.n > action.n and each.order in (order, None))
    return next((each.n for each in later if each.action not in _PASSIVE), float("inf"))


def _sent_because_of(trace: MerchantTrace, order: int, action: Action, until: float) -> str:
    """Return the request that moves money and that nothing but a delivery led to; empty where there is none."""
    asked = trace.actions_of(order, *END_STEPS, *MONEY_STEPS)
    declared = trace.declared.as_json()
    if any(each.n < action.n for each in asked) or declared:
        return ""
    steps = trace.history.steps
    follows = action.step + 1 < len(steps) and steps[action.step + 1].do == "tick"
    requests = (
        each
        for each in trace.requests_of(order)
        if action.step <= each.step <= action.step + follows and each.n < until and each.operation in _MONEY
    )
    return next((each.request_line for each in requests if each.n > action.n or each.step == action.step), "")


def _contradicts(snapshot: BookSnapshot) -> bool:
    """Return whether the books say of an order what the provider knows to be otherwise."""
    payment, status = snapshot.payment, snapshot.status
    if payment is None or payment.pending or payment.late:
        return False
    captured = snapshot.amount("captured")
    if captured not in (None, payment.captured, payment.captured - payment.refunded):
        return True
    if payment.payable:
        return status in ("authorized", "captured", "cancelled")
    if payment.remaining or payment.captured:
        return status in ("open", "cancelled") or (status == "captured" and not payment.captured)
    return status in HONOURED


# True deliveries that were refused


def _refusal(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding that true deliveries were refused, with what that shows of the verification."""
    deliveries = _delivered(trace, order, "deliver")
    accepted = [each for number in range(len(trace.history.amounts)) for each in _accepted(trace, number)]
    refused = [each for each in _refused_for_good(deliveries) if _is_decisive(trace, order, each)]
    if not accepted:
        return _wrong_scheme(deliveries) or (_refused_altogether(refused[0]) if refused else None)
    return _one_secret(refused, accepted) or _refused_form(trace, order, accepted)


def _is_decisive(trace: MerchantTrace, order: int, action: Action) -> bool:
    """Return whether a refusal can only be about the delivery, and not about an event that the shop has no use for.

    That is one that names credentials, or one of the approval of an order that nobody began to end. A callback comes
    once, so that only the first of them counts. Behind an error of the server the event may have been kept.
    """
    if _refuses_signature(action) or _is_callback(action):
        return _refuses_signature(action)
    ending = trace.actions_of(order, *END_STEPS) or ended_by_somebody_else(trace, order)
    if ending or action.webhook not in approved_webhooks() or "captured" in action.webhook:
        return False
    is_error = action.delivery is not None and (action.delivery.status or 0) >= 500
    final = trace.final_state(order)
    return not is_error or (final is not None and final.status in ("", "open"))


def _wrong_scheme(deliveries: list[Action]) -> ObligationFinding | None:
    """Return the finding that a handler expects a signature of another kind: it accepted one."""
    plain = [each for each in deliveries if each.form == "" and _was_refused(each)]
    wrongly = [each for each in deliveries if each.form in WRONG_SCHEMES and each.ending == "returned"]
    if not wrongly or not plain or wrongly[0].form == UNVERIFIED:
        return None
    return broken(
        wrongly[0].step,
        f"{plain[0].webhook} was refused as the provider signs it ({plain[0].response_summary}); the same event was "
        f"accepted {WRONG_SCHEMES[str(wrongly[0].form)]}",
    )


def _refused_altogether(refused: Action) -> ObligationFinding:
    how = (
        "with the token that was sent with the payment"
        if _is_callback(refused)
        else "signed as the provider signs it: HMAC-SHA256 with the secret as text over method, path, date, host and "
        "the hash of the raw body"
    )
    return broken(refused.step, f"{refused.webhook} was refused each time ({refused.response_summary}), {how}")


def _one_secret(refused: list[Action], accepted: list[Action]) -> ObligationFinding | None:
    """Return the finding that the deliveries of one webhook are accepted, and those of another one refused."""
    trusted = _registrations(accepted)
    for each in refused:
        if not _registrations([each]) <= trusted and not _is_callback(each):
            return broken(
                each.step,
                f"{each.webhook} was refused each time ({each.response_summary}), and deliveries of another webhook "
                "were accepted: every webhook has a secret of its own",
            )
    return None


def _refused_form(trace: MerchantTrace, order: int, accepted: list[Action]) -> ObligationFinding | None:
    """Return the finding that true deliveries of an unusual form were refused, and plain ones accepted."""
    trusted = _registrations(accepted)
    for each in _delivered(trace, order, "deliver"):
        unusual = each.form in REFUSED_FORMS and _was_refused(each) and not _is_about_request(each)
        if unusual and _registrations([each]) <= trusted and _is_decisive(trace, order, each):
            return broken(
                each.step,
                f"a true delivery of {each.webhook} was refused ({each.response_summary}) that "
                f"{REFUSED_FORMS[str(each.form)]}",
            )
    return None


def _refused_for_good(deliveries: list[Action]) -> list[Action]:
    """Return the last plain deliveries of events that were refused each time that they came."""
    tries: dict[tuple[str, str], list[Action]] = {}
    for each in deliveries:
        if each.form == "" and each.delivery is not None:
            tries.setdefault((each.delivery.registration, each.webhook), []).append(each)
    return [
        attempts[-1]
        for attempts in tries.values()
        if (len(attempts) >= LEAST_ATTEMPTS or _is_callback(attempts[0])) and all(map(_was_refused, attempts))
    ]


def _was_refused(action: Action) -> bool:
    """Return whether the handler answered in time, and with anything but 2xx."""
    answered = action.delivery is not None and action.delivery.status is not None
    return answered and action.ending == "raised" and action.took <= ANSWER_SECONDS


def _registrations(actions: list[Action]) -> set[str]:
    return {each.delivery.registration for each in actions if each.delivery is not None}


def _is_callback(action: Action) -> bool:
    """Return whether a delivery is a callback of eCom, which comes once and carries a token."""
    return action.webhook.startswith("ecom.")


def _is_about_request(action: Action) -> bool:
    """Return whether a refusal is of the request, and not of who sent it.

    A server may answer anything to a host that it does not serve, before its handler sees a signature.
    """
    status = None if action.delivery is None else action.delivery.status
    is_other_host = action.form == "deliver_proxied" and status not in SIGNATURE_REFUSED
    return is_other_host or status in ABOUT_THE_REQUEST


def _refuses_signature(action: Action) -> bool:
    return action.delivery is not None and action.delivery.status in SIGNATURE_REFUSED
