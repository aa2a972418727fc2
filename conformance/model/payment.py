"""What eCom and ePayment have in common: a user who approves, rejects, lets time pass, or goes through 3-D Secure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.domain.expectation import Branch, Expectation
from conformance.domain.order import Order, Stage
from conformance.domain.steps import Approve, Enter3DS, Expire, Leave3DS, Reject, Step
from conformance.model.base import RulesByAspect
from conformance.model.claims import Rules, branch, refused
from conformance.model.context import OPENING_WINDOW, ModelContext
from conformance.model.money import MoneyModel


class PaymentModel(MoneyModel):
    """The documented outcomes of what the user of a payment does."""

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, ModelContext], Expectation]]:
        """Return what answers for each kind of step, the user's among them."""
        return {
            **super().handlers(),
            Approve: self._approve,
            Reject: self._reject,
            Expire: self._expire,
            Enter3DS: self._enter_3ds,
            Leave3DS: self._leave_3ds,
        }

    def _approve(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, context, *self._irreversible(order))
        return self._moves(order, context, self.reserved(order), "reserved", RulesByAspect())

    def _reject(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, context, *self._irreversible(order))
        return self._ends(order, context, Stage.REJECTED)

    def _expire(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.stage not in (Stage.INITIATED, Stage.IN_3DS):
            return self._cannot(order, context, *self._irreversible(order))
        return self._ends(order, context, Stage.EXPIRED)

    def _enter_3ds(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, context, *self._irreversible(order))
        return self._moves(order, context, replace(order, stage=Stage.IN_3DS), "in 3-D Secure", RulesByAspect())

    def _leave_3ds(self, order: Order, step: Leave3DS, context: ModelContext) -> Expectation:
        if order.stage is not Stage.IN_3DS:
            return self._cannot(order, context, *self._irreversible(order))
        if step.success:
            return self._moves(order, context, self.reserved(order), "reserved", RulesByAspect())
        return self._ends(order, context, Stage.REJECTED)

    def _ends(self, order: Order, context: ModelContext, stage: Stage) -> Expectation:
        to = replace(order, stage=stage)
        rules = self.end_rules(stage)
        return self._moves(
            order, context, to, stage.value, RulesByAspect.all(*(rule.partition("/")[0] for rule in rules)), rules
        )

    def end_rules(self, stage: Stage) -> Rules:
        """Name the rules about an order that the user rejected or let time out."""
        return (f"KB-12/{stage.value}",)

    def timed_out(self, order: Order, context: ModelContext) -> tuple[Branch, ...]:
        """Permit that an order which was never approved had timed out when a cancel arrived, unnoticed until then."""
        if order.since_initiated < OPENING_WINDOW:
            return ()
        expired = replace(order, stage=Stage.EXPIRED)
        return (branch("timed out", refused(()), self.view(expired, context, RulesByAspect()), expired),)
