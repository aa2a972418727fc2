"""A cancel that is sent again with its key, and what has to be remembered of the first one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from conformance.domain.expectation import REFUSED, Branch, Claim, Observation
from conformance.domain.observation import Field
from conformance.domain.order import Attempt, Order, Stage
from conformance.domain.steps import Cancel, Key
from conformance.model.claims import Claims, accepted_or_pending, one_of, outcome
from conformance.model.conditions import FIRST_ACCEPTED, FIRST_REFUSED, KEY_FORGOTTEN, SAME_KEY
from conformance.model.table import (
    ALWAYS,
    Condition,
    Outcomes,
    Permit,
    Premise,
    Row,
    RulesByAspect,
    Table,
    WithoutRules,
)


def same_success(*rules: str, blame: RulesByAspect, when: Condition = ALWAYS) -> Permit:
    """Permit a success once more, without a second effect.

    The rules say so where the key is documented for the call; without them the outcome is permitted, not required.
    """
    return Permit(
        "same success again", accepted_or_pending(rules), rules=rules, blame=blame, when=FIRST_ACCEPTED & when
    )


def same_refusal(*rules: str, blame: RulesByAspect, when: Condition = ALWAYS) -> Permit:
    """Permit a refusal once more, with the same status."""

    def response(premise: Premise, _: Order) -> Claims:
        attempt = premise.attempt
        status = attempt.status if attempt else None
        return outcome(REFUSED, rules=rules), Claim(Field.ANSWER_STATUS, one_of(status), rules)

    return Permit("same refusal again", response, rules=rules, blame=blame, when=FIRST_REFUSED & when)


@dataclass(frozen=True, slots=True)
class _About:
    rule: str
    permits: tuple[Outcomes, ...]

    def branches(self, premise: Premise) -> Iterator[Branch]:
        for permits in self.permits:
            for branch in permits.branches(premise):
                yield branch if self.rule in branch.rules else replace(branch, rules=(*branch.rules, self.rule))


def about(rule: str, *permits: Outcomes) -> Outcomes:
    """Permit the same outcomes, each of which is a check of the rule as well."""
    return _About(rule, permits)


def while_remembered(given: Condition, *permits: Outcomes, new: Table) -> tuple[Row, ...]:
    """Return the rows about a repeated key.

    One says what is required of it, the other what is permitted once the key may be forgotten: the request is a new one
    then.
    """
    return (
        Row(given=given & KEY_FORGOTTEN, request=SAME_KEY, permits=(WithoutRules((*permits, new)),)),
        Row(given=given & ~KEY_FORGOTTEN, request=SAME_KEY, permits=permits),
    )


def attempt_of(step: Cancel, stage: Stage, observed: Observation) -> Attempt:
    """Return what has to be remembered of a cancel: the order's stage before it, and its answer."""
    status, code = observed.get(Field.ANSWER_STATUS), observed.get(Field.ANSWER_CODE)
    return Attempt(
        flag=step.flag,
        outcome=str(observed.get(Field.ANSWER_OUTCOME)),
        status=status if isinstance(status, int) else None,
        code=code if isinstance(code, str) else None,
        stage=stage,
    )


def with_attempt(order: Order, key: Key, attempt: Attempt) -> Order:
    """Return an order that remembers its last cancel, and its first one where that had another key."""
    earlier = {Key.SAME: order.attempt, Key.FIRST: order.earliest_attempt}.get(key)
    if earlier is not None:
        # Both are one again: the key of the first cancel is the last one that was used.
        first = None if key is Key.FIRST else order.first_attempt
        return replace(order, attempt=_used_again(earlier, attempt), first_attempt=first)
    money_key_age = None if key is Key.ANOTHER_OPERATION else order.money_key_age
    ago = order.money_key_age if key is Key.ANOTHER_OPERATION else None
    new = attempt if ago is None else replace(attempt, ago=ago)
    return replace(order, attempt=new, first_attempt=order.earliest_attempt, money_key_age=money_key_age)


def _used_again(first: Attempt, second: Attempt) -> Attempt:
    """Return what is remembered of a key that was used a second time: a conflict leaves it with its first request."""
    if second.outcome == REFUSED and bool(second.flag) != bool(first.flag):
        return first
    return replace(second, ago=first.ago)
