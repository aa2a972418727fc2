"""Two requests at the same time.

Whatever is observed afterwards must be what one of their two orders explains. The tables say what each request does
alone. Played one after the other, in both orders, they give everything that may come of the two together: the answers
of both, and the one state that remains. A provider may also turn one of them down for the moment, because the other is
under way; then the other alone explains the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, TypeAlias

from msgspec.structs import replace

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ANSWER, REFUSED, Branch, Claim, Expectation, of_the_other
from conformance.domain.observation import Field
from conformance.domain.order import WAITING, Order, Profile, Stage
from conformance.domain.steps import Cancel, Read, Step, Together, name_of
from conformance.model.claims import BOOKS, SOUND, Claims, Rules, one_of, outcome
from conformance.model.table import ApiModel

Alone: TypeAlias = Callable[[tuple[Order, ...], Step], Expectation]
"""Returns the permitted outcomes of one request, whichever of these orders it is sent for."""

EXPLAINED: Final[Rules] = ("INV-11",)
_PASSING: Final = one_of(409, 423)
"""The HTTP statuses that say that an order is busy with something else."""
_MOVED: Final = frozenset({Field.VIEW_CAPTURED, Field.VIEW_REFUNDED, Field.VIEW_LOG_CAPTURED, Field.VIEW_LOG_REFUNDED})
"""What shows captures and refunds: where it is wrong, the books are wrong as well."""
_MOVED_RULES: Final[Rules] = (*EXPLAINED, *BOOKS)
_SOUND: Final = tuple(replace(claim, rules=(*EXPLAINED, *claim.rules)) for claim in SOUND)
_UNSURE: Final = frozenset({Field.ANSWER_PSP})
"""What is read from the log of the latest cancel, and of two nobody knows which one that is."""


def together(
    possible: tuple[Order, ...], step: Together, alone: Alone, model_of: Callable[[Profile], ApiModel]
) -> Expectation:
    """Return the permitted outcomes of two requests that are sent at the same time.

    Args:
        possible: the orders that are still possible.
        step: the two requests.
        alone: what the tables say of each of them.
        model_of: the model of an API.

    """
    branches = (branch for order in possible for branch in _either_order(order, step, alone, model_of(order.profile)))
    # A request that was turned down leaves nothing to tell by which of the two came first.
    different = {(branch.claims, branch.after): branch for branch in branches}
    records = dict.fromkeys(rule for order in possible for rule in model_of(order.profile).race_records)
    return Expectation(tuple(different.values()), tuple(records))


def apart(expectation: Expectation) -> Expectation:
    """Return the same outcomes as checks of no rule.

    One of the two requests was answered before the other had left.
    """
    return Expectation(tuple(replace(branch, rules=()) for branch in expectation.branches))


def _either_order(order: Order, step: Together, alone: Alone, model: ApiModel) -> Iterator[Branch]:
    first, second = _names(step)
    rules = (*EXPLAINED, *model.race_rules.get(type(step.second), ()))
    for first_turn, second_turn in _one_after_the_other(order, step.first, step.second, alone, model):
        name = f"{first}, then {second}: {first_turn.name}, {second_turn.name}"
        yield _joint(name, first_turn, second_turn, second_turn, order, rules)
    for second_turn, first_turn in _one_after_the_other(order, step.second, step.first, alone, model):
        name = f"{second}, then {first}: {second_turn.name}, {first_turn.name}"
        yield _joint(name, first_turn, second_turn, first_turn, order, rules)


def _names(step: Together) -> tuple[str, str]:
    if isinstance(step.second, Cancel):
        return "the first cancel", "the second cancel"
    return name_of(step.first), name_of(step.second)


def _one_after_the_other(
    order: Order, earlier: Step, later: Step, alone: Alone, model: ApiModel
) -> Iterator[tuple[Branch, Branch]]:
    for branch in _turns(order, earlier, alone, model):
        yield from product((branch,), _turns(branch.after, later, alone, model))


def _turns(order: Order, step: Step, alone: Alone, model: ApiModel) -> Iterator[Branch]:
    """Return how one request may turn out while another is under way."""
    # The first one; others are of an order that was ended meanwhile.
    unchanged = alone((order,), Read()).branches[0].claims
    for branch in alone((order,), step).branches:
        # What the tables say of an order that is locked for the moment is said below, and proves something here.
        if branch.proves or not _only_refuses(branch):
            yield branch
    for signs in _busy(step, model):
        yield Branch("turned down for the moment", (outcome(REFUSED), *signs, *unchanged), order)


def _busy(step: Step, model: ApiModel) -> Iterator[Claims]:
    """Return how a refusal may say that it is for the moment only.

    Of anything but a cancel, nothing is documented.
    """
    if not isinstance(step, Cancel):
        yield ()
        return
    yield (Claim(Field.ANSWER_STATUS, _PASSING),)
    if codes := spec_of(model.profile).race_codes:
        yield (Claim(Field.ANSWER_CODE, one_of(*codes)),)


def _only_refuses(branch: Branch) -> bool:
    return any(claim.field == Field.ANSWER_OUTCOME and claim.permitted == one_of(REFUSED) for claim in branch.claims)


def _joint(name: str, first: Branch, second: Branch, last: Branch, before: Order, rules: Rules) -> Branch:
    """Join two turns: both answers, and what is read back after the last of them."""
    answers = [_blamed(claim) for claim in _answer(first)]
    answers += [_blamed(claim, of_the_other(claim.field)) for claim in _answer(second)]
    answers.sort(key=lambda claim: not claim.field.endswith(".outcome"))
    view = [_blamed(claim) for claim in last.claims if not claim.field.startswith(ANSWER) and claim not in SOUND]
    done = first.proves and second.proves
    return Branch(
        name,
        # The books come first: what is out of balance is so whatever the answers were.
        (*_SOUND, *answers, *view),
        last.after,
        # Two requests that both did nothing were in nobody's way.
        rules if done and last.after != before else (),
        proves=done or _is_over(last.after),
    )


def _is_over(order: Order) -> bool:
    """Return whether nothing is left to do for a request that was accepted for later.

    Waiting for it is idle then.
    """
    return order.remaining == 0 and order.stage not in (*WAITING, Stage.IN_3DS, Stage.PROCESSING)


def _answer(branch: Branch) -> Iterator[Claim]:
    return (claim for claim in branch.claims if claim.field.startswith(ANSWER) and claim.field not in _UNSURE)


def _blamed(claim: Claim, field: str = "") -> Claim:
    # Faster than replacing parts of it, and there are thousands of these.
    return Claim(field or claim.field, claim.permitted, _MOVED_RULES if claim.field in _MOVED else EXPLAINED)
