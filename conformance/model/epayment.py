"""ePayment v1, whose Cancel has the flag `cancelTransactionOnly`.

`POST /epayment/v1/payments/{reference}/cancel`. Sources: the ePayment guide's cancel, payment states, event log and
errors pages, and its OpenAPI descriptions 1.4.1 and 1.8.1. Rule ids are the rulebook's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Between, Claim, Missing, NoneOf
from conformance.domain.observation import ITS_OWN, THE_CANCEL, UNKNOWN, Field
from conformance.domain.order import Order, Profile, Stage
from conformance.domain.steps import Age, Cancel, Capture, Defect, Read, Refund
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    BOOKS,
    NOT_FOUND,
    REFUSAL,
    UNAUTHORIZED,
    Claims,
    Codes,
    Rules,
    accepted,
    done,
    one_of,
    refused,
)
from conformance.model.conditions import (
    BEYOND_180_DAYS,
    BEYOND_DEADLINE,
    CANCELLED,
    DEFECTIVE,
    EXPIRED,
    FIRST_ACCEPTED,
    FIRST_REFUSED,
    FLAG_ABSENT,
    FLAG_FALSE,
    FLAG_NOT_TRUE,
    FLAG_TRUE,
    FULLY_CAPTURED,
    IN_3DS,
    INITIATED,
    KEY_FORGOTTEN,
    KEY_OF_ANOTHER_OPERATION,
    KEY_OF_ANOTHER_ORDER,
    MONEY_KEY_FORGOTTEN,
    NEAR_LIMIT,
    NEVER_RESERVED,
    NEW_KEY,
    NOTHING_REFUNDED,
    OWN_ORDER,
    PARTLY_CAPTURED,
    PLAIN_REQUEST,
    REJECTED,
    REMAINDER,
    RESERVED,
    SAME_KEY,
    SOMETHING_REFUNDED,
    UNKNOWN_ORDER,
    YOUNG,
    allows,
    defect_is,
    refused_for_the_moment,
)
from conformance.model.context import AgeLimit, ModelContext
from conformance.model.events import READ, timed_out
from conformance.model.idempotency import about, same_refusal, same_success, while_remembered
from conformance.model.invalid_requests import (
    NOTHING_DOCUMENTED,
    REFUSED_ANYWAY,
    REFUSED_FOR_ITS_KEY,
    for_any_sales_unit,
)
from conformance.model.money import captures, refunds
from conformance.model.payment import ageing_of_payment, user_actions
from conformance.model.refusals import REFUSED_UNJUDGED, lapsed, locked, not_for_its_age, not_now, nothing_left, refuse
from conformance.model.table import (
    NOTHING_CHANGED,
    WITHIN,
    ApiModel,
    Condition,
    Permit,
    PermittedResponse,
    Premise,
    Row,
    RulesByAspect,
    Table,
    Varying,
    Where,
)
from conformance.model.transitions import Then, cancelled, cancelled_unreserved, remainder_released

SPEC: Final = spec_of(Profile.EPAYMENT)
_STATES: Final[Mapping[Stage, str]] = {
    Stage.INITIATED: "CREATED",
    Stage.IN_3DS: "CREATED",
    Stage.REJECTED: "ABORTED",
    Stage.EXPIRED: "EXPIRED",
}


def state_of(order: Order) -> str:
    """Return the documented name of the payment's state.

    Nothing that happens after the authorization changes it.
    """
    if order.since_reserved is not None:
        return "AUTHORIZED"
    return "TERMINATED" if order.stage is Stage.CANCELLED else _STATES[order.stage]


# How a cancel is answered


def cancel_response(*, outcome: Rules = (), answer: Rules = ()) -> PermittedResponse:
    """Claim the answer to a cancel that succeeds: the payment as it is after it.

    ``outcome`` are the rules that ask for the success, ``answer`` those that say what stands in the answer.
    """
    success = (*accepted(outcome), done(answer))

    def response(premise: Premise, after: Order) -> Claims:
        return (
            *success,
            *not_for_its_age(premise.order, SPEC.too_old_codes),
            Claim(Field.ANSWER_STATE, one_of(state_of(after)), answer),
            Claim(Field.ANSWER_ORDER, one_of("same"), answer),
            Claim(Field.ANSWER_CURRENCY, one_of(after.currency), ("INV-10",)),
            Claim(Field.ANSWER_AMOUNT, one_of(after.amount, None), ("INV-10",)),
            Claim(Field.ANSWER_AUTHORIZED, one_of(after.authorized), answer),
            Claim(Field.ANSWER_CANCELLED, one_of(after.cancelled), answer),
            Claim(Field.ANSWER_CAPTURED, one_of(after.captured), ("INV-3", *answer)),
            Claim(Field.ANSWER_REFUNDED, one_of(after.refunded), ("INV-3", *answer)),
            Claim(Field.ANSWER_PSP, one_of("creation", None), ("EP-32",)),
        )

    return response


def code(*codes: str) -> Callable[[Premise], Codes]:
    """Return the documented error codes.

    An answer without a code is permitted where older error bodies are an interpretation in force (`C21`).
    """
    return lambda premise: (*codes, None) if premise.context.allows("C21", "type-only") else codes


def captured_code(premise: Premise) -> Codes:
    """Return the code of a payment that was captured wholly.

    Its age may be the reason as well (`C23`).
    """
    return code("6040")(premise) if premise.age is AgeLimit.WITHIN else code("6040", "6030")(premise)


def authorized_code(premise: Premise) -> Codes:
    """Return the code of a payment that is authorized already.

    Its age or a capture may be the reason as well (`C23`).
    """
    codes = ["6060"]
    if premise.order.remaining == 0:
        codes.append("6040")
    if premise.age is not AgeLimit.WITHIN:
        codes.append("6030")
    return code(*codes)(premise)


# What the order decides about its cancel

SHOWN_BY_CANCEL: Final[Rules] = ("EP-32", "INV-2", "INV-3", "INV-4", "INV-10")
"""What every successful cancel is a check of: whose reference the answer carries, and the books."""
AFTER_RESERVATION: Final[Rules] = ("EP-30", *SHOWN_BY_CANCEL, "INV-8")
"""What the cancel of an authorized payment is a check of besides: an event of its own, and a state that stays."""
BEFORE_RESERVATION: Final[Rules] = ("EP-29", *SHOWN_BY_CANCEL)


def terminated(rule: str, *, flag: Condition) -> Row:
    """Return the row about a payment that nobody has approved yet.

    It is terminated, or has timed out.
    """
    return Row(
        given=INITIATED & YOUNG,
        request=flag,
        permits=(
            Permit(
                "terminated",
                response=cancel_response(outcome=(rule, "KB-01/initiated"), answer=(rule,)),
                then=cancelled_unreserved,
                rules=(rule, "KB-01/initiated", *BEFORE_RESERVATION),
                blame=RulesByAspect(released=(rule, "INV-2"), captured=("INV-3",), state=(rule,), log=("EP-29",)),
            ),
            timed_out(refused()),
        ),
    )


def remainder_released_by(rule: str) -> Permit:
    """Permit that everything that was not captured is released.

    It is never a part of it (EP-08).
    """
    return Permit(
        "released",
        response=cancel_response(outcome=(rule,), answer=(rule,)),
        then=remainder_released,
        rules=(rule, "EP-08", *WITHIN, *AFTER_RESERVATION),
        blame=RulesByAspect(released=(rule, "EP-08", "INV-2"), captured=("INV-3",), state=(rule,), log=("EP-30",)),
    )


def release_or_refusal(then: Then) -> tuple[Permit, ...]:
    """Permit either, as a check of no rule.

    The order is too close to the age limit to tell.
    """
    blame = RulesByAspect(released=("INV-2",), captured=("INV-3",), log=("EP-30",))
    return Permit("released", cancel_response(), then, blame=blame), REFUSED_UNJUDGED


PLAIN_CANCEL: Final = Table(
    (
        # A payment that is not approved yet is terminated, whatever the flag says.
        terminated("EP-01/absent", flag=FLAG_ABSENT),
        terminated("EP-01/false", flag=FLAG_FALSE),
        terminated("EP-02", flag=FLAG_TRUE),
        # Never reserved, and yet old by one interpretation (`C1`): either answer is documented.
        Row(
            given=INITIATED & ~YOUNG,
            permits=(
                Permit(
                    "terminated",
                    response=cancel_response(),
                    then=cancelled_unreserved,
                    blame=RulesByAspect(released=("INV-2",), captured=("INV-3",), log=("EP-29",)),
                ),
                REFUSED_UNJUDGED,
                timed_out(refused()),
            ),
        ),
        # An authorized payment is released, and stays AUTHORIZED. So is one whose approval came first (EP-03).
        Row(
            given=RESERVED & YOUNG,
            request=FLAG_NOT_TRUE,
            permits=(
                Permit(
                    "released",
                    response=cancel_response(outcome=("EP-05", "EP-03", "KB-01/reserved"), answer=("EP-05",)),
                    then=cancelled,
                    rules=("EP-05", "EP-03", "KB-01/reserved", *WITHIN, *AFTER_RESERVATION),
                    blame=RulesByAspect(
                        released=("EP-05", "EP-03", "INV-2"),
                        captured=("INV-3",),
                        state=("EP-05", "EP-03"),
                        log=("EP-30",),
                    ),
                ),
            ),
        ),
        Row(
            given=RESERVED & NEAR_LIMIT,
            request=FLAG_NOT_TRUE,
            permits=release_or_refusal(cancelled),
        ),
        # With the flag, a payment is cancelled only if it is not authorized.
        Row(
            given=REMAINDER | FULLY_CAPTURED,
            request=FLAG_TRUE,
            permits=(
                refuse("EP-04", codes=authorized_code, interpretation=("C15", "refuse-6060")),
                Permit(
                    "no-op",
                    response=lambda premise, _: (
                        *accepted(("EP-04",)),
                        Claim(Field.ANSWER_CANCELLED, one_of(premise.order.cancelled, None), ("EP-04",)),
                    ),
                    rules=("EP-04",),
                    blame=RulesByAspect(released=("EP-04",), captured=("INV-3",), state=("EP-04",), log=("EP-04",)),
                    interpretation=("C15", "unchanged-200"),
                ),
            ),
        ),
        # After a partial capture, the remainder is released. No flag is needed. What was refunded makes no difference.
        Row(
            given=PARTLY_CAPTURED & NOTHING_REFUNDED & YOUNG,
            request=FLAG_NOT_TRUE,
            permits=(remainder_released_by("EP-06"),),
        ),
        Row(
            given=PARTLY_CAPTURED & SOMETHING_REFUNDED & YOUNG,
            request=FLAG_NOT_TRUE,
            permits=(remainder_released_by("EP-42"),),
        ),
        Row(
            given=PARTLY_CAPTURED & NEAR_LIMIT,
            request=FLAG_NOT_TRUE,
            permits=release_or_refusal(remainder_released),
        ),
        # What was captured wholly cannot be cancelled.
        Row(given=FULLY_CAPTURED, request=FLAG_NOT_TRUE, permits=(refuse("EP-07", "KB-08", codes=captured_code),)),
        # Nor can a payment while its user is in 3-D Secure.
        Row(given=IN_3DS, permits=(not_now("EP-09", "KB-05"),)),
        # What has ended cannot be cancelled again.
        Row(given=REJECTED, permits=nothing_left("EP-10")),
        Row(given=EXPIRED, permits=nothing_left("EP-11")),
        Row(given=CANCELLED & NEVER_RESERVED, permits=nothing_left("EP-12")),
        Row(given=CANCELLED & ~NEVER_RESERVED, permits=nothing_left("EP-13")),
        # Past the capture deadline of the market, or after 180 days, it cannot be cancelled either: HTTP 400.
        Row(
            given=REMAINDER & BEYOND_180_DAYS,
            request=FLAG_NOT_TRUE,
            permits=(
                refuse("EP-14", "EP-15", "KB-02/beyond", "KB-02b/beyond", status=BAD_REQUEST, codes=code("6030")),
            ),
        ),
        Row(
            given=REMAINDER & BEYOND_DEADLINE,
            request=FLAG_NOT_TRUE,
            permits=(refuse("EP-15", "KB-02b/beyond", status=BAD_REQUEST, codes=code("6030")),),
        ),
        *lapsed(
            beyond_180_days=("EP-14", "EP-15", "KB-02/beyond", "KB-02b/beyond"),
            beyond_deadline=("EP-15", "KB-02b/beyond"),
        ),
    )
)

# What the request itself decides

NO_PARAMETER: Final = allows("C13", "not-a-parameter")
"""Where the key is no parameter of a cancel, a repeated request is a new one."""
BODY_DIFFERS: Final = Condition(
    lambda premise: premise.attempt is not None and premise.attempt.flag != premise.cancel.flag
)
FLAG_FLIPPED: Final = Condition(
    lambda premise: premise.attempt is not None and bool(premise.attempt.flag) != bool(premise.cancel.flag)
)
"""The flag of the repeated request means something else. An absent flag means the same as a false one."""
FOR_THE_MOMENT: Final = refused_for_the_moment(Stage.IN_3DS) & allows("C26", "excludes-transient")

another_body = (
    refuse("EP-23", status=one_of(409, 400, 422), when=BODY_DIFFERS),
    same_success(blame=RulesByAspect.all("INV-3"), when=BODY_DIFFERS & NO_PARAMETER),
    same_refusal(blame=RulesByAspect.all("INV-3"), when=BODY_DIFFERS & NO_PARAMETER),
)
new_request = Where(NO_PARAMETER, PLAIN_CANCEL)

SAME_KEY_AGAIN: Final = (
    # With the same body, it is safe to try again: there is no second effect.
    Row(
        given=~(FIRST_ACCEPTED | FIRST_REFUSED | KEY_FORGOTTEN | NO_PARAMETER),
        request=SAME_KEY & ~BODY_DIFFERS,
        permits=(PLAIN_CANCEL,),
    ),
    *while_remembered(
        ~FLAG_FLIPPED & ~FIRST_REFUSED,
        about(
            "EP-22",
            same_success("EP-22", blame=RulesByAspect.all("EP-22", "INV-3")),
            new_request,
            *another_body,
        ),
        new=PLAIN_CANCEL,
    ),
    # With another body, the key is a conflict.
    *while_remembered(FLAG_FLIPPED, about("EP-23", new_request, *another_body), new=PLAIN_CANCEL),
    # A refusal is given again, unless it was one for the moment.
    *while_remembered(
        ~FLAG_FLIPPED & FIRST_REFUSED,
        about(
            "EP-24",
            same_refusal("EP-24", blame=NOTHING_CHANGED),
            new_request,
            *another_body,
            Where(FOR_THE_MOMENT & ~NO_PARAMETER & ~BODY_DIFFERS, PLAIN_CANCEL),
        ),
        new=PLAIN_CANCEL,
    ),
)

CANCEL: Final = Table(
    (
        Row(request=PLAIN_REQUEST & NEW_KEY, permits=(PLAIN_CANCEL,)),
        Row(
            request=defect_is(Defect.NO_TOKEN, Defect.BAD_TOKEN, Defect.NO_BEARER, Defect.LOWER_CASE_BEARER),
            permits=(refuse("EP-20", status=UNAUTHORIZED),),
        ),
        Row(
            request=defect_is(Defect.NO_SUBSCRIPTION_KEY, Defect.BAD_SUBSCRIPTION_KEY, Defect.NO_MSN),
            permits=(refuse("EP-19", status=ANY_REFUSAL), REFUSED_ANYWAY),
        ),
        Row(
            request=defect_is(
                Defect.MALFORMED_JSON,
                Defect.ARRAY_BODY,
                Defect.FLAG_NOT_BOOLEAN,
                Defect.FLAG_AS_NUMBER,
                Defect.FLAG_AS_TEXT,
            ),
            permits=(refuse("EP-18", status=BAD_REQUEST), REFUSED_ANYWAY),
        ),
        # Whatever holds of the order does not hold of a reference that cannot be one.
        Row(
            request=defect_is(Defect.MALFORMED_ID),
            permits=(refuse("EP-17", status=BAD_REQUEST, also=(Claim(Field.ANSWER_CODE, Missing(), ("EP-17",)),)),),
        ),
        Row(request=DEFECTIVE, permits=NOTHING_DOCUMENTED),
        Row(
            request=UNKNOWN_ORDER,
            permits=(refuse("EP-16", status=NOT_FOUND, codes=code("5090")), REFUSED_FOR_ITS_KEY),
        ),
        *for_any_sales_unit(PLAIN_CANCEL, refuse("EP-16", status=one_of(400, 401, 403, 404)), REFUSED_FOR_ITS_KEY),
        Row(
            request=KEY_OF_ANOTHER_ORDER,
            permits=(PLAIN_CANCEL, refuse(status=one_of(409), interpretation=("C13", "sales-unit-scope"))),
        ),
        # A capture or a refund is another request, whose key is a conflict or belongs to its own operation alone.
        Row(
            request=KEY_OF_ANOTHER_OPERATION & MONEY_KEY_FORGOTTEN,
            permits=(PLAIN_CANCEL, REFUSED_FOR_ITS_KEY),
        ),
        Row(
            request=KEY_OF_ANOTHER_OPERATION,
            permits=(
                PLAIN_CANCEL,
                refuse(status=one_of(409, 400, 422), interpretation=("C13", "sales-unit-scope")),
            ),
        ),
        *SAME_KEY_AGAIN,
        Row(request=OWN_ORDER, permits=(PLAIN_CANCEL,)),
    ),
    always=locked(*SPEC.lock_codes),
)


SIGNS_OF_LAPSE: Final[tuple[Varying[Claims], ...]] = (
    lambda premise: (Claim(Field.VIEW_STATE, NoneOf((state_of(premise.order),))),),
    lambda premise: (Claim(Field.VIEW_CANCELLED, NoneOf((premise.order.cancelled,))),),
)
"""The state has another name, or more is cancelled than was."""


class EpaymentModel(ApiModel):
    """What the documentation says of ePayment, step by step."""

    profile = Profile.EPAYMENT
    living = ("CREATED", "AUTHORIZED")
    initiation = Table((Row(permits=(Permit("initiated", accepted()),)),))
    tables: ClassVar = {
        Cancel: CANCEL,
        Capture: captures(
            after_cancel=("EP-33",), after_release=("EP-33",), too_old=("EP-36",), too_old_codes=code("6100")
        ),
        Refund: refunds(
            after_cancel=("EP-34",),
            after_release=("EP-35",),
            too_old=("EP-37",),
            too_old_codes=code("6220"),
            too_old_status=REFUSAL,
        ),
        **user_actions(rejected=("KB-12/rejected",), expired=("KB-12/expired", "EP-39")),
        Read: READ,
        Age: ageing_of_payment(*SIGNS_OF_LAPSE),
    }
    signs_of_lapse = SIGNS_OF_LAPSE
    nothing_released = (Claim(Field.VIEW_CANCELLED, one_of(0), ("INV-1",)),)
    # The user ended it, or let it time out.
    ended_by_others = (Claim(Field.VIEW_STATE, one_of(_STATES[Stage.REJECTED], _STATES[Stage.EXPIRED])),)
    race_records = ("EP-26",)

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        """Claim what the payment and its event log say."""
        if order.lapsed:
            return (Claim(Field.VIEW_CAPTURED, one_of(order.captured), blame.captured),)
        reserved = order.since_reserved is not None
        claims = (
            Claim(Field.VIEW_STATE, one_of(state_of(order)), (*blame.state, "INV-8") if reserved else blame.state),
            Claim(Field.VIEW_CURRENCY, one_of(order.currency), ("INV-10",)),
            Claim(Field.VIEW_AMOUNT, one_of(order.amount, None), ("INV-10",)),
            Claim(Field.VIEW_AUTHORIZED, one_of(order.authorized), blame.released),
            Claim(Field.VIEW_CAPTURED, one_of(order.captured), blame.captured),
            Claim(Field.VIEW_REFUNDED, one_of(order.refunded), blame.captured),
        )
        if order.stage in (Stage.REJECTED, Stage.EXPIRED):
            return claims
        return (
            *claims,
            Claim(Field.VIEW_CANCELLED, one_of(order.cancelled), blame.released),
            *_events(order, blame.log),
        )


CANCELLED_EVENT: Final = (
    Claim(Field.VIEW_LOG_PSP, one_of(ITS_OWN, None), ("EP-30",)),
    Claim(Field.VIEW_LOG_KEY, one_of(THE_CANCEL, UNKNOWN, None), ("EP-30",)),
)
"""The event of a cancel has a reference of its own. Its key may be missing, and may be the provider's own (`C13`)."""


def _events(order: Order, rules: Rules) -> Claims:
    """Claim what the event log says. It is not read after every step."""
    if order.since_reserved is not None:
        claims = (
            Claim(Field.VIEW_LOG_CAPTURED, one_of(order.captured, None), rules),
            Claim(Field.VIEW_LOG_REFUNDED, one_of(order.refunded, None), rules),
            Claim(Field.VIEW_LOG_CANCELLED, one_of(order.cancelled, None), rules),
        )
        return (*claims, *CANCELLED_EVENT) if order.cancelled else claims
    if order.stage is not Stage.CANCELLED:
        return ()
    if not order.repeated:
        return (Claim(Field.VIEW_LOG_TERMINATED, one_of(1, None), rules),)
    # A cancel that did nothing may be listed, and not with money a second time (`C10`).
    return (
        Claim(Field.VIEW_LOG_TERMINATED, Between(1, 9, optional=True), rules),
        Claim(Field.VIEW_LOG_RELEASES, one_of(1, 0, None), tuple(dict.fromkeys((*rules, *BOOKS)))),
    )
