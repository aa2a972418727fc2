"""Recurring v3, whose Cancel may be answered 204 (done) or 202 (accepted).

`DELETE /recurring/v3/agreements/{agreementId}/charges/{chargeId}`. A cancel that is accepted is not yet done.

Sources: the Recurring guide, its list of problems, and its OpenAPI descriptions 2.6.17 and 3.1.2. Rule ids are the
rulebook's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from msgspec.structs import replace

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Between, Branch, Claim, Mentions, NoneOf, OneOf, Permitted
from conformance.domain.observation import AFTER_CREATION, THE_CANCEL, Field
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import (
    Age,
    AnotherCharge,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Fail,
    Read,
    Refund,
    Reserve,
    StartProcessing,
    StopAgreement,
)
from conformance.model import money
from conformance.model.agreement import ANOTHER_CHARGE, NOT_EVERY_CHARGE_YET, other_charge, stopped
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    NOT_FOUND,
    UNAUTHORIZED,
    Claims,
    Rules,
    accepted,
    accepted_or_pending,
    done,
    one_of,
    refused,
)
from conformance.model.conditions import (
    AGREEMENT_STOPPED,
    BEYOND_180_DAYS,
    BEYOND_DEADLINE,
    CANCELLED,
    DEFECTIVE,
    FIRST_ACCEPTED,
    FIRST_REFUSED,
    KEY_OF_ANOTHER_OPERATION,
    KEY_OF_ANOTHER_ORDER,
    MONEY_KEY_FORGOTTEN,
    NEW_KEY,
    NOTHING_REFUNDED,
    OWN_ORDER,
    PARTLY_CAPTURED,
    PLAIN_REQUEST,
    REMAINDER,
    RESERVED,
    SAME_KEY,
    TOO_OLD,
    YOUNG,
    allows,
    defect_is,
    order_is,
    refused_for_the_moment,
    stage_is,
)
from conformance.model.context import AgeLimit, ModelContext
from conformance.model.events import IMPOSSIBLE, READ, ageing, moves, nothing_happens
from conformance.model.idempotency import same_refusal, same_success, while_remembered
from conformance.model.invalid_requests import NOTHING_DOCUMENTED, REFUSED_ANYWAY, REFUSED_FOR_ITS_KEY
from conformance.model.refusals import NOT_DONE_YET, REFUSED_UNJUDGED, lapsed, locked, nothing_left, refuse
from conformance.model.table import (
    NOTHING_CHANGED,
    WITHIN,
    ApiModel,
    Condition,
    Outcomes,
    Permit,
    Premise,
    Readings,
    Row,
    RulesByAspect,
    Silence,
    Table,
    Varying,
    Where,
    WithoutRules,
)
from conformance.model.transitions import Then, cancelled, cancelled_unreserved, moved_to, reserved

SPEC: Final = spec_of(Profile.RECURRING)
PENDING: Final = stage_is(Stage.PENDING)
DUE: Final = stage_is(Stage.DUE)
PROCESSING: Final = stage_is(Stage.PROCESSING)
CHARGED: Final = stage_is(Stage.CHARGED)
FAILED: Final = stage_is(Stage.FAILED)
DIRECT_CAPTURE: Final = order_is(lambda order: order.kind is Kind.CHARGE_DIRECT)
WRONG_STATUS: Final = one_of(400, 409, 422)


def states_of(order: Order) -> tuple[str, ...]:
    """Return the documented names for where a charge is.

    There are several where refunds leave it open.
    """
    if order.stage not in (Stage.RESERVED, Stage.CHARGED):
        return (order.stage.name,)
    if order.captured == 0:
        return ("RESERVED",)
    if order.refunded:
        refunds = "REFUNDED" if order.refunded == order.captured else "PARTIALLY_REFUNDED"
        if order.remaining:
            return (refunds, "PARTIALLY_REFUNDED", "PARTIALLY_CAPTURED")
        # RE-04 names what a release ends in, and does not except what was refunded.
        return (refunds, "CHARGED") if order.cancelled else (refunds,)
    return ("PARTIALLY_CAPTURED",) if order.remaining else ("CHARGED",)


# What the charge decides about its cancel

SHOWN_BY_CANCEL: Final[Rules] = ("RE-21", "INV-2", "INV-3", "INV-4", "INV-10")
"""What every successful cancel is a check of: what the charge and its history say, and the books."""


def cancel_response(*, outcome: Rules = (), answer: Rules = ()) -> Claims:
    """Claim the answer to a cancel that succeeds, now or later: it has no body.

    ``outcome`` are the rules that ask for the success, ``answer`` those that name the statuses of a success.
    """
    return (*accepted_or_pending(outcome), done(answer, 204, 202))


def cancel_or_refusal(then: Then) -> tuple[Permit, ...]:
    """Permit either, as a check of no rule: no sentence decides between them."""
    blame = RulesByAspect(released=("RE-21", "INV-2"), captured=("INV-3",), log=("RE-21",))
    return Permit("cancelled", cancel_response(), then, blame=blame), NOT_DONE_YET, REFUSED_UNJUDGED


def released_remainder(premise: Premise) -> Order:
    """Return the charge without what was not captured.

    It is charged then, and not cancelled.
    """
    return replace(premise.order, stage=Stage.CHARGED, cancelled=premise.order.remaining)


def waiting(given: Condition, rule: str, *direct: str) -> Row:
    """Return the row about a charge that is neither reserved nor captured yet.

    It is cancelled, now or later.
    """
    return Row(
        given=given & YOUNG,
        permits=(
            Permit(
                "cancelled",
                response=cancel_response(outcome=(rule, "KB-01/initiated", *direct), answer=(rule,)),
                then=cancelled_unreserved,
                rules=(rule, "KB-01/initiated", *direct, *SHOWN_BY_CANCEL),
                blame=RulesByAspect(
                    released=(rule, *direct, "RE-21", "INV-2"),
                    captured=("INV-3",),
                    state=(rule, *direct),
                    log=("RE-21",),
                    other=(rule,),
                ),
            ),
            NOT_DONE_YET,
        ),
    )


def wrong_status(*rules: str) -> Permit:
    """Permit the refusal of a charge in a status that cannot be cancelled.

    Its problem names the status, unless the charge's age may be the reason as well (`C23`).
    """
    plain = refused(rules, WRONG_STATUS)
    named = refused(rules, WRONG_STATUS, ("cancel-charge-failed", "conflict", "operation-failed", None))

    def response(premise: Premise, _: Order) -> Claims:
        if premise.age is not AgeLimit.WITHIN:
            return plain
        return (*named, Claim(Field.ANSWER_DETAIL, Mentions(states_of(premise.order)), ("RE-19",)))

    return Permit("refused", response, rules=(*rules, "RE-19", "INV-1"), blame=NOTHING_CHANGED)


def too_old_status(premise: Premise) -> Permitted:
    """Return the status of a charge that is too old.

    What was refunded cannot be cancelled for that either (`C23`).
    """
    return WRONG_STATUS if premise.order.refunded else BAD_REQUEST


JUDGED: Final = YOUNG & NOTHING_REFUNDED & ~AGREEMENT_STOPPED
"""Neither its age, nor a refund, nor the end of its agreement may be in the way of a cancel."""

PLAIN_CANCEL: Final = Table(
    (
        # PENDING, DUE, RESERVED and PARTIALLY_CAPTURED can be cancelled. Without reservation, only before the capture.
        waiting(PENDING & ~DIRECT_CAPTURE, "RE-01"),
        waiting(PENDING & DIRECT_CAPTURE, "RE-01", "RE-29"),
        waiting(DUE & ~DIRECT_CAPTURE, "RE-02"),
        waiting(DUE & DIRECT_CAPTURE, "RE-02", "RE-29"),
        Row(
            given=(PENDING | DUE) & ~YOUNG,
            permits=cancel_or_refusal(cancelled_unreserved),
        ),
        Row(
            given=RESERVED & JUDGED,
            permits=(
                Permit(
                    "cancelled",
                    response=cancel_response(outcome=("RE-03", "KB-01/reserved"), answer=("RE-03",)),
                    then=cancelled,
                    rules=("RE-03", "KB-01/reserved", *WITHIN, *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(
                        released=("RE-03", "RE-21", "INV-2"), captured=("INV-3",), state=("RE-03",), log=("RE-21",)
                    ),
                ),
                NOT_DONE_YET,
            ),
        ),
        Row(
            given=RESERVED & ~JUDGED & ~TOO_OLD,
            permits=cancel_or_refusal(cancelled),
        ),
        # Of a partly captured charge, the remainder is released, and the charge becomes CHARGED.
        Row(
            given=PARTLY_CAPTURED & JUDGED,
            permits=(
                Permit(
                    "cancelled",
                    response=cancel_response(outcome=("RE-04", "INV-9"), answer=("RE-04",)),
                    then=released_remainder,
                    rules=("RE-04", "INV-9", *WITHIN, *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(
                        released=("RE-04", "RE-21", "INV-2"), captured=("INV-3",), state=("RE-04",), log=("RE-21",)
                    ),
                ),
                NOT_DONE_YET,
            ),
        ),
        Row(
            given=PARTLY_CAPTURED & ~JUDGED & ~TOO_OLD,
            permits=cancel_or_refusal(released_remainder),
        ),
        # Any other status is the wrong one. What is being processed may be cancelled, or not, by its timing.
        Row(
            given=PROCESSING,
            permits=(
                refuse("RE-07", status=one_of(400, 409, 422, 423)),
                Permit(
                    "cancelled",
                    response=cancel_response(outcome=("RE-07",), answer=("RE-07",)),
                    then=cancelled_unreserved,
                    rules=("RE-07", *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(
                        released=("RE-07", "RE-21", "INV-2"), captured=("INV-3",), state=("RE-07",), log=("RE-21",)
                    ),
                ),
                NOT_DONE_YET,
            ),
        ),
        Row(given=CHARGED & ~CANCELLED & ~DIRECT_CAPTURE, permits=(wrong_status("RE-05", "KB-08"),)),
        Row(given=CHARGED & ~CANCELLED & DIRECT_CAPTURE, permits=(wrong_status("RE-05", "KB-08", "RE-29"),)),
        Row(given=FAILED, permits=(wrong_status("RE-06"),)),
        Row(given=stage_is(Stage.CANCELLED), permits=nothing_left("RE-09")),
        # The released remainder makes this a second cancel as well, which may be repeated as a success.
        Row(given=CHARGED & CANCELLED, permits=nothing_left()),
        # It is not possible to cancel a charge after its capture deadline, or after 180 days: HTTP 400.
        Row(
            given=REMAINDER & BEYOND_180_DAYS,
            permits=(refuse("RE-18", "KB-02/beyond", "KB-02b/beyond", status=too_old_status),),
        ),
        Row(
            given=REMAINDER & BEYOND_DEADLINE,
            permits=(refuse("RE-18", "KB-02b/beyond", status=too_old_status),),
        ),
        *lapsed(beyond_180_days=("RE-18", "KB-02/beyond", "KB-02b/beyond"), beyond_deadline=("RE-18", "KB-02b/beyond")),
    )
)

# What the request itself decides


@dataclass(frozen=True, slots=True)
class _AnotherRequest:
    """What is permitted of a key that belongs to one operation on one charge.

    A cancel of another charge is another request then, and so is a capture or a refund of this one.
    """

    permits: Outcomes

    def branches(self, premise: Premise) -> Iterator[Branch]:
        if not premise.context.allows("C13", "operation-scope"):
            return
        for branch in self.permits.branches(premise):
            claims = tuple(
                replace(claim, rules=("RE-11", *claim.rules)) if claim.rules else claim for claim in branch.claims
            )
            yield replace(branch, claims=claims, rules=("RE-11", *branch.rules), readings=(("C13", "operation-scope"),))


def first_answer_again(premise: Premise, _: Order) -> Claims:
    """Claim the answer that the first request with this key had (RE-10).

    What was accepted then (202) may be done by now (204).
    """
    attempt = premise.attempt
    status = attempt.status if attempt else None
    permitted = (status, 204) if status == 202 else (status,)
    return (*accepted_or_pending(("RE-10",)), Claim(Field.ANSWER_STATUS, OneOf(permitted), ("RE-10",)))


SAME_SUCCESS: Final = replace(
    same_success("RE-10", blame=RulesByAspect.all("RE-10", "INV-3")), response=first_answer_again
)
KEY_NOT_NEEDED: Final = defect_is(Defect.NO_KEY) & allows("C13", "delete-without-key")
ANSWERED_BEFORE: Final = SAME_KEY & (FIRST_ACCEPTED | FIRST_REFUSED)
FOR_THE_MOMENT: Final = refused_for_the_moment(Stage.PROCESSING) & allows("C26", "excludes-transient")
invalid_key = (refuse("RE-13", status=ANY_REFUSAL), REFUSED_ANYWAY)

CANCEL: Final = Table(
    (
        Row(request=PLAIN_REQUEST & NEW_KEY, permits=(PLAIN_CANCEL,)),
        Row(
            request=defect_is(Defect.NO_TOKEN, Defect.BAD_TOKEN, Defect.NO_BEARER, Defect.LOWER_CASE_BEARER),
            permits=(refuse("RE-16", status=UNAUTHORIZED),),
        ),
        Row(
            request=defect_is(Defect.NO_SUBSCRIPTION_KEY, Defect.BAD_SUBSCRIPTION_KEY),
            permits=(refuse("RE-16", status=ANY_REFUSAL), REFUSED_ANYWAY),
        ),
        # One page does not ask for a key.
        Row(request=KEY_NOT_NEEDED, permits=(PLAIN_CANCEL, *invalid_key)),
        Row(request=defect_is(Defect.NO_KEY, Defect.LONG_KEY, Defect.ILLEGAL_KEY), permits=invalid_key),
        # What makes an agreement's id malformed is not documented: such an agreement may also not be found (`C23`).
        Row(
            request=defect_is(Defect.MALFORMED_AGREEMENT),
            permits=(
                refuse("RE-15", status=ANY_REFUSAL, codes=("invalid-agreement-id",)),
                refuse("RE-15", status=NOT_FOUND, codes=("resource-not-found", None)),
            ),
        ),
        Row(request=DEFECTIVE, permits=NOTHING_DOCUMENTED),
        Row(
            request=~OWN_ORDER,
            permits=(refuse("RE-14", status=NOT_FOUND, codes=("resource-not-found", None)), REFUSED_FOR_ITS_KEY),
        ),
        # A key that was used for another request is a conflict, if keys belong to the sales unit.
        Row(
            request=KEY_OF_ANOTHER_OPERATION & MONEY_KEY_FORGOTTEN,
            permits=(WithoutRules((PLAIN_CANCEL,)), REFUSED_FOR_ITS_KEY),
        ),
        Row(
            request=(KEY_OF_ANOTHER_ORDER | KEY_OF_ANOTHER_OPERATION)
            & allows("C13", "operation-scope", "sales-unit-scope"),
            permits=(
                _AnotherRequest(PLAIN_CANCEL),
                refuse(
                    "RE-11",
                    status=one_of(409),
                    codes=("idempotency-conflict", None),
                    interpretation=("C13", "sales-unit-scope"),
                ),
            ),
        ),
        # The same request with the same key is answered as it was the first time, and not executed again.
        *while_remembered(FIRST_ACCEPTED, SAME_SUCCESS, new=PLAIN_CANCEL),
        *while_remembered(
            FIRST_REFUSED,
            same_refusal("RE-12", blame=NOTHING_CHANGED),
            Where(FOR_THE_MOMENT, PLAIN_CANCEL),
            new=PLAIN_CANCEL,
        ),
        Row(request=OWN_ORDER, permits=(PLAIN_CANCEL,)),
    ),
    always=locked(*SPEC.lock_codes),
    recorded=(
        Silence(
            ("RE-28",),
            given=AGREEMENT_STOPPED & (PENDING | DUE | (REMAINDER & ~TOO_OLD)),
            request=(PLAIN_REQUEST & ~ANSWERED_BEFORE) | KEY_NOT_NEEDED,
        ),
    ),
)

# Stopping the agreement


def stopped_and_cancelled(premise: Premise) -> Order:
    """Return the charge cancelled with its agreement."""
    return replace(stopped(premise), stage=Stage.CANCELLED, cancelled=premise.order.amount)


def stopped_and_released(premise: Premise) -> Order:
    """Return the charge of which the remainder was released with its agreement."""
    return replace(stopped(premise), stage=Stage.CHARGED, cancelled=premise.order.remaining)


ANOTHER_CHANGE: Final = Condition(
    lambda premise: isinstance(premise.step, StopAgreement) and premise.step.with_other_change
)
CHARGE_KEPT: Final = Permit(
    "charge kept", accepted_or_pending(), stopped, blame=RulesByAspect(captured=("INV-3",), other=("RE-22",))
)
CHARGE_CANCELLED: Final = Permit(
    "charge cancelled", accepted_or_pending(("RE-22",)), stopped_and_cancelled, blame=RulesByAspect.all("RE-22")
)

STOP: Final = Table(
    (
        Row(
            request=ANOTHER_CHANGE,
            permits=(
                Permit(
                    "refused",
                    response=refused(("RE-27",), BAD_REQUEST),
                    rules=("RE-27",),
                    blame=RulesByAspect.all("RE-27"),
                ),
            ),
        ),
        # A second stop has no further effect.
        Row(
            given=AGREEMENT_STOPPED,
            permits=(
                Permit(
                    "no effect",
                    response=accepted_or_pending(("RE-26",)),
                    rules=("RE-26",),
                    blame=RulesByAspect.all("RE-26"),
                ),
                Permit(
                    "refused",
                    response=refused(("RE-26",), BAD_REQUEST),
                    rules=("RE-26",),
                    blame=RulesByAspect.all("RE-26"),
                ),
            ),
        ),
        # The agreement's charges that are PENDING, DUE or RESERVED are cancelled.
        Row(
            given=(PENDING | DUE) & YOUNG,
            permits=(replace(CHARGE_CANCELLED, rules=("RE-22/pending",)), NOT_DONE_YET),
        ),
        Row(given=RESERVED & YOUNG, permits=(replace(CHARGE_CANCELLED, rules=("RE-22/reserved",)), NOT_DONE_YET)),
        # What forbids the charge's own cancel may forbid this one.
        Row(
            given=(PENDING | DUE | RESERVED) & ~YOUNG,
            permits=(CHARGE_CANCELLED, replace(CHARGE_KEPT, blame=RulesByAspect(other=("RE-22",))), NOT_DONE_YET),
        ),
        Row(
            given=PARTLY_CAPTURED,
            permits=(
                CHARGE_KEPT,
                Permit(
                    "remainder released",
                    accepted_or_pending(),
                    stopped_and_released,
                    blame=RulesByAspect(other=("RE-22",)),
                ),
            ),
        ),
        Row(
            given=PROCESSING,
            permits=(
                CHARGE_KEPT,
                Permit(
                    "charge cancelled",
                    accepted_or_pending(),
                    stopped_and_cancelled,
                    blame=RulesByAspect(other=("RE-22",)),
                ),
            ),
        ),
        Row(permits=(CHARGE_KEPT,)),
    ),
    always=(NOT_EVERY_CHARGE_YET,),
    recorded=(Silence(("RE-23",), given=PARTLY_CAPTURED & ~AGREEMENT_STOPPED, request=~ANOTHER_CHANGE),),
)

# The charge run


def captured(premise: Premise) -> Order:
    """Return the charge after a capture; a fully captured one is charged."""
    after = money.captured(premise)
    return replace(after, stage=Stage.CHARGED) if after.remaining == 0 else after


def charged(premise: Premise) -> Order:
    """Return the charge captured at once, without a reservation."""
    moment = timedelta()
    return replace(
        premise.order,
        stage=Stage.CHARGED,
        captured=premise.order.amount,
        since_captured=moment,
        since_last_captured=moment,
    )


RESERVED_AT_ONCE: Final = order_is(lambda order: order.kind is Kind.INITIAL_RESERVE)
INITIATION: Final = Table(
    (
        Row(given=RESERVED_AT_ONCE, permits=(Permit("reserved", accepted(), reserved),)),
        Row(permits=(Permit("pending", accepted()), Permit("due", accepted(), moved_to(Stage.DUE)))),
    )
)
SIGNS_OF_LAPSE: Final[tuple[Varying[Claims], ...]] = (
    lambda premise: (Claim(Field.VIEW_STATE, NoneOf(states_of(premise.order))),),
    lambda premise: (Claim(Field.VIEW_CANCELLED, NoneOf((premise.order.cancelled,))),),
)
"""After the deadline the status has another name, or more is cancelled than was."""

# A waiting charge that grows older may meet its due date, and what the charge run then does is its own affair.
AGEING: Final = Table(
    (
        Row(
            given=PENDING | DUE | PROCESSING,
            permits=(
                Permit("pending", accepted(), moved_to(Stage.PENDING)),
                Permit("due", accepted(), moved_to(Stage.DUE)),
                Permit("processing", accepted(), moved_to(Stage.PROCESSING)),
                Permit(
                    "the charge run moved it on",
                    response=accepted(),
                    view=(Claim(Field.VIEW_STATE, one_of("RESERVED", "CHARGED", "FAILED")),),
                    proves=False,
                ),
            ),
        ),
        *ageing(*SIGNS_OF_LAPSE),
    )
)


# What is read back

CANCEL_EVENT: Final = (
    Claim(Field.VIEW_LOG_KEY, one_of(THE_CANCEL, None), ("RE-21",)),
    Claim(Field.VIEW_LOG_TIME, one_of(AFTER_CREATION, None), ("RE-21",)),
    Claim(Field.VIEW_LOG_SUCCESS, one_of(True, None), ("RE-21",)),
)
"""The event of a cancel has the key of the request, a time and its success; none is missing where there is an event."""


class RecurringModel(ApiModel):
    """What the documentation says of Recurring, step by step.

    The user's part is played by the charge run.
    """

    profile = Profile.RECURRING
    living = ("PENDING", "DUE", "PROCESSING", "RESERVED", "PARTIALLY_CAPTURED", "CHARGED")
    opening = Stage.PENDING
    initiation = INITIATION
    tables: ClassVar = {
        Cancel: CANCEL,
        Capture: money.captures(
            after_cancel=("RE-30",),
            after_cancel_status=ANY_REFUSAL,
            after_release=("RE-30",),
            too_old=("RE-32",),
            then=captured,
        ),
        Refund: money.refunds(
            after_cancel=("RE-30",), after_cancel_status=ANY_REFUSAL, after_release=("RE-31",), least=SPEC.least_refund
        ),
        StopAgreement: STOP,
        AnotherCharge: ANOTHER_CHARGE,
        BecomeDue: Table(
            (
                Row(given=DUE, permits=nothing_happens()),
                Row(given=PENDING, permits=moves("due", moved_to(Stage.DUE))),
                *IMPOSSIBLE,
            )
        ),
        StartProcessing: Table((Row(given=DUE, permits=moves("processing", moved_to(Stage.PROCESSING))), *IMPOSSIBLE)),
        Reserve: Table(
            (
                # RE-29: never reserved. A target that does so all the same says nothing about Cancel.
                Row(given=DIRECT_CAPTURE, permits=nothing_happens()),
                Row(given=DUE | PROCESSING, permits=moves("reserved", reserved)),
                *IMPOSSIBLE,
            )
        ),
        Charge: Table((Row(given=DUE | PROCESSING, permits=moves("charged", charged)), *IMPOSSIBLE)),
        Fail: Table(
            (Row(given=DUE | PROCESSING, permits=moves("failed", moved_to(Stage.FAILED), ends=True)), *IMPOSSIBLE)
        ),
        Read: READ,
        Age: AGEING,
    }
    # The charge is not cancelled, wholly or in part.
    signs_of_lapse = SIGNS_OF_LAPSE
    nothing_released = (
        Claim(Field.VIEW_STATE, NoneOf((Stage.CANCELLED.name,)), ("INV-1",)),
        Claim(Field.VIEW_CANCELLED, one_of(0), ("INV-1",)),
    )
    # The charge run failed.
    ended_by_others = (Claim(Field.VIEW_STATE, one_of(Stage.FAILED.name)),)

    def endings(self, premise: Premise) -> Iterator[tuple[Order, Readings]]:
        """Yield the same; and a charge whose agreement was stopped may be released for that at any time (RE-23)."""
        yield from super().endings(premise)
        order = premise.order
        if order.agreement_stopped and order.remaining:
            stage = Stage.CHARGED if order.captured else Stage.CANCELLED
            yield replace(order, stage=stage, cancelled=order.cancelled + order.remaining), ()

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        """Claim what the charge says of itself: status, summary and history."""
        other = other_charge(order, blame)
        if order.lapsed:
            return (Claim(Field.VIEW_CAPTURED, one_of(order.captured), blame.captured), *other)
        partly_released = order.captured and order.cancelled
        state = (*blame.state, "INV-9") if partly_released else blame.state
        claims = (
            Claim(Field.VIEW_STATE, one_of(*states_of(order)), state),
            Claim(Field.VIEW_CURRENCY, one_of(order.currency, None), ("INV-10",)),
            Claim(Field.VIEW_CAPTURED, one_of(order.captured), blame.captured),
            Claim(Field.VIEW_REFUNDED, one_of(order.refunded), blame.captured),
            Claim(Field.VIEW_CANCELLED, _cancelled(order), blame.released),
            Claim(Field.VIEW_LOG_CAPTURED, one_of(order.captured), blame.log),
            Claim(Field.VIEW_LOG_REFUNDED, one_of(order.refunded), blame.log),
            Claim(Field.VIEW_LOG_CANCELS, _cancel_events(order), blame.log),
            Claim(Field.VIEW_LOG_CANCELLED, _cancelled(order, logged=not order.agreement_stopped), blame.log),
            *other,
        )
        # What the end of the agreement writes into the history of its charges is not documented.
        return (*claims, *CANCEL_EVENT) if order.cancelled and not order.agreement_stopped else claims


def _cancel_events(order: Order) -> OneOf | Between:
    # Whether a charge's history tells of the agreement's end is not documented.
    if order.repeated:
        return Between(0, 9)
    if order.agreement_stopped:
        return one_of(0, 1)
    return one_of(1 if order.cancelled else 0)


def _cancelled(order: Order, *, logged: bool = True) -> OneOf:
    # What is cancelled of a charge that was never reserved is not documented: nothing, or all of it.
    return one_of(order.cancelled) if logged and order.since_reserved is not None else one_of(0, order.cancelled)
