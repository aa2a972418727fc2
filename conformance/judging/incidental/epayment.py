"""What a step of ePayment shows incidentally."""

from __future__ import annotations

from typing import ClassVar, Final

from conformance.domain.expectation import REFUSED, Observation
from conformance.domain.observation import Field
from conformance.domain.order import Order, Profile
from conformance.domain.steps import Cancel, Initiate, Step
from conformance.judging.incidental.base import IncidentalFindings, IncidentalObserver, is_plain_cancel
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

_LOG_ORDERS: Final = {"oldest-first": "oldest first", "newest-first": "newest first", "mixed": "in no order"}


class EpaymentObserver(IncidentalObserver):
    """Observes the order of the event log, what becomes of an old reservation, and whether refusals have codes."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    limit_rule: ClassVar[str] = "EP-25"

    def is_refused_anyway(self, order: Order, step: Cancel) -> bool:
        """Tell whether only a payment that nobody approved was to be cancelled."""
        return bool(step.flag)

    def findings(
        self, step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
    ) -> IncidentalFindings:
        """Yield what a step showed."""
        if isinstance(step, Initiate):
            return
        yield from _of_the_payment(possible, judgement, observation)
        yield from super().findings(step, possible, judgement, observation)
        if len(possible) == 1 and is_plain_cancel(step) and observation.get(Field.ANSWER_OUTCOME) == REFUSED:
            yield "C21", "an error code" if observation.get(Field.ANSWER_CODE) else "no error code"


def _of_the_payment(possible: PossibleOrders, judgement: Judgement, observation: Observation) -> IncidentalFindings:
    log_order = _LOG_ORDERS.get(str(observation.get(Field.VIEW_LOG_ORDER)))
    if log_order:
        yield "EP-31", log_order
    past_the_deadline = dict(judgement.readings).get("C20")
    if past_the_deadline == "kept":
        yield "EP-38", "left as it was"
    elif past_the_deadline == "auto-cancelled":
        cancelled = observation.get(Field.VIEW_CANCELLED)
        more = isinstance(cancelled, int) and cancelled > max(order.cancelled for order in possible)
        yield "EP-38", f"state {observation.get(Field.VIEW_STATE)}, {'the rest' if more else 'nothing'} cancelled"


OBSERVER: Final = EpaymentObserver()
