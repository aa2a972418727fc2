"""What a step shows in passing: of rules of silence that no step sets out for, and of questions that are left open.

That an event log has an order, that a provider ends a reservation by itself, or how it spells a state, is written down
where it occurs and never judged. Whoever relies on it has to know; nobody can be blamed for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from conformance.domain.expectation import ACCEPTED, BUSY, REFUSED, Observation, Scalar
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import Addressee, Cancel, Expire, Initiate, Key, Leave3DS, Reject, Step
from conformance.judging.judge import Judgement, StepStatus
from conformance.model import PossibleOrders

QUESTIONS: Final = frozenset({"C1", "C2", "C3", "C4", "C7", "C9", "C11", "C21"})
"""The open questions that are answered here by what was seen; all other names are of rules."""

IncidentalFindings: TypeAlias = Iterator[tuple[str, str]]
_LIMITS: Final = {Profile.ECOM: "EC-27", Profile.EPAYMENT: "EP-25", Profile.RECURRING: "RE-17"}
_ORDERS: Final = {"oldest-first": "oldest first", "newest-first": "newest first", "mixed": "in no order"}
_CHARGES: Final = (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT)
_OF_THE_STATE: Final = ("EC-08", "EC-09", "EC-10")
_OPEN: Final = (Stage.INITIATED, Stage.IN_3DS)
_DAY: Final = timedelta(days=1)


def incidental_findings(
    step: Step, possible: PossibleOrders, judgement: Judgement, observed: Observation
) -> Mapping[str, str]:
    """Return what a step showed in passing, in a few words for each rule or question.

    Args:
        step: what was done.
        possible: the orders that were possible before; none for the step that opens one.
        judgement: what was made of the step. What violates or proves nothing shows nothing, but for the limit itself.
        observed: what was answered and read back.

    """
    if isinstance(step, Cancel) and observed.get("answer.outcome") == BUSY:
        return {_LIMITS[possible[0].profile]: "answered 429"}
    if judgement.status not in (StepStatus.CONFORMS, StepStatus.RECORDED):
        return {}
    if isinstance(step, Initiate):
        return dict(_of_a_new_charge(step, observed))
    found = dict(_of_a_payment(possible, judgement, observed)) if possible[0].profile is Profile.EPAYMENT else {}
    if len(possible) == 1:
        order = possible[0]
        if isinstance(step, Cancel) and step.to is Addressee.OWN and step.defect is None and step.key is Key.FRESH:
            found |= dict(_of_the_age(order, step, observed))
            if order.profile is Profile.ECOM:
                found |= dict(_of_an_ecom_answer(order, step, judgement, observed))
            elif order.profile is Profile.EPAYMENT and observed.get("answer.outcome") == REFUSED:
                found["C21"] = "an error code" if observed.get("answer.code") else "no error code"
        elif order.profile is Profile.ECOM and order.stage in _OPEN and _is_ending(step):
            found["C11"] = f"newest entry {observed.get('view.log.newest')}"
    return found


def _of_a_new_charge(step: Initiate, observed: Observation) -> IncidentalFindings:
    state = observed.get("view.state")
    if step.kind in _CHARGES and state is not None:
        yield "RE-33", f"{state} 45 days before it is due"


def _of_a_payment(possible: PossibleOrders, judgement: Judgement, observed: Observation) -> IncidentalFindings:
    order = _ORDERS.get(str(observed.get("view.log.order")))
    if order:
        yield "EP-31", order
    ended = dict(judgement.readings).get("C20")
    if ended == "kept":
        yield "EP-38", "left as it was"
    elif ended == "auto-cancelled":
        cancelled = observed.get("view.cancelled")
        more = isinstance(cancelled, int) and cancelled > max(one.cancelled for one in possible)
        yield "EP-38", f"state {observed.get('view.state')}, {'the rest' if more else 'nothing'} cancelled"


def _of_the_age(order: Order, step: Cancel, observed: Observation) -> IncidentalFindings:
    """Say at which age a cancel was accepted or refused that nothing but the age can forbid."""
    age, outcome = order.since_reserved, observed.get("answer.outcome")
    forbidden = {
        Profile.ECOM: bool(order.captured) and not step.flag,
        Profile.EPAYMENT: bool(step.flag),
        Profile.RECURRING: order.agreement_stopped,
    }
    if age is None or age < _DAY or not order.remaining or forbidden[order.profile]:
        return
    if outcome in (ACCEPTED, REFUSED):
        yield "C1", f"{outcome} {age.days} {'day' if age.days == 1 else 'days'} after the reservation"


def _of_an_ecom_answer(order: Order, step: Cancel, judgement: Judgement, observed: Observation) -> IncidentalFindings:
    outcome, status, code = (observed.get(f"answer.{name}") for name in ("outcome", "status", "code"))
    shown = {example.partition("/")[0] for example in judgement.examples}
    if step.flag and order.stage is Stage.INITIATED:
        yield "C7", f"{outcome} {status}"
    if outcome == ACCEPTED:
        if observed.get("answer.state") is not None:
            yield "C3", str(observed["answer.state"])
        if order.captured and order.remaining:
            amount = observed.get("answer.amount")
            known: dict[Scalar, str] = {
                order.amount: "the amount of the order",
                order.remaining: "the released part",
                None: "no amount",
            }
            yield "C9", known.get(amount, "another amount")
    elif outcome == REFUSED and "EC-13" in shown:
        yield "C2", f"code {code}" if code else "no code"
    elif outcome == REFUSED and not shown.isdisjoint(_OF_THE_STATE):
        yield "C4", f"status {status}"


def _is_ending(step: Step) -> bool:
    return isinstance(step, Expire | Reject) or (isinstance(step, Leave3DS) and not step.success)
