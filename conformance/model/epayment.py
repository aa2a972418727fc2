"""ePayment v1: `POST /epayment/v1/payments/{reference}/cancel` with `cancelTransactionOnly`.

Sources: the ePayment guide's cancel, payment states, event log and errors pages, and its OpenAPI descriptions 1.4.1 and
1.8.1. Rule ids are the rulebook's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from conformance.domain.expectation import REFUSED, Between, Branch, Claim, Expectation, Missing, NoneOf, Permitted
from conformance.domain.order import CLOSED, Order, Profile, Stage
from conformance.domain.steps import Addressee, Cancel, Defect, Key
from conformance.model.base import RulesByAspect, without_rules
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    NOT_FOUND,
    REFUSAL,
    UNAUTHORIZED,
    Codes,
    Rules,
    accepted,
    branch,
    done,
    one_of,
    refused,
    refused_or_broken,
)
from conformance.model.context import KEY_MEMORY, AgeLimit, ModelContext, age_for_cancel, beyond_flat_limit
from conformance.model.idempotency import repeated
from conformance.model.money import MoneyRules
from conformance.model.payment import PaymentModel

_DEFECTS: Final[Mapping[Defect, tuple[Rules, Permitted]]] = {
    Defect.NO_TOKEN: (("EP-20",), UNAUTHORIZED),
    Defect.BAD_TOKEN: (("EP-20",), UNAUTHORIZED),
    Defect.NO_BEARER: (("EP-20",), UNAUTHORIZED),
    Defect.NO_SUBSCRIPTION_KEY: (("EP-19",), ANY_REFUSAL),
    Defect.NO_MSN: (("EP-19",), ANY_REFUSAL),
    Defect.MALFORMED_JSON: (("EP-18",), BAD_REQUEST),
    Defect.ARRAY_BODY: (("EP-18",), BAD_REQUEST),
    Defect.FLAG_NOT_BOOLEAN: (("EP-18",), BAD_REQUEST),
    Defect.FLAG_AS_NUMBER: (("EP-18",), BAD_REQUEST),
    Defect.MALFORMED_ID: (("EP-17",), BAD_REQUEST),
}
_STATES: Final[Mapping[Stage, str]] = {
    Stage.INITIATED: "CREATED",
    Stage.IN_3DS: "CREATED",
    Stage.REJECTED: "ABORTED",
    Stage.EXPIRED: "EXPIRED",
}


class EpaymentModel(PaymentModel):
    """What the documentation says of ePayment, step by step."""

    profile = Profile.EPAYMENT
    lock_codes = ("6160", "6250")
    too_old_codes = ("6030",)
    defects = _DEFECTS
    recorded_defects: ClassVar = {}
    money = MoneyRules(
        capture_after_cancel=("EP-33",),
        capture_after_release=("EP-33",),
        capture_too_old=("EP-36",),
        capture_too_old_codes=("6100",),
        refund_after_cancel=("EP-34",),
        refund_after_cancel_codes=(),
        refund_after_release=("EP-35",),
        refund_too_old=("EP-37",),
        refund_too_old_codes=("6220",),
        refund_too_old_status=REFUSAL,
    )

    def end_rules(self, stage: Stage) -> Rules:
        """Name the rules about an order that the user rejected or let time out."""
        rules = super().end_rules(stage)
        return (*rules, "EP-39") if stage is Stage.EXPIRED else rules

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> tuple[Claim, ...]:
        """Claim what the payment and its event log say."""
        if order.lapsed:
            return (Claim("view.captured", one_of(order.captured), blame.kept),)
        reserved = order.since_reserved is not None
        claims = [
            Claim("view.state", one_of(self.state(order)), (*blame.names, "INV-8") if reserved else blame.names),
            Claim("view.currency", one_of(order.currency), ("INV-10",)),
            Claim("view.amount", one_of(order.amount, None), ("INV-10",)),
            Claim("view.authorized", one_of(order.authorized), blame.released),
            Claim("view.captured", one_of(order.captured), blame.kept),
            Claim("view.refunded", one_of(order.refunded), blame.kept),
        ]
        if order.stage not in (Stage.REJECTED, Stage.EXPIRED):
            claims.append(Claim("view.cancelled", one_of(order.cancelled), blame.released))
        if reserved:
            claims.append(Claim("view.log.captured", one_of(order.captured, None), blame.log))
            claims.append(Claim("view.log.refunded", one_of(order.refunded, None), blame.log))
            claims.append(Claim("view.log.cancelled", one_of(order.cancelled, None), blame.log))
        elif order.stage is Stage.CANCELLED:
            # The log is not read after every step.
            events = Between(1, 9, optional=True) if order.repeated else one_of(1, None)
            claims.append(Claim("view.log.terminated", events, blame.log))
        return tuple(claims)

    def lapse_signs(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the state has another name, or that more is cancelled than was."""
        return (
            Claim("view.state", NoneOf((self.state(order),))),
            Claim("view.cancelled", NoneOf((order.cancelled,))),
        )

    def untouched(self, order: Order) -> tuple[Claim, ...]:
        """Claim that nothing is cancelled."""
        return (Claim("view.cancelled", one_of(0), ("INV-1",)),)

    def ended_otherwise(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the user ended it, or let it time out."""
        return (Claim("view.state", one_of(_STATES[Stage.REJECTED], _STATES[Stage.EXPIRED])),)

    @staticmethod
    def state(order: Order) -> str:
        """Return the state's documented name: nothing that happens after authorization changes it."""
        if order.since_reserved is not None:
            return "AUTHORIZED"
        return "TERMINATED" if order.stage is Stage.CANCELLED else _STATES[order.stage]

    def cancel(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        """Say how a cancel may turn out."""
        if step.defect is Defect.MALFORMED_ID:
            return self._malformed(order, context)
        if step.defect is not None:
            return self.defective(order, step, context)
        if step.to is Addressee.UNKNOWN:
            return self.out_of_reach(order, step, context, ("EP-16",), NOT_FOUND, self.codes(context, ("5090",)))
        if step.to is Addressee.FOREIGN:
            expectation = self.out_of_reach(order, step, context, ("EP-16",), one_of(400, 401, 403, 404))
            return self.for_any_sales_unit(expectation, self._own(order, step, context), context)
        plain = self._own(order, step, context)
        if step.key is Key.SPENT:
            return self._spent(order, plain, context)
        if step.key is Key.SAME and order.attempt is not None:
            return self._same_key(order, step, plain, context)
        return plain

    def _malformed(self, order: Order, context: ModelContext) -> Expectation:
        # Whatever holds of the order does not hold of a reference that cannot be one.
        refusal = self.refused_cancel(order, context, ("EP-17",), BAD_REQUEST)
        no_code = Claim("answer.code", Missing(), ("EP-17",))
        return Expectation((replace(refusal, claims=(*refusal.claims, no_code)),))

    def codes(self, context: ModelContext, codes: Codes) -> Codes:
        """Return the documented codes, and none at all where older error bodies are a reading in force (`C21`)."""
        return (*codes, None) if codes and context.allows("C21", "type-only") else codes

    def _spent(self, order: Order, plain: Expectation, context: ModelContext) -> Expectation:
        branches = list(plain.branches)
        if context.allows("C13", "sales-unit-scope"):
            conflict = self.refused_cancel(order, context, (), one_of(409), readings=(("C13", "sales-unit-scope"),))
            branches.append(conflict)
        return Expectation(tuple(branches), plain.records)

    def _same_key(self, order: Order, step: Cancel, plain: Expectation, context: ModelContext) -> Expectation:
        attempt = order.attempt
        if attempt is None:
            return plain
        branches = list(plain.branches) if context.allows("C13", "not-a-parameter") else []
        if bool(attempt.flag) != bool(step.flag):
            rule = "EP-23"
        elif attempt.outcome == REFUSED:
            rule = "EP-24"
        else:
            rule = "EP-22"
        if attempt.flag != step.flag:
            # The bodies differ, even where an absent flag means the same as a false one.
            branches.append(self.refused_cancel(order, context, ("EP-23",), one_of(409, 400, 422)))
            if context.allows("C13", "not-a-parameter"):
                branches.extend(repeated(order, self.view(order, context, RulesByAspect.all("INV-3"))))
        passing = attempt.status in (423, 429) or attempt.stage is Stage.IN_3DS
        if rule == "EP-24" and passing and context.allows("C26", "excludes-transient") and not branches:
            branches.extend(plain.branches)
        if rule != "EP-23":
            view = self.view(order, context, self.unchanged if rule == "EP-24" else RulesByAspect.all("EP-22", "INV-3"))
            branches = [*repeated(order, view, (rule,)), *branches]
        if attempt.ago >= KEY_MEMORY:
            return Expectation((*without_rules(Expectation(tuple(branches))), *without_rules(plain)), plain.records)
        marked = tuple(each if rule in each.rules else replace(each, rules=(*each.rules, rule)) for each in branches)
        return Expectation(marked or plain.branches, plain.records)

    def _own(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        if order.stage is Stage.INITIATED:
            return self._before_approval(order, step, context)
        if order.stage is Stage.IN_3DS:
            rules = ("EP-09", "KB-05")
            view = self.view(order, context, RulesByAspect.all(*rules))
            return Expectation((branch("not now", refused_or_broken(rules), view, order, rules),))
        if order.stage is Stage.REJECTED:
            return self.finished(order, context, ("EP-10",))
        if order.stage is Stage.EXPIRED:
            return self.finished(order, context, ("EP-11",))
        if order.lapsed:
            return self.cancel_of_lapsed(order, context, _too_old_rules(order))
        if order.stage in CLOSED or order.cancelled:
            return self._already_cancelled(order, context)
        if step.flag:
            return self._only_if_not_authorized(order, context)
        if order.remaining == 0:
            return self._fully_captured(order, context)
        return self._authorized(order, context)

    def _before_approval(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        rule = "EP-02" if step.flag else ("EP-01/absent" if step.flag is None else "EP-01/false")
        after = replace(order, stage=Stage.CANCELLED, cancelled=order.amount)
        if age_for_cancel(order, context) is not AgeLimit.WITHIN:
            # Never reserved, and yet old by one reading: either answer is documented.
            return Expectation(
                (
                    self._released(order, after, context, (), "terminated"),
                    self._refuses_quietly(order, context),
                    *self.timed_out(order, context),
                )
            )
        terminated = self._released(order, after, context, (rule, "KB-01/initiated"), "terminated")
        return Expectation((terminated, *self.timed_out(order, context)))

    def _released(self, order: Order, after: Order, context: ModelContext, rules: Rules, name: str) -> Branch:
        cited = tuple(rule for rule in rules if rule.startswith("EP"))
        # What these ask for is seen in the payment, and the answer only tells of it.
        of_answer = tuple(rule for rule in cited if rule not in ("EP-03", "EP-08"))
        event: Rules = ("EP-30",) if order.since_reserved is not None else ("EP-29",)
        # How much is released (EP-08) is not at stake where nothing is.
        asked = tuple(rule for rule in rules if not rule.startswith("KB-02") and rule != "EP-08")
        answer = (
            *accepted(asked),
            done(of_answer),
            *self.not_for_its_age(order),
            Claim("answer.state", one_of(self.state(after)), of_answer),
            Claim("answer.order", one_of("same"), of_answer),
            Claim("answer.currency", one_of(order.currency), ("INV-10",)),
            Claim("answer.amount", one_of(order.amount, None), ("INV-10",)),
            Claim("answer.authorized", one_of(after.authorized), of_answer),
            Claim("answer.cancelled", one_of(after.cancelled), of_answer),
            Claim("answer.captured", one_of(after.captured), ("INV-3", *of_answer)),
            Claim("answer.refunded", one_of(after.refunded), ("INV-3", *of_answer)),
            Claim("answer.psp", one_of("creation", None), ("EP-32",)),
        )
        names = tuple(rule for rule in cited if rule != "EP-08")
        blame = RulesByAspect(released=(*cited, "INV-2"), kept=("INV-3",), names=names, log=event)
        view = self.view(after, context, blame)
        shown: Rules = (*event, "EP-32", "INV-2", "INV-3", "INV-4", "INV-10")
        if order.since_reserved is not None:
            shown = (*shown, "INV-8")
        return branch(name, answer, view, after, (*rules, *shown) if rules else ())

    def _authorized(self, order: Order, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        if age is AgeLimit.BEYOND:
            return self._too_old(order, context)
        rules: Rules = ("EP-05", "EP-03", "KB-01/reserved")
        if order.captured:
            rules = ("EP-06", "EP-08") if not order.refunded else ("EP-42", "EP-08")
        after = replace(order, cancelled=order.remaining)
        if not order.captured:
            after = replace(after, stage=Stage.CANCELLED)
        judged = (*rules, *self.young(order)) if age is AgeLimit.WITHIN else ()
        branches = [self._released(order, after, context, judged, "released")]
        if age is AgeLimit.OPEN:
            branches.append(self._refuses_quietly(order, context))
        return Expectation(tuple(branches))

    def _refuses_quietly(self, order: Order, context: ModelContext) -> Branch:
        view = self.view(order, context, self.unchanged)
        return branch("refused", refused(()), view, order)

    def _too_old(self, order: Order, context: ModelContext) -> Expectation:
        return self.refusal(order, context, _too_old_rules(order), BAD_REQUEST, self.codes(context, ("6030",)))

    def _only_if_not_authorized(self, order: Order, context: ModelContext) -> Expectation:
        rules: Rules = ("EP-04",)
        codes = ["6060"]
        if order.remaining == 0:
            codes.append("6040")
        age = age_for_cancel(order, context)
        if age is not AgeLimit.WITHIN:
            codes.append("6030")
        branches = []
        if context.allows("C15", "refuse-6060"):
            permitted = self.codes(context, tuple(codes))
            readings = (("C15", "refuse-6060"),)
            branches.append(self.refused_cancel(order, context, rules, REFUSAL, permitted, readings))
        if context.allows("C15", "unchanged-200"):
            view = self.view(order, context, RulesByAspect(rules, ("INV-3",), rules, rules))
            answer = (*accepted(rules), Claim("answer.cancelled", one_of(order.cancelled, None), rules))
            branches.append(branch("no-op", answer, view, order, rules, (("C15", "unchanged-200"),)))
        return Expectation(tuple(branches))

    def _fully_captured(self, order: Order, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        codes = ("6040",) if age is AgeLimit.WITHIN else ("6040", "6030")
        return self.refusal(order, context, ("EP-07", "KB-08"), REFUSAL, self.codes(context, tuple(codes)))

    def _already_cancelled(self, order: Order, context: ModelContext) -> Expectation:
        if order.since_reserved is None:
            return self.finished(order, context, ("EP-12",))
        return self.finished(order, context, ("EP-13",))


def _too_old_rules(order: Order) -> Rules:
    flat: Rules = ("EP-14", "EP-15", "KB-02/beyond", "KB-02b/beyond")
    return flat if beyond_flat_limit(order) else ("EP-15", "KB-02b/beyond")
