"""What a step of eCom shows incidentally."""

from __future__ import annotations

from typing import ClassVar, Final

from conformance.domain.expectation import ACCEPTED, REFUSED, Observation, Scalar
from conformance.domain.observation import Field
from conformance.domain.order import Order, Profile, Stage
from conformance.domain.steps import Cancel, Defect, Expire, Leave3DS, Reject, Step
from conformance.judging.incidental.base import IncidentalFindings, IncidentalObserver, is_plain_cancel
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

_REFUSED_FOR_THE_STATE: Final = frozenset({"EC-08", "EC-09", "EC-10"})
_REFUSED_FOR_THE_AGE: Final = "EC-13"
_UNAPPROVED: Final = (Stage.INITIATED, Stage.IN_3DS)


class EcomObserver(IncidentalObserver):
    """Observes how cancels are answered (`C2`, `C3`, `C4`, `C7`, `C9`, `C17`), and how an end is listed (`C11`)."""

    profile: ClassVar[Profile] = Profile.ECOM
    limit_rule: ClassVar[str] = "EC-27"

    def is_refused_anyway(self, order: Order, step: Cancel) -> bool:
        """Tell whether money was captured and the flag is missing."""
        return bool(order.captured) and not step.flag

    def findings(
        self, step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
    ) -> IncidentalFindings:
        """Yield what a step showed."""
        yield from super().findings(step, possible, judgement, observation)
        if len(possible) != 1:
            return
        if isinstance(step, Cancel) and step.defect is Defect.FLAG_AS_TEXT:
            outcome, status = observation.get(Field.ANSWER_OUTCOME), observation.get(Field.ANSWER_STATUS)
            yield "C17", f"the flag as the text {str(bool(step.flag)).lower()}: {outcome} {status}"
        elif is_plain_cancel(step):
            yield from _of_a_cancel(step, possible[0], judgement, observation)
        elif possible[0].stage in _UNAPPROVED and _ends_without_approval(step):
            yield "C11", f"newest entry {observation.get(Field.VIEW_LOG_NEWEST)}"


def _of_a_cancel(step: Cancel, order: Order, judgement: Judgement, observation: Observation) -> IncidentalFindings:
    outcome, status = observation.get(Field.ANSWER_OUTCOME), observation.get(Field.ANSWER_STATUS)
    if step.flag and order.stage is Stage.INITIATED:
        yield "C7", f"{outcome} {status}"
    if outcome == ACCEPTED:
        yield from _of_a_success(order, observation)
    elif outcome == REFUSED:
        yield from _of_a_refusal(judgement, observation)


def _of_a_success(order: Order, observation: Observation) -> IncidentalFindings:
    state = observation.get(Field.ANSWER_STATE)
    if state is not None:
        yield "C3", str(state)
    if order.captured and order.remaining:
        amounts: dict[Scalar, str] = {
            order.amount: "the amount of the order",
            order.remaining: "the released part",
            None: "no amount",
        }
        yield "C9", amounts.get(observation.get(Field.ANSWER_AMOUNT), "another amount")


def _of_a_refusal(judgement: Judgement, observation: Observation) -> IncidentalFindings:
    checked = {example.partition("/")[0] for example in judgement.examples}
    if _REFUSED_FOR_THE_AGE in checked:
        code = observation.get(Field.ANSWER_CODE)
        yield "C2", f"code {code}" if code else "no code"
    elif not checked.isdisjoint(_REFUSED_FOR_THE_STATE):
        yield "C4", f"status {observation.get(Field.ANSWER_STATUS)}"


def _ends_without_approval(step: Step) -> bool:
    return isinstance(step, Expire | Reject) or (isinstance(step, Leave3DS) and not step.success)


OBSERVER: Final = EcomObserver()
