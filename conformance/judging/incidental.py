"""What a step shows incidentally: undocumented behaviour, and answers to open questions, that no step sets out for.

In which order an event log is, in which form a provider ends a reservation, or how it spells a state, is recorded where
it occurs and never judged. Whoever relies on it has to know; nobody can be blamed for it. For example, a cancel that is
refused 90 days after the reservation, with nothing else to forbid it, records ``C1: refused 90 days after the
reservation``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from conformance.domain.citation import rule_of
from conformance.domain.expectation import ACCEPTED, BUSY, REFUSED, Observation, Scalar
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import Addressee, Cancel, Expire, Initiate, Key, Leave3DS, Reject, Step
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

QUESTIONS: Final = frozenset({"C1", "C2", "C3", "C4", "C7", "C9", "C11", "C21"})
"""The open questions that are answered here by what was observed; all other names are of rules."""

IncidentalFindings: TypeAlias = Iterator[tuple[str, str]]
"""The rule or the question, and in a few words what was observed of it."""
_RATE_LIMITS: Final = {Profile.ECOM: "EC-27", Profile.EPAYMENT: "EP-25", Profile.RECURRING: "RE-17"}
_LOG_ORDERS: Final = {"oldest-first": "oldest first", "newest-first": "newest first", "mixed": "in no order"}
_CHARGES: Final = (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT)
_REFUSED_FOR_THE_STATE: Final = frozenset({"EC-08", "EC-09", "EC-10"})
_REFUSED_FOR_THE_AGE: Final = "EC-13"
_UNAPPROVED: Final = (Stage.INITIATED, Stage.IN_3DS)
_DAY: Final = timedelta(days=1)


def incidental_findings(
    step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
) -> Mapping[str, str]:
    """Return what a step showed incidentally, by rule or question.

    Args:
        step: what was done.
        possible: the orders that were possible before; none for the step that initiates one.
        judgement: what was made of the step. Unless it is permitted it shows nothing, but for the rate limit itself.
        observation: what was answered and read back.

    """
    if isinstance(step, Cancel) and observation.get("answer.outcome") == BUSY:
        return {_RATE_LIMITS[possible[0].profile]: "answered 429"}
    if not judgement.is_permitted:
        return {}
    if isinstance(step, Initiate):
        return dict(_of_a_new_charge(step, observation))
    findings: dict[str, str] = {}
    if possible[0].profile is Profile.EPAYMENT:
        findings |= _of_an_epayment_order(possible, judgement, observation)
    if len(possible) == 1:
        # Where several orders are possible, nobody knows which of them was answered like this.
        findings |= _of_a_step(step, possible[0], judgement, observation)
    return findings


def _of_a_new_charge(step: Initiate, observation: Observation) -> IncidentalFindings:
    state = observation.get("view.state")
    if step.kind in _CHARGES and state is not None:
        yield "RE-33", f"{state} 45 days before it is due"


def _of_an_epayment_order(
    possible: PossibleOrders, judgement: Judgement, observation: Observation
) -> IncidentalFindings:
    log_order = _LOG_ORDERS.get(str(observation.get("view.log.order")))
    if log_order:
        yield "EP-31", log_order
    past_the_deadline = dict(judgement.readings).get("C20")
    if past_the_deadline == "kept":
        yield "EP-38", "left as it was"
    elif past_the_deadline == "auto-cancelled":
        cancelled = observation.get("view.cancelled")
        more = isinstance(cancelled, int) and cancelled > max(order.cancelled for order in possible)
        yield "EP-38", f"state {observation.get('view.state')}, {'the rest' if more else 'nothing'} cancelled"


def _of_a_step(step: Step, order: Order, judgement: Judgement, observation: Observation) -> IncidentalFindings:
    if isinstance(step, Cancel):
        if _is_plain(step):
            yield from _of_a_cancel(step, order, judgement, observation)
    elif order.profile is Profile.ECOM and order.stage in _UNAPPROVED and _ends_without_approval(step):
        yield "C11", f"newest entry {observation.get('view.log.newest')}"


def _is_plain(step: Cancel) -> bool:
    return step.to is Addressee.OWN and step.defect is None and step.key is Key.FRESH


def _ends_without_approval(step: Step) -> bool:
    return isinstance(step, Expire | Reject) or (isinstance(step, Leave3DS) and not step.success)


def _of_a_cancel(step: Cancel, order: Order, judgement: Judgement, observation: Observation) -> IncidentalFindings:
    yield from _of_the_age(step, order, observation)
    if order.profile is Profile.ECOM:
        yield from _of_an_ecom_cancel(step, order, judgement, observation)
    elif order.profile is Profile.EPAYMENT and observation.get("answer.outcome") == REFUSED:
        yield "C21", "an error code" if observation.get("answer.code") else "no error code"


def _of_the_age(step: Cancel, order: Order, observation: Observation) -> IncidentalFindings:
    """Yield the age of a cancel that nothing but the age can forbid."""
    age, outcome = order.since_reserved, observation.get("answer.outcome")
    forbidden = {
        Profile.ECOM: bool(order.captured) and not step.flag,
        Profile.EPAYMENT: bool(step.flag),
        Profile.RECURRING: order.agreement_stopped,
    }
    if age is None or age < _DAY or not order.remaining or forbidden[order.profile]:
        return
    if outcome in (ACCEPTED, REFUSED):
        yield "C1", f"{outcome} {age.days} {'day' if age.days == 1 else 'days'} after the reservation"


def _of_an_ecom_cancel(
    step: Cancel, order: Order, judgement: Judgement, observation: Observation
) -> IncidentalFindings:
    outcome, status = observation.get("answer.outcome"), observation.get("answer.status")
    if step.flag and order.stage is Stage.INITIATED:
        yield "C7", f"{outcome} {status}"
    if outcome == ACCEPTED:
        yield from _of_an_ecom_success(order, observation)
    elif outcome == REFUSED:
        yield from _of_an_ecom_refusal(judgement, observation)


def _of_an_ecom_success(order: Order, observation: Observation) -> IncidentalFindings:
    state = observation.get("answer.state")
    if state is not None:
        yield "C3", str(state)
    if order.captured and order.remaining:
        amounts: dict[Scalar, str] = {
            order.amount: "the amount of the order",
            order.remaining: "the released part",
            None: "no amount",
        }
        yield "C9", amounts.get(observation.get("answer.amount"), "another amount")


def _of_an_ecom_refusal(judgement: Judgement, observation: Observation) -> IncidentalFindings:
    checked = set(map(rule_of, judgement.examples))
    if _REFUSED_FOR_THE_AGE in checked:
        code = observation.get("answer.code")
        yield "C2", f"code {code}" if code else "no code"
    elif not checked.isdisjoint(_REFUSED_FOR_THE_STATE):
        yield "C4", f"status {observation.get('answer.status')}"
