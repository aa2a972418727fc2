"""What the observers of all APIs have in common: at which age a cancel was accepted or refused (`C1`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Final, TypeAlias, TypeGuard

from conformance.domain.expectation import ACCEPTED, REFUSED, Observation
from conformance.domain.observation import Field
from conformance.domain.order import Order, Profile
from conformance.domain.registry import Registry
from conformance.domain.steps import Addressee, Cancel, Key, Step
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

IncidentalFindings: TypeAlias = Iterator[tuple[str, str]]
"""Names of rules and questions, each with what was seen, in a few words."""
_DAY: Final = timedelta(days=1)


class IncidentalObserver(ABC):
    """Writes down what a conforming step of one API shows in passing."""

    profile: ClassVar[Profile]
    limit_rule: ClassVar[str]
    """The rule about how often a cancel may be sent."""

    @abstractmethod
    def is_refused_anyway(self, order: Order, step: Cancel) -> bool:
        """Tell whether a cancel of a young order would be refused, so that it shows nothing about the age limit."""

    def findings(
        self, step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
    ) -> IncidentalFindings:
        """Yield what a step showed. Every API shows at which age a cancel is accepted."""
        if len(possible) == 1 and is_plain_cancel(step):
            yield from self._of_the_age(possible[0], step, observation)

    def _of_the_age(self, order: Order, step: Cancel, observation: Observation) -> IncidentalFindings:
        age, outcome = order.since_reserved, observation.get(Field.ANSWER_OUTCOME)
        if age is None or age < _DAY or not order.remaining or self.is_refused_anyway(order, step):
            return
        if outcome in (ACCEPTED, REFUSED):
            yield "C1", f"{outcome} {age.days} {'day' if age.days == 1 else 'days'} after the reservation"


def is_plain_cancel(step: Step) -> TypeGuard[Cancel]:
    """Tell whether a step cancels the order itself, with a fresh key and nothing wrong in the request."""
    return isinstance(step, Cancel) and step.to is Addressee.OWN and step.defect is None and step.key is Key.FRESH


OBSERVERS: Final = Registry[IncidentalObserver]("observer of incidental findings")
