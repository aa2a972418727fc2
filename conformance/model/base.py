"""What the three APIs have in common: refusals, time, reading back, and requests that are wrong in themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from conformance.domain.expectation import ACCEPTED, BROKEN, PENDING, REFUSED, Branch, Claim, NoneOf, Permitted
from conformance.domain.order import CLOSED, Order, Stage
from conformance.domain.steps import Cancel
from conformance.model.claims import (
    ANY_REFUSAL,
    REFUSAL,
    Claims,
    Codes,
    Rules,
    accepted,
    accepted_or_pending,
    one_of,
    outcome,
    refused,
    refused_or_broken,
)
from conformance.model.conditions import (
    CANCELLED,
    FOREIGN_ORDER,
    LAPSED,
    NEW_KEY,
    OPENING_WINDOW_OVER,
    OWN_ORDER,
    REMAINDER,
    SOUND_REQUEST,
    TOO_OLD,
    UNITS_DISTINGUISHED,
    order_is,
)
from conformance.model.context import (
    beyond_flat_limit,
    is_near_deadline,
    is_past_deadline,
    may_have_lapsed,
    must_have_lapsed,
)
from conformance.model.table import (
    ALWAYS,
    NOTHING_CHANGED,
    WITHIN,
    Condition,
    Permit,
    Permits,
    Premise,
    Response,
    Row,
    RulesByAspect,
    Table,
    Varying,
    is_a_day_old,
    value_in,
    without_rules,
)

IRREVERSIBLE: Final[Rules] = ("KB-15", "INV-5")
Then: TypeAlias = Callable[[Premise], Order]


# Refusals


def refuse(
    *rules: str,
    status: Permitted | Callable[[Premise], Permitted] = REFUSAL,
    codes: Varying[Codes] = (),
    interpretation: tuple[str, str] | None = None,
    when: Condition = ALWAYS,
    also: Claims = (),
) -> Permit:
    """Permit a refused cancel, which changes nothing (INV-1). All the rules ask for it."""
    return Permit(
        "refused",
        response=refusal(rules, status, codes),
        rules=(*rules, "INV-1"),
        blame=NOTHING_CHANGED,
        interpretation=interpretation,
        when=when,
        also=also,
    )


def refusal(
    rules: Rules, status: Permitted | Callable[[Premise], Permitted] = REFUSAL, codes: Varying[Codes] = ()
) -> Response:
    """Claim a 4xx answer, where its status and its error code may depend on the premise."""
    if not callable(status) and isinstance(codes, tuple):
        return refused(rules, status, codes)

    def response(premise: Premise, _: Order) -> Claims:
        return refused(rules, status(premise) if callable(status) else status, value_in(premise, codes))

    return response


REFUSED_UNJUDGED: Final = Permit("refused", refused(()), blame=NOTHING_CHANGED)
"""A refusal that is permitted, and an example of nothing."""
NOT_DONE_YET: Final = Permit("accepted, but not done when we stopped asking", (outcome(PENDING),), proves=False)
"""A request that was accepted (202) may be still under way."""


def not_now(*rules: str) -> Permit:
    """Permit an answer that does not cancel, where a 500 was documented or seen as well (`C5`)."""
    return Permit("not now", refused_or_broken(rules), rules=rules, blame=RulesByAspect.all(*rules))


def nothing_left(*rules: str) -> tuple[Permit, ...]:
    """Permit a refusal or a success that does nothing, of an order with nothing left to cancel (`C10`)."""
    wrong = rules or ("INV-3",)
    repeated = Permit(
        "repeated",
        response=accepted_or_pending(rules),
        then=lambda premise: replace(premise.order, repeated=True),
        rules=(*rules, "INV-3"),
        blame=RulesByAspect(wrong, ("INV-3",), wrong, wrong),
        interpretation=("C10", "replay"),
    )
    return refuse(*rules, interpretation=("C10", "reject")), repeated


def lapsed(beyond_180_days: Rules, beyond_deadline: Rules) -> tuple[Row, ...]:
    """Return the rows about the cancel of an order that the provider itself ended.

    It is too old, and it has ended: either may be the reason, and so decide the status and the code (`C23`).
    """
    flat = order_is(beyond_flat_limit)
    given_up = without_rules(*nothing_left())
    return (
        Row(given=LAPSED & TOO_OLD & flat, permits=(refuse(*beyond_180_days), given_up)),
        Row(given=LAPSED & TOO_OLD & ~flat, permits=(refuse(*beyond_deadline), given_up)),
        Row(given=LAPSED & ~TOO_OLD, permits=(refuse(), given_up)),
    )


def locked(*codes: str) -> tuple[Permit, ...]:
    """Permit that an order is locked for the moment: 423, or one of these codes. It says nothing about the cancel."""
    signs = (Claim("answer.status", one_of(423)), *(Claim("answer.code", one_of(code)) for code in codes))
    return tuple(
        Permit(
            "the order was locked",
            response=(outcome(REFUSED), sign),
            blame=NOTHING_CHANGED,
            when=OWN_ORDER & SOUND_REQUEST,
            proves=False,
        )
        for sign in signs
    )


def not_for_its_age(order: Order, codes: Codes) -> Claims:
    """Claim that an order within the limit is not refused for its age."""
    if not is_a_day_old(order):
        return ()
    return (Claim("answer.code", NoneOf(codes), tuple(rule.partition("/")[0] for rule in WITHIN)),)


# Resulting orders


def reserved(premise: Premise) -> Order:
    """Return the order with its whole amount reserved, just now."""
    return replace(premise.order, stage=Stage.RESERVED, since_reserved=timedelta())


def moved_to(stage: Stage) -> Then:
    """Return how an order comes to another stage."""
    return lambda premise: replace(premise.order, stage=stage)


def cancelled_unreserved(premise: Premise) -> Order:
    """Return the order cancelled before anything was reserved: its whole amount counts as cancelled."""
    return replace(premise.order, stage=Stage.CANCELLED, cancelled=premise.order.amount)


def cancelled(premise: Premise) -> Order:
    """Return the order with its whole reservation released."""
    return replace(premise.order, stage=Stage.CANCELLED, cancelled=premise.order.remaining)


def remainder_released(premise: Premise) -> Order:
    """Return the order with what was not captured released."""
    return replace(premise.order, cancelled=premise.order.remaining)


# What happens to an order from outside. The answer to a test action proves nothing; what is read afterwards does.


def no_late_cancel(premise: Premise) -> Claims:
    """Claim that a refused cancel has no effect later, where nothing else may have ended or released anything."""
    order = premise.order
    if not order.cancel_refused:
        return ()
    ended = order.stage in CLOSED or order.cancelled or order.agreement_stopped or order.lapsed
    return () if ended or is_near_deadline(order, premise.context) else premise.model.nothing_released


def undisturbed(answer: Claims = ()) -> Response:
    """Claim an answer, and that a cancel which was refused before has no effect now."""
    return lambda premise, _: (*answer, *no_late_cancel(premise))


ENDED_BY_OTHERS: Final = Permit(
    "ended, and not by a cancel",
    response=(outcome(ACCEPTED, REFUSED),),
    view=lambda premise: premise.model.ended_by_others,
    when=Condition(lambda premise: bool(no_late_cancel(premise))),
    proves=False,
)
"""The user may have done something else than was asked for, and that is nobody's fault."""


def moves(name: str, then: Then, *, ends: bool = False) -> tuple[Permit, ...]:
    """Permit that an order comes to another stage, which may be its end, or has not yet come to it."""
    not_yet = Permit(f"not {name} when we stopped asking", accepted(), proves=False)
    if ends:
        return Permit(name, accepted(), then), not_yet
    return Permit(name, undisturbed(accepted()), then), not_yet, ENDED_BY_OTHERS


def nothing_happens(*rules: str) -> tuple[Permit, ...]:
    """Permit that an order stays as it is, whatever the answer says."""
    stays = undisturbed((outcome(ACCEPTED, REFUSED),))
    return Permit("nothing happens", stays, rules=rules, blame=RulesByAspect.all(*rules)), ENDED_BY_OTHERS


IMPOSSIBLE: Final = (
    Row(given=CANCELLED, permits=nothing_happens(*IRREVERSIBLE)),
    Row(permits=nothing_happens()),
)
"""The last rows about a test action: in any other stage, nothing happens."""

# Reading, and time

READ: Final = Table(
    (
        Row(
            given=CANCELLED,
            permits=(Permit("unchanged", undisturbed(), rules=IRREVERSIBLE, blame=RulesByAspect.all(*IRREVERSIBLE)),),
        ),
        Row(permits=(Permit("unchanged", undisturbed(), blame=RulesByAspect.all("INV-10")),)),
    )
)

MAY_HAVE_LAPSED: Final = Condition(lambda premise: may_have_lapsed(premise.order, premise.context))
MUST_HAVE_LAPSED: Final = Condition(lambda premise: must_have_lapsed(premise.order, premise.context))
PAST_DEADLINE: Final = Condition(lambda premise: is_past_deadline(premise.order, premise.context))


def timed_out(answer: Claims) -> Permit:
    """Permit that an order which was never approved has timed out, unnoticed until now."""
    return Permit("timed out", answer, moved_to(Stage.EXPIRED), when=OPENING_WINDOW_OVER)


def _ended_by_provider(premise: Premise) -> Order:
    order = premise.order
    return replace(order, lapsed=True, cancelled=order.cancelled + order.remaining)


OLDER: Final = Permit("older", undisturbed(accepted()))


def ageing(*signs: Varying[Claims]) -> tuple[Row, ...]:
    """Return the rows about an order that grows older.

    What a reservation that the provider ended looks like is not documented (`C20`): each sign is claimed for itself.
    """
    standing = replace(OLDER, lasting=~MUST_HAVE_LAPSED)
    lapses = tuple(
        Permit(
            "lapsed",
            response=accepted(),
            then=_ended_by_provider,
            interpretation=("C20", "auto-cancelled"),
            when=MAY_HAVE_LAPSED,
            also=sign,
        )
        for sign in signs
    )
    irreversible = replace(OLDER, rules=IRREVERSIBLE, blame=RulesByAspect.all(*IRREVERSIBLE))
    return (
        Row(given=CANCELLED, permits=(irreversible,)),
        Row(
            given=REMAINDER & PAST_DEADLINE,
            permits=(replace(standing, tells=("C20", "kept")), ENDED_BY_OTHERS, *lapses),
        ),
        Row(given=REMAINDER, permits=(standing, ENDED_BY_OTHERS, *lapses)),
        Row(permits=(OLDER, ENDED_BY_OTHERS)),
    )


# Requests that are wrong in themselves

REFUSED_FOR_ITS_KEY: Final = Permit(
    "refused for its key", refused((), ANY_REFUSAL), blame=NOTHING_CHANGED, when=~NEW_KEY
)
"""A key that was used before may be refused before anything else is looked at."""


@dataclass(frozen=True, slots=True)
class _WithoutDefect:
    """What is permitted of the same request without its defect."""

    def branches(self, premise: Premise) -> Iterator[Branch]:
        step = replace(premise.cancel, defect=None)
        return premise.model.tables[Cancel].branches(premise.of_step(step))


@dataclass(frozen=True, slots=True)
class _Refusals:
    """The refusals among the permitted outcomes, with any error code."""

    permits: Permits

    def branches(self, premise: Premise) -> Iterator[Branch]:
        for branch in self.permits.branches(premise):
            if is_refusal(branch):
                claims = tuple(claim for claim in branch.claims if claim.field not in ("answer.code", "answer.group"))
                yield replace(branch, claims=claims)


AS_WITHOUT_DEFECT: Final = without_rules(_WithoutDefect())
REFUSED_ANYWAY: Final = _Refusals(AS_WITHOUT_DEFECT)
"""Where the order forbids the cancel as well as the defect does, either refusal will do (`C23`)."""
NOTHING_DOCUMENTED: Final = (Permit("refused", (outcome(REFUSED, BROKEN),), blame=NOTHING_CHANGED), AS_WITHOUT_DEFECT)
"""Of a defect about which nothing is documented, any orderly answer is permitted."""


def for_any_sales_unit(own: Table, *permits: Permit) -> tuple[Row, ...]:
    """Return the rows about a cancel of somebody else's order, which is refused.

    Where the target serves every sales unit alike, it may do what it does to its own. A refusal that the order would
    have had for itself is then no example of one for the sales unit.
    """
    refused_anyway = Condition(lambda premise: any(is_refusal(branch) for branch in own.branches(premise)))
    return (
        Row(given=UNITS_DISTINGUISHED, request=FOREIGN_ORDER, permits=permits),
        Row(given=refused_anyway, request=FOREIGN_ORDER, permits=(without_rules(*permits, own),)),
        Row(request=FOREIGN_ORDER, permits=(*permits, without_rules(own))),
    )


def is_refusal(branch: Branch) -> bool:
    """Tell whether an outcome is a refused request."""
    return any(claim.field == "answer.outcome" and claim.permitted.permits(REFUSED) for claim in branch.claims)
