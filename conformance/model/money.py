"""Captures and refunds around a cancel, as all three APIs have them: what each leaves possible, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from conformance.domain.expectation import Branch, Expectation, Permitted
from conformance.domain.order import CLOSED, Order, Stage
from conformance.domain.steps import Capture, Refund
from conformance.model.base import IRREVERSIBLE, ApiModel, RulesByAspect
from conformance.model.claims import (
    ANY_REFUSAL,
    BAD_REQUEST,
    BOOKS,
    REFUSAL,
    Codes,
    Rules,
    accepted_or_pending,
    branch,
    refused,
)
from conformance.model.context import AgeLimit, ModelContext, age_for_cancel, age_for_refund


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """Which rules of an API govern captures and refunds around a cancel, and the codes that come with them."""

    capture_after_cancel: Rules
    capture_after_release: Rules
    capture_too_old: Rules
    capture_too_old_codes: Codes
    refund_after_cancel: Rules
    refund_after_cancel_codes: Codes
    refund_after_release: Rules
    refund_too_old: Rules
    refund_too_old_codes: Codes
    refund_too_old_status: Permitted = BAD_REQUEST
    after_cancel_status: Permitted = REFUSAL


class MoneyModel(ApiModel):
    """The documented outcomes of captures and refunds."""

    money: ClassVar[MoneyRules]
    least: ClassVar[int] = 1
    """The least amount, in minor units, that the API's description lets a merchant capture or refund."""

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, ModelContext], Expectation]]:
        """Return what answers for each kind of step, captures and refunds among them."""
        return {**super().handlers(), Capture: self._capture, Refund: self._refund}

    def captured(self, order: Order, amount: int) -> Order:
        """Return the order after a capture."""
        since = order.since_captured if order.since_captured is not None else timedelta()
        captured = order.captured + amount
        return replace(order, captured=captured, since_captured=since, since_last_captured=timedelta())

    def refunded(self, order: Order, amount: int) -> Order:
        """Return the order after a refund."""
        return replace(order, refunded=order.refunded + amount)

    def _refuses(
        self, order: Order, context: ModelContext, rules: Rules, status: Permitted = REFUSAL, codes: Codes = ()
    ) -> Branch:
        view = self.view(order, context, RulesByAspect.all(*(rules or BOOKS)))
        return branch("refused", refused(rules, status, codes), view, order, rules)

    def _more_than_there_is(self, order: Order, context: ModelContext, rules: Rules) -> Expectation:
        """Permit nothing but a refusal of a capture or refund that the books could not show: it proves no rule."""
        view = self.view(order, context, RulesByAspect.all(*BOOKS))
        refusal = branch("refused", refused(rules, ANY_REFUSAL), view, order)
        return Expectation((refusal, self.not_done_yet(order, context)))

    def _capture(self, order: Order, step: Capture, context: ModelContext) -> Expectation:
        money = self.money
        if order.stage is Stage.CANCELLED:
            rules = (*money.capture_after_cancel, "INV-2", *IRREVERSIBLE)
            return Expectation((self._refuses(order, context, rules, money.after_cancel_status),))
        if order.cancelled and not order.lapsed:
            rules = (*money.capture_after_release, "INV-2")
            return Expectation((self._refuses(order, context, rules, money.after_cancel_status),))
        age = age_for_cancel(order, context)
        if order.lapsed:
            return Expectation(self.lapsed(order, context, age, money.capture_too_old))
        if order.since_reserved is not None and step.amount > order.remaining:
            return self._more_than_there_is(order, context, ("INV-4", *BOOKS))
        if order.stage in CLOSED or step.amount > order.remaining:
            return Expectation((self._refuses(order, context, (), ANY_REFUSAL),))
        branches = []
        if age is not AgeLimit.BEYOND:
            after = self.captured(order, step.amount)
            view = self.view(after, context, RulesByAspect.all(*BOOKS))
            branches.append(branch("captured", accepted_or_pending(), view, after))
            branches.append(self.not_done_yet(order, context))
            branches.append(self._refuses(order, context, (), ANY_REFUSAL))
        else:
            codes = self.codes(context, money.capture_too_old_codes)
            # What was refunded may be a reason of its own (`C23`).
            status, codes = (REFUSAL, ()) if order.refunded else (BAD_REQUEST, codes)
            branches.append(self._refuses(order, context, money.capture_too_old, status, codes))
        return Expectation(tuple(branches))

    def _refund(self, order: Order, step: Refund, context: ModelContext) -> Expectation:
        money = self.money
        if order.captured == 0:
            if order.stage is Stage.CANCELLED:
                codes = self.codes(context, money.refund_after_cancel_codes)
                status = money.after_cancel_status
                return Expectation((self._refuses(order, context, money.refund_after_cancel, status, codes),))
            return Expectation((self._refuses(order, context, (), ANY_REFUSAL),))
        released = order.cancelled > 0 and not order.lapsed and not order.agreement_stopped
        if step.amount > order.refundable:
            rules = (*money.refund_after_release, *BOOKS) if released else BOOKS
            return self._more_than_there_is(order, context, rules)
        age = age_for_refund(order)
        if age is AgeLimit.BEYOND:
            codes = self.codes(context, money.refund_too_old_codes)
            return Expectation(
                (self._refuses(order, context, money.refund_too_old, money.refund_too_old_status, codes),)
            )
        after = self.refunded(order, step.amount)
        judged = released and age is AgeLimit.WITHIN and step.amount >= self.least
        rules = money.refund_after_release if judged else ()
        view = self.view(after, context, RulesByAspect.all(*(rules or BOOKS)))
        branches = [
            branch("refunded", accepted_or_pending(rules), view, after, rules),
            self.not_done_yet(order, context),
        ]
        if not rules:
            branches.append(self._refuses(order, context, (), ANY_REFUSAL))
        return Expectation(tuple(branches))
