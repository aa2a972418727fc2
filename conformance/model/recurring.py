"""Recurring v3: `DELETE /recurring/v3/agreements/{agreementId}/charges/{chargeId}`.

Sources: the Recurring guide, its list of problems, and its OpenAPI descriptions 2.6.17 and 3.1.2. Rule ids are the
rulebook's. A cancel may be answered 204 (done) or 202 (accepted, not yet done).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from conformance.domain.expectation import (
    ACCEPTED,
    PENDING,
    REFUSED,
    Between,
    Branch,
    Claim,
    Expectation,
    Mentions,
    NoneOf,
    OneOf,
    Permitted,
)
from conformance.domain.order import Attempt, Kind, Order, Profile, Stage
from conformance.domain.steps import (
    Addressee,
    BecomeDue,
    Cancel,
    Charge,
    Defect,
    Fail,
    Initiate,
    Key,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
)
from conformance.domain.steps import Age as AgeStep
from conformance.model.base import RulesByAspect, without_rules
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    NOT_FOUND,
    UNAUTHORIZED,
    Rules,
    accepted,
    accepted_or_pending,
    branch,
    done,
    one_of,
    outcome,
    refused,
)
from conformance.model.context import KEY_MEMORY, AgeLimit, ModelContext, age_for_cancel, beyond_flat_limit
from conformance.model.idempotency import repeated
from conformance.model.money import MoneyModel, MoneyRules

WRONG_STATUS: Final = one_of(400, 409, 422)
WRONG_STATUS_PROBLEMS: Final = ("cancel-charge-failed", "conflict", "operation-failed")
_INVALID_KEY: Final = ("RE-13",)
_DEFECTS: Final[Mapping[Defect, tuple[Rules, Permitted]]] = {
    Defect.NO_TOKEN: (("RE-16",), UNAUTHORIZED),
    Defect.BAD_TOKEN: (("RE-16",), UNAUTHORIZED),
    Defect.NO_SUBSCRIPTION_KEY: (("RE-16",), ANY_REFUSAL),
    Defect.NO_KEY: (_INVALID_KEY, ANY_REFUSAL),
    Defect.LONG_KEY: (_INVALID_KEY, ANY_REFUSAL),
    Defect.ILLEGAL_KEY: (_INVALID_KEY, ANY_REFUSAL),
    Defect.MALFORMED_AGREEMENT: (("RE-15",), ANY_REFUSAL),
}
_WAITING: Final = (Stage.PENDING, Stage.DUE, Stage.PROCESSING)
_MOVED_ON: Final = Claim("view.state", one_of("RESERVED", "CHARGED", "FAILED"))


class RecurringModel(MoneyModel):
    """What the documentation says of Recurring, step by step."""

    profile = Profile.RECURRING
    least = 100
    defects = _DEFECTS
    recorded_defects: ClassVar = {}
    money = MoneyRules(
        capture_after_cancel=("RE-30",),
        capture_after_release=("RE-30",),
        capture_too_old=("RE-32",),
        capture_too_old_codes=(),
        refund_after_cancel=("RE-30",),
        refund_after_cancel_codes=(),
        refund_after_release=("RE-31",),
        refund_too_old=(),
        refund_too_old_codes=(),
        after_cancel_status=ANY_REFUSAL,
    )

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, ModelContext], Expectation]]:
        """Return what answers for each kind of step; the user's part is played by the charge run."""
        return {
            **super().handlers(),
            BecomeDue: self._become_due,
            StartProcessing: self._start_processing,
            Reserve: self._reserve,
            Charge: self._charge,
            Fail: self._fail,
            StopAgreement: self._stop,
        }

    def initiate(self, step: Initiate, context: ModelContext) -> Expectation:
        """Say how a charge comes to be: reserved at once, or waiting for its due date."""
        blank = Order(self.profile, step.kind, step.amount, context.currency, Stage.PENDING)
        stages = (Stage.PENDING, Stage.DUE)
        orders = [replace(blank, stage=stage) for stage in stages]
        if step.kind is Kind.INITIAL_RESERVE:
            orders = [self.reserved(blank)]
        return Expectation(
            tuple(
                branch(order.stage.value, accepted(), self.view(order, context, RulesByAspect()), order)
                for order in orders
            )
        )

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> tuple[Claim, ...]:
        """Claim what the charge says of itself: status, summary and history."""
        if order.lapsed:
            return (Claim("view.captured", one_of(order.captured), blame.kept),)
        partly_released = order.captured and order.cancelled
        names = (*blame.names, "INV-9") if partly_released else blame.names
        return (
            Claim("view.state", one_of(*self.states(order)), names),
            Claim("view.currency", one_of(order.currency, None), ("INV-10",)),
            Claim("view.captured", one_of(order.captured), blame.kept),
            Claim("view.refunded", one_of(order.refunded), blame.kept),
            Claim("view.cancelled", self._cancelled(order), blame.released),
            Claim("view.log.captured", one_of(order.captured), blame.log),
            Claim("view.log.refunded", one_of(order.refunded), blame.log),
            Claim("view.log.cancels", self._cancels(order), blame.log),
            Claim("view.log.cancelled", self._cancelled(order, told=not order.agreement_stopped), blame.log),
        )

    def lapse_signs(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the status has another name, or that more is cancelled than was."""
        return (
            Claim("view.state", NoneOf(self.states(order))),
            Claim("view.cancelled", NoneOf((order.cancelled,))),
        )

    def untouched(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the charge is not cancelled, wholly or in part."""
        return (
            Claim("view.state", NoneOf((Stage.CANCELLED.name,)), ("INV-1",)),
            Claim("view.cancelled", one_of(0), ("INV-1",)),
        )

    def ended_otherwise(self, order: Order) -> tuple[Claim, ...]:
        """Claim that the charge run failed."""
        return (Claim("view.state", one_of(Stage.FAILED.name)),)

    @staticmethod
    def _cancels(order: Order) -> Permitted:
        # Whether a charge's history tells of the agreement's end is not documented.
        if order.repeated:
            return Between(0, 9)
        if order.agreement_stopped:
            return one_of(0, 1)
        return one_of(1 if order.cancelled else 0)

    @staticmethod
    def _cancelled(order: Order, *, told: bool = True) -> OneOf:
        # What is cancelled of a charge that was never reserved is not documented: nothing, or all of it.
        return one_of(order.cancelled) if told and order.since_reserved is not None else one_of(0, order.cancelled)

    @staticmethod
    def states(order: Order) -> tuple[str, ...]:
        """Return the documented names for where a charge is; more than one where refunds leave it open."""
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

    def captured(self, order: Order, amount: int) -> Order:
        """Return the charge after a capture; a fully captured one is charged."""
        after = super().captured(order, amount)
        return replace(after, stage=Stage.CHARGED) if after.remaining == 0 else after

    # The charge run

    def _moves_from(self, order: Order, context: ModelContext, stages: tuple[Stage, ...], to: Order) -> Expectation:
        if order.stage not in stages:
            return self._cannot(order, context, *self._irreversible(order))
        return self._moves(order, context, to, to.stage.value, RulesByAspect())

    def _become_due(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.stage is Stage.DUE:
            return self._cannot(order, context, RulesByAspect())
        return self._moves_from(order, context, (Stage.PENDING,), replace(order, stage=Stage.DUE))

    def _start_processing(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        return self._moves_from(order, context, (Stage.DUE,), replace(order, stage=Stage.PROCESSING))

    def _reserve(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.kind is Kind.CHARGE_DIRECT:
            # RE-29: never reserved. A target that does so all the same says nothing about Cancel.
            return self._cannot(order, context, RulesByAspect())
        return self._moves_from(order, context, (Stage.DUE, Stage.PROCESSING), self.reserved(order))

    def _charge(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        whole = replace(
            order,
            stage=Stage.CHARGED,
            captured=order.amount,
            since_captured=timedelta(),
            since_last_captured=timedelta(),
        )
        return self._moves_from(order, context, (Stage.DUE, Stage.PROCESSING), whole)

    def _fail(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        return self._moves_from(order, context, (Stage.DUE, Stage.PROCESSING), replace(order, stage=Stage.FAILED))

    def _age(self, order: Order, step: AgeStep, context: ModelContext) -> Expectation:
        if order.stage not in (Stage.PENDING, Stage.DUE, Stage.PROCESSING):
            return super()._age(order, step, context)
        # A waiting charge that grows older may meet its due date, and what the charge run then does is its own affair.
        older = order.older(step.by)
        waiting = [replace(older, stage=stage) for stage in _WAITING]
        branches = [
            branch(moved.stage.value, accepted(), self.view(moved, context, RulesByAspect()), moved)
            for moved in waiting
        ]
        moved_on = Branch("the charge run moved it on", (outcome(ACCEPTED), _MOVED_ON), older, proves=False)
        return Expectation((*branches, moved_on))

    # Stopping the agreement

    def _stop(self, order: Order, step: StopAgreement, context: ModelContext) -> Expectation:
        if step.with_other_change:
            rules: Rules = ("RE-27",)
            view = self.view(order, context, RulesByAspect.all(*rules))
            return Expectation((branch("refused", refused(rules, BAD_REQUEST), view, order, rules),))
        stopped = replace(order, agreement_stopped=True)
        kept = self.view(stopped, context, RulesByAspect(kept=("INV-3",)))
        if order.agreement_stopped:
            rules = ("RE-26",)
            view = self.view(stopped, context, RulesByAspect.all(*rules))
            again = branch("no effect", accepted_or_pending(rules), view, stopped, rules)
            return Expectation((again, branch("refused", refused(rules, BAD_REQUEST), view, stopped, rules)))
        released = replace(stopped, stage=Stage.CANCELLED, cancelled=order.amount)
        if order.stage in (Stage.PENDING, Stage.DUE):
            return self._stopped(order, released, context, "RE-22/pending")
        if order.stage is Stage.RESERVED and order.captured == 0 and not order.lapsed:
            return self._stopped(order, released, context, "RE-22/reserved")
        branches = [branch("charge kept", accepted_or_pending(), kept, stopped)]
        if order.stage is Stage.RESERVED and order.remaining:
            rest = replace(stopped, stage=Stage.CHARGED, cancelled=order.remaining)
            branches.append(
                branch("remainder released", accepted_or_pending(), self.view(rest, context, RulesByAspect()), rest)
            )
            return Expectation(tuple(branches), ("RE-23",))
        if order.stage is Stage.PROCESSING:
            claims = self.view(released, context, RulesByAspect())
            branches.append(branch("charge cancelled", accepted_or_pending(), claims, released))
        return Expectation(tuple(branches))

    def _stopped(self, order: Order, released: Order, context: ModelContext, rule: str) -> Expectation:
        name = rule.partition("/")[0]
        view = self.view(released, context, RulesByAspect.all(name))
        young = age_for_cancel(order, context) is AgeLimit.WITHIN
        done = branch("charge cancelled", accepted_or_pending((name,)), view, released, (rule,) if young else ())
        if young:
            return Expectation((done, self.not_done_yet(order, context)))
        # What forbids the charge's own cancel may forbid this one.
        stopped = replace(order, agreement_stopped=True)
        kept = branch("charge kept", accepted_or_pending(), self.view(stopped, context, RulesByAspect()), stopped)
        return Expectation((done, kept, self.not_done_yet(order, context)))

    # Cancel

    def cancel(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        """Say how a cancel may turn out."""
        if step.defect is Defect.NO_KEY and context.allows("C13", "delete-without-key"):
            needless = self._own(order, context)
            return Expectation((*needless.branches, *self.defective(order, step, context).branches), needless.records)
        if step.defect is Defect.MALFORMED_AGREEMENT:
            return self._malformed(order, context)
        if step.defect is not None:
            return self.defective(order, step, context)
        if step.to is not Addressee.OWN:
            return self.out_of_reach(order, step, context, ("RE-14",), NOT_FOUND, ("resource-not-found", None))
        plain = self._own(order, context)
        if step.key is Key.SPENT:
            return self._spent(order, plain, context)
        if step.key is Key.SAME and order.attempt is not None:
            return self._same_key(order, order.attempt, plain, context)
        return plain

    def _malformed(self, order: Order, context: ModelContext) -> Expectation:
        # What makes an agreement's id malformed is not documented: such an agreement may also not be found (`C23`).
        rules: Rules = ("RE-15",)
        named = self.refused_cancel(order, context, rules, ANY_REFUSAL, ("invalid-agreement-id",))
        return Expectation((named, self.refused_cancel(order, context, rules, NOT_FOUND, ("resource-not-found", None))))

    def _spent(self, order: Order, plain: Expectation, context: ModelContext) -> Expectation:
        # Another charge is another request. Where keys belong to one operation on one charge, it is no conflict.
        branches = []
        if context.allows("C13", "operation-scope"):
            readings = (("C13", "operation-scope"),)
            branches = [_citing(each, "RE-11", readings) for each in plain.branches]
        if context.allows("C13", "sales-unit-scope"):
            codes = ("idempotency-conflict", None)
            readings = (("C13", "sales-unit-scope"),)
            branches.append(self.refused_cancel(order, context, ("RE-11",), one_of(409), codes, readings))
        return Expectation(tuple(branches), plain.records) if branches else plain

    def _same_key(self, order: Order, attempt: Attempt, plain: Expectation, context: ModelContext) -> Expectation:
        if attempt.outcome not in (ACCEPTED, PENDING, REFUSED):
            return plain
        rule = "RE-12" if attempt.outcome == REFUSED else "RE-10"
        view = self.view(order, context, self.unchanged if rule == "RE-12" else RulesByAspect.all(rule, "INV-3"))
        branches = repeated(order, view, (rule,))
        passing = attempt.status in (423, 429) or attempt.stage is Stage.PROCESSING
        if rule == "RE-12" and passing and context.allows("C26", "excludes-transient"):
            branches = (*branches, *plain.branches)
        if attempt.ago >= KEY_MEMORY:
            return Expectation((*without_rules(Expectation(branches)), *without_rules(plain)))
        return Expectation(branches)

    def _own(self, order: Order, context: ModelContext) -> Expectation:
        direct: Rules = ("RE-29",) if order.kind is Kind.CHARGE_DIRECT else ()
        match order.stage:
            case Stage.PENDING:
                return self._waiting(order, context, ("RE-01", "KB-01/initiated", *direct))
            case Stage.DUE:
                return self._waiting(order, context, ("RE-02", "KB-01/initiated", *direct))
            case Stage.PROCESSING:
                return self._processing(order, context)
            case Stage.FAILED:
                return self._wrong_status(order, context, ("RE-06",))
            case Stage.CANCELLED:
                return self.finished(order, context, ("RE-09",))
            case Stage.CHARGED:
                return self._wrong_status(order, context, ("RE-05", "KB-08", *direct))
        if order.lapsed:
            return self.cancel_of_lapsed(order, context, _too_old_rules(order))
        return self._reserved(order, context)

    def _wrong_status(self, order: Order, context: ModelContext, rules: Rules) -> Expectation:
        if order.cancelled:
            # The released remainder makes this a second cancel as well, which may be repeated as a success.
            return self.finished(order, context)
        view = self.view(order, context, self.unchanged)
        too_old = age_for_cancel(order, context) is not AgeLimit.WITHIN
        codes = () if too_old else (*WRONG_STATUS_PROBLEMS, None)
        answer = refused(rules, WRONG_STATUS, codes)
        if not too_old:
            answer = (*answer, Claim("answer.detail", Mentions(self.states(order)), ("RE-19",)))
        return Expectation((branch("refused", answer, view, order, (*rules, "RE-19", "INV-1")),))

    def _processing(self, order: Order, context: ModelContext) -> Expectation:
        rules: Rules = ("RE-07",)
        refusal = self.refused_cancel(order, context, rules, one_of(400, 409, 422, 423))
        after = replace(order, stage=Stage.CANCELLED, cancelled=order.amount)
        return Expectation((refusal, self._released(after, context, rules), self.not_done_yet(order, context)))

    def _waiting(self, order: Order, context: ModelContext, rules: Rules) -> Expectation:
        after = replace(order, stage=Stage.CANCELLED, cancelled=order.amount)
        young = age_for_cancel(order, context) is AgeLimit.WITHIN
        branches = [self._released(after, context, rules if young else ()), self.not_done_yet(order, context)]
        if not young:
            branches.append(branch("refused", refused(()), self.view(order, context, self.unchanged), order))
        return Expectation(tuple(branches), ("RE-28",) if order.agreement_stopped else ())

    def _released(self, after: Order, context: ModelContext, rules: Rules) -> Branch:
        cited = tuple(rule for rule in rules if rule.startswith("RE"))
        blame = RulesByAspect(released=(*cited, "RE-21", "INV-2"), kept=("INV-3",), names=cited, log=("RE-21",))
        shown: Rules = ("RE-21", "INV-2", "INV-3", "INV-4", "INV-10")
        view = self.view(after, context, blame)
        asked = tuple(rule for rule in rules if not rule.startswith("KB-02"))
        # Whether it can be cancelled at all (RE-29) is not a matter of the status of a success.
        of_answer = tuple(rule for rule in cited if rule != "RE-29")
        answer = (*accepted_or_pending(asked), done(of_answer, 204, 202))
        return branch("cancelled", answer, view, after, (*rules, *shown) if rules else ())

    def _reserved(self, order: Order, context: ModelContext) -> Expectation:
        age = age_for_cancel(order, context)
        if age is AgeLimit.BEYOND:
            # What was refunded is not in the list of what can be cancelled either (`C23`).
            return self.refusal(order, context, _too_old_rules(order), WRONG_STATUS if order.refunded else BAD_REQUEST)
        after = replace(order, stage=Stage.CHARGED if order.captured else Stage.CANCELLED, cancelled=order.remaining)
        rules: Rules = ("RE-03", "KB-01/reserved", *self.young(order))
        if order.captured:
            rules = ("RE-04", "INV-9", *self.young(order))
        judged = age is AgeLimit.WITHIN and order.refunded == 0 and not order.agreement_stopped
        branches = [self._released(after, context, rules if judged else ()), self.not_done_yet(order, context)]
        if not judged:
            branches.append(branch("refused", refused(()), self.view(order, context, self.unchanged), order))
        return Expectation(tuple(branches), ("RE-28",) if order.agreement_stopped else ())


def _too_old_rules(order: Order) -> Rules:
    return ("RE-18", "KB-02/beyond", "KB-02b/beyond") if beyond_flat_limit(order) else ("RE-18", "KB-02b/beyond")


def _citing(each: Branch, rule: str, readings: tuple[tuple[str, str], ...]) -> Branch:
    """Return a branch that is about another rule before all that it is about already."""
    claims = tuple(replace(claim, rules=(rule, *claim.rules)) if claim.rules else claim for claim in each.claims)
    return replace(each, claims=claims, rules=(rule, *each.rules), readings=readings)
