"""The executable model of the documented rules.

An order and a step go in, and everything that the documentation permits comes out. Pure functions over frozen values:
where several outcomes are permitted, all of them are returned, each with the rules that permit it. What is observed
selects the outcome, and so the next order.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final

from msgspec.structs import replace

from conformance.domain.expectation import (
    REFUSED,
    Branch,
    Claim,
    Expectation,
    NoneOf,
    Observation,
    observations_of_each,
)
from conformance.domain.observation import Field
from conformance.domain.order import Order, Profile
from conformance.domain.registry import Registry
from conformance.domain.steps import Addressee, Cancel, Capture, Initiate, Key, Refund, Step, Together, parts_of
from conformance.model.context import AgeLimit, ModelContext, age_for_cancel, age_for_refund
from conformance.model.ecom import EcomModel
from conformance.model.epayment import EpaymentModel
from conformance.model.events import IRREVERSIBLE
from conformance.model.idempotency import attempt_of, with_attempt
from conformance.model.linearizability import apart, together
from conformance.model.recurring import RecurringModel
from conformance.model.table import ApiModel

__all__ = [
    "MODELS",
    "AgeLimit",
    "ModelContext",
    "PossibleOrders",
    "advance",
    "age_for_cancel",
    "age_for_refund",
    "apart",
    "expect",
    "initial_expectation",
]

PossibleOrders = tuple[Order, ...]
"""The orders that are still possible, given everything observed so far."""

MODELS: Final = Registry[ApiModel]("model")
for _model in (EcomModel(), EpaymentModel(), RecurringModel()):
    MODELS.register(_model.profile, _model)


def initial_expectation(profile: Profile, step: Initiate, context: ModelContext) -> Expectation:
    """Return the permitted ways in which an order may come to be."""
    return MODELS[profile].initiate(step, context)


def expect(possible: PossibleOrders, step: Step, context: ModelContext) -> Expectation:
    """Return the permitted outcomes of a step for orders that are still possible.

    Raises:
        KeyError: the step does not exist in the order's API.

    """
    if isinstance(step, Together):
        # Many turns of the first request leave the same order to the second one.
        alone = cache(lambda orders, request: expect(orders, request, context))
        return together(possible, step, alone, MODELS.__getitem__)
    expectations = [_with_helper(MODELS[order.profile].expect(order, step, context), order, step) for order in possible]
    if len(expectations) == 1:
        return expectations[0]
    branches = tuple(branch for expectation in expectations for branch in expectation.branches)
    records = tuple(dict.fromkeys(rule for expectation in expectations for rule in expectation.records))
    return Expectation(branches, records)


def _with_helper(expectation: Expectation, order: Order, step: Step) -> Expectation:
    """Claim also that the order whose key is used again does not live: it was cancelled when the key was spent on it.

    What its state is called then is for the rules about its own cancel.
    """
    states = MODELS[order.profile].living
    if not states or not isinstance(step, Cancel) or step.key is not Key.SPENT:
        return expectation
    claim = Claim(Field.VIEW_HELPER, NoneOf(states), IRREVERSIBLE)
    branches = (replace(branch, claims=(*branch.claims, claim)) for branch in expectation.branches)
    return replace(expectation, branches=tuple(branches))


def advance(step: Step, before: PossibleOrders, branches: tuple[Branch, ...], observed: Observation) -> PossibleOrders:
    """Return the orders that are possible after a step.

    The branches are those that the observation leaves. A cancel of the order itself is remembered together with its
    answer, because a repeated key must repeat it, and so is the key of a capture or a refund. A refused cancel is
    remembered whichever way it named the order, because it must have no effect later either.
    """
    after = tuple(dict.fromkeys(branch.after for branch in branches))
    answers = observations_of_each(observed) if isinstance(step, Together) else (observed,)
    for request, answer in zip(parts_of(step), answers, strict=True):
        if isinstance(request, Capture | Refund):
            after = tuple(dict.fromkeys(replace(order, money_key_age=timedelta()) for order in after))
        if not isinstance(request, Cancel):
            continue
        if answer.get(Field.ANSWER_OUTCOME) == REFUSED and request.to is not Addressee.UNKNOWN:
            after = tuple(dict.fromkeys(replace(order, cancel_refused=True) for order in after))
        if request.to is Addressee.OWN and request.defect is None:
            attempt = attempt_of(request, before[0].stage, answer)
            after = tuple(dict.fromkeys(with_attempt(order, request.key, attempt) for order in after))
    return after
