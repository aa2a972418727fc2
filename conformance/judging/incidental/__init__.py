"""What a step shows incidentally: undocumented behaviour, and answers to open questions, that no step sets out for.

In which order an event log is, in which form a provider ends a reservation, or how it spells a state, is recorded where
it occurs and never judged. Whoever relies on it has to know; nobody can be blamed for it. For example, a cancel that is
refused 90 days after the reservation, with nothing else to forbid it, records ``C1: refused 90 days after the
reservation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import BUSY, Observation
from conformance.domain.observation import Field
from conformance.domain.steps import Cancel, Initiate, Step
from conformance.judging.incidental import ecom, epayment, recurring
from conformance.judging.incidental.base import OBSERVERS, IncidentalObserver
from conformance.judging.judge import Judgement
from conformance.model import PossibleOrders

__all__ = ["OBSERVERS", "QUESTIONS", "incidental_findings"]

QUESTIONS: Final = frozenset({"C1", "C2", "C3", "C4", "C7", "C9", "C11", "C17", "C21"})
"""The open questions that are answered here by what was observed; all other names are of rules."""

for _observer in (ecom.OBSERVER, epayment.OBSERVER, recurring.OBSERVER):
    OBSERVERS.register(_observer.profile, _observer)


def incidental_findings(
    step: Step, possible: PossibleOrders, judgement: Judgement, observation: Observation
) -> Mapping[str, str]:
    """Return what a step showed incidentally, in a few words for each rule or question.

    Args:
        step: what was done.
        possible: the orders that were possible before; none for the step that initiates one.
        judgement: what was made of the step. Unless it is permitted it shows nothing, but for the rate limit itself.
        observation: what was answered and read back.

    """
    observers = _observers(step, possible)
    if isinstance(step, Cancel) and observation.get(Field.ANSWER_OUTCOME) == BUSY:
        return {observer.limit_rule: "answered 429" for observer in observers}
    if not judgement.is_permitted:
        return {}
    findings = (observer.findings(step, possible, judgement, observation) for observer in observers)
    return {name: words for each in findings for name, words in each}


def _observers(step: Step, possible: PossibleOrders) -> list[IncidentalObserver]:
    """Return the observers of the order's API. Before an order exists, its kind says which APIs may have it."""
    if isinstance(step, Initiate):
        return [OBSERVERS[profile] for profile in OBSERVERS if step.kind in spec_of(profile).kinds]
    return [OBSERVERS[possible[0].profile]] if possible[0].profile in OBSERVERS else []
