"""eCom v2: `PUT /ecomm/v2/payments/{orderId}/cancel` with `shouldReleaseRemainingFunds`.

Sources: the Cancellations page, the eCom guide and its OpenAPI description 2.0.3. Rule ids are the rulebook's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from conformance.domain.expectation import (
    ACCEPTED,
    Between,
    Branch,
    Claim,
    Expectation,
    Folded,
    Mentions,
    Missing,
    NoneOf,
    OneOf,
    Permitted,
)
from conformance.domain.order import CLOSED, Order, Profile, Stage
from conformance.domain.steps import Addressee, Cancel, Defect, Key
from conformance.model.base import RulesByAspect
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    REFUSAL,
    UNAUTHORIZED,
    Codes,
    Rules,
    accepted,
    branch,
    done,
    one_of,
    outcome,
    refused,
    refused_or_broken,
)
from conformance.model.context import AgeLimit, ModelContext, age_for_cancel, beyond_flat_limit
from conformance.model.idempotency import repeated
from conformance.model.money import MoneyRules
from conformance.model.payment import PaymentModel

ALREADY_CAPTURED: Final = ("51",)
_GROUPS: Final = {"EC-09": "Payment", "EC-19": "Merchant", "EC-25": "InvalidRequest"}
SHOWN_BY_RELEASE: Final = ("EC-38", "EC-39", "EC-40", "INV-2", "INV-3", "INV-4", "INV-10")
KEPT_BY_CANCEL: Final = ("INV-3",)
_UNAUTHORIZED: Final = ("EC-23",)
_INVALID: Final = ("EC-25",)
_FIELDS: Final[Mapping[Defect, tuple[str, ...]]] = {
    Defect.NO_MERCHANT_INFO: ("merchantInfo", "merchantSerialNumber"),
    Defect.NO_BODY_MSN: ("merchantInfo", "merchantSerialNumber"),
    Defect.NO_TRANSACTION: ("transaction",),
    Defect.NO_TEXT: ("transaction",),
    Defect.LONG_TEXT: ("transaction",),
}
"""What the name of the field may contain that an error about it has for its code: its own, or that of what it is in."""
_DEFECTS: Final[Mapping[Defect, tuple[Rules, Permitted]]] = {
    Defect.NO_TOKEN: (_UNAUTHORIZED, UNAUTHORIZED),
    Defect.BAD_TOKEN: (_UNAUTHORIZED, UNAUTHORIZED),
    Defect.NO_BEARER: (_UNAUTHORIZED, UNAUTHORIZED),
    Defect.NO_SUBSCRIPTION_KEY: (_UNAUTHORIZED, UNAUTHORIZED),
    Defect.BAD_SUBSCRIPTION_KEY: (_UNAUTHORIZED, UNAUTHORIZED),
    Defect.NO_MERCHANT_INFO: (_INVALID, BAD_REQUEST),
    Defect.NO_BODY_MSN: (_INVALID, BAD_REQUEST),
    Defect.NO_TRANSACTION: (_INVALID, BAD_REQUEST),
    Defect.NO_TEXT: (_INVALID, BAD_REQUEST),
    Defect.LONG_TEXT: (_INVALID, BAD_REQUEST),
}


class EcomModel(PaymentModel):
    """What the documentation says of eCom, step by step."""

    profile = Profile.ECOM
    least = 100
    lock_codes = ("94",)
    too_old_codes = ("98",)
    defects = _DEFECTS
    recorded_defects: ClassVar = {Defect.MSN_AS_INTEGER: ("EC-26",), Defect.OTHER_HEADER_MSN: ("EC-21",)}
    money = MoneyRules(
        capture_after_cancel=("EC-31",),
        capture_after_release=("EC-33",),
        capture_too_old=("EC-35",),
        capture_too_old_codes=("98", "96"),
        refund_after_cancel=("EC-32",),
        refund_after_cancel_codes=("73",),
        refund_after_release=("EC-34",),
        refund_too_old=("EC-36",),
        refund_too_old_codes=("95",),
    )

    def end_rules(self, stage: Stage) -> Rules:
        """Name the rules about an order that the user rejected or let time out."""
        return (*super().end_rules(stage), "EC-15" if stage is Stage.REJECTED else "EC-16")

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> tuple[Claim, ...]:
        """Claim what `/details` says: the summary's amounts, and the history that led to them."""
        if order.lapsed:
            return (Claim("view.captured", one_of(order.captured, None), blame.kept),)
        order_of_log = Claim("view.log.order", one_of("newest-first", "one-entry"), ("EC-38",))
        if order.since_reserved is None:
            claims = [Claim("view.log.newest", self._newest_unreserved(order, context), blame.names), order_of_log]
            if order.stage is Stage.CANCELLED:
                claims.append(Claim("view.summary", one_of(False), ("EC-37",)))
            return tuple(claims)
        claims = [
            Claim("view.captured", one_of(order.captured), blame.kept),
            Claim("view.refunded", one_of(order.refunded), blame.kept),
            Claim("view.to_capture", one_of(order.remaining), blame.released),
            Claim("view.to_refund", one_of(order.refundable), ("INV-6",)),
            Claim("view.log.captured", one_of(order.captured), blame.log),
            Claim("view.log.refunded", one_of(order.refunded), blame.log),
            Claim("view.log.cancels", self._entries(order), blame.log),
            order_of_log,
        ]
        if order.captured == 0 and not order.repeated:
            claims.append(Claim("view.log.newest", one_of("VOID" if order.cancelled else "RESERVE"), blame.names))
        return tuple(claims)

    def lapse_signs(self, order: Order) -> tuple[Claim, ...]:
        """Claim that what was reserved can no longer be captured."""
        return (Claim("view.to_capture", NoneOf((order.remaining,))),)

    def untouched(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the history tells of no cancel."""
        return (Claim("view.log.cancels", one_of(0), ("INV-1",)),)

    def ended_otherwise(self, order: Order) -> tuple[Claim, ...]:
        """Claim that it ended before it was reserved: the user may have done that, or Vipps (EC-15, EC-16, EC-18)."""
        return (Claim("view.summary", one_of(False)),)

    @staticmethod
    def _entries(order: Order) -> Permitted:
        # What the history says of a remainder that was released, or of a cancel that did nothing, is not documented.
        least = 1 if order.cancelled and not order.captured else 0
        if order.repeated:
            return Between(least, 9)
        return one_of(least, 1) if order.cancelled else one_of(0)

    @staticmethod
    def _newest_unreserved(order: Order, context: ModelContext) -> OneOf:
        if order.stage is Stage.CANCELLED:
            return one_of("CANCEL")
        if order.stage in CLOSED:
            names = [
                name
                for name, reading in (("CANCEL", "cancel-entry"), ("INITIATE", "no-entry"))
                if context.allows("C11", reading)
            ]
            return one_of(*names)
        return one_of("INITIATE")

    def refused_cancel(
        self,
        order: Order,
        context: ModelContext,
        rules: Rules,
        status: Permitted = REFUSAL,
        codes: Codes = (),
        readings: tuple[tuple[str, str], ...] = (),
    ) -> Branch:
        """Permit a refusal that changes nothing, from the group of errors that the guide lists it in."""
        refusal = super().refused_cancel(order, context, rules, status, codes, readings)
        first = rules[0].partition("/")[0] if rules else ""
        if first not in _GROUPS or (first == "EC-09" and not codes):
            return refusal
        group = Claim("answer.group", Folded((_GROUPS[first],), optional=True), (first,))
        return replace(refusal, claims=(*refusal.claims[:2], group, *refusal.claims[2:]))

    def cancel(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        """Say how a cancel may turn out."""
        if step.defect is not None:
            return self._naming_the_field(step.defect, self.defective(order, step, context))
        if step.to is Addressee.UNKNOWN:
            return self.out_of_reach(order, step, context, ("EC-19",), ANY_REFUSAL, ("35",))
        if step.to is Addressee.FOREIGN:
            expectation = self.out_of_reach(order, step, context, ("EC-20",), one_of(400, 401, 403, 404))
            return self.for_any_sales_unit(expectation, self._own(order, step, context), context)
        plain = self._own(order, step, context)
        if step.key is Key.FRESH or (step.key is Key.SAME and order.attempt is None):
            return plain
        # X-Request-Id is no parameter of this call: a repeated one may be ignored, replayed or refused.
        return Expectation(
            (*plain.branches, *self._ignored_or_refused(order, step, context)), (*plain.records, "EC-29")
        )

    @staticmethod
    def _naming_the_field(defect: Defect, expectation: Expectation) -> Expectation:
        if defect not in _FIELDS:
            return expectation
        refusal, *others = expectation.branches
        name = Claim("answer.code", Mentions(_FIELDS[defect]), _INVALID)
        return replace(expectation, branches=(replace(refusal, claims=(*refusal.claims, name)), *others))

    def _ignored_or_refused(self, order: Order, step: Cancel, context: ModelContext) -> tuple[Branch, ...]:
        view = self.view(order, context, self.unchanged)
        refusal = branch("refused for its key", refused((), ANY_REFUSAL), view, order)
        return (refusal, *repeated(order, view)) if step.key is Key.SAME else (refusal,)

    def _own(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        if order.stage is Stage.INITIATED:
            return self._before_approval(order, step, context)
        if order.stage is Stage.IN_3DS:
            rules = ("KB-05", "EC-06")
            view = self.view(order, context, RulesByAspect.all(*rules))
            return Expectation((branch("not now", refused_or_broken(rules), view, order, rules),))
        if order.lapsed:
            return self.cancel_of_lapsed(order, context, self._too_old_rules(order))
        if order.stage in CLOSED or order.cancelled:
            return self._finished(order, context)
        if order.captured == 0:
            return self._reserved(order, step, context)
        if order.remaining:
            return self._partly_captured(order, step, context)
        return self._fully_captured(order, step, context)

    def _finished(self, order: Order, context: ModelContext) -> Expectation:
        if not order.cancelled:
            return self.finished(order, context)
        # Silent, and so only recorded, unless the user has chosen one of the readings.
        chosen = not (context.allows("C10", "reject") and context.allows("C10", "replay"))
        return self.finished(order, context, ("EC-14",) if chosen else (), ("EC-14",))

    def _before_approval(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        after = replace(order, stage=Stage.CANCELLED, cancelled=order.amount)
        decided = bool(step.flag)
        rules: Rules = () if decided else ("EC-01", "KB-01/initiated", "KB-03", "EC-37", *SHOWN_BY_RELEASE)
        blame = RulesByAspect(names=("EC-01",))
        asked: Rules = () if decided else ("EC-01",)
        answer = (outcome(ACCEPTED, rules=asked), done(asked), *self._answer(order, after, context, ()))
        unchanged = self.view(order, context, self.unchanged)
        branches = []
        if not decided or context.allows("C7", "ignored") or context.allows("C7", "accepted"):
            branches.append(branch("cancelled", answer, self.view(after, context, blame), after, rules))
        if not decided:
            branches.append(branch("not guaranteed", refused(("EC-01",)), unchanged, order, ("KB-04",)))
        elif context.allows("C7", "rejected"):
            readings = (("C7", "rejected"),)
            branches.append(branch("flag rejected", refused(("EC-05",)), unchanged, order, (), readings))
        return Expectation((*branches, *self.timed_out(order, context)), ("EC-05",) if decided else ())

    def _answer(self, order: Order, after: Order, context: ModelContext, rules: Rules) -> tuple[Claim, ...]:
        tolerant = context.allows("C3", "tolerant")
        amounts = []
        if context.allows("C9", "order-amount"):
            amounts.append(order.amount)
        if context.allows("C9", "released-amount"):
            amounts.append(after.cancelled)
        claims = [
            # Of an answer, only the order's id is required; what else is there has to be right.
            Claim(
                "answer.state",
                Folded(("Cancelled",), optional=True) if tolerant else one_of("Cancelled", None),
                ("KB-03",),
            ),
            Claim("answer.order", one_of("same"), ("EC-39",)),
            Claim("answer.text", one_of("same", None), ("EC-40",)),
            Claim("answer.bank", Missing(), ("EC-39",)),
        ]
        if order.since_reserved is None:
            claims.append(Claim("answer.instrument", Missing(), ("EC-39",)))
        else:
            claims.append(Claim("answer.amount", one_of(*amounts, None), rules))
        for field, value, blamed in (
            ("captured", after.captured, ("INV-3",)),
            ("refunded", after.refunded, ("INV-3",)),
            ("to_capture", 0, ("INV-2",)),
            ("to_refund", after.refundable, ("INV-6",)),
        ):
            # Before the approval the example has no summary; what one would say follows from the invariants.
            claims.append(
                Claim(f"answer.{field}", one_of(value, None), blamed if order.since_reserved is None else rules)
            )
        return tuple(claims)

    def _releases(self, order: Order, context: ModelContext, rules: Rules, name: str) -> Branch:
        after = replace(order, cancelled=order.remaining)
        if order.captured == 0:
            after = replace(after, stage=Stage.CANCELLED)
        cited = tuple(dict.fromkeys(rule.partition("/")[0] for rule in rules))
        first = tuple(rule for rule in cited if rule not in ("KB-01", "KB-02", "KB-02b", "KB-10"))
        blame = RulesByAspect(released=(*first, "INV-2"), kept=KEPT_BY_CANCEL, names=first, log=first)
        asked = tuple(rule for rule in rules if not rule.startswith("KB-02"))
        # What the knowledge base asks for is seen in the payment, and the answer only tells of it.
        of_answer = tuple(rule for rule in first if not rule.startswith("KB-"))
        answer = (*accepted(asked), done(of_answer), *self.not_for_its_age(order))
        answer = (*answer, *self._answer(order, after, context, of_answer))
        shown = ("KB-03", "INV-6", *SHOWN_BY_RELEASE)
        return branch(name, answer, self.view(after, context, blame), after, (*rules, *shown) if rules else ())

    def _reserved(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        accept: Rules = () if step.flag else ("EC-03", "KB-01/reserved")
        records = ("EC-04",) if step.flag else ()
        unchanged = self.view(order, context, self.unchanged)
        branches = []
        if age is not AgeLimit.BEYOND:
            rules = (*accept, *self.young(order)) if age is AgeLimit.WITHIN and accept else ()
            branches.append(self._releases(order, context, rules, "released"))
            if age is AgeLimit.OPEN or step.flag:
                branches.append(branch("refused", refused(()), unchanged, order))
        if age is AgeLimit.BEYOND:
            branches.append(self._too_old(order, context))
        return Expectation(tuple(branches), records)

    def _too_old(self, order: Order, context: ModelContext) -> Branch:
        return self.refused_cancel(order, context, self._too_old_rules(order), BAD_REQUEST, self._codes(context))

    @staticmethod
    def _too_old_rules(order: Order) -> Rules:
        return ("EC-13", "KB-02/beyond", "KB-02b/beyond") if beyond_flat_limit(order) else ("KB-02b/beyond",)

    @staticmethod
    def _codes(context: ModelContext) -> Codes:
        return () if context.allows("C2", "any-code") else ("98",)

    def _partly_captured(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        unchanged = self.view(order, context, self.unchanged)
        if step.flag:
            derived = order.refunded > 0
            branches = []
            if age is not AgeLimit.BEYOND:
                judged = age is AgeLimit.WITHIN and not derived
                rules = ("EC-07", "KB-06", "KB-10", *self.young(order)) if judged else ()
                branches.append(self._releases(order, context, rules, "remainder released"))
                if not judged:
                    branches.append(branch("refused", refused(()), unchanged, order))
            else:
                branches.append(self._too_old(order, context))
            return Expectation(tuple(branches), ("EC-12",) if derived else ())
        rules = self._without_flag(step, ("EC-08", "KB-07", "INV-7"))
        return self.refusal(order, context, rules, self._status(context, age))

    @staticmethod
    def _without_flag(step: Cancel, rules: Rules) -> Rules:
        first, *others = rules
        if step.flag is None:
            return (f"{first}/absent", *others, "KB-09")
        return (f"{first}/false", *others)

    @staticmethod
    def _status(context: ModelContext, age: AgeLimit) -> OneOf | Between:
        if age is not AgeLimit.WITHIN or context.allows("C4", "any-4xx"):
            return REFUSAL
        return one_of(400, 402) if context.allows("C4", "400-or-402") else BAD_REQUEST

    def _fully_captured(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        status = self._status(context, age)
        codes = ALREADY_CAPTURED if age is AgeLimit.WITHIN else ()
        if not step.flag:
            rules = self._without_flag(step, ("EC-09", "KB-08"))
            return self.refusal(order, context, rules, status, codes)
        branches = []
        if context.allows("C8", "reject"):
            branches.append(self.refused_cancel(order, context, ("EC-10",), status, codes, (("C8", "reject"),)))
        if context.allows("C8", "no-op"):
            after = replace(order, repeated=True)
            blame = RulesByAspect(released=("EC-10", *KEPT_BY_CANCEL), kept=KEPT_BY_CANCEL, log=("EC-10",))
            kept = self.view(after, context, blame)
            branches.append(branch("no-op", accepted(("EC-10",)), kept, after, ("EC-10", "INV-3"), (("C8", "no-op"),)))
        return Expectation(tuple(branches))
