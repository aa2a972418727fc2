"""eCom v2, whose Cancel has the flag `shouldReleaseRemainingFunds`.

`PUT /ecomm/v2/payments/{orderId}/cancel`. Sources: the Cancellations page, the eCom guide and its OpenAPI description
2.0.3. Ids such as `EC-07` are rules of the rulebook, and `C4` or ``allows("C4", ...)`` is an interpretation. Read
`PLAIN_CANCEL` first: it is the documented Cancel; everything above it builds its cells.
"""

from __future__ import annotations

from typing import ClassVar, Final

from msgspec.structs import replace

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Between, Claim, Folded, Mentions, Missing, NoneOf, OneOf, Permitted
from conformance.domain.observation import Field
from conformance.domain.order import CLOSED, Order, Profile, Stage
from conformance.domain.steps import Age, Approve, Cancel, Capture, Defect, Read, Refund
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    BOOKS,
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
    C10_IS_OPEN,
    CANCELLED,
    DEFECTIVE,
    EXPIRED,
    FLAG_ABSENT,
    FLAG_FALSE,
    FLAG_NOT_TRUE,
    FLAG_TRUE,
    FULLY_CAPTURED,
    IN_3DS,
    INITIATED,
    KEY_OF_ANOTHER_OPERATION,
    KEY_OF_ANOTHER_ORDER,
    NEAR_LIMIT,
    NEW_KEY,
    NOTHING_REFUNDED,
    OWN_ORDER,
    PARTLY_CAPTURED,
    PLAIN_REQUEST,
    REJECTED,
    RESERVED,
    SAME_KEY,
    SOMETHING_REFUNDED,
    SOUND_REQUEST,
    TOO_OLD,
    UNKNOWN_ORDER,
    YOUNG,
    allows,
    defect_is,
    unless_old,
)
from conformance.model.context import AgeLimit, ModelContext
from conformance.model.events import READ, timed_out
from conformance.model.idempotency import same_refusal, same_success
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
    Permit,
    PermittedResponse,
    Premise,
    Row,
    RulesByAspect,
    Silence,
    Table,
    Varying,
)
from conformance.model.transitions import Then, cancelled, cancelled_unreserved, remainder_released

SPEC: Final = spec_of(Profile.ECOM)
SHOWN_BY_CANCEL: Final[Rules] = ("EC-38", "EC-39", "EC-40", "INV-2", "INV-3", "INV-4", "INV-10")
"""What every successful cancel is a check of: the forms of the answer and the history, and the books."""


# How a cancel is answered


def cancel_response(*, outcome: Rules = (), answer: Rules = ()) -> PermittedResponse:
    """Claim the answer to a cancel that succeeds.

    ``outcome`` are the rules that ask for the success, ``answer`` those that say what stands in the answer.
    """
    success = (*accepted(outcome), done(answer))

    def response(premise: Premise, after: Order) -> Claims:
        too_old = not_for_its_age(premise.order, SPEC.too_old_codes)
        return (*success, *too_old, *_transaction(premise, answer), *_summary(after, answer))

    return response


def _transaction(premise: Premise, rules: Rules) -> Claims:
    """Claim what the answer says of the order and the transaction, apart from the summary.

    Only the order's id is required. Other fields may be missing, but not wrong.
    """
    order, context = premise.order, premise.context
    exact = not context.allows("C3", "tolerant")
    claims = (
        Claim(
            Field.ANSWER_STATE,
            one_of("Cancelled", None) if exact else Folded(("Cancelled",), optional=True),
            ("KB-03",),
        ),
        Claim(Field.ANSWER_ORDER, one_of("same"), ("EC-39",)),
        Claim(Field.ANSWER_TEXT, one_of("same", None), ("EC-40",)),
        Claim(Field.ANSWER_BANK, Missing(), ("EC-39",)),
    )
    if order.since_reserved is None:
        return (*claims, Claim(Field.ANSWER_INSTRUMENT, Missing(), ("EC-39",)))
    amounts = [order.amount] if context.allows("C9", "order-amount") else []
    if context.allows("C9", "released-amount"):
        amounts.append(order.remaining)
    return (*claims, Claim(Field.ANSWER_AMOUNT, one_of(*amounts, None), rules))


def _summary(after: Order, rules: Rules) -> Claims:
    """Claim the summary of amounts in the answer.

    Before the approval, the documented example has none, so that only the invariants say anything about it.
    """
    reserved = after.since_reserved is not None
    return (
        Claim(Field.ANSWER_CAPTURED, one_of(after.captured, None), rules if reserved else ("INV-3",)),
        Claim(Field.ANSWER_REFUNDED, one_of(after.refunded, None), rules if reserved else ("INV-3",)),
        Claim(Field.ANSWER_TO_CAPTURE, one_of(0, None), rules if reserved else ("INV-2",)),
        Claim(Field.ANSWER_TO_REFUND, one_of(after.refundable, None), rules if reserved else ("INV-6",)),
    )


def rejection(premise: Premise) -> Permitted:
    """Return the permitted statuses of a rejection (`C4`).

    Unless the order is within the age limit, that is any refusal: its age may be the reason as well (`C23`).
    """
    if premise.age is not AgeLimit.WITHIN or premise.context.allows("C4", "any-4xx"):
        return REFUSAL
    return one_of(400, 402) if premise.context.allows("C4", "400-or-402") else BAD_REQUEST


def too_old_code(premise: Premise) -> Codes:
    """Return the error code of an order that is too old (`C2`)."""
    return () if premise.context.allows("C2", "any-code") else ("98",)


def of_group(group: str, refusal: Permit) -> Permit:
    """Permit a refusal from the group of errors that the guide lists it in."""
    in_group = Claim(Field.ANSWER_GROUP, Folded((group,), optional=True), (refusal.rules[0].partition("/")[0],))

    def response(premise: Premise, after: Order) -> Claims:
        outcome, status, *code = refusal.answer(premise, after)
        return (outcome, status, in_group, *code)

    return replace(refusal, response=response)


# What the order decides about its cancel

NOTHING_TO_CAPTURE: Final = RulesByAspect(released=("INV-2",), captured=("INV-3",))
"""After any successful cancel, nothing is left to capture, and no captured money was moved."""
RELEASABLE: Final = RESERVED | (PARTLY_CAPTURED & FLAG_TRUE)
"""A cancel releases money, unless it comes too late."""


def release_or_refusal(name: str, then: Then) -> tuple[Permit, ...]:
    """Permit either, as a check of no rule: no sentence decides between them."""
    return Permit(name, cancel_response(), then, blame=NOTHING_TO_CAPTURE), REFUSED_UNJUDGED


PLAIN_CANCEL: Final = Table(
    (
        # "It is not possible to cancel a request that is over 180 days old": HTTP 400. Some markets are stricter.
        Row(
            given=RELEASABLE & BEYOND_180_DAYS,
            permits=(refuse("EC-13", "KB-02/beyond", "KB-02b/beyond", status=BAD_REQUEST, codes=too_old_code),),
        ),
        Row(
            given=RELEASABLE & BEYOND_DEADLINE,
            permits=(refuse("KB-02b/beyond", status=BAD_REQUEST, codes=too_old_code),),
        ),
        # "Cancel a reserved transaction": it is voided.
        Row(
            given=RESERVED & YOUNG,
            request=FLAG_NOT_TRUE,
            permits=(
                Permit(
                    "released",
                    response=cancel_response(outcome=("EC-03", "KB-01/reserved"), answer=("EC-03",)),
                    then=cancelled,
                    rules=("EC-03", "KB-01/reserved", *WITHIN, "KB-03", "INV-6", *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(
                        released=("EC-03", "INV-2"), captured=("INV-3",), state=("EC-03",), log=("EC-03",)
                    ),
                ),
            ),
        ),
        Row(given=RESERVED & YOUNG, request=FLAG_TRUE, permits=release_or_refusal("released", cancelled)),
        Row(given=RESERVED & NEAR_LIMIT, permits=release_or_refusal("released", cancelled)),
        # "Cancel a pending order". Its success is not guaranteed: it depends on what the user does in the app.
        Row(
            given=INITIATED,
            request=FLAG_NOT_TRUE,
            permits=(
                Permit(
                    "cancelled",
                    response=cancel_response(outcome=("EC-01",), answer=("EC-01",)),
                    then=cancelled_unreserved,
                    rules=("EC-01", "KB-01/initiated", "KB-03", "EC-37", *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(state=("EC-01",)),
                ),
                Permit("not guaranteed", refused(("EC-01",)), rules=("KB-04",), blame=NOTHING_CHANGED),
                timed_out(refused()),
            ),
        ),
        # "If the user is already in a 3-D Secure session", the payment cannot be cancelled.
        Row(given=IN_3DS, permits=(not_now("KB-05", "EC-06"),)),
        # "Cancel a partially captured order": with the flag, the remainder is released, and nothing is left to capture.
        Row(
            given=PARTLY_CAPTURED & NOTHING_REFUNDED & YOUNG,
            request=FLAG_TRUE,
            permits=(
                Permit(
                    "remainder released",
                    response=cancel_response(outcome=("EC-07", "KB-06", "KB-10"), answer=("EC-07",)),
                    then=remainder_released,
                    rules=("EC-07", "KB-06", "KB-10", *WITHIN, "KB-03", "INV-6", *SHOWN_BY_CANCEL),
                    blame=RulesByAspect(
                        released=("EC-07", "KB-06", "INV-2"),
                        captured=("INV-3",),
                        state=("EC-07", "KB-06"),
                        log=("EC-07", "KB-06"),
                    ),
                ),
            ),
        ),
        Row(
            given=PARTLY_CAPTURED & ~TOO_OLD & ~(NOTHING_REFUNDED & YOUNG),
            request=FLAG_TRUE,
            permits=release_or_refusal("remainder released", remainder_released),
        ),
        # "The payment must be RESERVED for this to take effect": before, the flag is ignored, accepted or rejected.
        Row(
            given=INITIATED,
            request=FLAG_TRUE,
            permits=(
                Permit(
                    "cancelled",
                    response=cancel_response(),
                    then=cancelled_unreserved,
                    blame=RulesByAspect(state=("EC-01",)),
                    when=allows("C7", "ignored", "accepted"),
                ),
                Permit("flag rejected", refused(("EC-05",)), blame=NOTHING_CHANGED, interpretation=("C7", "rejected")),
                timed_out(refused()),
            ),
        ),
        # "Any request to cancel after a partial or full capture" is rejected with the flag false, which is its default.
        Row(
            given=PARTLY_CAPTURED,
            request=FLAG_FALSE,
            permits=(refuse("EC-08/false", "KB-07", "INV-7", status=rejection),),
        ),
        Row(
            given=PARTLY_CAPTURED,
            request=FLAG_ABSENT,
            permits=(refuse("EC-08/absent", "KB-07", "INV-7", "KB-09", status=rejection),),
        ),
        Row(
            given=FULLY_CAPTURED & YOUNG,
            request=FLAG_FALSE,
            permits=(of_group("Payment", refuse("EC-09/false", "KB-08", status=rejection, codes=("51",))),),
        ),
        Row(
            given=FULLY_CAPTURED & YOUNG,
            request=FLAG_ABSENT,
            permits=(of_group("Payment", refuse("EC-09/absent", "KB-08", "KB-09", status=rejection, codes=("51",))),),
        ),
        Row(given=FULLY_CAPTURED & ~YOUNG, request=FLAG_FALSE, permits=(refuse("EC-09/false", "KB-08"),)),
        Row(given=FULLY_CAPTURED & ~YOUNG, request=FLAG_ABSENT, permits=(refuse("EC-09/absent", "KB-08", "KB-09"),)),
        # After a full capture, the flag changes nothing: the cancel is rejected, or releases zero.
        Row(
            given=FULLY_CAPTURED,
            request=FLAG_TRUE,
            permits=(
                refuse("EC-10", status=rejection, codes=unless_old(("51",)), interpretation=("C8", "reject")),
                Permit(
                    "no-op",
                    response=accepted(("EC-10",)),
                    then=lambda premise: replace(premise.order, repeated=True),
                    rules=("EC-10", "INV-3"),
                    blame=RulesByAspect(released=("EC-10", "INV-3"), captured=("INV-3",), log=("EC-10",)),
                    interpretation=("C8", "no-op"),
                ),
            ),
        ),
        # Cancel an order that has ended: nothing is documented, so it is judged only if one interpretation was chosen.
        Row(given=CANCELLED & C10_IS_OPEN, permits=nothing_left()),
        Row(given=CANCELLED & ~C10_IS_OPEN, permits=nothing_left("EC-14")),
        Row(given=REJECTED | EXPIRED, permits=nothing_left()),
        *lapsed(beyond_180_days=("EC-13", "KB-02/beyond", "KB-02b/beyond"), beyond_deadline=("KB-02b/beyond",)),
    )
)

# What the request itself decides


def invalid_field(*names: str) -> Permit:
    """Permit the refusal of a body whose error code names the wrong field, or the object that it belongs to."""
    code = Claim(Field.ANSWER_CODE, Mentions(names), ("EC-25",))
    return of_group("InvalidRequest", refuse("EC-25", status=BAD_REQUEST, also=(code,)))


USED_KEY: Final = OWN_ORDER & SOUND_REQUEST & (SAME_KEY | KEY_OF_ANOTHER_ORDER | KEY_OF_ANOTHER_OPERATION)

CANCEL: Final = Table(
    (
        Row(request=PLAIN_REQUEST & NEW_KEY, permits=(PLAIN_CANCEL,)),
        Row(
            request=defect_is(
                Defect.NO_TOKEN,
                Defect.BAD_TOKEN,
                Defect.NO_BEARER,
                Defect.LOWER_CASE_BEARER,
                Defect.NO_SUBSCRIPTION_KEY,
                Defect.BAD_SUBSCRIPTION_KEY,
            ),
            permits=(refuse("EC-23", status=UNAUTHORIZED),),
        ),
        Row(
            request=defect_is(Defect.NO_MERCHANT_INFO, Defect.NO_BODY_MSN),
            permits=(invalid_field("merchantInfo", "merchantSerialNumber"), REFUSED_ANYWAY),
        ),
        Row(
            request=defect_is(Defect.NO_TRANSACTION, Defect.NO_TEXT, Defect.LONG_TEXT),
            permits=(invalid_field("transaction"), REFUSED_ANYWAY),
        ),
        # A flag as text may be refused, or taken for what it says.
        Row(
            request=defect_is(Defect.MSN_AS_INTEGER, Defect.OTHER_HEADER_MSN, Defect.FLAG_AS_TEXT),
            permits=NOTHING_DOCUMENTED,
        ),
        Row(request=DEFECTIVE, permits=NOTHING_DOCUMENTED),
        Row(
            request=UNKNOWN_ORDER,
            permits=(
                of_group("Merchant", refuse("EC-19", status=ANY_REFUSAL, codes=("35",))),
                REFUSED_FOR_ITS_KEY,
            ),
        ),
        *for_any_sales_unit(PLAIN_CANCEL, refuse("EC-20", status=one_of(400, 401, 403, 404)), REFUSED_FOR_ITS_KEY),
        # X-Request-Id is no parameter of this call: a repeated one may be ignored, refused or replayed.
        Row(
            request=USED_KEY,
            permits=(
                PLAIN_CANCEL,
                REFUSED_FOR_ITS_KEY,
                same_success(blame=NOTHING_CHANGED, when=SAME_KEY),
                same_refusal(blame=NOTHING_CHANGED, when=SAME_KEY),
            ),
        ),
        Row(request=OWN_ORDER, permits=(PLAIN_CANCEL,)),
    ),
    always=locked(*SPEC.lock_codes),
    recorded=(
        Silence(("EC-04",), given=RESERVED, request=PLAIN_REQUEST & FLAG_TRUE),
        Silence(("EC-05",), given=INITIATED, request=PLAIN_REQUEST & FLAG_TRUE),
        Silence(("EC-12",), given=PARTLY_CAPTURED & SOMETHING_REFUNDED, request=PLAIN_REQUEST & FLAG_TRUE),
        Silence(("EC-14",), given=CANCELLED, request=PLAIN_REQUEST),
        Silence(("EC-21",), request=defect_is(Defect.OTHER_HEADER_MSN)),
        Silence(("EC-26",), request=defect_is(Defect.MSN_AS_INTEGER)),
        Silence(("EC-29",), request=USED_KEY),
    ),
)


# What is read back

NEWEST_FIRST: Final = Claim(Field.VIEW_LOG_ORDER, one_of("newest-first", "one-entry"), ("EC-38",))
NO_SUMMARY: Final = Claim(Field.VIEW_SUMMARY, one_of(False), ("EC-37",))
BEGINS_WITH_INITIATE: Final = Claim(Field.VIEW_LOG_FIRST, one_of("INITIATE", "REGISTER"), ("EC-38",))
"""The whole history is there. Its first entry had another name in earlier versions."""


SIGNS_OF_LAPSE: Final[tuple[Varying[Claims], ...]] = (
    lambda premise: (Claim(Field.VIEW_TO_CAPTURE, NoneOf((premise.order.remaining,))),),
)
"""What was reserved can no longer be captured."""


class EcomModel(ApiModel):
    """What the documentation says of eCom, step by step."""

    profile = Profile.ECOM
    living = ("INITIATE", "RESERVE", "SALE", "CAPTURE", "REFUND")
    initiation = Table((Row(permits=(Permit("initiated", accepted()),)),))
    tables: ClassVar = {
        Cancel: CANCEL,
        Capture: captures(
            after_cancel=("EC-31",), after_release=("EC-33",), too_old=("EC-35",), too_old_codes=("98", "96")
        ),
        Refund: refunds(
            after_cancel=("EC-32",),
            after_cancel_codes=("73",),
            after_release=("EC-34",),
            too_old=("EC-36",),
            too_old_codes=("95",),
            least=SPEC.least_refund,
        ),
        **user_actions(rejected=("KB-12/rejected", "EC-15"), expired=("KB-12/expired", "EC-16")),
        Read: READ,
        Age: ageing_of_payment(*SIGNS_OF_LAPSE),
    }
    signs_of_lapse = SIGNS_OF_LAPSE
    # The history has no entry of a cancel.
    nothing_released = (Claim(Field.VIEW_LOG_CANCELS, one_of(0), ("INV-1",)),)
    # It ended before it was reserved: the user may have done that, or Vipps (EC-15, EC-16, EC-18).
    ended_by_others = (Claim(Field.VIEW_SUMMARY, one_of(False)),)
    race_rules: ClassVar = {Approve: ("EC-02",)}
    race_records = ("EC-28",)

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        """Claim what `/details` says.

        That is the summary's amounts, and the history that led to them.
        """
        if order.lapsed:
            return (Claim(Field.VIEW_CAPTURED, one_of(order.captured, None), blame.captured),)
        if order.since_reserved is None:
            newest = Claim(Field.VIEW_LOG_NEWEST, _newest_unreserved(order, context), blame.state)
            unreserved: Claims = (newest, NEWEST_FIRST, BEGINS_WITH_INITIATE)
            ended = order.stage is Stage.CANCELLED
            return (*unreserved, NO_SUMMARY, *_cancelled_once(order, blame)) if ended else unreserved
        claims = (
            Claim(Field.VIEW_CAPTURED, one_of(order.captured), blame.captured),
            Claim(Field.VIEW_REFUNDED, one_of(order.refunded), blame.captured),
            Claim(Field.VIEW_TO_CAPTURE, one_of(order.remaining), blame.released),
            # Where our own preparation went wrong, and so what was captured, only the difference is theirs.
            Claim(Field.VIEW_TO_REFUND, one_of(order.refundable), ("INV-6",) if blame.captured else ()),
            Claim(Field.VIEW_REFUND_MISMATCH, one_of(False, None), ("INV-6",)),
            Claim(Field.VIEW_LOG_CAPTURED, one_of(order.captured), blame.log),
            Claim(Field.VIEW_LOG_REFUNDED, one_of(order.refunded), blame.log),
            Claim(Field.VIEW_LOG_CANCELS, _cancel_entries(order), blame.log),
            *_released_once(order, blame),
            NEWEST_FIRST,
            BEGINS_WITH_INITIATE,
            Claim(Field.VIEW_LOG_RESERVED, NoneOf((0,)), ("EC-38",)),
        )
        if order.captured or order.repeated:
            return claims
        return (*claims, Claim(Field.VIEW_LOG_NEWEST, one_of("VOID" if order.cancelled else "RESERVE"), blame.state))


def _cancelled_once(order: Order, blame: RulesByAspect) -> Claims:
    """Claim that the history of an order that was never reserved has its cancel, and nothing but it."""
    entries = Between(1, 9) if order.repeated else one_of(1)
    about = tuple(dict.fromkeys((*blame.log, "EC-37")))
    return Claim(Field.VIEW_LOG_CANCELS, entries, about), *_released_once(order, blame)


def _released_once(order: Order, blame: RulesByAspect) -> Claims:
    """Claim that a cancel which did nothing is not listed with money a second time (`C10`)."""
    if not order.repeated:
        return ()
    about = tuple(dict.fromkeys((*blame.log, *BOOKS)))
    return (Claim(Field.VIEW_LOG_RELEASES, one_of(1, 0) if order.cancelled else one_of(0), about),)


def _cancel_entries(order: Order) -> OneOf | Between:
    # What the history says of a remainder that was released, or of a cancel that did nothing, is not documented.
    least = 1 if order.cancelled and not order.captured else 0
    if order.repeated:
        return Between(least, 9)
    return one_of(least, 1) if order.cancelled else one_of(0)


def _newest_unreserved(order: Order, context: ModelContext) -> OneOf:
    if order.stage is Stage.CANCELLED:
        return one_of("CANCEL")
    if order.stage not in CLOSED:
        return one_of("INITIATE")
    entries = (("CANCEL", "cancel-entry"), ("INITIATE", "no-entry"))
    return one_of(*(name for name, choice in entries if context.allows("C11", choice)))
