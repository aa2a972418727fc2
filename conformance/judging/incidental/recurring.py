"""What a step of Recurring shows incidentally."""

from __future__ import annotations

from typing import ClassVar, Final

from conformance.domain.expectation import Observation
from conformance.domain.observation import Field
from conformance.domain.order import Kind, Order, Profile
from conformance.domain.steps import Cancel, Initiate, Step
from conformance.judging.incidental.base import IncidentalFindings, IncidentalObserver
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

_CHARGES: Final = (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT)


class RecurringObserver(IncidentalObserver):
    """Observes the state of a charge that was just created."""

    profile: ClassVar[Profile] = Profile.RECURRING
    limit_rule: ClassVar[str] = "RE-17"

    def is_refused_anyway(self, order: Order, step: Cancel) -> bool:
        """Tell whether the agreement was stopped."""
        return order.agreement_stopped

    def findings(
        self, step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
    ) -> IncidentalFindings:
        """Yield what a step showed."""
        state = observation.get(Field.VIEW_STATE)
        if isinstance(step, Initiate) and step.kind in _CHARGES and state is not None:
            yield "RE-33", f"{state} 45 days before it is due"
        yield from super().findings(step, possible, judgement, observation)


OBSERVER: Final = RecurringObserver()
